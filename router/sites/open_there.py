"""What is open at the other site and may be joined from here, though it never was here.

Who wrote there (their number was moved for hours, or their provider fell back to it) writes here next, and
their matter is there, with an agent perhaps. Which those are follows from the copy, so what is kept here
(`open_there`, LOCAL) is only an index of it: by the thread that this site gives to such a contact. Joining
(channels/joining.py) finds it in its one question; then the other site is asked, and it alone decides.

Looked at are the rows that the copy took since the last look. A new role goes once through all that is open
there, a page at a time, and leaves nothing behind that is not.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.channels.ingest import thread_of
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.journal.many_rows import ManyRows, readable_in, rows_in, unless_damaged
from router.journal.stream import OWN_ROWS, last_seq
from router.records import Fact
from router.sites.copy_damage import open_ids

PAGE: Final = 500
PAGES_MAX: Final = 8
"""Of one look: a rush there does not keep the other steps of the follower waiting."""

AT_ONCE: Final = 200
"""Of one transaction: some milliseconds in which nobody else appends."""

JOINS_NOTHING: Final = ("voice", "chat")
"""Channels whose contacts join by no address: a call joins nothing, and a chat's page goes there itself."""

ALONE: Final = ", ".join(f"'{each}'" for each in JOINS_NOTHING)

KINDS: Final = "('arrived', 'adopted', 'closed', 'yielded', 'call_back_opened')"
"""After which something is open there that was not, or the other way round."""

_JOINABLE: Final = f"""
    SELECT interaction_id, channel, account, address_hash, thread FROM interaction
    WHERE closed_seq = 0 AND thread <> '' AND channel NOT IN ({ALONE})
        AND traffic NOT IN ('probe', 'rehearsal')
"""
_ALL: Final = f"{_JOINABLE} AND interaction_id > :after ORDER BY interaction_id LIMIT {PAGE}"
_THESE: Final = f"{_JOINABLE} AND interaction_id IN {{wanted}}"
_NEWS: Final = f"""
    SELECT seq, ref FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind IN {KINDS}
    ORDER BY seq LIMIT {PAGE}
"""
_ADDRESSES: Final = "SELECT kind, address, address_hash, salt FROM address WHERE address_hash IN {wanted}"
_KNOWN_AS: Final = "SELECT address, address_hash FROM address WHERE kind = ? AND address IN {wanted}"
_HERE: Final = "SELECT interaction_id FROM interaction WHERE interaction_id IN {wanted}"
_KEPT: Final = "SELECT interaction_id FROM open_there WHERE interaction_id IN {wanted}"
_KEPT_AFTER: Final = "SELECT interaction_id FROM open_there WHERE interaction_id > :after"
_KEPT_BETWEEN: Final = f"{_KEPT_AFTER} AND interaction_id <= :through"
_DROP: Final = "DELETE FROM open_there WHERE interaction_id = :id"
_PUT_ADDRESSES: Final = ManyRows(
    "INSERT INTO address (kind, address, address_hash, salt) VALUES",
    "(:kind, :address, :address_hash, :salt)",
)
_PUT: Final = ManyRows(
    "INSERT INTO open_there (interaction_id, thread) VALUES",
    "(:interaction_id, :thread)",
    "ON CONFLICT (interaction_id) DO UPDATE SET thread = excluded.thread",
)

_log = logging.getLogger("muster.sites")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where somebody is reached, and what the other site calls it."""

    kind: str
    address: str
    address_hash: str
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Joinable:
    """An interaction that is open there.

    Shape: address is that of the person whose contacts join it; None where they join by a thread that is the
           same at both sites (a reply token of mail).
    """

    interaction_id: str
    channel: str
    account: str
    thread: str
    address: Address | None = None

    def thread_here(self, known_as: Mapping[tuple[str, str], str]) -> str:
        """What this site calls its thread; known_as are hashes of addresses here."""
        if self.address is None:
            return self.thread
        found = known_as[self.address.kind, self.address.address]
        return thread_of(self.channel, self.account, found)


class KeepOpenThere:
    """Append without facts: the index as it should be. An address nobody here has heard of keeps its hash."""

    def __init__(self, *, put: Sequence[Joinable], drop: Sequence[str]) -> None:
        self._put, self._drop = put, drop

    @property
    def count(self) -> int:
        """How many rows it changes."""
        return len(self._put) + len(self._drop)

    def parts(self) -> Iterator["KeepOpenThere"]:
        """The same in transactions that are short."""
        for at in range(0, len(self._drop), AT_ONCE):
            yield KeepOpenThere(put=(), drop=self._drop[at : at + AT_ONCE])
        for at in range(0, len(self._put), AT_ONCE):
            yield KeepOpenThere(put=self._put[at : at + AT_ONCE], drop=())

    def singly(self) -> Iterator["KeepOpenThere"]:
        """Each row by itself."""
        yield from (KeepOpenThere(put=(), drop=(each,)) for each in self._drop)
        yield from (KeepOpenThere(put=(each,), drop=()) for each in self._put)

    def write_content(self, db: Connection) -> None:
        """None: what an address is called is decided under the lock."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """None."""
        for each in self._drop:
            db.run(_DROP, id=each)
        known_as = _known_as(db, [each.address for each in self._put if each.address is not None])
        rows = [
            {"interaction_id": each.interaction_id, "thread": each.thread_here(known_as)}
            for each in self._put
        ]
        _PUT.run(db, rows)
        return ()


class OpenThere:
    """The follower's step. It remembers how far it has looked; a new one looks at all that is open there."""

    def __init__(self) -> None:
        self._after: str | None = ""
        """Through which id the first look has come; None once it is done."""
        self._seen = -1

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """Keep what is new in the copy. Raises CommitUnknown, DatabaseGone, DatabaseBusy."""
        for _ in range(PAGES_MAX):
            look = self._all if self._after is not None else self._news
            if not look(committer, own, copy):
                return

    def _all(self, committer: Committer, own: Database, copy: Database) -> bool:
        """One page of all that is open there. Whether there is more to look at."""
        after = self._after or ""
        with copy.reading() as theirs, own.reading() as ours:
            seen = last_seq(theirs) if self._seen < 0 else self._seen
            found, through = _page(theirs, after)
            if through:
                rows = ours.rows(_KEPT_BETWEEN, after=after, through=through)
            else:
                rows = ours.rows(_KEPT_AFTER, after=after)
            change = _change(theirs, ours, found, [str(row[0]) for row in rows])
        _take(committer, change)
        self._seen, self._after = seen, through or None
        return True

    def _news(self, committer: Committer, own: Database, copy: Database) -> bool:
        """One page of what the copy took since. Whether there is more to look at."""
        with copy.reading() as theirs, own.reading() as ours:
            news = theirs.rows(_NEWS, after=self._seen)
            seen = int(news[-1][0]) if len(news) == PAGE else last_seq(theirs)
            refs = sorted({str(ref) for _, ref in news})
            kept = [str(row[0]) for row in rows_in(ours, _KEPT, refs)]
            change = _change(theirs, ours, readable_in(theirs, _THESE, refs)[0], kept)
        _take(committer, change)
        self._seen = seen
        return len(news) == PAGE


def _page(theirs: Connection, after: str) -> tuple[list[tuple[Any, ...]], str]:
    """What is open there after this id, and through which id; empty: it is the last page. What is rotten in
    the copy is left out: nothing can join it."""
    found = unless_damaged(theirs, lambda: theirs.rows(_ALL, after=after))
    if found is not None:
        return found, str(found[-1][0]) if len(found) == PAGE else ""
    ids = sorted(each for each in open_ids(theirs) if each > after)[:PAGE]
    return readable_in(theirs, _THESE, ids)[0], ids[-1] if len(ids) == PAGE else ""


def _change(
    theirs: Connection, ours: Connection, found: Sequence[tuple[Any, ...]], kept: Sequence[str]
) -> KeepOpenThere:
    """What of these open ones is to be kept, and which of those that are kept is not open there any more."""
    here = {str(row[0]) for row in rows_in(ours, _HERE, [str(row[0]) for row in found])}
    rows = [row for row in found if row[0] not in here]
    wanted, before = {str(row[0]) for row in rows}, set(kept)
    return KeepOpenThere(
        put=_joinable(theirs, [row for row in rows if row[0] not in before]),
        drop=[each for each in kept if each not in wanted],
    )


def _joinable(theirs: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Joinable]:
    """Without those whose person's address was erased: nothing can join them by it."""
    addresses = {
        str(row[2]): Address(kind=row[0], address=row[1], address_hash=row[2], salt=bytes(row[3]))
        for row in readable_in(theirs, _ADDRESSES, sorted({str(row[3]) for row in rows if row[3]}))[0]
    }
    found: list[Joinable] = []
    for interaction_id, channel, account, address_hash, thread in rows:
        by_address = bool(address_hash) and thread == thread_of(channel, account, address_hash)
        if by_address and address_hash not in addresses:
            continue
        found.append(
            Joinable(
                interaction_id=interaction_id,
                channel=channel,
                account=account,
                thread=thread,
                address=addresses[address_hash] if by_address else None,
            )
        )
    return found


def _take(committer: Committer, change: KeepOpenThere) -> None:
    """Some at a time; where one of them cannot be kept, the others without it."""
    for part in change.parts():
        try:
            committer.submit(part).result()
        except (CommitUnknown, DatabaseBusy, DatabaseGone):
            raise
        except Exception:  # noqa: BLE001 - one row of theirs that nobody foresaw
            if part.count == 1:
                _log.exception("not kept that it is open there")
                continue
            for each in part.singly():
                _take(committer, each)


def _known_as(db: Connection, addresses: Sequence[Address]) -> dict[tuple[str, str], str]:
    """Hashes by (kind, address); of a new one that of the other site."""
    new = {(each.kind, each.address): each for each in addresses}
    known: dict[tuple[str, str], str] = {}
    for kind in sorted({kind for kind, _ in new}):
        wanted = sorted(address for each, address in new if each == kind)
        known |= {(kind, str(row[0])): str(row[1]) for row in rows_in(db, _KNOWN_AS, wanted, kind)}
    added = [each for key, each in new.items() if key not in known]
    _PUT_ADDRESSES.run(db, [asdict(each) for each in added])
    return known | {(each.kind, each.address): each.address_hash for each in added}
