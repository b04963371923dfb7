"""`muster voice`: owns every call, its signalling and its sound. What that is made of is router/run/voice."""

import argparse
import asyncio
import logging
import signal
import sys
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Final

from agents_ui.feed import Feed
from agents_ui.plan_holder import PlanHolder, load_plan
from agents_ui.supervision import EssentialTaskEnded, run_essential
from agents_ui.voice import last_resort
from config.plan_file import PlanWrong, parse_plan
from config.settings import Settings, SettingsWrong, read_settings, site_id_of
from router.journal.committer import Committer
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database, open_database
from router.run.beat import beat
from router.run.garbage import stop_rarely
from router.run.ground import check_host
from router.run.head_mark import HeadWatch
from router.run.hints import Hints
from router.run.logs import start_logging
from router.run.role_lease import keep_role
from router.run.voice.plans import has_trunk
from router.sites.boot_gate import check_start_apart
from router.sites.second_copy import Copies, second_copy_of

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.run.sip_agent import SipAgent
    from router.run.voice.door_server import DoorServer
    from router.run.voice.role import VoiceRole
    from router.run.voice.telephones import Trunks

RETRY_S: Final = 0.3
END_S: Final = 4.0
"""Every caller is told that we end; then the process ends, before it is killed."""

_log = logging.getLogger("muster.voice")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "voice",
        help="the role that has the calls",
        description="Takes calls from the trunks of the plan (MUSTER_SIP_PORT) and from the customers' page, "
        "and joins them with agents.",
    )
    parser.set_defaults(run=run)
    things = parser.add_subparsers(title="things", metavar="THING")
    words = "print what a provider's network is to say when everything here is down"
    fallback = things.add_parser("fallback", help=words, description=words)
    fallback.add_argument("account", nargs="?", default="", help="of twilio-voice; the first where left out")
    fallback.add_argument("--plan", help="a plan (default: MUSTER_PLAN, else the built-in one)")
    fallback.set_defaults(run=print_fallback)


def run(arguments: argparse.Namespace) -> int:
    """Take calls until SIGTERM; 1 when something essential ended."""
    start_logging("voice")
    settings = read_settings()
    check_host(settings)
    try:
        return asyncio.run(_Voice(settings).run())
    except EssentialTaskEnded as ended:
        if isinstance(ended.__cause__, SettingsWrong):
            raise ended.__cause__ from None
        _log.critical("ended task=%s", ended, exc_info=ended)
        return 1


def print_fallback(arguments: argparse.Namespace) -> int:
    """Print the document. 0: done; 1: the plan is wrong; 2: it has no such account, or cannot be read."""
    file = arguments.plan or str(read_settings().plan_file)
    try:
        with open(file, encoding="utf-8") as opened:
            plan = parse_plan(opened.read(), file)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file}: cannot be read: {error}", file=sys.stderr)
        return 2
    except PlanWrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    able = last_resort.holding_accounts(plan)
    found = next((each for each in able if arguments.account in ("", each.account_id)), None)
    if found is None:
        names = ", ".join(each.account_id for each in able) or "none"
        print(f"{file}: no such account of twilio-voice; there are: {names}", file=sys.stderr)
        return 2
    print(last_resort.document(plan, found))
    return 0


class _Voice:
    """The objects of one voice process, made in the order in which they can be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self.serves = False

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        beats = beat(self._settings.beat_fd, lambda: self.serves)
        over = asyncio.Event()
        await run_essential({"beat": beats, "serve": self._serve(over)}, over)
        return 0

    async def _serve(self, over: asyncio.Event) -> None:
        found = await self._open()
        if found is not None:
            await self._with(*found)
        over.set()

    async def _with(self, database: Database, plan: PlanHolder) -> None:
        await asyncio.to_thread(_load_sound)
        from router.run.voice.orders import HttpOrders
        from router.run.voice.role import Accounts, VoiceRole
        from router.run.voice.sound import Sound
        from router.run.voice.telephones import Trunks

        settings = self._settings
        hints = Hints(settings.redis_url, site_id_of(settings, plan()))
        committer = Committer(database, after_commit=hints.publish)
        feed = Feed(database, hints)
        feed.subscribe(plan.hear)  # first: all other listeners already see the plan that rows are about
        accounts = Accounts(plan, settings)
        trunks, orders = Trunks(accounts), HttpOrders()
        trunks.host = settings.media_address or settings.host
        role = VoiceRole(
            settings,
            database,
            committer,
            plan,
            feed,
            accounts=accounts,
            media=Sound(settings),
            telephones=trunks,
            voice_id=uuid.uuid4().hex[:12],
            orders=orders,
            here=trunks.here,
        )
        second = second_copy_of(settings, plan, database, committer)
        head = HeadWatch(database, settings.data_dir)
        role.board.beside = second.beside
        try:
            await asyncio.to_thread(head.start)
            await asyncio.to_thread(check_start_apart, settings, database, only_takes=True)
            await self._begin(role)
            await feed.start()
            await self._take_calls(database, feed, role, trunks, second)
        finally:
            self.serves = False
            await self._end(role, trunks)
            await orders.close()
            await asyncio.to_thread(committer.close)
            await hints.close()
            feed.close()
            await asyncio.to_thread(head.close)
            await asyncio.get_running_loop().shutdown_default_executor()  # its threads may be reading still
            database.close()

    async def _take_calls(
        self, database: Database, feed: Feed, role: "VoiceRole", trunks: "Trunks", second: Copies
    ) -> None:
        from router.run.voice.door_server import DoorServer
        from router.run.voice.places import note_ports, socket_path

        settings = self._settings
        path = socket_path(settings.data_dir)
        door = DoorServer(role.board, path)
        if has_trunk(role.plan()):
            trunks.agent = await listen(settings, role, trunks)
        if settings.beat_fd < 0:  # Nobody looks after us who would have said where we are.
            port = trunks.agent.port if trunks.agent is not None else 0
            note_ports(settings.data_dir, voice=path, host=settings.host, sip_port=port)
        over = asyncio.Event()
        working = {
            "feed": feed.run(),
            "voice": role.run(),
            "door": door.run(),
            "trunks": trunks.watch(role.board.alarm),
            "lives": keep_role(database, "voice"),
            "second copy": second.run(),
            "stop": self._until_stopped(door, over),
        }
        await run_essential(working, over)

    async def _until_stopped(self, door: "DoorServer", over: asyncio.Event) -> None:
        await door.listening.wait()
        stop_rarely()
        self.serves = True
        await self._stop.wait()
        self.serves = False
        over.set()

    async def _begin(self, role: "VoiceRole") -> None:
        while True:
            try:
                await role.begin()
                return
            except (DatabaseBusy, DatabaseGone) as reason:
                _log.warning("waiting for the database reason=%s", reason)
                await asyncio.sleep(RETRY_S)

    async def _end(self, role: "VoiceRole", trunks: "Trunks") -> None:
        """Every network is told; what cannot be written any more the router says."""
        try:
            async with asyncio.timeout(END_S):
                await role.end()
        except TimeoutError:
            _log.warning("stopped before everything was written")
        if trunks.agent is not None:
            await trunks.agent.close()

    async def _open(self) -> tuple[Database, PlanHolder] | None:
        """The database and the plan in force; None when told to stop before."""
        database: Database | None = None
        while not self._stop.is_set():
            try:
                if database is None:
                    database = await asyncio.to_thread(
                        open_database, self._settings.database_url, unsafe=self._settings.unsafe
                    )
                plan = await asyncio.to_thread(load_plan, database)
            except Exception as reason:  # noqa: BLE001 - without tables each driver raises an error of its own
                _log.warning("no plan yet, type muster up once reason=%s", type(reason).__name__)
            else:
                if plan is not None:
                    return database, plan
            await asyncio.sleep(RETRY_S)
        if database is not None:
            database.close()
        return None


def _load_sound() -> None:
    """Import what is slow to import. On a busy machine that takes longer than a role may be silent."""
    for name in ("door_server", "orders", "role", "sound", "telephones"):
        import_module(f"router.run.voice.{name}")


async def listen(settings: Settings, role: "VoiceRole", trunks: "Trunks") -> "SipAgent":
    """The user agent on its port. Raises SettingsWrong."""
    from router.run.sip_agent import SipAgent

    port = settings.port + 2 if settings.sip_port < 0 else settings.sip_port
    try:
        return await SipAgent.listen(
            settings.host,
            port,
            on_call=role.board.ring,
            may_call=trunks.may_call,
            on_options=lambda: 200 if role.board.well else 503,
            public_host=settings.media_address,
        )
    except ValueError:
        raise SettingsWrong(
            f"trunks cannot be told to send calls to {settings.host}: say by which address they reach us, "
            "e.g. MUSTER_MEDIA_ADDRESS=198.51.100.7"
        ) from None
    except OSError as problem:
        raise SettingsWrong(
            f"cannot listen for calls on {settings.host} port {port} ({problem.strerror}): "
            "type MUSTER_SIP_PORT=0 before the command for any free port"
        ) from None
