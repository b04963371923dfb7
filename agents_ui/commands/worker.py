"""`muster worker`: the role that delivers answers, and does what nobody waits for: housekeeping, chores."""

import argparse
import asyncio
import logging
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from config.settings import Settings, read_settings
from router.journal.clock import SteadyClock
from router.journal.committer import Committer
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database, open_database
from router.run.beat import beat
from router.run.chore_worker import ChoreWorker, order
from router.run.chores import CHORES, verify_journal
from router.run.delivery import Delivery
from router.run.delivery_orders import DELIVER_DUE, QUEUE
from router.run.delivery_senders import Outlets
from router.run.fallback import OtherWays
from router.run.head_mark import HeadWatch
from router.run.hints import Hints
from router.run.housekeeping import EVERY_S, claimed, disk_used_pct, tidy, yield_to_others
from router.run.logs import start_logging
from router.run.role_lease import keep_role
from router.run.wanted_media import Media
from router.sites.boot_gate import check_start_apart
from router.sites.passage import GATE_S, WORKER_S, Passage, began

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

ROLE: Final = "worker"
NIGHT_HOUR: Final = 3
"""Local hour at which the journal is verified: when least happens."""

DAY_MS: Final = 20 * 3_600_000
"""How long a night's claim keeps other workers away; less than a day, so that no night is skipped."""

WAIT_S: Final = 0.25
"""Between looks for a database that is not there yet."""

SETTLE_S: Final = 1.5
"""At the end, what is being sent gets this long; then it counts as sent, perhaps, and is sent again."""

_log = logging.getLogger("muster.worker")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "worker",
        help="the role that delivers and does slow chores",
        description="Sends answers by providers, cleans up what has expired, verifies the journal at night, "
        "does slow chores by order.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGTERM."""
    start_logging("worker")
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
        asyncio.create_task(_deliver(settings)),
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


async def _deliver(settings: Settings) -> None:
    """Send what is due, fetch what was only pointed to. Orders by rq only wake it sooner."""
    database = await _opened(settings)
    watch = HeadWatch(database, settings.data_dir)
    await asyncio.to_thread(watch.start)
    asked_s = await asyncio.to_thread(check_start_apart, settings, database)
    since_ms = began(database)
    with database.reading() as db:
        clock = SteadyClock.of(db)
        found = db.row("SELECT site FROM stream WHERE own = 1")
    hints = Hints(settings.redis_url, found[0] if found else "")
    committer = Committer(database, after_commit=hints.publish, clock=clock)
    outlets = Outlets(settings)
    patience_s = GATE_S - asked_s
    passage = Passage(
        database, committer, role=ROLE, since_ms=since_ms, patience_s=patience_s, longest_s=WORKER_S
    )
    passes = passage.passes if settings.site else None
    delivery = Delivery(database, committer, outlets, clock, passes=passes)
    ways = OtherWays(database, committer, clock, lacking=outlets.lacking, wake=delivery.wake, passes=passes)
    orders = ChoreWorker(settings.redis_url, queue=QUEUE, chores={DELIVER_DUE: delivery.wake})
    orders.start()
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(keep_role(database, ROLE))
            both.create_task(delivery.run())
            both.create_task(ways.run())
            if settings.site:
                both.create_task(passage.keep())
            both.create_task(Media(database, committer, settings).run())
    finally:
        orders.stop()
        await delivery.settle(SETTLE_S)
        await asyncio.to_thread(committer.close)
        await hints.close()
        await asyncio.to_thread(watch.close)
        database.close()


async def _opened(settings: Settings) -> Database:
    """The database, once it is there and has its tables."""
    while True:
        try:
            database = await asyncio.to_thread(open_database, settings.database_url, unsafe=settings.unsafe)
            with database.reading() as db:
                db.row("SELECT 1 FROM stream")
        except (DatabaseGone, DatabaseBusy) as reason:
            _log.warning("waiting for the database: %s", reason)
            await asyncio.sleep(WAIT_S)
        else:
            return database


async def _keep_house(settings: Settings) -> None:
    """Every minute, for ever; a database that is away is asked again the next minute."""
    database: Database | None = None
    thread = ThreadPoolExecutor(1, thread_name_prefix="house", initializer=yield_to_others)
    house = partial(asyncio.get_running_loop().run_in_executor, thread)
    while True:
        try:
            if database is None:
                database = await house(partial(open_database, settings.database_url, unsafe=settings.unsafe))
            await house(_round, database, settings)
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
