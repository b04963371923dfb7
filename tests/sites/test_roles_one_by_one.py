"""A site that died and was taken over is started as systemd does it: every role by itself, in any order."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from router.run.lease import NOW_MS
from router.run.plan_activation import ActivatePlan
from router.sites.status import put_status
from tests.roles.hand_stepped import Clock
from tests.roles.redis_process import wait_until
from tests.sites import routed_pair as routed_pair_of
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.site_pair import PAIR, plan_of
from tests.sites.test_lending import ACCOUNT
from tests.sites.test_unsent import Two
from tests.system.far_side import ACCOUNT_SID, NUMBER, TEXT_SECRET, FarSide, far_side

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

GUARD_S = 30
ACCOUNTS = f"""
[[accounts]]
id = "{ACCOUNT}"
channel = "sms"
provider = "twilio"
address = "{NUMBER}"
secret = "texts"
options = {{ account_sid = "{ACCOUNT_SID}" }}
"""
IN_VAIN = "without having heard of the other site"
"""What a role says that gave up after 10 s: on a machine where the peer role takes longer to start."""


@pytest.mark.parametrize(
    "order",
    [("worker", "router", "peer"), pytest.param(("peer", "router", "worker"), marks=pytest.mark.long)],
)
def test_nothing_leaves_and_nobody_is_offered_anything_before_the_claims_are_known(data_dir, order):
    """What the last life knew stands in the tables, and leases of roles that began a moment ago."""
    with taken_over(data_dir) as (a, waits, far), roles(data_dir, far) as start:
        before = a.last_seq()
        start("b", "peer")
        wait_until(lambda: listens(start.ports["b"]), "b is there", within_s=GUARD_S)
        for role in order:
            start("a", role)
        wait_until(lambda: passed(a) == 2, "the router and the worker have passed", within_s=GUARD_S)
        if any(IN_VAIN in (data_dir / "a" / f"{role}.log").read_text() for role in order):
            pytest.skip("the peer role took longer than 10 s to start here")
        wait_until(lambda: a.state(waits) == "moved", "it is left to b", within_s=GUARD_S)
        wait_until(lambda: status(a, "o-1") == "moved", "so is what was due", within_s=GUARD_S)
        said = [row.kind for row in a.rows() if row.seq > before and row.ref == waits]
        assert said and said[0] == "yielded", said
        assert a.rows("send_tried") == []
        assert far.arrivals() == []


@pytest.mark.long
def test_a_database_that_hung_for_longer_than_the_policy_waits_lets_nothing_leave(data_dir, monkeypatch):
    """Nothing started anew: all roles lived, and in the moment in which it is back everything is due."""
    monkeypatch.setattr(routed_pair_of, "Clock", lambda: Clock(time.time_ns() // 1_000_000))
    with (
        two_with(data_dir, PAIR.replace("manual", "automatic"), "hannah", "ivan") as (two, far),
        roles(data_dir, far) as start,
    ):
        far.texts.double.behave("broken")
        two.answered(two.a, 1)
        waits, _ = two.waits(two.a, 2)
        gives_way(two.a, two.b)
        for site, role in (("b", "peer"), ("a", "peer"), ("a", "router"), ("a", "worker")):
            start(site, role)
        wait_until(lambda: two.a.rows("send_tried"), "its provider is tried", within_s=GUARD_S)
        wait_until(lambda: serves(two) and copied(two) >= 1, "b has it", within_s=GUARD_S)
        with two.a.site.database.writing() as db:  # nobody else commits anything meanwhile
            db.run("UPDATE site_status SET at_ms = 1 WHERE key = 'hangs'")
            wait_until(lambda: two.b.state(waits), "b takes over by itself", within_s=2 * GUARD_S)
            far.texts.double.behave("well")
            before = two.a.last_seq()
        wait_until(lambda: two.a.state(waits) == "moved", "it is left to b", within_s=GUARD_S)
        wait_until(lambda: status(two.a, "o-1") == "moved", "so is what was due", within_s=GUARD_S)
        logs = [(data_dir / "a" / f"{role}.log").read_text() for role in ("router", "worker")]
        if any(IN_VAIN in log for log in logs):
            pytest.skip("the peer role took longer than 10 s to learn here")
        assert all("was away" in log for log in logs)
        said = [row.kind for row in two.a.rows() if row.seq > before and row.ref == waits]
        assert said and said[0] == "yielded", said
        assert [each for each in far.texts.double.taken() if each.took] == []


def serves(two: Two) -> bool:
    """Whether b knows that a does."""
    return two.b.all("SELECT observed FROM site_state WHERE site = 'a'") == [("Normal",)]


def copied(two: Two) -> int:
    """Replies of a that b knows to be due."""
    with two.b.copy.reading() as db:
        return len(db.rows("SELECT 1 FROM outbox WHERE status = 'due'"))


def gives_way(*halves: Half) -> None:
    """The routers that were stepped by hand end."""
    for half in halves:
        half.site.settles()
        half.site.lease.release()


@contextmanager
def two_with(folder: Path, pair: str, *agents: str) -> Iterator[tuple[Two, FarSide]]:
    """Two sites with these agents at a, and their provider."""
    plan = parse_plan(plan_of(pair=pair, accounts=ACCOUNTS))
    with far_side() as far, routed_pair(folder) as halves:
        for agent in agents:
            halves[0].site.signs_in(agent)
        for half in halves:
            half.site.committer.submit(ActivatePlan(plan=plan, by="up")).result()
            half.site.settles()
        yield Two(halves, folder), far


@contextmanager
def taken_over(folder: Path) -> Iterator[tuple[Half, str, FarSide]]:
    """Site a died with a reply that was due and somebody waiting; b has taken both. a's gate was open."""
    with two_with(folder, PAIR, "hannah") as (two, far):
        two.answered(two.a, 1)
        waits, _ = two.waits(two.a, 2)
        gives_way(two.a, two.b)
        two.a.sends()
        assert two.takes_over(two.b).orders == 1
        assert two.b.state(waits)
        with two.a.site.database.writing() as db:
            for key in ("gate", "gate/router", "gate/worker"):
                (now_ms,) = db.row(f"SELECT {NOW_MS[db.dialect]}")
                put_status(db, key, now_ms, {"why": "caught_up", "run": "of the last life"})
        yield two.a, waits, far


def passed(half: Half) -> int:
    """How many roles go on by now, as they say themselves."""
    ((life,),) = half.all("SELECT max(until_ms) FROM lease WHERE name LIKE 'worker/%'") or ((0,),)
    rows = half.all("SELECT data FROM site_status WHERE key IN ('gate/router', 'gate/worker')")
    return sum(data == "{}" for (data,) in rows) if life else 0


def status(half: Half, outbox_id: str) -> str:
    ((found,),) = half.all("SELECT status FROM outbox WHERE outbox_id = :id", id=outbox_id)
    return str(found)


@contextmanager
def roles(folder: Path, far: FarSide):
    """start(site, role): each a process of its own, all of which end with this."""
    ports = {site: free_port() for site in "ab"}
    environ = {
        **os.environ,
        "MUSTER_PEERS": ",".join(f"{site}=http://127.0.0.1:{port}" for site, port in ports.items()),
        "MUSTER_SECRET_PEER_KEY": "0123456789abcdef0123456789abcdef",
        "MUSTER_SECRET_TEXTS": TEXT_SECRET,
        "MUSTER_ENDPOINTS": f"{ACCOUNT}={far.texts.url}",
        "MUSTER_UNSAFE": "1",
        "REDIS_URL": "",
    }
    with ExitStack() as stack:

        def start(site, role):
            own = {
                "MUSTER_DATA": str(folder / site),
                "MUSTER_SITE": site,
                "MUSTER_PEER_PORT": str(ports[site]),
            }
            log = stack.enter_context((folder / site / f"{role}.log").open("wb"))
            words = [sys.executable, "-m", "agents_ui.cli", role]
            process = subprocess.Popen(words, env=environ | own, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)

        start.ports = ports
        yield start


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
