"""Reading: what each kept message needs (language, urgency, queue), as a fact within a second of its arrival.

It runs in every web process and reads what its own process kept, at once; what a dead process left unread,
whoever holds the sweep's claim picks up. Two readers of one message are harmless: the second append finds it
read. A message that cannot be read, or takes too long, is marked unparsed with its channel's defaults: a
human sees it as it is.
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final  # Any: columns of a row

import msgspec

from config.plan import Plan
from router.channels import notices
from router.channels.ids import part_id_of, place_id_of
from router.channels.located import KeptPlace, located, places_in, put_place
from router.channels.port import UNPARSED, Shown
from router.channels.showing import shown_of
from router.journal.appends import SALT_BYTES, storable
from router.journal.clock import SteadyClock
from router.journal.committer import Committer, CommitUnknown
from router.journal.database import Connection, Database
from router.journal.many_rows import rows_in
from router.records import Fact, Row, fact
from skills.language import detect
from skills.requirement import Requirement
from skills.triage import CHANNEL_RULE, Contact, Reading, Triage

SWEEP_S: Final = 0.3
LEFT_MS: Final = 400
"""Unread for this long: whoever kept it is not going to read it. With SWEEP_S well below a second."""

BATCH: Final = 256
"""Written in one append: in a rush each waits for a commit, and so one with few would fall behind."""

TOGETHER: Final = 32
"""Read in one go: a hop to a thread and back costs as much as reading a text. Few, so that one which takes
long is soon read alone, where it holds up nobody."""

CLAIM_MS: Final = 2_000
CLAIM: Final = "intake"

TRIAGE_S: Final = 0.5
"""For a few thousand characters triage takes a millisecond; longer is a mistake of ours, or an attack."""

LATE_S: Final = 1.0
"""... and is waited for this much more, aside from the others: perhaps the machine stood still, and what is
urgent must not lose its urgency by that. Together below limits.read_within_ms."""

STUCK_MAX: Final = 8
"""Threads that have not come back yet; with more than this the loop ends, and with it the process."""

HOUR_MS: Final = 3_600_000
RETRY_S: Final = 0.5

_REPEATS: Final = f"""
    SELECT count(*) FROM interaction e
    WHERE e.customer_id = i.customer_id AND e.follows = '' AND e.accepted_at_ms > m.at_ms - {HOUR_MS}
"""
_EARLIER: Final = """
    SELECT e.language FROM interaction e WHERE e.customer_id = i.customer_id AND e.language <> ''
    ORDER BY e.arrived_seq DESC, e.interaction_id LIMIT 1
"""
_UNREAD: Final = f"""
    SELECT m.message_id, m.interaction_id, m.kind, m.at_ms, i.channel,
        CASE WHEN i.customer_id = '' THEN 1 ELSE ({_REPEATS}) END,
        CASE WHEN i.language <> '' OR i.customer_id = '' THEN i.language ELSE ({_EARLIER}) END,
        c.media_type, CASE WHEN m.kind = 'text' THEN c.body END,
        (SELECT min(a.address) FROM address a WHERE a.address_hash = i.address_hash)
    FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id
        LEFT JOIN content c ON c.content_id = m.content_id
    WHERE m.reading = 'unread' AND (c.media_type IS NULL OR c.media_type <> 'message/rfc822')
"""

_log = logging.getLogger("muster.intake")


class IntakeStuck(Exception):
    """Too many readings never ended; the process should be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A message to read. `readable` is False where its content is gone or was kept raw.

    Shape: wanted are the (address, media type) of what its body only points to; its salt is for their hashes.
           places are where it says that its customer is. consent is what its provider took it for (stop,
           start, help).
    """

    message_id: str
    interaction_id: str
    contact: Contact
    readable: bool
    wanted: tuple[tuple[str, str], ...] = ()
    places: tuple[KeptPlace, ...] = ()
    consent: str = ""
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMessages:
    """Append: what these messages need, except those that somebody else has read meanwhile.

    What a body points to becomes parts that are wanted; whose turn it is to fetch them is wanted_media.py's.
    """

    readings: tuple[tuple[Unread, Reading, str], ...]
    plan: Plan | None = None
    """What follows for messages to its sender, and what Muster says itself, is by this plan (notices.py)."""

    def write_content(self, db: Connection) -> None:
        """The addresses of what is wanted, and the places."""
        for unread, _, _ in self.readings:
            for place in unread.places:
                put_place(db, place, at_ms=unread.contact.at_ms)
            for number, (address, media_type) in enumerate(unread.wanted, start=1):
                db.run(
                    "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms) VALUES"
                    " (:id, :media_type, '', :salt, :body, :at_ms) ON CONFLICT (content_id) DO NOTHING",
                    id=part_id_of(unread.message_id, number),
                    media_type=storable(media_type),
                    salt=unread.salt,
                    body=address.encode("utf-8", "replace"),
                    at_ms=unread.contact.at_ms,
                )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact for each that is still unread."""
        facts = []
        pending: dict[tuple[str, str], str] = {}
        sql = "SELECT message_id FROM message WHERE reading = 'unread' AND message_id IN {wanted}"
        left = {row[0] for row in rows_in(db, sql, [unread.message_id for unread, _, _ in self.readings])}
        off = "SELECT message_id FROM notice WHERE message_id IN {wanted}"
        turned_away = {row[0] for row in rows_in(db, off, sorted(left))}
        for unread, reading, how in self.readings:
            if unread.message_id in left:
                facts.append(read_fact(unread.interaction_id, unread.message_id, reading, how))
                facts.extend(_wanted_facts(unread))
                facts.extend(located(unread.interaction_id, each) for each in unread.places)
                if self.plan is not None:
                    said = _said(unread, reading, turned_away=unread.message_id in turned_away)
                    facts.extend(notices.facts_of(db, self.plan, said, at_ms, pending))
        return facts


class Intake:
    """The reading loop of one web process. `web_id` marks what this process kept (see ingest.KeepContact)."""

    def __init__(
        self, database: Database, committer: Committer, plan: Callable[[], Plan], *, web_id: str
    ) -> None:
        self._database = database
        self._committer = committer
        self._plan = plan
        self._web_id = web_id
        self._mine: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._triage: Triage | None = None
        self._triage_digest = ""
        # A free one for both loops, however many are stuck: nothing ever waits behind another reading.
        self._threads = ThreadPoolExecutor(STUCK_MAX + 2, thread_name_prefix="triage")
        self._stuck: list[asyncio.Future[Any]] = []
        self._under_way: set[str] = set()
        """Messages being read: the other loop leaves them alone."""
        self._late: dict[str, asyncio.Task[None]] = {}
        """Those of them that are waited for aside."""
        self._clock = SteadyClock()
        """Not the time of day: on a machine that was set back the journal is ahead of it, for ever."""
        self.warm = False
        """Whether the language model is loaded; until then messages wait for it."""

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener: what this process kept is read at once."""
        for row in rows:
            if row.kind not in ("arrived", "message_added") or self._web_id not in row.data:
                continue
            data = msgspec.json.decode(row.data)
            if data.get("web_id") == self._web_id and data.get("reading", "unread") == "unread":
                self._mine[data["message_id"]] = None
                self._wake.set()

    async def warm_up(self) -> None:
        """Load the language model: a second that no message should wait for."""
        languages = self._plan().site.languages
        await asyncio.get_running_loop().run_in_executor(self._threads, detect, "warm up", languages)
        self.warm = True

    async def run(self) -> None:
        """Read until cancelled. Raises IntakeStuck."""
        await self.warm_up()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._read_mine())
                both.create_task(self._sweep())
        finally:
            for late in self._late.values():
                late.cancel()

    async def _read_mine(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._mine:
                ids = list(islice(self._mine, BATCH))  # oldest first: each has the same second
                for each in ids:
                    del self._mine[each]
                await self._read(partial(self._load, ids))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._read(self._load_left)

    async def _read(self, load: Callable[[], list[Unread]]) -> None:
        """What fails here is read by the next sweep."""
        try:
            unread = await asyncio.to_thread(load)
            readings: list[tuple[Unread, Reading, str]] = []
            for start in range(0, len(unread), TOGETHER):
                readings += await self._together(unread[start : start + TOGETHER])
            if readings:
                await self._write(*readings)
        except CommitUnknown:
            await asyncio.sleep(RETRY_S)
        except IntakeStuck:
            raise
        except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; the messages stay unread
            _log.error("intake failed error=%s", type(problem).__name__)
            await asyncio.sleep(RETRY_S)

    async def _write(self, *readings: tuple[Unread, Reading, str]) -> None:
        """Append them; where that is refused one by one, so that one that fails leaves no other unread."""
        try:
            await self._committer.append(ReadMessages(readings=readings, plan=self._plan()))
            return
        except CommitUnknown:
            raise
        except Exception as refused:  # noqa: BLE001 - whatever a reading makes a driver raise
            _log.error("readings refused count=%d error=%s", len(readings), type(refused).__name__)
        for reading in readings:
            await self._write_alone(*reading)

    async def _write_alone(self, unread: Unread, reading: Reading, how: str) -> None:
        """The reading, or else the defaults of its channel."""
        default = default_reading(self._plan(), unread.contact.channel)
        for attempt, plan in (((unread, reading, how), self._plan()), ((unread, default, "unparsed"), None)):
            try:
                await self._committer.append(ReadMessages(readings=(attempt,), plan=plan))
                return
            except CommitUnknown:
                raise
            except Exception as refused:  # noqa: BLE001 - as above
                _log.error(
                    "reading refused message_id=%s error=%s", unread.message_id, type(refused).__name__
                )

    async def _together(self, unread: Sequence[Unread]) -> list[tuple[Unread, Reading, str]]:
        """Several in one go of a thread; where that fails, or takes long, one by one."""
        fresh = [each for each in unread if each.message_id not in self._under_way]
        if len(fresh) > 1 and all(each.readable for each in fresh):
            ids = {each.message_id for each in fresh}
            self._under_way |= ids
            work = asyncio.get_running_loop().run_in_executor(
                self._threads, _read_each, self._triage_of(self._plan()), fresh
            )
            try:
                return await asyncio.wait_for(asyncio.shield(work), TRIAGE_S)
            except TimeoutError:
                self._leave_behind(work)
            except Exception as mistake:  # noqa: BLE001 - one of them; which one, reading it alone shows
                _log.error("triage failed together count=%d error=%s", len(fresh), type(mistake).__name__)
            finally:
                self._under_way -= ids
        return [(each, *found) for each in fresh if (found := await self._once(each)) is not None]

    async def _once(self, unread: Unread) -> tuple[Reading, str] | None:
        """As _reading; None as well for what is being read already."""
        if unread.message_id in self._under_way:
            return None
        self._under_way.add(unread.message_id)
        try:
            return await self._reading(unread)
        finally:
            if unread.message_id not in self._late:
                self._under_way.discard(unread.message_id)

    async def _reading(self, unread: Unread) -> tuple[Reading, str] | None:
        """What it needs, and how that is known. None when its reading takes long: then it comes by itself."""
        plan = self._plan()
        unparsed = default_reading(plan, unread.contact.channel), "unparsed"
        if not unread.readable:
            return unparsed
        loop, triage = asyncio.get_running_loop(), self._triage_of(plan)
        work = loop.run_in_executor(self._threads, triage.read, unread.contact)
        try:
            return await asyncio.wait_for(asyncio.shield(work), TRIAGE_S), "read"
        except TimeoutError:
            self._leave_behind(work)
            self._late[unread.message_id] = asyncio.create_task(self._read_late(unread, work))
            return None
        except Exception as mistake:  # noqa: BLE001 - content never causes loss: shown raw to a human
            _log.error("triage failed message_id=%s error=%s", unread.message_id, type(mistake).__name__)
        return unparsed

    async def _read_late(self, unread: Unread, work: "asyncio.Future[Reading]") -> None:
        """What came of a reading that took too long, or the defaults of its channel."""
        reading, how = default_reading(self._plan(), unread.contact.channel), "unparsed"
        try:
            reading, how = await asyncio.wait_for(asyncio.shield(work), LATE_S), "read"
        except Exception as problem:  # noqa: BLE001 - as above
            _log.error("triage too slow message_id=%s error=%s", unread.message_id, type(problem).__name__)
        try:
            await self._write((unread, reading, how))
        except Exception as problem:  # noqa: BLE001 - it stays unread: the next sweep tries again
            _log.error("intake failed error=%s", type(problem).__name__)
        finally:
            del self._late[unread.message_id]
            self._under_way.discard(unread.message_id)

    def _triage_of(self, plan: Plan) -> Triage:
        if self._triage is None or plan.digest != self._triage_digest:
            self._triage, self._triage_digest = Triage(plan), plan.digest
        return self._triage

    def _leave_behind(self, work: "asyncio.Future[Any]") -> None:
        """A thread cannot be stopped. Raises IntakeStuck when too many do not come back."""
        self._stuck = [*(each for each in self._stuck if not each.done()), work]
        if len(self._stuck) > STUCK_MAX:
            raise IntakeStuck(f"{len(self._stuck)} readings do not end")
        work.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _load(self, message_ids: Sequence[str]) -> list[Unread]:
        with self._database.reading() as db:
            rows = rows_in(db, f"{_UNREAD} AND m.message_id IN {{wanted}}", message_ids)
        found = {row[0]: row for row in rows}
        return [_unread(found[each]) for each in message_ids if each in found]

    def _load_left(self) -> list[Unread]:
        """What nobody has read for a while, if the sweep is ours."""
        with self._database.reading() as db:
            head = db.row("SELECT last_at_ms FROM stream WHERE own = 1")
            self._clock.at_least(head[0] if head else 0)
            rows = db.rows(
                f"{_UNREAD} AND m.at_ms < :before_ms ORDER BY m.seq LIMIT {BATCH}",
                before_ms=self._clock() - LEFT_MS,
            )
        left = [_unread(row) for row in rows]
        return left if left and claim_sweep(self._database, CLAIM, self._web_id) else []


def _read_each(triage: Triage, unread: Sequence[Unread]) -> list[tuple[Unread, Reading, str]]:
    return [(each, triage.read(each.contact), "read") for each in unread]


def claim_sweep(database: Database, ref: str, owner: str) -> bool:
    """Whether this process sweeps now; it goes on doing so until it stops asking."""
    now_ms = time.time_ns() // 1_000_000
    with database.writing() as db:
        changed = db.run(
            "INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, :until_ms)"
            " ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms"
            " WHERE claim.until_ms < :now_ms OR claim.owner = excluded.owner"
            " OR claim.until_ms > :set_back_ms",
            ref=ref,
            owner=owner,
            until_ms=now_ms + CLAIM_MS,
            now_ms=now_ms,
            set_back_ms=now_ms + 2 * CLAIM_MS,  # no claim reaches so far, unless the clock was set back
        )
    return changed == 1


def default_reading(plan: Plan, channel_id: str) -> Reading:
    """What is assumed of a message on this channel that could not be read."""
    channel = next((each for each in plan.channels if each.channel_id == channel_id), plan.channels[0])
    return Reading(
        queue_id=channel.queue_id,
        urgency=channel.urgency,
        requirement=Requirement(),
        rule_id=CHANNEL_RULE,
        language="",
        hits=(),
    )


def _unread(row: Sequence[Any]) -> Unread:
    message_id, interaction_id, kind, at_ms, channel, repeats, language, media_type, body, address = row
    said = Shown(text="") if body is None else shown_of(media_type, bytes(body))
    contact = Contact(
        channel=channel,
        text=said.text,
        at_ms=at_ms,
        address=address or "",
        earlier_language=language or "",
        repeats=max(1, repeats),
        attachments=int(kind == "attachment") + len(said.wanted) + said.things,
    )
    readable = media_type not in (None, UNPARSED)
    return Unread(
        message_id=message_id,
        interaction_id=interaction_id,
        contact=contact,
        readable=readable,
        wanted=said.wanted,
        consent=said.consent,
        places=places_said(message_id, said, at_ms),
    )


def places_said(message_id: str, said: Shown, at_ms: int) -> tuple[KeptPlace, ...]:
    """Where it says that somebody is. A mistake of ours here may cost the point, and never the message."""
    try:
        found = places_in(said)
    except Exception as mistake:  # noqa: BLE001 - content never causes loss
        _log.error("places not read message_id=%s error=%s", message_id, type(mistake).__name__)
        return ()
    return tuple(
        KeptPlace(
            place_id=place_id_of(message_id, number), place=place, message_id=message_id, received_at_ms=at_ms
        )
        for number, place in enumerate(found)
    )


def _said(unread: Unread, reading: Reading, *, turned_away: bool) -> notices.Said:
    return notices.Said(
        interaction_id=unread.interaction_id,
        message_id=unread.message_id,
        text=unread.contact.text,
        consent=unread.consent,
        language=reading.language or unread.contact.earlier_language,
        turned_away=turned_away,
    )


def _wanted_facts(unread: Unread) -> list[Fact]:
    return [
        fact(
            "part_added",
            unread.message_id,
            number=number,
            part_kind="wanted",
            content_id=part_id_of(unread.message_id, number),
            content_hash=hashlib.sha256(unread.salt + address.encode("utf-8", "replace")).hexdigest(),
        )
        for number, (address, _) in enumerate(unread.wanted, start=1)
    ]


def earlier_of(db: Connection, customer_id: str, at_ms: int) -> tuple[int, str]:
    """(contacts of this customer in the last hour, the language of the newest that had one)."""
    if not customer_id:
        return 1, ""
    count = db.row(
        "SELECT count(*) FROM interaction"
        " WHERE customer_id = :id AND follows = '' AND accepted_at_ms > :since_ms",
        id=customer_id,
        since_ms=at_ms - HOUR_MS,
    )
    language = db.row(
        "SELECT language FROM interaction WHERE customer_id = :id AND language <> ''"
        " ORDER BY arrived_seq DESC, interaction_id LIMIT 1",
        id=customer_id,
    )
    return max(1, int(count[0]) if count else 1), str(language[0]) if language else ""


def read_fact(interaction_id: str, message_id: str, reading: Reading, how: str) -> Fact:
    """What a message needs, as a fact."""
    return fact(
        "read",
        interaction_id,
        message_id=message_id,
        queue_id=reading.queue_id,
        urgency=reading.urgency,
        requirement=msgspec.to_builtins(reading.requirement),
        rule_id=reading.rule_id,
        language=reading.language,
        reading=how,
        hits=list(reading.hits),
    )
