"""Finds the call or text of a telephone that said where it is (AML), and gives the place to it.

The report may come before the call does, or half a minute into it, and several of one call are normal. So
each looks for open conversations of its number for a minute. What then belongs to nobody is a contact of its
own: somebody dialled and never reached us. A position that follows its person (Telegram's live ones) is dealt
with at once: it belongs to what is open, else to what was there last. It runs in every web process; one of
them does it at a time.

Whoever was moved to the other site is placed there: it is brought the report, and looks for itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final  # Any: columns of a row

from config.plan import Plan
from config.words import MOVED, STAGED
from router.channels import aml_form
from router.channels.ids import place_id_of
from router.channels.ingest import Keeper, NotKept, keep
from router.channels.located import KeptPlace, located, places_in, put_place
from router.channels.port import Contact
from router.channels.showing import shown_of
from router.journal.clock import SteadyClock
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.places.place import Place
from router.records import Fact, Row, fact
from router.run.intake import claim_sweep

SWEEP_S: Final = 1.0
WAIT_MS: Final = 60_000
"""A telephone reports at its fix, or about 20 s after it dialled; a call may take as long to get here."""

AFTER_MS: Final = 600_000
"""A call that ended so shortly before is whose report it is: somebody hung up."""

AT_ONCE: Final = 250
"""Looked at in one go of the newest, and of the others in turn. Each waits a minute, so that in a disaster
there are thousands: whoever has just called must not wait behind them."""

CLAIM: Final = "sightings"

_WAITING: Final = (
    "SELECT sighting_id, channel, account, address_hash, address_kind, content_id, received_at_ms, at_ms,"
    " traffic, follows FROM sighting WHERE became = ''"
)
_NEWEST: Final = f"{_WAITING} ORDER BY at_ms DESC, sighting_id DESC LIMIT :n"
_IN_TURN: Final = (
    f"{_WAITING} AND (at_ms, sighting_id) > (:at_ms, :sighting_id) ORDER BY at_ms, sighting_id LIMIT :n"
)
_OF_NUMBER: Final = (
    "SELECT i.interaction_id, i.closed_seq, i.closed_at_ms, i.closed_why FROM identity d"
    " JOIN interaction i ON i.identity_id = d.identity_id"
    " WHERE d.address_hash = :address_hash"
    " AND (i.closed_seq = 0 OR i.closed_at_ms > :since_ms OR i.closed_why = :moved)"
    " ORDER BY i.arrived_seq DESC, i.interaction_id LIMIT 50"
)

_CALLS: Final = (
    "SELECT i.interaction_id FROM call k JOIN interaction i ON i.interaction_id = k.interaction_id"
    " WHERE k.ended_ms = 0 AND i.address_hash = :address_hash AND i.closed_seq = 0 ORDER BY i.interaction_id"
)
"""Calls that go on: one whose number was withheld has no identity, and its network told us the number."""

FIRST: Final = (0, "")

_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone, NotKept)

_log = logging.getLogger("muster.sightings")

There = Callable[[Contact], Awaitable[bool | None]]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One report that waits; array order is _WAITING's."""

    sighting_id: str
    channel: str
    account: str
    address_hash: str
    address_kind: str
    content_id: str
    received_at_ms: int
    at_ms: int
    traffic: str
    follows: int


class Sightings:
    """The loop of one web process.

    Shape: there(report) brings it to the other site (Forwarder.located).
    """

    def __init__(
        self,
        database: Database,
        committer: Committer,
        plan: Callable[[], Plan],
        *,
        web_id: str,
        there: There | None = None,
    ) -> None:
        self._database = database
        self._committer = committer
        self._plan = plan
        self._web_id = web_id
        self._wake = asyncio.Event()
        self._clock = SteadyClock()
        self._turn = FIRST
        self._there = there
        self._answers: dict[str, bool | None] = {}
        """What the other site said of those that are waited for: has it somebody there? None: nothing yet."""

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener: a new report is looked at at once."""
        if any(row.kind == "sighted" for row in rows):
            self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.sweep()
            except _AWAY as problem:
                _log.warning("no places now error=%s", type(problem).__name__)
            except Exception:  # noqa: BLE001 - drivers raise many kinds; it is looked again
                _log.exception("telephones' reports could not be looked for")
            try:
                await asyncio.wait_for(self._wake.wait(), SWEEP_S)
            except TimeoutError:
                continue

    async def sweep(self) -> int:
        """Deal with what waits; how many there are. Raises CommitUnknown, NotKept, what a database raises."""
        waiting = await asyncio.to_thread(self._left)
        for sighting in waiting:
            try:
                await self._place(sighting)
            except _AWAY:
                raise
            except Exception:  # noqa: BLE001 - our own mistake with one report must not end the others
                _log.exception("a telephone's report could not be placed")
        return len(waiting)

    async def _place(self, sighting: Sighting) -> None:
        place = PlaceSighting(sighting, there=await self._is_there(sighting))
        await self._committer.append(place)
        if place.nobodys:
            await self._keep_as_contact(sighting)
        if place.over:
            self._answers.pop(sighting.sighting_id, None)

    async def _is_there(self, sighting: Sighting) -> bool:
        """Whether the other site has it, and somebody whose report it is. Asked until it answers."""
        ref, answered = sighting.sighting_id, self._answers
        if self._there and self._asks(sighting) and await asyncio.to_thread(self._is_moved, sighting):
            contact = await asyncio.to_thread(self._contact, sighting)
            if contact is not None:
                answered[ref] = await self._there(replace(contact, follows=bool(sighting.follows)))
        return answered.get(ref) is True

    def _is_moved(self, sighting: Sighting) -> bool:
        with self._database.reading() as db:
            return targets_of(db, sighting, 0).moved

    def _left(self) -> list[Sighting]:
        with self._database.reading() as db:
            found = self._looked_at(db)
            head = db.row("SELECT last_at_ms FROM stream WHERE own = 1") if found else None
            self._clock.at_least(head[0] if head else 0)
            now_ms = self._clock()
            due = [each for each in found if _has_news(db, each, now_ms, asks=self._asks(each))]
        return due if due and claim_sweep(self._database, CLAIM, self._web_id) else []

    def _asks(self, sighting: Sighting) -> bool:
        """Whether the other site is to be asked about it, if its person was moved."""
        is_asked = self._there is not None and sighting.traffic not in STAGED
        return is_asked and self._answers.get(sighting.sighting_id) is None

    def _looked_at(self, db: Connection) -> list[Sighting]:
        """The newest, and those whose turn it is, oldest first."""
        at_ms, sighting_id = self._turn
        others = db.rows(_IN_TURN, at_ms=at_ms, sighting_id=sighting_id, n=AT_ONCE)
        in_turn = [_sighting(row) for row in others]
        last = in_turn[-1] if len(in_turn) == AT_ONCE else None
        self._turn = FIRST if last is None else (last.at_ms, last.sighting_id)
        found = {each.sighting_id: each for each in (*map(_sighting, db.rows(_NEWEST, n=AT_ONCE)), *in_turn)}
        return sorted(found.values(), key=lambda each: (each.at_ms, each.sighting_id))

    async def _keep_as_contact(self, sighting: Sighting) -> None:
        """The sighting's id names the contact, so doing it twice keeps one. Raises NotKept, CommitUnknown."""
        contact = await asyncio.to_thread(self._contact, sighting)
        if contact is not None:
            keeper = Keeper(web_id=self._web_id, read_within_ms=self._plan().limits.read_within_ms)
            await keep(self._committer, contact, keeper)
        await self._committer.append_facts(fact("sighting_placed", sighting.sighting_id, became="contact"))

    def _contact(self, sighting: Sighting) -> Contact | None:
        """The report as a contact of its number; None where it was erased."""
        with self._database.reading() as db:
            found = _content(db, sighting)
            address = db.row(
                "SELECT min(address) FROM address WHERE address_hash = :hash", hash=sighting.address_hash
            )
        if found is None:
            return None
        media_type, body = found
        number = str(address[0]) if address and address[0] else ""
        return Contact(
            channel=sighting.channel,
            account=sighting.account,
            provider_id=sighting.sighting_id,
            verified=media_type != aml_form.media_type or aml_form.is_signed(body),
            address_kind=sighting.address_kind,
            address=number,
            linked=bool(number),
            media_type=media_type,
            body=body,
            received_at_ms=sighting.received_at_ms,
            traffic=sighting.traffic,
        )


class PlaceSighting:
    """Append: the place for every conversation of its number that has not got it. After a minute that is all.

    Read after the commit: `nobodys`, nobody called, so it becomes a contact; `over`: it is looked at no more.

    Shape: there says that it is with somebody at the other site, and belongs here only to what is open.
    """

    def __init__(self, sighting: Sighting, *, there: bool = False) -> None:
        self.nobodys = False
        self.over = False
        self._sighting = sighting
        self._is_there = there

    def write_content(self, db: Connection) -> None:
        """Nothing: whose it is, is decided under the lock."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the counter's lock: two processes do it once."""
        self.nobodys = self.over = False
        sighting = self._sighting
        found = db.row("SELECT became FROM sighting WHERE sighting_id = :id", id=sighting.sighting_id)
        if found is None or found[0]:
            return ()
        found_here = targets_of(db, sighting, at_ms)
        targets = found_here.open or (() if self._is_there else found_here.last)
        places = self._places(db)
        over = self.over = _is_over(sighting, at_ms)
        if not targets and not self._is_there:
            self.nobodys = over
            return ()
        for each in places if targets else ():
            put_place(db, each, at_ms=at_ms)
        facts = [
            located(interaction_id, each)
            for interaction_id in targets
            for each in places
            if not _has(db, interaction_id, each.place_id)
        ]
        if over:
            became = MOVED if not targets else "located" if places else "no_fix"
            facts.append(fact("sighting_placed", sighting.sighting_id, became=became))
        return facts

    def _places(self, db: Connection) -> list[KeptPlace]:
        found = _content(db, self._sighting)
        places = () if found is None else _said(*found)
        return [
            KeptPlace(
                place_id=place_id_of(self._sighting.sighting_id, number),
                place=place,
                received_at_ms=self._sighting.received_at_ms,
            )
            for number, place in enumerate(places)
        ]


def _sighting(row: Sequence[Any]) -> Sighting:
    return Sighting(*row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Whose report it may be.

    Shape: open conversations of its number; the last one that ended, if that was just now; moved says that
           one went to the other site.
    """

    open: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    moved: bool = False


def targets_of(db: Connection, sighting: Sighting, now_ms: int) -> Targets:
    """As the tables have it now."""
    if not sighting.address_hash:
        return Targets()
    since_ms = 0 if sighting.follows else now_ms - AFTER_MS
    rows = db.rows(_OF_NUMBER, address_hash=sighting.address_hash, since_ms=since_ms, moved=MOVED)
    calls = [interaction_id for (interaction_id,) in db.rows(_CALLS, address_hash=sighting.address_hash)]
    still_open = dict.fromkeys([*calls, *(ref for ref, closed_seq, *_ in rows if not closed_seq)])
    ended = [ref for ref, closed_seq, at_ms, _ in rows if closed_seq and at_ms > since_ms]
    moved = any(closed_seq and why == MOVED for _, closed_seq, _, why in rows)
    return Targets(open=tuple(still_open), last=tuple(ended[:1]), moved=moved)


def _has_news(db: Connection, sighting: Sighting, now_ms: int, *, asks: bool) -> bool:
    """Whether there is anything to append for it now: asked without a lock, at every look."""
    if _is_over(sighting, now_ms):
        return True
    place_id = place_id_of(sighting.sighting_id, 0)
    found_here = targets_of(db, sighting, now_ms)
    if asks and found_here.moved:
        return True
    targets = found_here.open or found_here.last
    if not targets or all(_has(db, each, place_id) for each in targets):
        return False
    found = _content(db, sighting)
    return found is not None and bool(_said(*found))


def _said(media_type: str, body: bytes) -> tuple[Place, ...]:
    """Where a report says that somebody is. A mistake of ours may cost this point, and no other report."""
    try:
        return places_in(shown_of(media_type, body))
    except Exception as mistake:  # noqa: BLE001 - content never causes loss
        _log.error("places not read error=%s", type(mistake).__name__)
        return ()


def _is_over(sighting: Sighting, now_ms: int) -> bool:
    """Whether nothing more is waited for."""
    return now_ms - sighting.at_ms >= WAIT_MS or not sighting.address_hash or bool(sighting.follows)


def _has(db: Connection, interaction_id: str, place_id: str) -> bool:
    found = db.row(
        "SELECT 1 FROM place WHERE interaction_id = :interaction_id AND place_id = :place_id",
        interaction_id=interaction_id,
        place_id=place_id,
    )
    return found is not None


def _content(db: Connection, sighting: Sighting) -> tuple[str, bytes] | None:
    found = db.row("SELECT media_type, body FROM content WHERE content_id = :id", id=sighting.content_id)
    return None if found is None else (str(found[0]), bytes(found[1]))
