"""All calls of one voice process: takes what comes in, follows the journal, does what the door is asked.

Rows of the journal only say which calls to look at; how these stand is read from the tables, so a row that
was missed while the database was away, or that came twice, leads to nothing wrong.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final  # Any: what a coroutine sends and receives does not matter here
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec

from config.plan import Plan
from router.call_backs import id_of
from router.channels.ingest import NotKept
from router.channels.port import Account, Contact
from router.channels.web_call import SIP, TWILIO_VOICE, contact_of_call, contact_of_web_call
from router.journal.committer import Committer
from router.journal.database import Connection, Database
from router.records import Row, fact
from router.run.trouble import NoticeTrouble
from router.run.voice import record as r
from router.run.voice.around import Surroundings
from router.run.voice.book import Book
from router.run.voice.call import Call
from router.run.voice.callers import SERVICE_UNAVAILABLE, Caller, PageCaller, TelephoneCaller
from router.run.voice.figures import VoiceFigures
from router.run.voice.gear import Leg, Media, Telephone, Telephones
from router.run.voice.keeping import Reader, TakeBack, keep_call
from router.run.voice.record import Record
from router.run.voice.standing import Standing, Waiting, line_of, positions, standings
from router.run.voice.untyped import EndTyping

POSITIONS_S: Final = 1.0
"""Who waits need not hear more often that somebody before them was served."""

LOOK_S: Final = 1.0
RETRY_S: Final = 0.5
RELOAD_S: Final = 10.0
"""A page that is loaded again comes back with its call within this time; else its customer hung up."""

LINE_KINDS: Final = frozenset(
    {
        "queued",
        "held",
        "offered",
        "offer_ended",
        "accepted",
        "closed",
        "call_back_opened",
        "urgency_set",
        "place_set",
        "reading_noted",
        "plan_activated",
    }
)
"""Rows after which places in line may be others."""

_log = logging.getLogger("muster.voice")


class Switchboard:
    """The calls of one process. `voice_id` names it in connection rows and in its lease `web/<voice_id>`."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        plan: Callable[[], Plan],
        accounts: Callable[[], Mapping[str, Account]],
        *,
        media: Media,
        telephones: Telephones,
        recordings: Path,
        voice_id: str,
        figures: VoiceFigures,
        adopt: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.voice_id = voice_id
        self.well = True
        """Whether calls can be kept: what a trunk is told that asks (OPTIONS)."""
        self.claims: Callable[[Telephone], bool] = lambda _: False
        """Asked of every call that comes: whether it belongs to one that we have (held_calls.py)."""
        self.beside: Callable[[int], None] | None = None
        """Looks after the second copy of a call that was kept (sites/second_copy.py)."""
        self._closing = False
        self.calls: dict[str, Call] = {}
        """By call_id, those that go on."""
        self.book = Book(committer)
        self.media = media
        self.telephones = telephones
        self.figures = figures
        self._database = database
        self._committer = committer
        self._plan = plan
        self._accounts = accounts
        self._adopt = adopt
        self._around = Surroundings(
            book=self.book, media=media, recordings=recordings, alarm=self.alarm, over=self._over
        )
        self._reader = Reader(plan)
        self._of: dict[str, Call] = {}
        """By interaction_id."""
        self._sessions: dict[str, Call] = {}
        """Calls of pages, by the hash of their session."""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """A page that asks again before its first call is on disk has one call."""
        self._touched: set[str] = set()
        self._stirred = asyncio.Event()
        self._line_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: list[tuple[str, str]] = []
        figures.watch(lambda: self.calls.values())

    # What comes in

    def ring(self, telephone: Telephone) -> None:
        """A call of a trunk: SipAgent's on_call."""
        self.do(telephone.refuse(SERVICE_UNAVAILABLE) if self._closing else self._take_or_refuse(telephone))

    async def _take_or_refuse(self, telephone: Telephone) -> None:
        """Whatever we do wrong: their network tries elsewhere at once, not after three minutes of silence."""
        try:
            if not self.claims(telephone):
                await self._take(telephone)
        except Exception:  # noqa: BLE001 - our own mistake
            _log.exception("call not taken call=%s", telephone.call_id)
            await telephone.refuse(SERVICE_UNAVAILABLE)

    async def _take(self, telephone: Telephone) -> None:
        account = self.account_of(telephone)
        if account is None:
            await telephone.refuse(404)
            return
        caller = TelephoneCaller(telephone, self.media, self.telephones)
        contact = contact_of_call(
            account,
            call_id=telephone.call_id,
            raw=telephone.raw,
            number=telephone.from_number,
            withheld=telephone.withheld,
            asserted=telephone.asserted,
            received_at_ms=_now_ms(),
        )
        gone: list[str] = []
        telephone.on_end = gone.append
        record = self._new_record(account, r.IN)
        record.text = caller.takes_text
        try:
            place = await self._keep(contact, record)
        except NotKept:
            await telephone.refuse(SERVICE_UNAVAILABLE)
            return
        call = self._begin(record, account, caller, place)
        telephone.on_end = call.hung_up
        if gone or telephone.ended:
            call.hung_up(gone[0] if gone else telephone.ended)
            return
        await self._say_place(call)

    async def take_page(self, account: Account, *, session: str, leg: Leg, language: str) -> Call:
        """A call from our page, on disk when this returns; or its open call with a new leg.

        Raises NotKept.
        """
        async with self._turns.setdefault(session, asyncio.Lock()):
            return await self._take_page(account, session=session, leg=leg, language=language)

    async def _take_page(self, account: Account, *, session: str, leg: Leg, language: str) -> Call:
        call = self._sessions.get(session)
        if call is not None and call.live and isinstance(call.caller, PageCaller):
            call.caller.leg = leg
            call.took_sound(leg)
            self._watch_page(call, leg, session)
            return call
        contact = contact_of_web_call(account, session=session, language=language, received_at_ms=_now_ms())
        record = self._new_record(account, r.IN)
        place = await self._keep(contact, record, language=language)
        call = self._begin(record, account, PageCaller(leg), place)
        self._sessions[session] = call
        call.begin_page(leg)
        self._watch_page(call, leg, session)
        return call

    def take_held(self, record: Record, account: Account, caller: Caller, *, changed: bool) -> Call:
        """A call that its provider holds, as the tables have it. changed: they do not know of this yet."""
        call = self._begin(record, account, caller, said=_now_ms())
        if changed:
            self.book.note(call.call_id, record.changed())
        return call

    def new_call_out(self, standing: Standing, account: Account, agent_id: str, caller: Caller) -> Call:
        """A call that this agent makes to the customer."""
        record = self._new_record(account, r.OUT)
        record.interaction_id, record.agent_id = standing.interaction_id, agent_id
        record.state = r.DIALLING
        return self._begin(record, account, caller)

    # What is asked of it

    def call_of(self, interaction_id: str) -> Call | None:
        """The live call of this interaction."""
        return self._of.get(interaction_id)

    def account(self, account_id: str) -> Account | None:
        """A ready account of the plan in force."""
        return self._accounts().get(account_id)

    def account_of(self, telephone: Telephone) -> Account | None:
        """The account that was called: of those of one trunk the one with that number."""
        accounts = self._accounts()
        found = accounts.get(telephone.account_id)
        if found is None or found.address == telephone.to_number:
            return found
        upstream = found.options.get("upstream")
        same = (each for each in accounts.values() if each.options.get("upstream") == upstream)
        return next((each for each in same if each.address == telephone.to_number), found)

    def trunk_of(self, account_id: str) -> Account | None:
        """The trunk by which to call back who came by this account; None where there is none to call out."""
        accounts = self._accounts()
        own = accounts.get(account_id)
        if own is not None and own.provider == TWILIO_VOICE:
            own = accounts.get(str(own.options.get("sip_account", "")))
        return own if own is not None and own.provider == SIP and own.endpoint else None

    async def standing(self, interaction_id: str) -> Standing | None:
        """How it stands at this moment; its call follows. Raises DatabaseBusy, DatabaseGone."""
        found = (await asyncio.to_thread(self._load, [interaction_id])).get(interaction_id)
        call = self._of.get(interaction_id)
        if found is not None and call is not None:
            self._tell(call, found)
        return found

    async def address_of(self, standing: Standing) -> str:
        """The telephone number of an interaction; empty where there is none."""
        return await asyncio.to_thread(self._address, standing.address_hash)

    # What the journal says

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener."""
        for row in rows:
            call = self._of.get(row.ref)
            if call is not None:
                self._touched.add(row.ref)
                if row.kind == "customer_disconnected" and call.live and call.call_id in row.data:
                    if call.record.voice_id == self.voice_id:
                        call.is_here()
                elif row.kind == "message_added" and '"direction":"out"' in row.data:
                    self._answers.append((row.ref, msgspec.json.decode(row.data)["message_id"]))
            if row.kind in LINE_KINDS:
                self._line_changed.set()
        if self._touched or self._answers:
            self._stirred.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (self._follow, self._follow_line, self._look):
                tasks.create_task(work())

    async def close(self) -> None:
        """End every call: nobody would be left to hold the line. Waits until it is written.

        Who waits is refused so that their network tries elsewhere; here they become call-backs.
        """
        self._closing = True
        for call in tuple(self.calls.values()):
            if call.record.voice_id == self.voice_id:
                call.end(r.FAILED, elsewhere=True)
            else:  # Its line is at its provider, and lives on.
                call.sound_lost()
            await call.closed()
        for task in tuple(self._tasks):
            task.cancel()
        await self.book.settle()

    async def _follow(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            touched, self._touched = self._touched, set()
            answers, self._answers = self._answers, []
            try:
                found = await asyncio.to_thread(self._load, touched)
                words = await asyncio.to_thread(self._load_words, [each for _, each in answers])
            except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; each means: look again
                _log.error("voice cannot look error=%s", type(problem).__name__)
                self._touched |= touched
                self._answers = answers + self._answers
                await asyncio.sleep(RETRY_S)
                self._stirred.set()
                continue
            for interaction_id, standing in found.items():
                call = self._of.get(interaction_id)
                if call is not None:
                    _carefully(self._tell, call, standing)
            for interaction_id, message_id in answers:
                _carefully(self._type, interaction_id, message_id, words.get(message_id, ""))

    def _tell(self, call: Call, standing: Standing) -> None:
        if standing.gave_up and call.live and call.record.voice_id != self.voice_id:
            call.end(r.CALLER_HUNG_UP)  # Only their provider's word can have led to this.
        elif standing.gave_up and call.live:
            # The router took this process for dead. The caller is here, and goes on at the place in line.
            self._of.pop(standing.interaction_id, None)
            call.belongs_to(id_of(standing.interaction_id))
            self._of[call.interaction_id] = call
            self._touched.add(call.interaction_id)
            self._stirred.set()
        else:
            call.stands(standing)

    def _type(self, interaction_id: str, message_id: str, words: str) -> None:
        """An agent's written answer goes to who can read it; where nobody does, its agent is told."""
        call = self._of.get(interaction_id)
        typed = call is not None and call.live and words and call.caller.send_text(words)
        of = interaction_id if call is None else call.call_id
        self.book.note(of, fact("delivered", message_id, status="sent" if typed else "failed"))

    async def _follow_line(self) -> None:
        while True:
            await self._line_changed.wait()
            self._line_changed.clear()
            if self._waiting_calls():
                try:
                    await self._place_all()
                except Exception as problem:  # noqa: BLE001 - as above
                    _log.error("voice cannot look error=%s", type(problem).__name__)
                    self._line_changed.set()
            await asyncio.sleep(POSITIONS_S)

    def _waiting_calls(self) -> list[Call]:
        return [each for each in self.calls.values() if not each.record.agent_id]

    async def _place_all(self) -> None:
        channels = sorted({each.account.channel for each in self._waiting_calls()})
        places = await asyncio.to_thread(self._load_places, channels, self._unqueued())
        for call in self._waiting_calls():
            call.waits_at(places.get(call.interaction_id, 0))

    def _unqueued(self) -> list[Waiting]:
        """Calls that the router has not put in line yet: at the place that they will have."""
        fresh = (each for each in self.calls.values() if each.stood is None or each.stood.state == "parked")
        return [each.expected for each in fresh if each.expected is not None]

    async def _say_place(self, call: Call) -> None:
        """The first 182, before the router has read of the call."""
        try:
            places = await asyncio.to_thread(self._load_places, [call.account.channel], self._unqueued())
        except Exception as problem:  # noqa: BLE001 - as above; it waits all the same
            _log.error("voice cannot look error=%s", type(problem).__name__)
            places = {}
        if not call.position and call.live:
            call.waits_at(places.get(call.interaction_id, 1))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for call in tuple(self.calls.values()):
                _carefully(call.look)

    # Inside

    def _begin(
        self,
        record: Record,
        account: Account,
        caller: Caller,
        place: Waiting | None = None,
        *,
        said: int = 0,
    ) -> Call:
        call = Call(record, account, caller, self._around, said=said)
        call.expected = place
        self.calls[call.call_id] = self._of[call.interaction_id] = call
        self._touched.add(call.interaction_id)
        self._stirred.set()
        self._line_changed.set()
        self.figures.began(record.direction)
        return call

    async def _keep(self, contact: Contact, record: Record, *, language: str = "") -> Waiting:
        try:
            return await keep_call(
                self._committer,
                contact,
                record,
                self._reader,
                language=language,
                read_within_ms=self._plan().limits.read_within_ms,
                beside=self.beside,
            )
        except NotKept:
            # It may be there all the same: then its caller, whom we refuse, is called back.
            self.book.append(record.call_id, TakeBack(record=record))
            self.figures.refused()
            self.well = False
            raise

    def _new_record(self, account: Account, direction: str) -> Record:
        return Record(
            call_id=str(uuid4()),
            interaction_id="",
            account=account.account_id,
            direction=direction,
            voice_id=self.voice_id,
        )

    def _watch_page(self, call: Call, leg: Leg, session: str) -> None:
        """A page that is gone for good has hung up."""

        def gone() -> None:
            asyncio.get_running_loop().call_later(RELOAD_S, self._page_gone, call, leg, session)

        leg.on_lost = gone

    def _page_gone(self, call: Call, leg: Leg, session: str) -> None:
        if isinstance(call.caller, PageCaller) and call.caller.leg is leg:
            call.end(r.CALLER_HUNG_UP)

    def _over(self, call: Call) -> None:
        self.calls.pop(call.call_id, None)
        if self._of.get(call.interaction_id) is call:
            del self._of[call.interaction_id]
        self._sessions = {key: each for key, each in self._sessions.items() if each is not call}
        self.figures.ended(call.record.why)
        if call.caller.takes_text:
            self.book.append(call.call_id, EndTyping(call.interaction_id))
        self.do(self._finish(call))

    async def _finish(self, call: Call) -> None:
        """Its recording becomes part of the conversation once its end is written."""
        await call.closed()
        await self.book.settled(call.call_id)
        self._adopt(call.call_id)

    def alarm(self, code: str, interaction_id: str) -> None:
        """Somebody should look at this interaction."""
        self.book.append(interaction_id, NoticeTrouble(code=code, ref=interaction_id))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """In the background."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _load(self, interaction_ids: "Sequence[str] | set[str]") -> dict[str, Standing]:
        with self._database.reading() as db:
            return standings(db, interaction_ids)

    def _load_places(self, channels: Sequence[str], unqueued: Sequence[Waiting]) -> Mapping[str, int]:
        with self._database.reading() as db:
            waiting = {each.interaction_id: each for name in channels for each in line_of(db, name)}
        fresh = [each for each in unqueued if each.interaction_id not in waiting]
        return positions([*waiting.values(), *fresh], self._plan(), _now_ms())

    def _load_words(self, message_ids: Sequence[str]) -> dict[str, str]:
        if not message_ids:
            return {}
        with self._database.reading() as db:
            found = {each: _words(db, each) for each in message_ids}
        return {key: value for key, value in found.items() if value}

    def _address(self, address_hash: str) -> str:
        if not address_hash:
            return ""
        with self._database.reading() as db:
            row = db.row(
                "SELECT address FROM address WHERE address_hash = :hash AND kind = 'phone'", hash=address_hash
            )
        return str(row[0]) if row else ""


def _carefully(deed: Callable[..., None], *of: object) -> None:
    """A mistake of ours with one call: all others are in this process too."""
    try:
        deed(*of)
    except Exception:  # noqa: BLE001 - see above
        _log.exception("a call was not looked after")


def _words(db: Connection, message_id: str) -> str:
    row = db.row(
        "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id WHERE m.message_id = :id",
        id=message_id,
    )
    return bytes(row[0]).decode("utf-8", "replace") if row else ""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
