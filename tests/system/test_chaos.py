"""kill -9, SIGSTOP and a vanished Redis under load: nothing is lost, and everybody is served again."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.roles.centre import running
from tests.system.answers import lost
from tests.system.centre import Patient, patient
from tests.system.outside import Door, Kept
from tests.system.postgres import PostgresServer
from tests.system.trial import trial
from tests.system.verdict import check_everything, check_journal
from tests.system.writers import mailboxes, telephones

pytestmark = [pytest.mark.system, pytest.mark.timed, pytest.mark.timeout(300)]

CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
"""As when the server fails over: nobody knows of a commit under way whether it was one."""

LONG_S = 540.0

READ_S = 60.0
"""What piled up is read a few mails at a time, on a machine that others use as well."""

OTHERS = ("worker", "mail", "redis")
"""What no page talks to."""


async def test_whatever_dies_or_freezes_nothing_acknowledged_is_lost(data_dir: Path):
    """Each fault once, on SQLite; what does not disturb each other at once."""
    with patient(data_dir, agents=12) as hurt:
        async with trial(hurt, seed=1) as now:
            for role in ("router", "web"):
                await now.suffers(f"FLUSHALL, kill -9 of {role}", partial(hurt.empty_redis_and_kill, role))
            await now.suffers(f"kill -9 of {_and(OTHERS)}", partial(hurt.at_once, hurt.kill, *OTHERS))
            for role in ("router", "web"):
                await now.suffers(f"SIGSTOP of {role} with the counter", now.freezing(role))
            await now.suffers(f"SIGSTOP of {_and(OTHERS)}", partial(hurt.at_once, hurt.freeze, *OTHERS))
            await now.goes_without_redis(seconds=5)
            await now.drain()
        check_everything(now)
        check_journal(hurt)


async def test_the_same_on_postgresql(data_dir: Path, postgres_url: str):
    """Locks, leases and lost connections are different there."""
    with patient(data_dir, agents=12, DATABASE_URL=postgres_url) as hurt:
        async with trial(hurt, seed=2) as now:
            await now.suffers("kill -9 of router", partial(hurt.kill, "router"))
            for role in ("router", "web"):
                await now.suffers(f"SIGSTOP of {role} with the counter", now.freezing(role))
            await now.suffers(f"kill -9 of {_and(OTHERS)}", partial(hurt.at_once, hurt.kill, *OTHERS))
            await now.drain()
        check_everything(now)
        check_journal(hurt)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10, 16))
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_fault_upon_fault(data_dir: Path, postgres_server: PostgresServer, database: str, seed: int):
    """Every fault at random moments and in random order, also one right after the other."""
    environ = {"DATABASE_URL": postgres_server.new_schema()} if database == "postgresql" else {}
    with patient(data_dir, agents=12, **environ) as hurt:
        async with trial(hurt, seed=seed, within_s=LONG_S) as now:
            faults: list[tuple[str, Callable[[], object]]] = [
                ("FLUSHALL", hurt.empty_redis),
                ("a provider that hangs up", partial(hurt.far.texts.double.behave, "hang_up", times=5)),
                ("a mail server that is gone after the mail", partial(hurt.far.mails.drop, 3)),
            ]
            if database == "postgresql":
                faults += [
                    (f"every connection cut ({n})", partial(postgres_server.execute, CUT)) for n in range(3)
                ]
            for role in ("router", "web", *OTHERS):
                faults.append((f"kill -9 of {role}", partial(hurt.kill, role)))
                faults.append((f"SIGSTOP of {role}", partial(hurt.freeze, role)))
            for role in ("router", "web", "mail"):
                faults.append((f"SIGSTOP of {role} with the counter", now.freezing(role)))
            for name, fault in now.random.sample(faults, len(faults)):
                await asyncio.sleep(now.random.uniform(0, 2))
                await now.suffers(name, fault)
            await now.drain()
        check_everything(now)
        check_journal(hurt)


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_minute_without_redis(data_dir: Path, postgres_server: PostgresServer, database: str):
    """Hints and orders of chores are all that goes by it."""
    environ = {"DATABASE_URL": postgres_server.new_schema()} if database == "postgresql" else {}
    with patient(data_dir, agents=12, **environ) as hurt:
        async with trial(hurt, seed=3) as now:
            await now.goes_without_redis(seconds=60)
            await now.drain()
        check_everything(now)
        check_journal(hurt)


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_machine_that_dies_has_kept_what_it_acknowledged(
    data_dir: Path, postgres_server: PostgresServer, database: str
):
    """Every process at once, in the middle of texts and mails; then the centre is started again."""
    environ = {"DATABASE_URL": postgres_server.new_schema()} if database == "postgresql" else {}
    with patient(data_dir, agents=2, **environ) as hurt:
        web, post = Door(hurt.url), Door(f"http://127.0.0.1:{hurt.smtp_port}")
        everybody = (
            telephones(web, hurt.far, count=30, pace_s=0.5, seed=5),
            mailboxes(post, hurt.far, port=hurt.smtp_port, count=8, pace_s=2.0, seed=5),
        )
        writing = [asyncio.create_task(each.write()) for each in everybody]
        while not all(len(each.kept()) > 2 * len(each.writers) for each in everybody):
            await asyncio.sleep(0.05)
        hurt.centre.kill_all()
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        letters = [kept for each in everybody for kept in each.kept()]
        with running(data_dir, **hurt.environ) as again:
            await _found(hurt, letters)
            assert again.stop() == 0
        hurt.asks_journal("verify")
        hurt.asks_journal("replay")


async def _found(hurt: Patient, letters: list[Kept]) -> None:
    """Every acknowledged letter is there once and read."""
    deadline = time.monotonic() + READ_S
    while missing := hurt.ask(lambda db: lost(db, letters)):
        assert time.monotonic() < deadline, missing
        await asyncio.sleep(0.2)


def _and(roles: tuple[str, ...]) -> str:
    return " and ".join(roles)
