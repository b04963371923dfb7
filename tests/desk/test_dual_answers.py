"""What agents are told when somebody at the other site answered their contact as well: who, and where."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents_ui.desk import dual_answers
from config.plan import Pair, SitePlan
from router.decisions import CloseInteraction
from router.journal.committer import wall_ms
from router.records import fact
from tests.desk import plans
from tests.desk.small_site import Site, running_site

SITES = (
    SitePlan(site_id="here", name="Here", url="https://here.example", peer="https://here.example:8002"),
    SitePlan(site_id="there", name="North hall", url="https://north.example", peer="https://north.example:1"),
)


@pytest.fixture
async def site(data_dir: Path) -> AsyncIterator[Site]:
    """One of two sites."""
    plan = replace(plans.plan(), pair=Pair(sites=SITES))
    async with running_site(data_dir, plan=plan) as running:
        yield running


async def told(site: Site, interaction_id: str, agent_id: str, other_agent_id: str) -> None:
    """What the peer role finds when the line is back (tests/sites/test_reconciling.py)."""
    others = {"other_site": "there", "other_agent_id": other_agent_id}
    await site.committer.append_facts(
        fact("kept_too", interaction_id, site="here", agent_id=agent_id, **others)
    )


async def finished(site: Site, interaction_id: str, agent_id: str) -> None:
    """Plays the router: the agent has said how it ended."""
    close = CloseInteraction(
        at_ms=wall_ms(),
        interaction_id=interaction_id,
        agent_id=agent_id,
        disposition="done",
        why="disposed",
    )
    await site.decide(close)


def pairs(duals: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Who at which site, by interaction."""
    return {key: (each["other_name"], each["other_site"]) for key, each in duals.items()}


async def test_who_has_it_is_told_at_once_who_else_answered(site: Site) -> None:
    """Promise 3: both are kept, and both are told. Two people who do not know of each other promise the
    customer two different things."""
    held = await site.held("ana")
    ana, cai = await site.desk("ana"), await site.desk("cai")
    await told(site, held, "ana", "ben")
    await ana.until(lambda: pairs(ana.entities["dual"]) == {held: ("Ben", "North hall")})
    assert (ana.snapshots, held in ana.entities["conversation"]) == (1, True)
    assert cai.entities["dual"] == {}
    assert (await site.desk("ana")).entities["dual"] == ana.entities["dual"]


async def test_who_has_finished_it_is_told_as_well(site: Site) -> None:
    """The line may be back after the talk: who said something must know of the other words."""
    held = await site.held("ana")
    await finished(site, held, "ana")
    ana = await site.desk("ana")
    assert ana.entities["conversation"] == {}
    await told(site, held, "ana", "ben")
    await ana.until(lambda: pairs(ana.entities["dual"]) == {held: ("Ben", "North hall")})
    shown = ana.entities["dual"][held]
    assert shown["customer_label"] and shown["channel"] == "chat"
    assert (await site.desk("ana")).entities["dual"] == ana.entities["dual"]


async def test_when_a_colleague_has_it_since_it_is_the_colleague_who_is_told(site: Site) -> None:
    """Only who talks with the customer can agree with the other site who goes on."""
    held = await site.held("ana")
    ana, cai = await site.desk("ana"), await site.desk("cai")
    await told(site, held, "ana", "ben")
    await ana.until(lambda: held in ana.entities["dual"])
    await told(site, held, "cai", "ben")
    await cai.until(lambda: held in cai.entities["dual"])
    await ana.until(lambda: held not in ana.entities["dual"])


async def test_it_is_told_as_long_as_one_has_it_and_of_what_is_over_for_a_shift(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes the next day is told nothing that yesterday's people have agreed long since."""
    held, over = await site.held("ana"), await site.held("ana")
    await told(site, held, "ana", "ben")
    await told(site, over, "ana", "ben")
    await finished(site, over, "ana")
    assert set((await site.desk("ana")).entities["dual"]) == {held, over}
    monkeypatch.setattr(dual_answers, "TOLD_MS", -60_000)  # as if a shift were over by now
    assert set((await site.desk("ana")).entities["dual"]) == {held}


async def test_somebody_whom_nobody_knows_here_is_named_by_id(site: Site) -> None:
    """A person who was added there while the line was cut has no name here yet: a blank helps nobody."""
    held = await site.held("ana")
    await told(site, held, "ana", "ivan")
    assert pairs((await site.desk("ana")).entities["dual"]) == {held: ("ivan", "North hall")}


async def test_supervisors_have_the_alarm_at_desk_and_wall_at_once(site: Site) -> None:
    """It is they who see to it that one of the two goes on; the next alarm may be hours away."""
    held = await site.held("ana")
    sue, wall = await site.desk("sue"), await site.wall("sue")
    await told(site, held, "ana", "ben")
    for page in (sue, wall):
        await page.until(lambda page=page: _codes(page.entities["alarm"]) == ["dual_answered"])  # type: ignore[misc]


async def test_replies_that_left_at_both_sites_are_told_at_desk_and_wall_at_once(site: Site) -> None:
    """A customer has two answers, perhaps two different ones."""
    held = await site.held("ana")
    sue, wall = await site.desk("sue"), await site.wall("sue")
    said = {"message_id": "m-1", "outbox_id": "o-1", "other_site": "there"}
    await site.committer.append_facts(fact("sent_twice", held, **said))
    for page in (sue, wall):
        await page.until(lambda page=page: _codes(page.entities["alarm"]) == ["sent_twice"])  # type: ignore[misc]


def _codes(alarms: dict[str, Any]) -> list[str]:
    return [each["code"] for each in alarms.values()]
