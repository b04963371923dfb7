"""Every chat page connected to this web process, and what of the journal each of them is told.

Rows come from the feed; a worker loads what they are about and puts it on the lines. A page that is still
loading its snapshot misses nothing: rows that came meanwhile are looked at again once it is there.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON on its way to the page

import msgspec

from agents_ui.chat import view
from agents_ui.chat.line import Line
from agents_ui.services import Services
from agents_ui.typing_marks import AGENT
from router.channels.ingest import connected, disconnected
from router.channels.joining import open_interaction
from router.journal.committer import CommitUnknown
from router.journal.database import Connection
from router.journal.stream import last_seq
from router.records import Fact, Row

STANDING_KINDS: Final = frozenset(
    {"queued", "widened", "accepted", "wrap_up_began", "closed", "call_back_opened", "adopted", "yielded"}
)
"""Rows after which the page's conversation may look different."""

MESSAGE_KINDS: Final = frozenset({"arrived", "message_added", "message_copied", "adopted"})
"""Rows that say that there is one message more; one that was adopted came with all of its own."""

CREW_KINDS: Final = frozenset({"presence_set", "desks_noted", "plan_activated"})
"""Rows after which somebody may be there, or nobody any more."""

OFFERS_FIRST_S: Final = 0.02
"""Agents' desks live in the same process: an offer is on the screen before customers read that it is."""

CREW_EVERY_S: Final = 1.0
"""Agents come and go all the time in a large centre; a customer need not know it sooner."""

RETRY_S: Final = 1.0

BEAT_EVERY_S: Final = 15.0
"""A page takes 40 s without a word for a lost connection: one beat may be lost, two may not."""

_log = logging.getLogger("muster.chat")


@dataclass(eq=False, slots=True)
class Visitor:
    """One connected page. `joined` is the interaction its connection belongs to in the journal."""

    session: str
    connection_id: str
    line: Line
    after_seq: int = -1
    standing: view.Standing = view.NO_INTERACTION
    shown: dict[str, Any] = field(default_factory=dict)
    joined: str = ""
    away: bool = False
    missed: list[Row] = field(default_factory=list)
    order: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def ready(self) -> bool:
        """Whether its snapshot was sent."""
        return self.after_seq >= 0


@dataclass(slots=True)
class _News:
    """What a batch of rows means for pages here."""

    sessions: set[str] = field(default_factory=set)
    messages: dict[str, None] = field(default_factory=dict)
    began: list[tuple[str, str]] = field(default_factory=list)


class Room:
    """The chat pages of one web process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._visitors: dict[str, list[Visitor]] = {}
        self._loading: set[Visitor] = set()
        self._session_of: dict[str, str] = {}
        self._interactions_of: dict[str, set[str]] = {}
        self._present: tuple[str, ...] = ()
        self._nobody: dict[tuple[str, str, str, int], bool] = {}
        """Answers of view.nobody_there while nobody comes or goes."""
        self._rows: asyncio.Queue[Sequence[Row]] = asyncio.Queue()
        self._crew_changed = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        services.feed.subscribe(self.hear)
        services.typing.subscribe(self._typing)

    def count(self) -> int:
        """Pages connected now."""
        return sum(map(len, self._visitors.values()))

    async def enter(self, visitor: Visitor) -> None:
        """Send the page its snapshot, and from then on every change. Raises what the database raises."""
        self._visitors.setdefault(visitor.session, []).append(visitor)
        self._loading.add(visitor)
        try:
            snapshot = await asyncio.to_thread(self._load_snapshot, visitor.session)
        finally:
            self._loading.discard(visitor)
        for interaction_id in snapshot.interaction_ids:
            self._remember(interaction_id, visitor.session)
        self._note_present(snapshot.present)
        visitor.after_seq, visitor.standing = snapshot.seq, snapshot.standing
        visitor.shown = self._conversation(visitor)
        messages = [message.value for message in snapshot.messages]
        visitor.line.numbered("snapshot", conversation=visitor.shown, messages=messages)
        visitor.line.put("beat")
        if visitor.missed:
            self._rows.put_nowait([row for row in visitor.missed if row.seq > snapshot.seq])
            visitor.missed = []
        if snapshot.standing.state in ("waiting", "with_agent"):
            self.join(visitor, snapshot.standing.interaction_id)

    def leave(self, visitor: Visitor) -> None:
        """The page is gone; the interaction it belonged to is told."""
        others = [each for each in self._visitors.pop(visitor.session, ()) if each is not visitor]
        if others:
            self._visitors[visitor.session] = others
        else:
            self._forget(visitor.session)
        self.part(visitor)

    def join(self, visitor: Visitor, interaction_id: str) -> None:
        """The page's connection belongs to this interaction from now on."""
        if visitor.joined != interaction_id and not visitor.away:
            visitor.joined = interaction_id
            self._in_order(visitor, _Join(visitor, self._services.web_id))

    def part(self, visitor: Visitor) -> None:
        """The page's connection belongs to no interaction any more."""
        if visitor.joined:
            gone = disconnected(visitor.joined, visitor.connection_id, self._services.web_id)
            visitor.joined = ""
            self._in_order(visitor, _Part((gone,)))

    def send_away(self) -> None:
        """End every line here: nothing can be kept, and nothing would be heard."""
        for visitors in self._visitors.values():
            for visitor in visitors:
                visitor.line.too_slow.set()

    def customer_left(self, session: str) -> None:
        """The customer ended the chat, on every page of this session here."""
        for visitor in self._visitors.get(session, ()):
            visitor.away = True
            self.part(visitor)
            self._show_conversation(visitor)

    def customer_back(self, visitor: Visitor) -> None:
        """The customer wrote again after ending the chat."""
        for each in self._visitors.get(visitor.session, ()):
            each.away = False

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener."""
        for visitor in self._loading:
            visitor.missed.extend(rows)
        if self._visitors:
            self._rows.put_nowait(rows)
        if not CREW_KINDS.isdisjoint(row.kind for row in rows):
            self._crew_changed.set()

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (self._follow, self._follow_crew, self._beat):
                tasks.create_task(work())

    async def settle(self) -> None:
        """Wait until everything this room wanted to append is appended. For the end of the process."""
        while self._background:
            await asyncio.wait(self._background)

    async def _follow(self) -> None:
        while True:
            rows = list(await self._rows.get())
            await asyncio.sleep(OFFERS_FIRST_S)
            while not self._rows.empty():
                rows += self._rows.get_nowait()
            news = self._news(rows)
            if news.sessions or news.messages:
                await self._patiently(news)
            for session, interaction_id in news.began:
                for visitor in self._visitors.get(session, ()):
                    self.join(visitor, interaction_id)

    def _news(self, rows: Iterable[Row]) -> _News:
        news = _News()
        for row in rows:
            if row.kind in ("arrived", "adopted"):
                self._note_arrival(row, news)
            elif row.kind == "customer_disconnected":
                self._note_parting(row)
            elif row.kind == "call_back_opened":
                self._note_call_back(row, news)
            session = self._session_of.get(row.ref)
            if session is None:
                continue
            if row.kind in MESSAGE_KINDS:
                said = msgspec.json.decode(row.data)
                for each in said.get("messages", (said,)):
                    news.messages[each["message_id"]] = None
            if row.kind == "arrived" or row.kind in STANDING_KINDS:
                news.sessions.add(session)
        return news

    def _note_arrival(self, row: Row, news: _News) -> None:
        thread = msgspec.json.decode(row.data).get("thread", "")
        if thread in self._visitors:
            self._remember(row.ref, thread)
            news.began.append((thread, row.ref))

    def _note_parting(self, row: Row) -> None:
        """A page that is still here was declared gone, because this process looked dead for a while."""
        for visitor in self._visitors.get(self._session_of.get(row.ref, ""), ()):
            if visitor.joined == row.ref and visitor.connection_id in row.data:
                visitor.joined = ""
                self.join(visitor, row.ref)

    def _note_call_back(self, row: Row, news: _News) -> None:
        """A page that is here (its connection came back too late) belongs to the call-back from now on."""
        session = self._session_of.get(msgspec.json.decode(row.data)["follows"])
        if session is not None:
            self._remember(row.ref, session)
            news.began.append((session, row.ref))

    async def _patiently(self, news: _News) -> None:
        while True:
            try:
                seq, standings, messages = await asyncio.to_thread(self._load, news)
                break
            except Exception as problem:  # noqa: BLE001 - any driver's error: the rows are not lost, look again
                _log.error("chat cannot load error=%s", type(problem).__name__)
                await asyncio.sleep(RETRY_S)
        for message in messages:
            for visitor in self._visitors.get(self._session_of.get(message.interaction_id, ""), ()):
                if visitor.ready and message.seq > visitor.after_seq:
                    visitor.line.numbered("change", puts=[{"what": "message", "value": message.value}])
        for session, standing in standings.items():
            for visitor in self._visitors.get(session, ()):
                if visitor.ready and seq >= visitor.after_seq:
                    visitor.standing = standing
                    self._show_conversation(visitor)

    async def _follow_crew(self) -> None:
        """Tell those who wait when somebody comes, or the last one goes."""
        while True:
            await self._crew_changed.wait()
            self._crew_changed.clear()
            try:
                self._note_present(await asyncio.to_thread(self._load_present), anew=True)
            except Exception as problem:  # noqa: BLE001 - as above
                _log.error("chat cannot load error=%s", type(problem).__name__)
                self._crew_changed.set()
            for visitors in tuple(self._visitors.values()):
                for visitor in visitors:
                    if visitor.ready:
                        self._show_conversation(visitor)
            await asyncio.sleep(CREW_EVERY_S)

    async def _beat(self) -> None:
        """Say something now and then, so that a page notices a connection that only looks alive."""
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            for visitors in self._visitors.values():
                for visitor in visitors:
                    if visitor.ready:
                        visitor.line.put("beat")

    def _show_conversation(self, visitor: Visitor) -> None:
        value = self._conversation(visitor)
        if value != visitor.shown:
            visitor.shown = value
            visitor.line.numbered("change", puts=[{"what": "conversation", "value": value}])

    def _conversation(self, visitor: Visitor) -> dict[str, Any]:
        standing = visitor.standing
        key = (standing.state, standing.queue_id, standing.requirement, standing.step)
        if key not in self._nobody:
            self._nobody[key] = view.nobody_there(self._services.plan(), standing, self._present)
        value = view.conversation_value(self._services.plan(), standing, nobody=self._nobody[key])
        return {**value, "state": "ended"} if visitor.away else value

    def _typing(self, interaction_id: str, who: str) -> None:
        if who == AGENT:
            for visitor in self._visitors.get(self._session_of.get(interaction_id, ""), ()):
                if visitor.ready:
                    visitor.line.put("typing")

    def _note_present(self, present: tuple[str, ...], *, anew: bool = False) -> None:
        if anew or present != self._present:
            self._nobody.clear()
        self._present = present

    def _remember(self, interaction_id: str, session: str) -> None:
        self._session_of[interaction_id] = session
        self._interactions_of.setdefault(session, set()).add(interaction_id)

    def _forget(self, session: str) -> None:
        for interaction_id in self._interactions_of.pop(session, ()):
            self._session_of.pop(interaction_id, None)

    def _load_snapshot(self, session: str) -> view.Snapshot:
        with self._services.database.reading() as db:
            return view.load_snapshot(db, session)

    def _load(self, news: _News) -> tuple[int, dict[str, view.Standing], list[view.Message]]:
        with self._services.database.reading() as db:
            standings = {session: view.load_standing(db, session) for session in sorted(news.sessions)}
            return last_seq(db), standings, view.load_messages(db, news.messages)

    def _load_present(self) -> tuple[str, ...]:
        with self._services.database.reading() as db:
            return view.load_present(db)

    def _in_order(self, visitor: Visitor, append: "_Join | _Part") -> None:
        """Append in the background, one after the other for each page, until it is in the journal."""
        task = asyncio.create_task(self._append(visitor, append))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _append(self, visitor: Visitor, append: "_Join | _Part") -> None:
        async with visitor.order:
            while True:
                try:
                    await self._services.committer.append(append)
                    return
                except CommitUnknown:
                    await asyncio.sleep(RETRY_S)


class _Join:
    """Append: the page's connection, on the interaction that is open now. Nothing when none is."""

    def __init__(self, visitor: Visitor, web_id: str) -> None:
        self._visitor = visitor
        self._web_id = web_id

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock: what was open a moment ago may have ended."""
        interaction_id = open_interaction(db, self._visitor.session)
        if interaction_id is None:
            return ()
        return (connected(interaction_id, self._visitor.connection_id, self._web_id),)


class _Part:
    """Append: the connection is gone."""

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        self._facts = facts

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The fact; repeating it is harmless."""
        return self._facts
