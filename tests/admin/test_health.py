"""Health: what is said to run runs, what has stopped is said so, and no answer depends on what is broken."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents_ui.admin.roles import roles_now
from config.plan import Pair, SitePlan
from config.plan_file import parse_plan
from config.settings import read_settings
from router.journal.committer import wall_ms
from router.journal.database import Database, DatabaseGone
from router.records import fact
from router.run.role_lease import keep_role
from router.sites.copy_gaps import LAGGING, MarkMissed
from router.sites.status import COPY, put_status
from tests.desk import plans
from tests.desk.router import TestRouter
from tests.desk.small_site import Site, running_site

FULL = parse_plan((Path(__file__).parents[2] / "config" / "default.toml").read_text(encoding="utf-8"))
"""A plan with accounts."""


async def _health(site: Site, token: str = "") -> Any:
    reply = await site.ask("GET", "/api/admin/health", token=token or await site.session("ada"))
    assert reply.status == 200
    return reply.json


def _role(health: Any, name: str) -> Any:
    return next(role for role in health["roles"] if role["role"] == name)


async def test_a_worker_that_beats_runs_and_one_that_has_ended_does_not(site: Site) -> None:
    """Answers that do not leave are noticed here before a customer notices."""
    assert not _role(await _health(site), "worker")["ok"]
    worker = asyncio.create_task(keep_role(site.database, "worker"))
    async with asyncio.timeout(5):
        while not _role(await _health(site), "worker")["ok"]:
            await asyncio.sleep(0.01)
    assert _role(await _health(site), "worker")["count"] == 1
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert not _role(await _health(site), "worker")["ok"]


async def test_a_router_that_leaves_events_unread_is_down(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent router looks like a quiet night."""
    router = TestRouter(site)
    token = await site.session("ada")
    living = asyncio.create_task(keep_role(site.database, "router"))
    try:
        await router.settle()
        async with asyncio.timeout(20):
            while not _role(await _health(site, token), "router")["ok"]:
                await asyncio.sleep(0.01)
        monkeypatch.setattr("agents_ui.admin.roles.BEHIND_MS", -60_000)  # rows may be ahead
        await site.committer.append_facts(fact("desk_joined", "ana", desk_id="d", web_id="web-1"))
        found = _role(await _health(site, token), "router")
        assert not found["ok"] and found["behind"] > 0 and found["behind_since_ms"] > 0
        await router.settle()
        assert _role(await _health(site, token), "router")["ok"]
    finally:
        router.close()
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


async def test_a_router_that_died_in_a_quiet_night_is_down(site: Site) -> None:
    """Nothing waits for it, and on SQLite no lease runs out: only that it no longer says that it lives."""
    token = await site.session("ada")
    assert not _role(await _health(site, token), "router")["ok"]


async def test_without_the_database_the_page_says_so(site: Site) -> None:
    """Most of all then somebody looks here."""
    token = await site.session("ada")
    real = type(site.database).reading
    calls = []

    def gone(self: Database) -> Any:
        calls.append(1)
        if len(calls) > 1:  # the first is the gate's, which asks who it is
            raise DatabaseGone("away")
        return real(self)

    monkey = pytest.MonkeyPatch()
    monkey.setattr(type(site.database), "reading", gone)
    try:
        reply = await site.ask("GET", "/api/admin/health", token=token)
    finally:
        monkey.undo()
    assert (reply.status, reply.json["database"]["reachable"]) == (200, False)
    assert reply.json["disk"]["total_bytes"] > 0


async def test_each_account_says_what_it_lacks_and_what_waits(site: Site) -> None:
    """An account without its secret is the first thing to find on a new site."""
    object.__setattr__(site.services, "plan", lambda: FULL)
    await _outgoing(site)
    accounts = {each["account_id"]: each for each in (await _health(site))["accounts"]}
    sms = accounts["county-texts"]
    assert (sms["secret"], "MUSTER_SECRET_COUNTY_TEXTS" in sms["secret_at"]) == ("missing", True)
    assert (sms["waiting"], sms["failed"], sms["circuit"], sms["trouble"]) == (1, 0, "retrying", "timeout")
    chat = next(each for each in (await _health(site))["accounts"] if each["channel"] == "chat")
    assert chat["ours"] and chat["last_in_ms"] > 0


async def _outgoing(site: Site) -> None:
    interaction_id = await site.arrives("help")
    about = {
        "interaction_id": interaction_id,
        "channel": "sms",
        "account": "county-texts",
        "address_hash": "h",
    }
    await site.committer.append_facts(
        fact("message_added", interaction_id, message_id="m1", content_id="", client_id="c", direction="out",
             author_id="ana", message_kind="text", reading="read"),
        fact("send_ordered", "o1", message_id="m1", due_at_ms=wall_ms(), **about),
        fact("send_tried", "o1", message_id="m1", attempt=1, outcome="later", detail="timeout",
             due_at_ms=wall_ms() + 60_000, maybe_twice=False),
    )  # fmt: skip
    with site.database.reading() as db:
        await _read_all(
            site, [row[0] for row in db.rows("SELECT message_id FROM message WHERE reading = 'unread'")]
        )


async def _read_all(site: Site, messages: list[str]) -> None:
    for message_id in messages:
        await site.committer.append_facts(fact("read", "none", message_id=message_id, reading="read"))


async def test_a_mail_role_is_asked_for_only_where_mail_is_taken(site: Site) -> None:
    """A site without mail would look broken for ever."""
    with site.database.reading() as db:
        bare = {role.role for role in roles_now(db, site.plan)}
        with_mail = {role.role for role in roles_now(db, FULL)}
    assert (bare, with_mail) == ({"router", "web", "worker"}, {"router", "web", "worker", "mail"})


async def test_how_far_the_other_site_is_is_told_from_the_tables(data_dir: Path) -> None:
    """Also when nothing of the pair runs: whoever stops this site sees what only it has."""
    plan = plans.plan()
    pair = Pair(
        sites=tuple(
            SitePlan(
                site_id=site,
                name=name,
                url=f"https://{site}.example.org",
                peer=f"https://{site}.example.org:8443",
            )
            for site, name in (("a", "Alder House"), ("b", "Birch House"))
        )
    )
    settings = read_settings({"MUSTER_DATA": str(data_dir), "MUSTER_SITE": "a"})
    async with running_site(data_dir, plan=replace(plan, pair=pair), settings=settings) as site:
        first, second = await site.arrives("help"), await site.arrives("fire")
        found = (await _health(site))["copy"]
        assert (found["name"], found["acked_through"], found["single_copies"]) == ("Birch House", "0", 0)
        assert found["behind_rows"] > 0 and found["runs"] is False
        await site.committer.append(MarkMissed(2**40, LAGGING))
        found = (await _health(site))["copy"]
        assert found["single_copies"] == 2 and found["since_ms"] > 0
        assert [each["interaction_id"] for each in found["oldest"]] == [first, second]
        with site.database.writing() as db:
            sending = {"head_hash": "ab" * 32, "problem": "no_answer", "rows_per_s": 70, "left_s": 9}
            put_status(db, COPY, wall_ms(), {"single_copies": 2, "sending": sending})
        found = (await _health(site))["copy"]
        assert found["runs"] is True
        assert (found["there_hash"], found["problem"], found["left_s"]) == ("ab" * 32, "no_answer", 9)


async def test_one_site_alone_has_no_second_copy(site: Site) -> None:
    """Nothing is said about another site that there is not."""
    assert (await _health(site))["copy"] is None
