"""`muster up`: starts everything on this machine, says where it is, stays until Ctrl-C.

What it starts and watches is router/run/family.py; what has to be true before is ground.py.
"""

import argparse
import asyncio
import dataclasses
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import Settings, read_settings

if TYPE_CHECKING:
    from agents_ui.access.first_start import OneTimePassword
    from agents_ui.commands import Subparsers
    from config.plan import Plan

UP: Final = "up"
"""Who activated a plan that was found changed in its file."""


def add_to(subparsers: "Subparsers") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "up",
        help="start everything on this machine and stay until Ctrl-C",
        description="Starts Redis (unless REDIS_URL names one), the router, the web and a worker, and keeps "
        "them alive. The first time it makes the database and prints a one-time password for everybody.",
    )
    parser.add_argument("--demo", action="store_true", help="send a stream of invented contacts as well")
    parser.add_argument("--agents", type=int, default=0, metavar="N", help="demo agents who answer them")
    parser.add_argument("--verbose", action="store_true", help="also show here what the processes log")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Stay until Ctrl-C or SIGTERM; 0 after an orderly stop, 1 when a role does not start."""
    from router.run.ground import (
        check_host,
        own_folder,
        usable_peer_port,
        usable_port,
        usable_sip_port,
        usable_smtp_port,
    )

    began = time.monotonic()
    settings = read_settings()
    check_host(settings)
    lock = own_folder(settings.data_dir)
    try:
        if arguments.demo or arguments.agents > 0:
            settings = _staged(settings)
        settings = dataclasses.replace(settings, port=usable_port(settings.host, settings.port))
        settings = dataclasses.replace(settings, smtp_port=usable_smtp_port(settings))
        settings = dataclasses.replace(settings, sip_port=usable_sip_port(settings))
        if settings.site:
            settings = dataclasses.replace(settings, peer_port=usable_peer_port(settings))
        return asyncio.run(_Up(settings, arguments, began).run())
    finally:
        os.close(lock)


def _staged(settings: Settings) -> Settings:
    from agents_ui.demo.stage import staged

    return staged(settings)


class _Up:
    """One run of the command."""

    def __init__(self, settings: Settings, arguments: argparse.Namespace, began: float) -> None:
        from router.run.family import Family

        self._family = Family(settings, say=_say, verbose=arguments.verbose)
        self._demo: bool = arguments.demo or arguments.agents > 0
        self._agents: int = arguments.agents
        self._began = began
        self._stop = asyncio.Event()

    async def run(self) -> int:
        self._listen_to_signals()
        service = asyncio.create_task(self._serve())
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait((service, stop), return_when=asyncio.FIRST_COMPLETED)
        if not service.done():
            _say("stopping")
            service.cancel()
        stop.cancel()
        (outcome,) = await asyncio.gather(service, return_exceptions=True)
        await self._family.stop()
        return self._status(outcome)

    def _status(self, outcome: object) -> int:
        from router.run.family import StartFailed

        if isinstance(outcome, StartFailed):
            sys.stderr.write(f"muster: {outcome}\n")
            return 1
        if isinstance(outcome, Exception):
            raise outcome
        return 0

    async def _serve(self) -> None:
        """Start everything in order; never returns by itself."""
        from router.run.mail_role import has_mailbox
        from router.run.voice.plans import has_calls, has_trunk

        family = self._family
        _say(f"Muster starts in {_short(family.settings.data_dir)}")
        _, (plan, sign_ins) = await asyncio.gather(
            family.start_redis(),
            asyncio.to_thread(_prepared, family.settings, demo=self._demo),
        )
        if family.settings.site:
            _check_peer(family.settings, plan)
        family.start_roles(mail=has_mailbox(plan), voice=has_calls(plan), trunk=has_trunk(plan))
        _show_sign_ins(sign_ins)
        await family.all_serve()
        family.write_ports()
        self._show_addresses()
        family.start_standby()
        if self._demo:
            family.start_command("demo", "demo", "--agents", str(self._agents), beats=False)
        await asyncio.Event().wait()

    def _show_addresses(self) -> None:
        from router.run.family import address

        url, data_dir = address(self._family.settings), self._family.settings.data_dir
        _say(f"  customers   {url}/chat")
        _say(f"  agents      {url}/desk")
        if self._family.takes_mail:
            _say(f"  mail        smtp://{self._family.settings.host}:{self._family.settings.smtp_port}")
        if self._family.takes_telephone_calls:
            _say(f"  calls       sip:{self._family.settings.host}:{self._family.settings.sip_port}")
        if self._family.has_peer:
            settings = self._family.settings
            _say(f"  other site  is heard on {settings.host}:{settings.peer_port}")
        _say(f"  logs        {_short(data_dir / 'logs')}")
        if self._demo:
            from agents_ui.demo.sign_ins import FILE

            # A second start shows no passwords, and whoever tries a demo has not written them down.
            _say(f"  sign-ins    {_short(data_dir / FILE)} (as first given out)")
        _say(f"ready after {time.monotonic() - self._began:.1f} s. Ctrl-C stops everything.")

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # A closed terminal must not end a centre.

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._family.kill()
        self._stop.set()


def _check_peer(settings: Settings, plan: "Plan") -> None:
    """Whatever would keep the role `peer` from starting is said in one line, now. Raises SettingsWrong."""
    from router.sites.credentials import check_listener, peer_access

    check_listener(settings.host, peer_access(settings, plan).tls)


def _prepared(settings: Settings, *, demo: bool) -> "tuple[Plan, list[OneTimePassword]]":
    from agents_ui.preparation import prepare  # in its thread: Redis starts meanwhile

    return prepare(settings, say=_say, by=UP, demo=demo)


def _show_sign_ins(sign_ins: "list[OneTimePassword]") -> None:
    from agents_ui.preparation import show_sign_ins

    show_sign_ins(sign_ins, say=_say)


def _short(path: Path) -> str:
    """The path as people would type it from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _say(line: str) -> None:
    with suppress(OSError):  # The terminal is gone; the centre is not.
        print(line, flush=True)
