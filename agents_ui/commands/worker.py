"""`muster worker`: the role for what nobody waits for: housekeeping, and slow chores by order."""

import argparse
import asyncio
import logging
import os
import signal
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from config.settings import Settings, read_settings
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database, open_database
from router.run.beat import beat
from router.run.chore_worker import ChoreWorker, order
from router.run.chores import CHORES, verify_journal
from router.run.housekeeping import EVERY_S, claimed, disk_used_pct, tidy, yield_to_others
from router.run.logs import start_logging

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

NIGHT_HOUR: Final = 3
"""Local hour at which the journal is verified: when least happens."""

DAY_MS: Final = 20 * 3_600_000
"""How long a night's claim keeps other workers away; less than a day, so that no night is skipped."""

_log = logging.getLogger("muster.worker")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "worker",
        help="the role that delivers and does slow chores",
        description="Cleans up what has expired, verifies the journal at night, does slow chores by order.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGTERM."""
    start_logging("worker")
    yield_to_others()
    return asyncio.run(_serve(read_settings()))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    chores = ChoreWorker(settings.redis_url)
    chores.start()
    tasks = {
        asyncio.create_task(beat(settings.beat_fd)),
        asyncio.create_task(_keep_house(settings)),
        asyncio.create_task(stop.wait()),
    }
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    chores.stop()
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    return 0


async def _keep_house(settings: Settings) -> None:
    """Every minute, for ever; a database that is away is asked again the next minute."""
    database: Database | None = None
    while True:
        try:
            if database is None:
                database = await asyncio.to_thread(
                    open_database, settings.database_url, unsafe=settings.unsafe
                )
            await asyncio.to_thread(_round, database, settings)
        except (DatabaseGone, DatabaseBusy) as reason:
            _log.warning("no housekeeping now reason=%s", reason)
        except Exception:  # noqa: BLE001 - without tables, or a chore at fault: the next round may do better
            _log.exception("housekeeping failed")
        await asyncio.sleep(EVERY_S)


def _round(database: Database, settings: Settings) -> None:
    tidied = tidy(database)
    if tidied.tickets or tidied.claims or tidied.webs:
        _log.info("tidied tickets=%d claims=%d webs=%d", tidied.tickets, tidied.claims, tidied.webs)
    disk_used_pct(settings.data_dir)
    now = datetime.now(UTC).astimezone()
    if now.hour == NIGHT_HOUR:
        _nightly(database, settings, day=now.date().isoformat())


def _nightly(database: Database, settings: Settings, *, day: str) -> None:
    """Verify the journal once a night in a site: by order where Redis takes it, else right here."""
    (chore,) = CHORES
    owner = f"{socket.gethostname()}/{os.getpid()}"
    with database.writing() as db:
        ours = claimed(db, ref=f"chore/{chore}/{day}", owner=owner, for_ms=DAY_MS)
    if ours and not order(settings.redis_url, chore, order_id=f"verify-{day}"):
        verify_journal()
