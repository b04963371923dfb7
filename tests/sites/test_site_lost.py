"""A site is gone with everything in it: what it had acknowledged goes on at the other, and its agents."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.roles.redis_process import wait_until
from tests.sites.pair_under_load import (
    Agent,
    BothSites,
    Outside,
    both_sites,
    missing,
    offered_twice,
    open_places,
    say,
)
from tests.system.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.system, pytest.mark.timed, pytest.mark.timeout(400)]

PER_S = 50.0
WAITING = 200
HOLDING = 30
RINGING = 10
COMMAND_S = 10.0
"""The promise: from the command until everything waits at the other site."""

DESKS_S = 15.0
AUTOMATIC_S = (30.0, 60.0)
GUARD_S = 90.0


@asynccontextmanager
async def full_room(both: BothSites) -> AsyncIterator[tuple[list[Agent], Outside]]:
    """40 desks at a: 30 hold something, 10 ring; 200 wait; and people keep coming."""
    agents = [
        Agent(both.a.url, both.b.url, agent_id, password, takes=number < HOLDING)
        for number, (agent_id, password) in enumerate(sorted(both.sign_ins.items()))
    ]
    for first in range(0, len(agents), 8):
        await asyncio.gather(*(agent.sign_in() for agent in agents[first : first + 8]))
    outside = Outside(both, PER_S)
    tasks = [asyncio.create_task(agent.work()) for agent in agents]
    tasks.append(asyncio.create_task(outside.come()))
    try:
        give_up = time.monotonic() + GUARD_S
        while (states := await asyncio.to_thread(_states, both))["waiting"] < WAITING or (
            states["assigned"],
            states["offered"],
        ) != (HOLDING, RINGING):
            assert time.monotonic() < give_up, f"the room does not fill: {states}"
            await asyncio.sleep(0.2)
        yield agents, outside
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _states(both: BothSites) -> Counter[str]:
    return Counter(state for _, state, _ in open_places(both.a).values())


async def loses_site_a(both: BothSites, *, automatic: bool = False) -> None:
    """The room is full, and a is gone."""
    async with full_room(both) as (agents, outside):
        await asyncio.to_thread(both.a.centre.kill_all)
        died = time.monotonic()
        outside.hush()
        held = {agent.agent_id: agent.holds for agent in agents}
        before = open_places(both.a)
        say(
            f"killed with {dict(Counter(state for _, state, _ in before.values()))}, "
            f"{len(outside.kept)} acknowledged"
        )
        if automatic:
            await _taken_over_by_itself(both, died)
        else:
            await _taken_over_by_command(both)
        taken = time.monotonic()
        await _all_here(both, before, assigned=not automatic, since=taken)
        await _desks_here(agents, since=taken)
        if not automatic:
            await _same_work(agents, held)
        lost = await asyncio.to_thread(missing, (both.b,), outside.kept)
        assert not lost, f"{len(lost)} of {len(outside.kept)} acknowledged ones are not at b"
    assert offered_twice(both.a.rows()) == []
    assert offered_twice(both.b.rows()) == []
    _again_changes_nothing(both, assigned=not automatic)
    assert "say the same" in both.b.command("journal", "verify")


async def _taken_over_by_command(both: BothSites) -> None:
    """What it would do is what it does."""
    told = await asyncio.to_thread(both.b.site, "dry-run", "take-over", "a")
    began = time.monotonic()
    done = await asyncio.to_thread(
        both.b.site, "take-over", "a", "--assigned", "--yes", "--anyway", "--why", "a test"
    )
    say(
        f"take-over: {done['adopted']} in {time.monotonic() - began:.1f} s, "
        f"{done['took_ms']} ms of it adopting"
    )
    assert told["domains"], told


async def _taken_over_by_itself(both: BothSites, died: float) -> None:
    """Within 30 to 60 s, without anybody."""
    sql = "SELECT automatic FROM domain WHERE domain = 'a' AND owner = 'b'"
    while not await asyncio.to_thread(both.b.table, sql):
        assert time.monotonic() - died < GUARD_S, "b does not take over by itself"
        await asyncio.sleep(0.5)
    took = time.monotonic() - died
    say(f"taken over by itself after {took:.1f} s")
    assert AUTOMATIC_S[0] - 1 <= took <= AUTOMATIC_S[1]
    assert both.b.table(sql) == [(1,)]


async def _all_here(
    both: BothSites, before: dict[str, tuple[int, str, str]], *, assigned: bool, since: float
) -> None:
    """Everything that was open at a is open at b, at its place, within ten seconds.

    What a had on disk and b had not yet was acknowledged to nobody: `missing` asks for those that were.
    """
    copied = await asyncio.to_thread(both.b.copied)
    wanted = {
        ref: at
        for ref, (at, state, _) in before.items()
        if ref in copied and (assigned or state != "assigned")
    }
    say(f"{len(before) - len(before.keys() & copied)} were at a only")
    while True:
        here = await asyncio.to_thread(open_places, both.b)
        in_line = {ref for ref, (_, state, _) in here.items() if state != "parked"}
        took = time.monotonic() - since
        if wanted.keys() <= in_line:
            break
        absent = len(wanted.keys() - in_line)
        assert took < COMMAND_S, f"{absent} of {len(wanted)} are not in line after {took:.0f} s"
        await asyncio.sleep(0.1)
    say(f"all {len(wanted)} in line at b {took:.2f} s after the command")
    moved = {ref for ref, at in wanted.items() if here[ref][0] != at}
    assert not moved, f"{len(moved)} lost their place"


async def _desks_here(agents: list[Agent], *, since: float) -> None:
    while any(agent.arrived_at == 0 for agent in agents):
        late = sum(agent.arrived_at == 0 for agent in agents)
        assert time.monotonic() < since + DESKS_S, f"{late} desks are not at b"
        await asyncio.sleep(0.1)
    say(f"the last of {len(agents)} desks at b after {max(each.arrived_at for each in agents) - since:.1f} s")


async def _same_work(agents: list[Agent], held: dict[str, set[str]]) -> None:
    """Whoever talked with somebody at a has the same conversation at b."""
    give_up = time.monotonic() + DESKS_S
    while wrong := [each.agent_id for each in agents if not held[each.agent_id] <= each.holds]:
        assert time.monotonic() < give_up, f"not in the same work: {wrong}"
        await asyncio.sleep(0.1)


def _again_changes_nothing(both: BothSites, *, assigned: bool) -> None:
    options = ["--assigned"] if assigned else []
    before = both.b.table("SELECT count(*) FROM adoption")
    done = both.b.site("take-over", "a", *options, "--yes", "--anyway", "--why", "once more")
    assert done["adopted"] == 0
    assert both.b.table("SELECT count(*) FROM adoption") == before


def test_everything_acknowledged_goes_on_at_the_other_site(tmp_path: Path) -> None:
    """Killed with 200 waiting, 10 ringing, 30 in conversation, at 50 contacts a second by three ways."""
    with both_sites(tmp_path, agents=HOLDING + RINGING) as both:
        asyncio.run(loses_site_a(both))


@pytest.mark.long
def test_the_same_on_postgresql(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """The database of most sites."""
    urls = {name: postgres_server.new_database() for name in "ab"}
    with both_sites(tmp_path, agents=HOLDING + RINGING, urls=urls) as both:
        asyncio.run(loses_site_a(both))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_site_takes_over_by_itself_where_the_plan_says_so(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """At three in the morning, nobody at a console: unanswered ones within a minute."""
    urls = None
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls = {name: server.new_database() for name in "ab"}
    policy = 'take_over = "automatic"\ntake_over_after_ms = 30_000'
    with both_sites(tmp_path, agents=HOLDING + RINGING, policy=policy, urls=urls) as both:
        wait_until(lambda: both.b.table("SELECT 1 FROM site_status WHERE key = 'peer'") != [], "b hears a")
        asyncio.run(loses_site_a(both, automatic=True))
