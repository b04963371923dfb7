"""The acts once more where this site's tables and the copy are in PostgreSQL: one code, two dialects."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.journal.verify import verify
from router.sites.actions import Actions, runs
from router.sites.acts import domains_of, override, reroute, take_over
from router.sites.dry_run import dry_run
from router.sites.ground import Ground
from router.sites.readiness import Machine, problems, store
from router.sites.returning import return_dry_run, return_home
from router.sites.standing import standing
from router.sites.status import COPY, PEER, put_status
from router.sites.watcher import Watcher
from router.sites.watching import Look
from tests.journal.writing import arrived
from tests.sites.site_pair import PAIR, SitePair, plan_of, site_pair
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

ACTION = """
[[pair.actions]]
id = "tells"
when = "take_over"
site = "a"
kind = "command"
command = ["/bin/true"]
"""


@pytest.fixture
def pair(data_dir: Path, postgres_url: str) -> Iterator[SitePair]:
    text = plan_of(ACTION, pair=PAIR.replace('"manual"', '"automatic"'))
    with site_pair(data_dir, text, url_of_b=postgres_url) as pair:
        for number in range(5):
            pair.a.append(arrived(f"i-{number}"))
        pair.sends("a")
        yield pair


def ground_of(pair: SitePair) -> Ground:
    site = pair.b
    return Ground(
        settings=replace(site.settings, secrets={}),
        plan=pair.plan,
        site="b",
        own=site.own,
        copy=site.copy,
        committer=site.committer,
        clock=lambda: pair.clock[0],
    )


async def test_every_act_is_the_same_on_postgresql(pair):
    """Production runs there; what is tried on files only is found on the worst day."""
    ground, who = ground_of(pair), {"who": "ana", "why": "dark", "command_id": "c"}
    with ground.own.reading() as own, ground.copy.reading() as copy:
        assert domains_of(ground, own, copy) == ("a",)
    assert dry_run(ground, ["a"])["adopted_now"] == 5
    assert take_over(ground, **who).adopted == 5
    assert take_over(ground, **who).first["a"].agent_id == "ana"
    actions = Actions(
        own=ground.own,
        committer=ground.committer,
        plan=ground.plan,
        settings=ground.settings,
        owner="test",
        copy=ground.copy,
        clock=ground.clock,
    )
    await actions.run_due()
    await actions.close()
    with ground.own.reading() as db:
        assert {each.action_id: each.status for each in runs(db)}["tells"] == "done"
    assert override(ground, site="b", state="Partial", **who)
    assert reroute(ground, scope="all", share_pct=10, **who)
    store(ground, problems(ground, Machine(release="1.0", disk_used_pct=lambda: 5)))
    with ground.own.writing() as db:
        beat = {"accepts": True, "plan": pair.plan.digest, "state": "Normal", "last_seq": 0}
        put_status(db, PEER, ground.clock(), beat)
        put_status(db, COPY, ground.clock(), {"behind_rows": 0, "behind_ms": 0})
    assert return_dry_run(ground, "a")["refusals"] == []
    return_home(ground, domain="a", **who)
    report = standing(ground)
    assert [(each["domain"], each["owner"], each["n"]) for each in report["domains"]] == [
        ("a", "a", 2),
        ("b", "b", 0),
    ]
    with ground.own.reading() as db:
        assert verify(db).problem_count == 0


def test_the_policy_is_the_same_on_postgresql(pair):
    """By itself as well: 30 seconds of silence, and it serves."""
    mono = [0]
    watcher = Watcher(
        lambda: ground_of(pair),
        content=lambda: {"agents_here": 1, "waiting": 0},
        owner="test",
        mono_ms=lambda: mono[0],
    )
    for second in range(40):
        mono[0] += 1_000
        pair.clock[0] += 1_000
        look = Look(mono_ms=mono[0], wall_ms=pair.clock[0], answered=second < 5, peer_wall_ms=0)
        watcher.heard(look, {"state": "Normal"} if second < 5 else {})
        watcher.turn(ground_of(pair))
    assert pair.b.all("SELECT owner, automatic FROM domain") == [("b", 1)]
    assert pair.b.all("SELECT count(*) FROM adoption") == [(5,)]
