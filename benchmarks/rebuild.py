"""How soon a router that starts decides again, with 100,000 interactions waiting.

The tables are filled directly, as a router's last commit left them; then an agent becomes available while no
router runs, one is started, and the clock stops when its offer is committed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
from sqlalchemy import Integer, inspect

from benchmarks.plans import plan_text, skill_name
from config.plan_file import parse_plan
from router.journal.appends import ROUTER, FactsAppend
from router.journal.committer import Committer, wall_ms
from router.journal.connection import Connection, Value
from router.journal.database import Database, open_database
from router.journal.stream import last_seq
from router.journal.tables import InteractionRow
from router.records import canonical, fact
from router.run.plan_activation import ActivatePlan
from skills.requirement import Requirement
from tests.system.postgres import start_postgres

WAITING = 100_000
SKILLS = 50
REQUIREMENTS = 200
OFFER_S = 60.0
FAR_MS = 1 << 52
"""A lease of a web that nobody renews, and yet lives."""

WAITING_STATE: Mapping[str, Value] = {
    # Whatever columns there are: empty, but for what a waiting interaction has.
    **{
        column.name: 0 if isinstance(column.type, Integer) else ""
        for column in inspect(InteractionRow).columns
    },
    "channel": "chat",
    "traffic": "real",
    "reading": "read",
    "state": "waiting",
    "queue_id": "line",
    "rule_id": "everything",
    "arrived_seq": 1,
    "connection_ids": "[]",
}
AGENT_SQL = """
    INSERT INTO agent
        (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids, grace_until_ms)
    VALUES (:agent_id, 0, 'break', :now_ms, :now_ms, :desk_ids, 0)
"""
CONNECTION_SQL = """
    INSERT INTO connection (connection_id, kind, web_id, owner_id) VALUES (:desk_id, 'desk', 'w', :agent_id)
"""


def rebuild(times: int) -> dict[str, float]:
    """Seconds from the start of a router process to its first offer, medians, and the slower of the two."""
    found = {}
    for name, database_url in (("sqlite", _sqlite), ("postgresql", _postgres)):
        with database_url() as url:
            samples = sorted(_rebuilds(url, times))
            found[f"rebuild_100k_{name}_s"] = samples[len(samples) // 2]
    found["rebuild_100k_s"] = max(found.values())
    return found


@contextmanager
def _sqlite() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    try:
        yield f"sqlite:///{folder}/muster.db"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres() -> Iterator[str]:
    for server in start_postgres():
        yield server.new_database()


def _rebuilds(url: str, times: int) -> list[float]:
    database = open_database(url)
    plan = parse_plan(plan_text(agents=times, skills=SKILLS), file_name="benchmark")
    database.create_tables(site=plan.site.site_id)
    committer = Committer(database)
    committer.submit(ActivatePlan(plan=plan, by="benchmark")).result()
    agents = [person.agent_id for person in plan.people if person.role == "agent"]
    _fill(database, agents)
    try:
        return [_one(url, database, committer, agent_id) for agent_id in agents]
    finally:
        committer.close()
        database.close()


def _one(url: str, database: Database, committer: Committer, agent_id: str) -> float:
    ready = fact("presence_declared", agent_id, available=True, reason="", command_id="", by=agent_id)
    committer.submit(FactsAppend(facts_to_append=(ready,))).result()
    folder = tempfile.mkdtemp(prefix="muster-bench-")
    environ = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "", "MUSTER_DATA": folder}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "agents_ui.cli", "router"], env=environ, stderr=subprocess.PIPE
    )
    try:
        _wait_for_offer(database, agent_id, process)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_offer(database: Database, agent_id: str, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + OFFER_S
    while time.monotonic() < give_up and process.poll() is None:
        with database.reading() as db:
            if db.row("SELECT 1 FROM offer WHERE agent_id = :agent_id", agent_id=agent_id):
                return
        time.sleep(0.01)
    said = process.stderr.read() if process.poll() is not None and process.stderr else b""
    raise RuntimeError(f"no offer to {agent_id}: {said.decode()[-2000:]}")


def _fill(database: Database, agents: list[str]) -> None:
    db = database.connect()
    now_ms = wall_ms()
    db.begin()
    rows = list(_interactions(now_ms))
    names, values = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
    db.run_many(f"INSERT INTO interaction ({names}) VALUES ({values})", rows)
    for agent_id in agents:
        desk_id = f"desk-{agent_id}"
        db.run(AGENT_SQL, agent_id=agent_id, now_ms=now_ms, desk_ids=f'["{desk_id}"]')
        db.run(CONNECTION_SQL, desk_id=desk_id, agent_id=agent_id)
    db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('web/w', '', 0, :far)", far=FAR_MS)
    _set_position(db, now_ms)
    db.commit()
    db.close()


def _set_position(db: Connection, now_ms: int) -> None:
    db.run("DELETE FROM position WHERE reader = :reader", reader=ROUTER)
    db.run(
        "INSERT INTO position (reader, read_through, now_ms) VALUES (:reader, :seq, :now_ms)",
        reader=ROUTER,
        seq=last_seq(db),
        now_ms=now_ms,
    )


def _interactions(now_ms: int) -> Iterator[Mapping[str, Value]]:
    random = Random(1)
    needs = [_requirement(random) for _ in range(REQUIREMENTS)]
    for number in range(WAITING):
        yield {
            **WAITING_STATE,
            "interaction_id": f"{number:08}-0000-4000-8000-000000000000",
            "accepted_at_ms": now_ms - random.randint(1_000, 3_600_000),
            "urgency": random.randint(1, 5),
            "requirement": random.choice(needs),
        }


def _requirement(random: Random) -> str:
    skills = sorted(random.sample(range(SKILLS), random.choice((1, 1, 2, 3))))
    needed = Requirement(require=tuple((skill_name(skill), 1) for skill in skills))
    return canonical(msgspec.to_builtins(needed))
