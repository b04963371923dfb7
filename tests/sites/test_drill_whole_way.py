"""A drill on two real sites: every front door, the line between them, and nobody's desk rings."""

import asyncio
from pathlib import Path

import pytest

from tests.sites.pair_under_load import Agent, BothSites, both_sites, say

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timed, pytest.mark.timeout(300)]

COUNT = 20
SHARE = 50


async def _rehearses(both: BothSites) -> None:
    agents = [Agent(both.a.url, both.b.url, who, word) for who, word in sorted(both.sign_ins.items())]
    for agent in agents:
        await agent.sign_in()
    tasks = [asyncio.create_task(agent.work()) for agent in agents]
    try:
        report = await asyncio.to_thread(both.a.site, "drill", "--count", str(COUNT), "--share", str(SHARE))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    say(f"drill: {report}")
    assert report["failed"] == []
    assert (report["sent"], report["kept"]) == (COUNT, COUNT)
    assert report["handed"] == report["there"] == COUNT * SHARE // 100
    assert not any(agent.offered for agent in agents), "a rehearsal rang at somebody's desk"
    for site in (both.a, both.b):
        assert site.table("SELECT 1 FROM interaction WHERE closed_seq = 0 AND traffic = 'rehearsal'") == []
        assert site.table("SELECT 1 FROM offer") == []
        assert "say the same" in site.command("journal", "verify")


def test_a_drill_goes_the_whole_way_and_rings_at_no_desk(tmp_path: Path) -> None:
    """Text, mail and chat by their front doors; half of them to the other site; all ended, all measured."""
    with both_sites(tmp_path, agents=4) as both:
        asyncio.run(_rehearses(both))
