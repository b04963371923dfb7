"""The watch of a real web process: it tells each trouble once, and another goes on when it dies."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agents_ui.watch import judgement, looking, watch
from agents_ui.watch.looking import SITE, Looker, watched_now
from config.plan_file import parse_plan
from router.records import fact
from tests.desk.router import TestRouter
from tests.desk.small_site import Site, running_site

WITHIN_S = 20


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in a centre takes a moment here."""
    monkeypatch.setattr(watch, "EVERY_S", 0.02)
    monkeypatch.setattr(looking, "WAITING_EVERY_MS", 0)
    monkeypatch.setattr(judgement, "UNOFFERED_MS", 0)
    monkeypatch.setattr(looking, "UNROUTED_MS", -10_000)
    monkeypatch.setattr(judgement, "ROLE_MISSING_MS", 0)


def alarms(site: Site) -> list[tuple[str, str]]:
    with site.database.reading() as db:
        return [(row[0], row[1]) for row in db.rows("SELECT code, ref FROM alarm ORDER BY alarm_id")]


async def until(look: object, what: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not look():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def told(site: Site) -> set[str]:
    with site.database.reading() as db:
        return {each["code"] for each in watched_now(db).get(SITE, {}).get("troubles", [])}


async def test_a_contact_that_nobody_routes_and_roles_that_are_not_there_are_told_once(
    data_dir: Path, quick: None
) -> None:
    """No router, no worker: what was accepted waits, and people hear of it without asking."""
    async with running_site(data_dir) as site:
        watching = asyncio.create_task(watch.Watch(site.services, port=1).run())
        try:
            await site.committer.append_facts(fact("arrived", "c-1", channel="chat", thread=""))
            wanted = {("role_gone", "router"), ("role_gone", "worker"), ("not_routed", "here")}
            await until(lambda: wanted <= set(alarms(site)), "the alarms")
            await until(lambda: {"role_gone", "not_routed"} <= told(site), "the page knows")
            assert len(alarms(site)) == len(set(alarms(site)))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def test_who_waits_beside_a_free_able_agent_is_told_of(data_dir: Path, quick: None) -> None:
    """A line that the router has forgotten: in the tables it waits, and an agent who could serve is free."""
    async with running_site(data_dir) as site:
        router = TestRouter(site)
        watching = asyncio.create_task(watch.Watch(site.services, port=1).run())
        try:
            await site.committer.append_facts(
                fact("arrived", "c-1", channel="chat", thread=""), read("c-1", "first")
            )
            await router.settle()
            assert "not_offered" not in told(site)
            agent = {"at_ms": 1, "desk_ids": ["d"], "grace_until_ms": 0}
            await site.committer.append_facts(
                fact("presence_set", "ana", at_ms=1, available=True, reason="", command_id=""),
                fact("desks_noted", "ana", **agent),
            )
            await until(lambda: ("not_offered", "c-1") in alarms(site), "the alarm")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            router.close()


def read(interaction: str, queue: str) -> object:
    return fact(
        "read",
        interaction,
        message_id="",
        queue_id=queue,
        urgency=3,
        requirement={"require": [], "require_any": [], "forbid": [], "prefer": []},
        rule_id="rule",
        language="en",
        reading="read",
        hits=[],
    )


async def test_one_at_a_time_leads_and_another_goes_on(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that told everything would tell it twice; none must be missing for long."""
    async with running_site(data_dir) as site:
        first, second = Looker(site.database, "web/1"), Looker(site.database, "web/2")
        assert first.leads() and not second.leads() and first.leads()
        with site.database.writing() as db:
            db.run("UPDATE claim SET until_ms = 1 WHERE ref = :ref", ref=looking.CLAIM)
        assert second.leads() and not first.leads()


async def test_a_mailbox_is_silent_when_nobody_has_looked_into_it(data_dir: Path) -> None:
    """No probe can be put into somebody else's mailbox: what counts is that ours was there a moment ago."""
    box = """
[[accounts]]
id = "box"
channel = "mail"
provider = "imap"
address = "desk@here.example"
secret = "box"
endpoint = "imaps://imap.here.example"
options = { user = "desk" }
"""
    default = Path(__file__).parents[2] / "config" / "default.toml"
    plan = parse_plan(default.read_text(encoding="utf-8").split("[[accounts]]")[0] + box)
    async with running_site(data_dir, plan=plan) as site:
        watching = watch.Watch(site.services, port=1)
        ways, now_ms = watch.ways_of(plan, site.services.settings), watch._ticks()
        assert "box" in ways
        watching._know(ways, now_ms)
        watching._began_ms -= 1_000_000
        looked = Looker(site.database, "web/1").look(plan, now_ms)
        fresh, old = replace(looked, mailboxes={"box": 5_000}), replace(looked, mailboxes={"box": 200_000})
        assert not [each for each in watching._judge(plan, fresh, now_ms) if each.code == judgement.SILENCE]
        silent = [each for each in watching._judge(plan, old, now_ms) if each.code == judgement.SILENCE]
        assert [each.ref for each in silent] == ["box"]
