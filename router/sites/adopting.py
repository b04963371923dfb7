"""Adopting the other site's open interactions: all of them that is in the copy, appended here as facts.

Each comes with its own place in line, its words, its customer. Who may adopt what is decided by claims: a
claim is (n, site), (0, the site where it arrived) at first, and each adoption has one more than any claim
known here. So doing it again does nothing, also after the interaction has ended here.

What this site left to the other one (`moved`) is the exception: its own claim may be the higher one, since an
agent there had it, and it is this one's to serve again once somebody takes over what is open there. Whoever
left something says by that claim nothing more. The copy may be older than what was left: this site handed it
over, and the copy shows it open by the claim of before. So one more counts from the claim it was left to as
well: whoever claimed later serves it, whatever either had seen, and the other one yields.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final  # Any: JSON values

import msgspec

from router.channels.ingest import thread_of
from router.journal.committer import Committer
from router.journal.connection import Connection, Value
from router.journal.database import Database
from router.journal.many_rows import ManyRows, readable_in, rows_in, unless_damaged
from router.journal.readable_ids import readable_ids
from router.records import Fact, fact
from router.run.trouble import NoticeTrouble
from router.sites.adoptees import (
    SENDING,
    Adoptee,
    Adoptees,
    Claim,
    Entry,
    claims,
    left_by,
    message_counts,
    read_adoptees,
)
from router.sites.as_urgent import most_urgent
from router.sites.bringing import bring_content, put_content
from router.sites.copy_damage import chosen, stops
from router.sites.first_receipt import clocks_doubted, is_believed, places_here
from router.sites.followed import taken_up
from router.sites.own_words import leave_hashes_of_own
from router.sites.said_there import left_behind, said_already, said_here

__all__ = [
    "Adopt",
    "Claim",
    "Count",
    "adopt",
    "adopt_all",
    "adoptable",
    "claims",
    "not_adopted",
    "read_adoptees",
]

_log = logging.getLogger("muster.adopting")

LEFT: Final = "moved"
"""Status of an order whose site left it to the other one; so it is that one's to send."""

DUE: Final = "due"
NOT_ADOPTED: Final = "not_adopted"
"""Code of the alarm that an interaction of the other site could not be adopted; its ref is which."""

MESSAGES_AT_ONCE: Final = 2_000
"""Of one append: each is a part of one row of the journal."""

CHUNK: Final = 200
"""Interactions of one append: a tenth of a second in which nobody else appends."""

_OPEN: Final = """
    SELECT interaction_id, urgency, accepted_at_ms FROM interaction
    WHERE closed_seq = 0 AND traffic NOT IN ('probe', 'rehearsal') AND (state <> 'assigned' OR ? = 1)
"""
_OPEN_OF: Final = f"{_OPEN} AND interaction_id IN {{wanted}}"

_WANTED: Final = """
    SELECT interaction_id FROM interaction
    WHERE (closed_seq = 0 OR ? = 1) AND (state <> 'assigned' OR ? = 1) AND interaction_id IN {wanted}
"""


def _insert(table: str, columns: Sequence[str]) -> ManyRows:
    row = ", ".join(f":{column}" for column in columns)
    return ManyRows(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES", f"({row})", "ON CONFLICT DO NOTHING"
    )


_PUT_SENDINGS: Final = _insert("sending", SENDING)
_AS_THERE: Final = (
    "channel",
    "account",
    "traffic",
    "follows",
    "accepted_at_ms",
    "language",
    "reading",
    "queue_id",
    "urgency",
    "rule_id",
    "answered_at_ms",
    "answered_queue_id",
)
"""Columns that come as they are in the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What an adoption came to. known: they were here before, by the same claim or a higher one."""

    adopted: int = 0
    known: int = 0


def adoptable(
    copy: Connection, own: Connection, *, peer: str, site: str, assigned: bool = False
) -> list[str]:
    """Ids of what the other site has open and this one could serve, the most urgent and oldest first.

    What is with an agent there is among them only when `assigned`. What was adopted here before is not,
    unless it was left to the other site since; nor what says nothing that is not said here already.
    """
    return chosen(copy, _open_there(copy, assigned), lambda ids: _coming(copy, own, ids, peer, site))


def not_adopted(own: Connection, *, since_ms: int) -> set[str]:
    """Ids of what could not be adopted since then, or before, and nobody has seen that yet."""
    sql = "SELECT ref FROM alarm WHERE code = :code AND (at_ms >= :since_ms OR seen_at_ms = 0)"
    return {str(row[0]) for row in own.rows(sql, code=NOT_ADOPTED, since_ms=since_ms)}


def _open_there(copy: Connection, assigned: bool) -> list[str]:
    """In the order of the line; last of all, of what is rotten, who may be open there."""
    rows = unless_damaged(copy, lambda: copy.rows_listed(_OPEN, [int(assigned)]))
    rotten: list[str] = []
    if rows is None:
        ids = readable_ids(copy, "interaction", index="interaction_open", where="closed_seq = 0")
        rows, rotten = readable_in(copy, _OPEN_OF, ids, int(assigned))
    return [*(row[0] for row in sorted(rows, key=lambda row: (row[1], row[2], row[0]))), *rotten]


def _coming(copy: Connection, own: Connection, ids: Sequence[str], peer: str, site: str) -> list[str]:
    theirs, ours = claims(copy, ids, site=peer), claims(own, ids, site=site)
    next_ns = claimable(own, theirs, ours)
    coming = [each for each in ids if each in next_ns]
    said = said_here(copy, own, [each for each in coming if each not in ours])
    return [each for each in coming if each not in said]


def claimable(
    own: Connection, theirs: Mapping[str, Claim], ours: Mapping[str, Claim], *, again: bool = False
) -> dict[str, int]:
    """Of these, open there by these claims, what this site may serve, and the n of its claim on it.

    Not what is open here, nor what ended here by a higher claim, unless it was left to the other site. again:
    it is known that it has to be taken up once more.
    """
    ids = list(theirs)
    here, left = _open_here(own, ids), left_by(own, ids)
    return {
        ref: max(claim[0], ours.get(ref, claim)[0], left.get(ref, 0)) + 1
        for ref, claim in theirs.items()
        if ref not in here and (ref not in ours or ours[ref] < claim or ref in left or again)
    }


class Adopt:
    """Append that adopts. Read `adopted`, the ids that this appended, after the commit.

    again: they are over at both sites, and are taken up as urgent as either found them. doubtful: messages of
    theirs that may have left there.
    """

    def __init__(
        self, adoptees: Adoptees, *, site: str, again: bool = False, doubtful: frozenset[str] = frozenset()
    ) -> None:
        self.adopted: tuple[str, ...] = ()
        self._adoptees = adoptees
        self._again, self._doubtful = again, doubtful
        self._site = site

    def write_content(self, db: Connection) -> None:
        """Words and files; what is here already stays."""
        put_content(db, self._adoptees.content)
        leave_hashes_of_own(db, self._adoptees.salts, self._adoptees.hashed())
        _PUT_SENDINGS.run(db, self._adoptees.sendings)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One of each that this site does not serve already, nor ended by a claim that is as high."""
        theirs = {each.interaction_id: each.claim for each in self._adoptees.each}
        ids = list(theirs)
        ours = claims(db, ids, site=self._site)
        ns = claimable(db, theirs, ours, again=self._again)
        coming = [each for each in self._adoptees.each if each.interaction_id in ns]
        had = taken_up(db, {each.interaction_id: each.row["follows"] for each in coming})
        had |= said_already(db, [each for each in coming if each.interaction_id not in ours])
        coming = _in_place(db, [each for each in coming if each.interaction_id not in had])
        if self._again:
            most_urgent(db, coming)
        known_as, whose = _known_as(db, self._adoptees.addresses), _as_here(db, ids)
        behind = left_behind(db, coming)
        self.adopted = tuple(each.interaction_id for each in coming)
        return [
            self._fact(db, each, known_as, whose.get(ref), behind.get(ref), n=ns[ref])
            for each, ref in ((each, each.interaction_id) for each in coming)
        ]

    def brought(self, db: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """All that the copy has of these, as this site calls their people and addresses; to be called under
        the lock."""
        known_as, whose = _known_as(db, self._adoptees.addresses), _as_here(db, ids)
        each_of = {each.interaction_id: each for each in self._adoptees.each}
        facts = [self._fact(db, each_of[ref], known_as, whose.get(ref), None) for ref in ids]
        return {each.ref: msgspec.json.decode(each.data) for each in facts}

    def _fact(
        self,
        db: Connection,
        each: Adoptee,
        known_as: Mapping[str, str],
        here: tuple[int, str, str] | None,
        behind: Sequence[str] | None,
        *,
        n: int = 0,
    ) -> Fact:
        row = each.row
        customer_id, identity_id = _who(db, each, known_as) if here is None else here[1:]
        address_hash = known_as.get(row["address_hash"], row["address_hash"])
        scheduled = row["parked_until_ms"] > 0 and row["queue_id"] != ""
        orders = [
            {**one, "status": DUE if one["status"] == LEFT else one["status"]}
            for one in _by_address(each.outbox, known_as)
        ]
        doubtful = sorted({str(order["message_id"]) for order in orders} & self._doubtful)
        return fact(
            "adopted",
            each.interaction_id,
            **{name: row[name] for name in _AS_THERE},
            from_site=self._adoptees.from_site,
            n=n,
            owner=self._site,
            customer_id=customer_id,
            identity_id=identity_id,
            address_hash=address_hash,
            verified=row["linked_to"] != "",
            thread=_thread(row, address_hash),
            requirement=msgspec.json.decode(row["requirement"]),
            offer_count=max(row["offer_count"], here[0] if here else 0),
            parked_until_ms=row["parked_until_ms"] if scheduled else 0,
            scheduled=scheduled,
            named_agent_id=row["named_agent_id"] if scheduled else "",
            agent_id=row["agent_id"] if row["state"] == "assigned" else "",
            name_content_id=each.name_content_id,
            identities=_by_address(each.identities, known_as),
            messages=each.messages,
            places=each.places,
            outbox=orders,
            consents=self._consents(orders, address_hash, known_as),
            **({"rejoined": behind} if behind else {}),
            **({"again": True} if self._again else {}),
            **({"doubtful": doubtful} if doubtful else {}),
        )

    def _consents(
        self, orders: Sequence[Entry], address_hash: str, known_as: Mapping[str, str]
    ) -> list[Entry]:
        mine = {address_hash, *(order["address_hash"] for order in orders)}
        said = _by_address(self._adoptees.consents, known_as)
        return [each for each in said if each["address_hash"] in mine]


def _by_address(entries: Sequence[Entry], known_as: Mapping[str, str]) -> list[Entry]:
    """These, each with what this site calls its address."""
    return [
        {**each, "address_hash": known_as.get(each["address_hash"], each["address_hash"])} for each in entries
    ]


def adopt_all(
    own: Committer,
    database: Database,
    copy: Database,
    *,
    site: str,
    peer: str,
    assigned: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Count:
    """Adopts whatever may be adopted, 200 at a time. Shape: progress is told (done, of). Raises as the
    committer does: what was adopted before stays, and the same call goes on."""
    with copy.reading() as theirs, database.reading() as ours:
        ids = adoptable(theirs, ours, peer=peer, site=site, assigned=assigned)
    adopted = 0
    for at in range(0, len(ids), CHUNK):
        part = ids[at : at + CHUNK]
        adopted += len(adopt(own, copy, part, site=site, peer=peer, assigned=assigned))
        progress(min(at + CHUNK, len(ids)), len(ids))
    return Count(adopted=adopted, known=len(ids) - adopted)


def adopt(
    own: Committer,
    copy: Database,
    ids: Sequence[str],
    *,
    site: str,
    peer: str,
    assigned: bool = True,
    ended: bool = False,
) -> tuple[str, ...]:
    """Adopts these, if they may be; which were. One that cannot be holds up no other: an alarm names it.

    Shape:  what is with an agent there only when `assigned`, what has ended there only when `ended`: the
            copy may have heard of either since somebody chose them.
    Raises: as the committer and databases do; what was adopted before stays.
    """
    left = list(ids)
    try:
        left, many = _wanted(copy, ids, ended=ended, assigned=assigned)
        if len(left) < 2 or not many:
            return _adopt_now(own, copy, left, site=site, peer=peer, again=ended) if left else ()
    except Exception as fault:  # one row of theirs that nobody foresaw, or that is rotten
        if stops(fault, copy):
            raise
        if len(left) == 1:
            _log.exception("not adopted interaction=%s", left[0])
            alarm = NoticeTrouble(code=NOT_ADOPTED, ref=left[0], detail=type(fault).__name__)
            own.submit(alarm).result()
            return ()
    half = len(left) // 2
    parts = (left[:half], left[half:])
    some = {"site": site, "peer": peer}
    return tuple(
        ref for part in parts for ref in adopt(own, copy, part, assigned=assigned, ended=ended, **some)
    )


def _wanted(copy: Database, ids: Sequence[str], *, ended: bool, assigned: bool) -> tuple[list[str], bool]:
    """Those of these that may be adopted by what the copy says now; and whether they say too much for one
    append."""
    with copy.reading() as theirs:
        found = {str(row[0]) for row in rows_in(theirs, _WANTED, ids, int(ended), int(assigned))}
        many = sum(message_counts(theirs, sorted(found)).values()) > MESSAGES_AT_ONCE
    return [each for each in ids if each in found], many


def _adopt_now(
    own: Committer, copy: Database, ids: Sequence[str], *, site: str, peer: str, again: bool
) -> tuple[str, ...]:
    with copy.reading() as theirs:
        found = read_adoptees(theirs, ids, from_site=peer)
    bring_content(own, copy, found.ahead)
    append = Adopt(found, site=site, again=again)
    own.submit(append).result()
    return append.adopted


def _in_place(db: Connection, coming: Sequence[Adoptee]) -> list[Adoptee]:
    """Each at the place it has there, or had here before where that was earlier."""
    here = places_here(db, [each.interaction_id for each in coming], open_only=False)
    found: list[Adoptee] = []
    for each in coming:
        there_ms = int(each.row["accepted_at_ms"])
        here_ms = here.get(each.interaction_id, there_ms)
        doubted = here_ms < there_ms and clocks_doubted(db, earlier_ms=here_ms)
        if is_believed(here_ms, there_ms, doubted=doubted):
            each = replace(each, row={**each.row, "accepted_at_ms": here_ms})
        found.append(each)
    return found


def _as_here(db: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str, str]]:
    """Of those of these that were here before: how often each was offered, and whose it is here.

    An offer's id is never given twice at one site; and each site may know somebody by ids of its own.
    """
    sql = """SELECT interaction_id, offer_count, customer_id, identity_id FROM interaction
        WHERE interaction_id IN {wanted}"""
    return {str(row[0]): (int(row[1]), str(row[2]), str(row[3])) for row in rows_in(db, sql, ids)}


def _open_here(db: Connection, ids: Sequence[str]) -> set[str]:
    sql = "SELECT interaction_id FROM interaction WHERE closed_seq = ? AND interaction_id IN {wanted}"
    return {str(row[0]) for row in rows_in(db, sql, ids, 0)}


def _known_as(db: Connection, addresses: Sequence[Entry]) -> dict[str, str]:
    """What this site calls these addresses, by the other site's hash of each; new ones keep theirs."""
    known: dict[str, str] = {}
    for each in addresses:
        key: dict[str, Value] = {"kind": each["kind"], "address": each["address"]}
        found = db.row("SELECT address_hash FROM address WHERE kind = :kind AND address = :address", **key)
        if found is None:
            db.run(
                "INSERT INTO address (kind, address, address_hash, salt)"
                " VALUES (:kind, :address, :address_hash, :salt)",
                **{**each, "salt": bytes(each["salt"])},
            )
        known[each["address_hash"]] = str(found[0]) if found else each["address_hash"]
    return known


def _who(db: Connection, each: Adoptee, known_as: Mapping[str, str]) -> tuple[str, str]:
    """(customer, identity) as this site knows them, if it does."""
    row = each.row
    mine = next((one for one in each.identities if one["identity_id"] == row["identity_id"]), None)
    if mine is None or known_as.get(mine["address_hash"], mine["address_hash"]) == mine["address_hash"]:
        return row["customer_id"], row["identity_id"]
    found = db.row(
        """SELECT customer_id, identity_id FROM identity WHERE address_hash = :address_hash
           AND channel = :channel AND account = :account AND verified = :verified ORDER BY identity_id""",
        address_hash=known_as[mine["address_hash"]],
        channel=mine["channel"],
        account=mine["account"],
        verified=mine["verified"],
    )
    return (str(found[0]), str(found[1])) if found else (row["customer_id"], row["identity_id"])


def _thread(row: Entry, address_hash: str) -> str:
    """What contacts join it by: the same, unless this site calls its address otherwise."""
    by_address = thread_of(row["channel"], row["account"], row["address_hash"])
    if row["thread"] != by_address:
        return str(row["thread"])
    return thread_of(row["channel"], row["account"], address_hash)
