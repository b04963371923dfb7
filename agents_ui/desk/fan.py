"""Brings the journal's changes to the desks of one web process.

One worker takes rows and newly opened desks in turn: a desk is registered first, then gets its snapshot, then
every later change; nothing runs beside it, so nothing can fall between. Values are read from SQL at the time
(whole, so repeats are harmless); in memory are only ids (views.py).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar  # Any: entity values are JSON objects

import msgspec

from agents_ui.access.table import SEES_ALARMS
from agents_ui.desk.answers import Answers
from agents_ui.desk.desk import RESTARTING, SESSION_ENDED, Desk
from agents_ui.desk.figures import queue_figures
from agents_ui.desk.loading import Loaded, load_changes, load_offers, load_snapshot
from agents_ui.desk.looked import LookRecord
from agents_ui.desk.plan_words import words_of
from agents_ui.desk.touched import Touched, touched_by
from agents_ui.desk.views import Changes, Views, place_of
from agents_ui.services import Services
from agents_ui.silence import is_out
from agents_ui.typing_marks import CUSTOMER
from router.journal.clock import SteadyClock
from router.journal.database import DatabaseBusy, DatabaseGone
from router.records import Row

T = TypeVar("T")
Value = dict[str, Any]

ROWS_AT_ONCE: Final = 2_000
JOINS_AT_ONCE: Final = 8
"""Snapshots between two batches of changes: when everybody reconnects at once, offers still get through."""

BEAT_S: Final = 2.0
FIGURES_S: Final = 0.5
"""Queue figures change at most twice a second on a screen."""

FIGURES_REST: Final = 10
"""... and take at most a tenth of the time, however long counting a hundred thousand takes."""

RETRY_S: Final = 0.5
"""Pause before a database that failed is asked again; desks stay open and wait."""

_log = logging.getLogger("muster.desk")


class Fan:
    """The desks of one web process. Lives on the event loop; the first desk starts its loops."""

    def __init__(self, services: Services) -> None:
        self.answers = Answers()
        self.clock = SteadyClock()
        """The journal's time, in which deadlines are: ahead of the wall's on a machine that was set back."""
        self._services = services
        self._views = Views()
        self._looked = LookRecord(services.committer)
        self._figures: dict[str, Value] = {}
        """What every desk shows of the queues: changed only together with telling them."""
        self._figures_changed = asyncio.Event()
        self._rows: deque[Row] = deque()
        self._joins: deque[tuple[Desk, asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._running: list[asyncio.Task[None]] = []
        services.feed.subscribe(self._take)
        services.typing.subscribe(self._typing)

    async def join(self, desk: Desk) -> None:
        """Give the desk its snapshot and, from then on, every change. Returns with the snapshot under way."""
        self._ensure_running()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joins.append((desk, ready))
        self._wake.set()
        await ready

    def leave(self, desk: Desk) -> None:
        """No more changes for this desk."""
        self._views.remove(desk)

    def holds(self, agent_id: str, interaction_id: str) -> bool:
        """Whether this agent's desks show this conversation now."""
        return self._views.shown.get(interaction_id) == (agent_id, "conversation", interaction_id)

    def close_all(self, code: int) -> None:
        """End every desk; their pages reconnect and get new snapshots."""
        for desk in self._views.desks():
            desk.close(code)

    def _take(self, rows: Sequence[Row]) -> None:
        self.clock.at_least(rows[-1].at_ms)
        if self._views or self._joins or self.answers:
            self._rows.extend(rows)
            self._wake.set()

    def _typing(self, interaction_id: str, who: str) -> None:
        place = self._views.shown.get(interaction_id)
        if who == CUSTOMER and place is not None and place[1] == "conversation":
            mark = msgspec.json.encode({"kind": "typing", "interaction_id": interaction_id})
            for desk in self._views.desks_of(place[0]):
                desk.push(mark)

    def _ensure_running(self) -> None:
        if not self._running:
            loops: list[Callable[[], Coroutine[Any, Any, None]]] = [self._work, self._beat, self._count]
            self._running = [asyncio.create_task(loop()) for loop in loops]

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._rows or self._joins:
                rows = [self._rows.popleft() for _ in range(min(ROWS_AT_ONCE, len(self._rows)))]
                await self._careful(self._spread(rows))
                for _ in range(min(JOINS_AT_ONCE, len(self._joins))):
                    await self._careful(self._admit(*self._joins[0]))
                    self._joins.popleft()  # only now: rows must be kept while its snapshot is read

    async def _careful(self, step: Coroutine[Any, Any, None]) -> None:
        """A step that fails leaves desks in doubt: all start anew from a snapshot, and the worker goes on."""
        try:
            await step
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  our own mistake, or the database's: no desk may be left behind
            _log.exception("a change could not be brought to the desks")
            self.close_all(RESTARTING)

    async def _admit(self, desk: Desk, ready: "asyncio.Future[None]") -> None:
        services = self._services
        plan = services.plan()
        try:
            if not self._views:  # nobody listened, so the figures are old
                self._figures = await self._ask(self._load_figures)
                self._figures_changed.set()
            snapshot = await self._ask(
                lambda: load_snapshot(services.database, plan, desk.person, desk.desk_id)
            )
        except Exception:  # noqa: BLE001 - our own mistake with what this desk shows: no other is in doubt
            _log.exception("a desk could not be shown desk=%s", desk.desk_id)
            desk.close(RESTARTING)
            return
        except BaseException:
            desk.close(RESTARTING)
            raise
        finally:
            if not ready.done():
                ready.set_result(None)
        if snapshot is None:
            desk.close(SESSION_ENDED)
        elif not snapshot.desk_open:
            desk.close(RESTARTING)  # The router gave it up while we stood still: its page comes back.
        if desk.closing or snapshot is None:
            return
        persons = snapshot.entities["customer"]
        self._send(self._views.add(desk, snapshot.work, persons))
        entities = {**snapshot.entities, "queue": self._figures}
        desk.snapshot(msgspec.json.encode(entities), msgspec.json.encode(words_of(plan)))
        said_in = {each["said_in"]: None for each in snapshot.entities["message"].values()}
        self._looked.shown(desk.person, {**snapshot.entities["conversation"], **said_in})
        self._looked.shown(desk.person, persons, "customer")

    async def _spread(self, rows: Sequence[Row]) -> None:
        persons = any(view.customers for view in self._views)
        touched = touched_by(rows, agents=self._views, shown=self._views.shown, persons=persons)
        if touched.figures:
            self._figures_changed.set()
        self._end_desks(touched)
        if touched.offered:
            await self._bring_offers(touched)
        if touched.concerns:
            await self._bring(touched)
        for command_id, kind, code in touched.answers:
            self.answers.settle(command_id, kind, code)
        if touched.plan:
            self.close_all(RESTARTING)

    def _end_desks(self, touched: Touched) -> None:
        """Ends desks whose session ended, and those the router believes gone: their pages come back."""
        for desk in self._views.desks() if touched.sessions or touched.left else ():
            if desk.person.session_hash in touched.sessions:
                desk.close(SESSION_ENDED)
            elif desk.desk_id in touched.left:
                desk.close(RESTARTING)

    async def _bring_offers(self, touched: Touched) -> None:
        """What was offered, before everything else of this batch is even read: somebody waits for that."""
        services, views = self._services, self._views
        loaded = await self._ask(lambda: load_offers(services.database, touched.offered, agents=views))
        changes: Changes = {}
        for interaction_id in loaded.interactions:
            before = views.shown.get(interaction_id)
            touched.agents |= {before[0]} if before else set()
            del touched.interactions[interaction_id]
        self._place(loaded, changes)
        touched.agents |= changes.keys()
        self._send(changes)

    async def _bring(self, touched: Touched) -> None:
        services, views = self._services, self._views
        plan, customers = services.plan(), views.customers()
        loaded = await self._ask(
            lambda: load_changes(
                services.database, plan, touched, agents=views, shown=views.shown, customers=customers
            )
        )
        self._check_people(touched, loaded)
        changes: Changes = {}
        self._place(loaded, changes)
        for agent_id, value in loaded.me.items():
            changes.setdefault(agent_id, []).append(_put("me", value, "agent_id"))
        self._add_customers(loaded, changes)
        self._add_alarms(touched, loaded, changes)
        self._add_duals(touched, loaded, changes)
        self._send(changes)

    def _place(self, loaded: Loaded, changes: Changes) -> None:
        """Drops where an interaction no longer is, puts where it is."""
        for interaction_id, interaction in loaded.interactions.items():
            here = interaction_id in loaded.cards and interaction.viewer in self._views
            after = place_of(interaction) if here else None
            before = self._views.shown.get(interaction_id)
            self._views.place(interaction_id, after, changes)
            if after is None:
                continue
            puts = changes.setdefault(after[0], [])
            puts.append({"put": after[1], "id": after[2], "value": loaded.cards[interaction_id]})
            if after[1] == "conversation" and interaction_id in loaded.calls:
                puts.append(_put("call", loaded.calls[interaction_id], "interaction_id"))
            messages = loaded.messages.get(interaction_id, ())
            puts += [_put("message", each, "message_id") for each in messages]
            if after[1] == "conversation" and before != after:
                looked_at = {interaction_id: None, **{each["said_in"]: None for each in messages}}
                self._looked.shown(self._views.desks_of(after[0])[0].person, looked_at)

    def _add_customers(self, loaded: Loaded, changes: Changes) -> None:
        """The persons behind the conversations; the look is on record like that at a conversation."""
        for agent_id, ids in loaded.customer_ids.items():
            self._views.show_customers(agent_id, ids, changes)
            puts = [
                _put("customer", loaded.customers[each], "customer_id")
                for each in ids
                if each in loaded.customers
            ]
            changes.setdefault(agent_id, []).extend(puts)
            for desk in self._views.desks_of(agent_id)[:1]:
                self._looked.shown(desk.person, ids, "customer")

    def _add_alarms(self, touched: Touched, loaded: Loaded, changes: Changes) -> None:
        news = [
            _put("alarm", loaded.alarms[alarm_id], "alarm_id")
            if alarm_id in loaded.alarms
            else {"drop": "alarm", "id": alarm_id}
            for alarm_id in sorted(touched.alarms)
        ]
        for view in self._views if news else ():
            if view.role in SEES_ALARMS:
                changes.setdefault(view.agent_id, []).extend(news)

    def _add_duals(self, touched: Touched, loaded: Loaded, changes: Changes) -> None:
        """Told to who answered it here last; who was told before, and gave it away, is told no longer."""
        for interaction_id in sorted(touched.duals | loaded.duals.keys()):
            value = loaded.duals.get(interaction_id)
            drop = {"drop": "dual", "id": interaction_id}
            for view in self._views:
                is_theirs = value is not None and value["agent_id"] == view.agent_id
                put = _put("dual", value, "interaction_id") if value is not None and is_theirs else drop
                changes.setdefault(view.agent_id, []).append(put)

    def _check_people(self, touched: Touched, loaded: Loaded) -> None:
        """Somebody whose role changed, or who may no longer sign in, signs in again."""
        for agent_id in sorted(touched.people):
            for desk in self._views.desks_of(agent_id):
                if loaded.roles.get(agent_id) != desk.person.role:
                    desk.close(SESSION_ENDED)

    def _send(self, changes: Changes) -> None:
        for agent_id, puts in changes.items():
            if not puts:
                continue
            data = msgspec.json.encode(puts)
            for desk in self._views.desks_of(agent_id):
                desk.change(data)

    async def _beat(self) -> None:
        """Every two seconds each page hears that we live; sessions that ran out end."""
        while True:
            await asyncio.sleep(BEAT_S)
            now_ms = self.clock()
            beat = b'{"kind":"beat","server_ms":%d%b}' % (now_ms, self._services.whereabouts.beat())
            silent = is_out(self._services.committer)
            for desk in self._views.desks():
                if desk.person.expires_at_ms <= now_ms:
                    desk.close(SESSION_ENDED)
                if not silent:
                    desk.push(beat)

    async def _count(self) -> None:
        """Queue figures, when they changed, to every desk."""
        while True:
            await self._figures_changed.wait()
            self._figures_changed.clear()
            began_s = time.monotonic()
            await self._careful(self._spread_figures())
            await asyncio.sleep(max(FIGURES_S, FIGURES_REST * (time.monotonic() - began_s)))

    async def _spread_figures(self) -> None:
        try:
            figures = await asyncio.to_thread(self._load_figures)
        except (DatabaseBusy, DatabaseGone):  # no reason to end a desk: they are counted again in a moment
            self._figures_changed.set()
            return
        changed = [value for queue_id, value in figures.items() if self._figures.get(queue_id) != value]
        self._figures = figures
        data = msgspec.json.encode([_put("queue", value, "queue_id") for value in changed])
        for desk in self._views.desks() if changed else ():
            desk.change(data)

    def _load_figures(self) -> dict[str, Value]:
        with self._services.database.reading() as db:
            return queue_figures(db, self._services.plan())

    async def _ask(self, question: Callable[[], T]) -> T:
        """The answer from SQL, in the fan's own thread. A database that is away for a while is waited for."""
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, question)
            except (DatabaseBusy, DatabaseGone) as problem:
                _log.warning("desks wait for the database error=%s", type(problem).__name__)
                await asyncio.sleep(RETRY_S)


def _put(entity: str, value: Value, id_field: str) -> Value:
    return {"put": entity, "id": value[id_field], "value": value}
