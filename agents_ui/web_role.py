"""One web process: builds its long-lived objects, runs them, and stops them in order.

On SIGTERM sockets close with 1012 (pages come back by themselves), what was submitted is committed, and
nothing is begun. The end of any essential task ends the process; `muster up` starts it again.
"""

import asyncio
import logging
import signal
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from agents_ui.app import body_limit, create_app
from agents_ui.chat.room import Room
from agents_ui.elsewhere.whereabouts import Whereabouts
from agents_ui.feed import Feed
from agents_ui.figures import Figures, TimedCommitter
from agents_ui.health import CommitProbe, Health
from agents_ui.hooks.figures import HookFigures
from agents_ui.hooks.hooks import Hooks
from agents_ui.plan_holder import PlanHolder, load_plan
from agents_ui.server import FrontServer, server_of
from agents_ui.services import Services
from agents_ui.silence import Silence
from agents_ui.supervision import Watchdog, run_essential
from agents_ui.typing_marks import TypingMarks
from agents_ui.voice.door import VoiceDoor
from agents_ui.watch.watch import Watch
from config.settings import Settings, site_id_of
from router.channels.accounts import load_accounts
from router.journal.committer import Committer
from router.journal.database import Connection, Database, DatabaseBusy, DatabaseGone, open_database
from router.run.beat import beat
from router.run.delivery_orders import DeliveryOrders
from router.run.garbage import stop_rarely
from router.run.head_mark import HeadWatch
from router.run.hints import Hints
from router.run.intake import Intake
from router.run.mail_intake import MailIntake
from router.run.sightings import Sightings
from router.run.switching import switch_often
from router.run.web_lease import RENEW_S, end_web, renew_web
from router.sites.boot_gate import check_start_apart
from router.sites.forwarding import forwarder_of
from router.sites.second_copy import second_copy_of

WAIT_S: Final = 0.25
"""Between looks for a database that is not there yet, or that has no plan in force yet."""

READERS: Final = 16
"""Threads that read for pages and desks; a slow database must not leave none for the others."""

SETTLE_S: Final = 1.0
"""At the end, what is still to be appended gets this long; the router notices what is then left."""

_AWAY: Final = (DatabaseBusy, DatabaseGone)

_log = logging.getLogger("muster.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that lives as long as the process serves."""

    services: Services
    plan: PlanHolder
    room: Room
    intake: Intake
    mail: MailIntake
    sightings: Sightings
    health: Health
    figures: Figures
    server: FrontServer
    watchdog: Watchdog
    watch: Watch


class WebRole:
    """A web process on a listening socket. `ready` once everything serves; stop() is what SIGTERM does."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.ready = False
        self.parts: Parts | None = None
        self._settings = settings
        self._listener = listener
        self._web_id = uuid.uuid4().hex[:12]
        self._stop = asyncio.Event()
        self._over = asyncio.Event()

    def stop(self) -> None:
        """Stop in order; run() returns."""
        self._stop.set()

    async def run(self, *, signals: bool = True) -> None:
        """Serve until stopped. Raises EssentialTaskEnded."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(READERS, thread_name_prefix="read"))
        if signals:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.stop)
        beats = beat(self._settings.beat_fd, ready=lambda: self.ready)
        await run_essential({"beat": beats, "serve": self._serve()}, self._over)

    async def _serve(self) -> None:
        database = await self._open()
        plan = await self._first_plan(database) if database is not None else None
        if database is None or plan is None:
            self._over.set()
            return
        parts = self.parts = self._build(database, plan)
        lease, head = _Lease(database, self._web_id), HeadWatch(database, self._settings.data_dir)
        try:
            await asyncio.to_thread(head.start)
            await asyncio.to_thread(check_start_apart, self._settings, database, only_takes=True)
            await lease.renew()
            await parts.services.feed.start()
            await run_essential(
                {
                    "feed": parts.services.feed.run(),
                    "chat": parts.room.run(),
                    "typing": parts.services.typing.run(),
                    "whereabouts": parts.services.whereabouts.run(),
                    "intake": parts.intake.run(),
                    "mail": parts.mail.run(),
                    "sightings": parts.sightings.run(),
                    "second copy": parts.services.second.run(),
                    "lease": lease.keep(),
                    "watchdog": parts.watchdog.run(),
                    "silence": self._silence(parts).run(),
                    "watch": parts.watch.run(),
                    "committer": _watch(parts.services.committer),
                    "http": self._serve_http(parts, lease),
                },
                self._over,
            )
        finally:
            self.ready = False
            await lease.close()
            await asyncio.to_thread(head.close)
            await asyncio.to_thread(parts.services.committer.close)
            await parts.services.hints.close()
            await parts.services.voice.close()
            parts.services.forward.close()
            parts.services.feed.close()
            parts.services.whereabouts.copy.close()
            await asyncio.get_running_loop().shutdown_default_executor()  # its threads may be reading still
            database.close()

    async def _open(self) -> Database | None:
        """The database once it can be opened; None when told to stop before."""
        while not self._stop.is_set():
            try:
                return await asyncio.to_thread(
                    open_database, self._settings.database_url, unsafe=self._settings.unsafe
                )
            except DatabaseGone as gone:
                _log.warning("waiting for the database: %s", gone)
                await self._pause()
        return None

    async def _first_plan(self, database: Database) -> PlanHolder | None:
        """The plan in force once there is one; None when told to stop before."""
        while not self._stop.is_set():
            try:
                plan = await asyncio.to_thread(load_plan, database)
            except Exception as problem:  # noqa: BLE001 - without tables drivers raise errors of their own
                _log.warning("waiting for tables: type muster up once (%s)", type(problem).__name__)
            else:
                if plan is not None:
                    return plan
            await self._pause()
        return None

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), WAIT_S)
        except TimeoutError:
            return

    def _build(self, database: Database, plan: PlanHolder) -> Parts:
        figures, watchdog = Figures(), Watchdog()
        site = site_id_of(self._settings, plan())
        hints = Hints(self._settings.redis_url, site)
        committer = TimedCommitter(database, figures, after_commit=hints.publish)
        orders = DeliveryOrders(self._settings.redis_url)
        feed = Feed(database, hints)
        feed.subscribe(plan.hear)  # first: all other listeners already see the plan that rows are about
        whereabouts = Whereabouts(self._settings, plan, database)
        services = Services(
            settings=self._settings,
            plan=plan,
            database=database,
            committer=committer,
            hints=hints,
            feed=feed,
            typing=TypingMarks(self._settings.redis_url, site, self._web_id),
            web_id=self._web_id,
            whereabouts=whereabouts,
            deliver=orders.order,
            voice=VoiceDoor(self._settings.data_dir / "ports.json"),
            second=second_copy_of(self._settings, plan, database, committer, figures.waited),
            forward=forwarder_of(self._settings, plan, whereabouts.copy.kept),
        )
        return self._parts(services, plan, figures, watchdog)

    def _parts(self, services: Services, plan: PlanHolder, figures: Figures, watchdog: Watchdog) -> Parts:
        database, committer, feed = services.database, services.committer, services.feed
        intake = Intake(database, committer, plan, web_id=self._web_id)
        feed.subscribe(intake.hear)
        mail = MailIntake(
            database,
            committer,
            plan,
            lambda each: load_accounts(each, self._settings),
            web_id=self._web_id,
            ready=lambda: intake.warm,
        )
        sightings = Sightings(database, committer, plan, web_id=self._web_id, there=services.forward.located)
        feed.subscribe(sightings.hear)
        feed.subscribe(figures.hear)
        room = Room(services)
        health = Health(database, committer, figures)
        hooks = Hooks(services, HookFigures(figures.registry))
        port = self._listener.getsockname()[1]
        app = create_app(services, room=room, health=health, hooks=hooks, port=port)
        server = server_of(app, self._settings, body_limit=body_limit(services, hooks))
        watch = Watch(services, port=port)
        feed.subscribe(watch.arrivals.hear)
        figures.sockets(lambda: _connections(server, room))
        _note_lags(figures, feed, watchdog, committer)
        return Parts(
            services=services,
            plan=plan,
            room=room,
            intake=intake,
            mail=mail,
            sightings=sightings,
            health=health,
            figures=figures,
            server=server,
            watchdog=watchdog,
            watch=watch,
        )

    def _silence(self, parts: Parts) -> Silence:
        return Silence(parts.services.committer, CommitProbe(), parts.room.send_away)

    async def _serve_http(self, parts: Parts, lease: "_Lease") -> None:
        """Serve, say so, and on stop() end in order: sockets, then what they still had to append."""
        serving = asyncio.create_task(parts.server.serve(sockets=[self._listener]))
        listening = asyncio.create_task(parts.server.listening.wait())
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((serving, listening), return_when=asyncio.FIRST_COMPLETED)
            stop_rarely()
            switch_often()
            self.ready = parts.health.serving = True
            await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
            self.ready = parts.health.serving = False
            if self._stop.is_set():
                parts.server.should_exit = True
                await serving
                await _say_goodbye(parts.room, lease)
                self._over.set()
        finally:
            for task in (stop, listening, serving):
                task.cancel()
            parts.server.cut()


class _Lease:
    """The row that says this process lives, renewed over a connection and in a thread of its own."""

    def __init__(self, database: Database, web_id: str) -> None:
        self._database = database
        self._web_id = web_id
        self._db: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")

    async def renew(self) -> None:
        """Raises DatabaseBusy, DatabaseGone."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, renew_web)

    async def end(self) -> None:
        """Everything this process held is closed. Raises DatabaseBusy, DatabaseGone."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, end_web)

    async def close(self) -> None:
        """Let go of the connection and the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
        self._thread.shutdown(wait=False)

    async def keep(self) -> None:
        """Renew while the loop turns. A late renewal is not the end: rooms and desks notice and rejoin."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self.renew()
            except _AWAY as problem:
                _log.warning("lease not renewed error=%s", type(problem).__name__)

    def _let_go(self) -> None:
        if self._db is not None:
            self._db.close()

    def _write(self, statement: Callable[..., None]) -> None:
        if self._db is None or not self._db.usable:
            self._db = self._database.connect(local=True)
        statement(self._db, web_id=self._web_id)


async def _say_goodbye(room: Room, lease: _Lease) -> None:
    try:
        await asyncio.wait_for(room.settle(), SETTLE_S)
        await asyncio.wait_for(lease.end(), SETTLE_S)
    except (TimeoutError, *_AWAY):
        _log.warning("stopped before everything was written; the router notices")


async def _watch(committer: Committer) -> None:
    """Ends when the committer's thread has: nothing can be kept any more."""
    while True:
        if not committer.running:
            return
        await asyncio.sleep(WAIT_S)


def _note_lags(figures: Figures, feed: Feed, watchdog: Watchdog, committer: Committer) -> None:
    lag_s = "How late the loop's last tick was"
    figures.gauge("muster_feed_lag_seconds", "Age of the newest row seen", lambda: feed.lag_ms / 1000)
    figures.gauge("muster_feed_position", "Newest row seen here", lambda: feed.position)
    figures.gauge("muster_loop_lag_seconds", lag_s, lambda: watchdog.lag_s)
    out_s = "For how long nothing of what was to be kept was; 0 while all is well"
    figures.gauge("muster_database_out_seconds", out_s, lambda: committer.out_s)


def _connections(server: FrontServer, room: Room) -> Mapping[str, int]:
    kinds = Counter(type(each).__name__ for each in server.server_state.connections)
    return {"http": kinds["FrontProtocol"], "socket": kinds["FrontSocket"], "chat": room.count()}
