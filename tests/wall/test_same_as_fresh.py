"""Snapshot, act, apply the changes: a wall that has been open all day shows what a new one would show.

The acts are those of the desks' test and a supervisor's own; router, core, journal and feed are real.
"""

import asyncio
import time
import uuid
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from agents_ui.desk.figures import queue_figures
from agents_ui.wall.standing import seeded
from router.journal.committer import wall_ms
from tests.desk.small_site import Site, running_site
from tests.desk.test_same_as_fresh import AGENTS, WEIGHTS, World
from tests.desk.wire import Page

SAME_WITHIN_S = 10.0
STEPS_IN = {"move": 2, "assign": 2, "take_away": 1, "urgency of": 2, "presence of": 1}
"""What a supervisor does from the wall."""

SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 40))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_changes_lead_to_what_a_fresh_wall_shows(data_dir: Path, seed: int) -> None:
    """A figure that drifts over a shift would be believed by everybody in the room."""
    async with running_site(data_dir) as site:
        await _shift(site, seed, acts=220)


@pytest.mark.system
async def test_the_same_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """Every statement of the wall means the same on both databases."""
    async with running_site(data_dir, postgres_url) as site:
        await _shift(site, seed=0, acts=120)


async def _shift(site: Site, seed: int, *, acts: int) -> None:
    random = Random(seed)
    world = World(site)
    wall = await site.wall("sue")
    weights = WEIGHTS | STEPS_IN
    answers: set[str] = set()
    try:
        for agent_id in AGENTS:
            await world.open(agent_id)
            await world.act("present", agent_id, 0)
        for act in random.choices(list(weights), list(weights.values()), k=acts):
            agent_id, number = random.choice(AGENTS), random.randrange(4)
            if act in STEPS_IN:
                await _step_in(site, wall, act, agent_id, number)
            else:
                await world.act(act, agent_id, number)
            if act == "settle":
                await _same_as_fresh(site, wall)
        await world.settle()
        await _same_as_fresh(site, wall)
    finally:
        await world.end()
    answers |= {answer["code"] for answer in wall.answers.values()}
    assert "" in answers, "no act from the wall was ever done"
    assert wall.snapshots == 1 and wall.code is None
    _something_happened(wall)


async def _step_in(site: Site, wall: Page, act: str, agent_id: str, number: int) -> None:
    """One act of a supervisor on whatever is open, if anything is."""
    with site.database.reading() as db:
        known = db.rows("SELECT interaction_id FROM interaction WHERE closed_seq = 0 ORDER BY arrived_seq")
    command: dict[str, Any] = {"command_id": str(uuid.uuid4())}
    if act == "presence of":
        away = {"available": False, "reason": "break", "hand_back": number == 0}
        await wall.say({**command, "kind": "presence", "agent_id": agent_id, **away})
    elif known:
        fields = {
            "move": {"kind": "move", "to_queue_id": ("first", "second", "manual")[number % 3]},
            "assign": {"kind": "assign", "to_agent_id": agent_id},
            "take_away": {"kind": "take_away"},
            "urgency of": {"kind": "urgency", "urgency": number + 1},
        }[act]
        await wall.say({**command, "interaction_id": known[number % len(known)][0], **fields})


async def _same_as_fresh(site: Site, wall: Page) -> None:
    """Wait until the wall shows what a fresh one would; fails with the difference at the deadline."""
    give_up_s = time.monotonic() + SAME_WITHIN_S
    while wall.entities != (fresh := await asyncio.to_thread(_fresh, site)):
        if time.monotonic() > give_up_s:
            assert wall.entities == fresh
        await asyncio.sleep(0.01)


def _fresh(site: Site) -> dict[str, Any]:
    with site.database.reading() as db:
        entities = seeded(db, site.plan, wall_ms()).entities
        lines = queue_figures(db, site.plan)
    shown = {
        queue_id: {key: value[key] for key in lines[queue_id]}
        for queue_id, value in entities["queue"].items()
    }
    assert shown == lines, "walls and desks count who waits in two ways"
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(entities))
    return decoded


def _something_happened(wall: Page) -> None:
    [site] = wall.entities["site"].values()
    assert site["answered"] > 0
    assert any(queue["answered"] for queue in wall.entities["queue"].values())
