"""The line between two living sites fails: both go on, and when it is back they are one by themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agents_ui.desk.dual_answers import EACH_MAX
from router.journal.database import open_database
from router.journal.stream import read_head
from router.sites.copies import copy_url
from router.sites.merging import joined, merged_hash, records_of
from tests.sites.pair_under_load import (
    Agent,
    BothSites,
    Outside,
    Site,
    both_sites,
    missing,
    offered_twice,
    say,
)

pytestmark = [pytest.mark.system, pytest.mark.timed, pytest.mark.timeout(1_200)]

HEALED_S = 60.0
"""A guard, except that nobody does anything: how long both take to be equal again."""

PER_S = 10.0


@asynccontextmanager
async def two_rooms(
    both: BothSites, *, per_s: float = PER_S
) -> AsyncIterator[tuple[list[Agent], list[Outside]]]:
    """Half of the agents at each site, and people who reach each."""
    agents = []
    for number, (agent_id, password) in enumerate(sorted(both.sign_ins.items())):
        home, other = (both.a, both.b) if number % 2 == 0 else (both.b, both.a)
        agents.append(Stayer(home.url, other.url, agent_id, password))
    for agent in agents:
        await agent.sign_in()
    outsides = [Outside(both, per_s / 2, site=name) for name in "ab"]
    tasks = [asyncio.create_task(each.work()) for each in agents]
    tasks += [asyncio.create_task(each.come()) for each in outsides]
    try:
        await until(lambda: all(len(each.kept) > 5 for each in outsides), "people are acknowledged")
        yield agents, outsides
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Stayer(Agent):
    """An agent who deals with what comes, and stays at the site of the morning."""

    async def _move(self) -> None:
        await asyncio.sleep(0.5)

    async def _act(self, desk) -> None:
        with suppress(TimeoutError):
            await super()._act(desk)
            for interaction_id in sorted(desk.entities["conversation"]):
                if self.finishes:
                    await desk.ask("dispose", interaction_id=interaction_id, disposition="done")

    finishes = True


def cut(both: BothSites, *names: str, on: bool = True) -> None:
    for name in names:
        both.lines[name].cut(on)


async def until(condition: Callable[[], bool], what: str, *, within_s: float = HEALED_S) -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - began < within_s, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.3)
    return time.monotonic() - began


def head(site: Site, *, copy: bool = False) -> tuple[int, bytes]:
    """Where its stream ends; with copy, where that of the other site ends here."""
    url = site.centre.environ["DATABASE_URL"]
    database = open_database(copy_url(url, unsafe=True) if copy else url, unsafe=True)
    try:
        with database.reading() as db:
            found = read_head(db)
            return found.seq, found.hash
    finally:
        database.close()


def same(both: BothSites) -> bool:
    """Whether each has all of the other, and nothing is at one site only."""
    return (
        head(both.a) == head(both.b, copy=True)
        and head(both.b) == head(both.a, copy=True)
        and not any(site.table("SELECT 1 FROM copy_gap WHERE healed_ms = 0") for site in (both.a, both.b))
    )


def merged(site: Site, peer: str) -> str:
    """What both streams say together, as this site has them."""
    url = site.centre.environ["DATABASE_URL"]
    own, copy = open_database(url, unsafe=True), open_database(copy_url(url, unsafe=True), unsafe=True)
    try:
        with own.reading() as ours, copy.reading() as theirs:
            ids = sorted(
                {
                    str(row[0])
                    for db in (ours, theirs)
                    for row in db.rows("SELECT interaction_id FROM interaction")
                }
            )
            mine = records_of(ours, ids, site=site.name, read_through=0)
            other = records_of(theirs, ids, site=peer, read_through=0)
        return merged_hash(joined(mine, other))
    finally:
        own.close()
        copy.close()


async def heals(both: BothSites, agents: list[Agent], outsides: list[Outside]) -> None:
    """Nobody does anything: both are equal, nothing is lost, and dual answers are exactly those."""
    for outside in outsides:
        outside.hush()
    took = await until(
        lambda: same(both) and merged(both.a, "b") == merged(both.b, "a"), "both sites are one again"
    )
    say(f"one again after {took:.1f} s")
    for site, outside in zip((both.a, both.b), outsides, strict=True):
        assert missing((both.a, both.b), outside.kept) == []
        assert offered_twice(site.rows()) == []
    duals = [_dual(both.a), _dual(both.b)]
    assert duals[0] == duals[1] == _answered_twice(both)
    await until(
        lambda: all(_is_told(site, each) for site, each in _homes(both, agents)), "both agents are told"
    )
    say(f"{len(duals[0])} answered at both sites, all flagged at both, and to both agents")
    for site in (both.a, both.b):
        assert "say the same" in site.command("journal", "verify")


def _dual(site: Site) -> set[str]:
    return {str(row[0]) for row in site.table("SELECT interaction_id FROM dual_answer")}


def _homes(both: BothSites, agents: list[Agent]) -> list[tuple[Site, Agent]]:
    return [(both.a if each.at == both.a.url else both.b, each) for each in agents]


def _is_told(site: Site, agent: Agent) -> bool:
    """Whether this agent's desk names everybody who answered the same at the other site."""
    rows = site.table(f"SELECT interaction_id FROM dual_answer WHERE agent_id = '{agent.agent_id}'")
    shown = set(agent.desk.entities["dual"]) if agent.desk is not None else set()
    return shown == {str(row[0]) for row in rows} if len(rows) <= EACH_MAX else len(shown) >= EACH_MAX


def _answered_twice(both: BothSites) -> set[str]:
    """What an agent accepted at a and an agent accepted at b."""
    accepted = [{row.ref for row in site.rows() if row.kind == "accepted"} for site in (both.a, both.b)]
    return accepted[0] & accepted[1]


async def _cut_for(both: BothSites, *, seconds: float, names: str = "ab") -> None:
    async with two_rooms(both) as (agents, outsides):
        await asyncio.to_thread(cut, both, *names)
        began = time.monotonic()
        before = [len(each.kept) for each in outsides]
        await asyncio.sleep(seconds)
        meanwhile = [len(each.kept) - count for each, count in zip(outsides, before, strict=True)]
        say(f"cut for {time.monotonic() - began:.0f} s, acknowledged meanwhile: {meanwhile}")
        assert min(meanwhile) > 0
        await asyncio.to_thread(cut, both, *names, on=False)
        await heals(both, agents, outsides)


@pytest.mark.long
def test_a_cut_line_stops_nobody_and_heals_by_itself(tmp_path: Path) -> None:
    """Both directions, for a while: people are acknowledged at both sites, openly by one copy only."""
    with both_sites(tmp_path, agents=6) as both:
        asyncio.run(_cut_for(both, seconds=12))


@pytest.mark.long
def test_ten_minutes_without_a_line(tmp_path: Path) -> None:
    """As long as it takes to find the excavator."""
    with both_sites(tmp_path, agents=6) as both:
        asyncio.run(_cut_for(both, seconds=600))


@pytest.mark.long
def test_a_line_that_carries_one_way_only(tmp_path: Path) -> None:
    """a hears b, b does not hear a: nobody takes anybody for dead who answers others."""
    with both_sites(tmp_path, agents=6) as both:
        asyncio.run(_cut_for(both, seconds=30, names="a"))


async def _flaps(both: BothSites) -> None:
    async with two_rooms(both) as (agents, outsides):
        for _ in range(15):
            await asyncio.to_thread(cut, both, "a", "b")
            await asyncio.sleep(1.5)
            await asyncio.to_thread(cut, both, "a", "b", on=False)
            await asyncio.sleep(1.5)
        await heals(both, agents, outsides)


@pytest.mark.long
def test_a_line_that_comes_and_goes(tmp_path: Path) -> None:
    """Every second and a half, for three quarters of a minute."""
    with both_sites(tmp_path, agents=6) as both:
        asyncio.run(_flaps(both))


async def _wrong_take_over(both: BothSites) -> None:
    async with two_rooms(both) as (agents, outsides):
        for agent in agents:
            agent.finishes = False  # everybody keeps what they have: the rest waits at a
        waiting = "SELECT 1 FROM interaction WHERE closed_seq = 0 AND state = 'waiting'"
        await until(lambda: len(both.a.table(waiting)) > 10, "people wait at a")
        await asyncio.to_thread(cut, both, "a", "b")
        done = await asyncio.to_thread(
            both.b.site, "take-over", "a", "--yes", "--anyway", "--why", "it seemed dead"
        )
        say(f"b adopted {done['adopted']} that a has as well")
        for agent in agents:
            agent.finishes = True
        await asyncio.sleep(8)
        assert _answered_twice(both), "nobody was answered twice: this shows nothing"
        await asyncio.to_thread(cut, both, "a", "b", on=False)
        await heals(both, agents, outsides)


def test_a_take_over_of_a_living_site_ends_with_one_owner_of_each(tmp_path: Path) -> None:
    """The worst mistake an admin can make in a split: both answer, both keep it, and everybody is told."""
    with both_sites(tmp_path, agents=6) as both:
        asyncio.run(_wrong_take_over(both))
