"""The Sites part of the admin page, asked over HTTP: who may look, who may act, and that twice is once."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from agents_ui.access.people import ChangePerson
from agents_ui.access.person import find_person
from agents_ui.access.sessions import hash_of
from agents_ui.admin.acting import NotAdmin
from agents_ui.admin.site_bodies import SiteAct
from agents_ui.admin.site_ground import ground_of
from agents_ui.admin.site_view import fitting
from agents_ui.admin.site_work import ACT, STALE_MS, SiteWork, act_of
from config.plan import ActionPlan, Pair, SitePlan
from config.settings import read_settings
from router.journal.committer import Committer, wall_ms
from router.records import fact
from router.sites.actions import AGAIN
from router.sites.copies import open_copy
from router.sites.status import COPY, PEER, WATCH, put_status
from tests.desk import plans
from tests.desk.small_site import Site, queued, running_site
from tests.desk.wire import Reply

PAIR = Pair(
    sites=(
        SitePlan(site_id="east", name="Alder House", url="https://east.test", peer="https://east.test:8003"),
        SitePlan(
            site_id="west", name="Birch House", url="http://muster.test", peer="http://muster.test:8003"
        ),
    ),
    actions=(
        ActionPlan(action_id="dns", when="take_over", site="east", kind="command", command=("/bin/true",)),
    ),
)
SITES = "/api/admin/sites"


@pytest.fixture
async def west(data_dir: Path) -> AsyncIterator[Site]:
    """One of the pair east and west, with two contacts of east's in its copy; east is silent."""
    settings = read_settings({"MUSTER_DATA": str(data_dir), "MUSTER_SITE": "west"})
    plan = replace(plans.plan(), pair=PAIR)
    async with running_site(data_dir, plan=plan, settings=settings) as site:
        await _works(site)
        _hears(site, "unreachable", age_ms=60_000)
        yield site
        site.services.whereabouts.copy.close()


async def _works(west: Site) -> None:
    """At east two wait; all of it is copied."""
    copy = open_copy(west.services.settings, "east")
    committer = Committer(copy)
    east = Site(
        database=copy, committer=committer, services=west.services, plan=west.plan, routes=west.routes
    )
    try:
        for text in ("there is smoke", "it is burning"):
            await east.decide(queued(west.plan, await east.arrives(text)))
    finally:
        committer.close()
        copy.close()


def _hears(west: Site, peer: str, *, age_ms: int = 0, **beat: object) -> None:
    """What the peer role knows of the other site, and that it runs."""
    now_ms = wall_ms()
    said = {"accepts": peer == "there", "state": "Normal", "plan": west.plan.digest, "last_seq": 0, **beat}
    with west.database.writing() as db:
        put_status(db, PEER, now_ms - age_ms, said)
        put_status(db, WATCH, now_ms, {"peer": peer, "clock": "fine", "silent_ms": age_ms})
        put_status(db, COPY, now_ms, {"behind_rows": 0, "behind_ms": 0, "single_copies": 0})


async def _look(site: Site, who: str = "ada") -> Any:
    reply = await site.ask("GET", SITES, token=await site.session(who))
    assert reply.status == 200, reply.body
    return reply.json


async def _act(site: Site, token: str = "", **body: object) -> Reply:
    said = {"command_id": uuid.uuid4().hex, **body}
    return await site.ask("POST", f"{SITES}/act", said, token=token or await site.session("ada"))


async def test_everybody_who_may_see_the_page_may_look_and_ask_and_an_administrator_alone_acts(
    west: Site,
) -> None:
    """A supervisor at 3 a.m. sees what would happen, and whom to call; an agent sees none of it."""
    for who, looks in (("ada", 200), ("sue", 200), ("olga", 200), ("ana", 403)):
        token = await west.session(who)
        assert (await west.ask("GET", SITES, token=token)).status == looks
        asked = await west.ask("POST", f"{SITES}/dry-run", {"act": "take-over"}, token=token)
        assert asked.status == looks
        acted = await _act(west, token, act="override", state="Partial", why="drill of the page")
        assert acted.status == (200 if who == "ada" else 403)
    assert [json.loads(data)["agent_id"] for _, data in west.rows("state_overridden")] == ["ada"]
    assert (await _look(west, "sue"))["may_act"] is False and (await _look(west))["may_act"] is True


async def test_one_site_alone_says_so_and_has_nothing_to_do(site: Site) -> None:
    """The page explains how to make a pair instead of showing half of one."""
    assert (await _look(site))["pair"] is False
    reply = await _act(site, act="take-over", confirm="here")
    assert (reply.status, reply.json["code"]) == (404, "no_pair")


async def test_a_pair_whose_copy_never_began_says_what_to_start(data_dir: Path) -> None:
    """Nothing comes of nothing; and looking makes no database."""
    settings = read_settings({"MUSTER_DATA": str(data_dir), "MUSTER_SITE": "west"})
    async with running_site(data_dir, plan=replace(plans.plan(), pair=PAIR), settings=settings) as site:
        found = await _look(site)
        assert found["pair"] is True and found["copy"] is None and found["other"] == "Alder House"
        reply = await _act(site, act="return", confirm="west")
        assert (reply.status, reply.json["code"]) == (409, "no_copy")
        assert not list(data_dir.glob("*peer*"))


async def test_looking_tells_both_sites_and_what_fits(west: Site) -> None:
    """Who serves what, since when the other one is silent, and which act that is for."""
    found = await _look(west)
    assert [each["name"] for each in found["sites"]] == ["Alder House", "Birch House"]
    assert found["peer"]["watch"] == "unreachable" and found["peer"]["heard_ms"] >= 60_000
    assert found["fits"] == "take-over"
    assert found["figures"]["west"]["waiting"] == 0
    assert {"all", "channel/chat"} <= {each["scope"] for each in found["scopes"]}
    _hears(west, "there")
    assert (await _look(west))["fits"] == ""


async def test_asking_what_would_happen_changes_nothing(west: Site) -> None:
    """Looking is free, or nobody looks."""
    token = await west.session("ada")
    before = len(west.rows("domain_claimed") + west.rows("adopted") + west.rows("reroute_set"))
    taking = await west.ask("POST", f"{SITES}/dry-run", {"act": "take-over"}, token=token)
    assert "2 interactions come to Birch House now, each at its place in line:" in taking.json["lines"]
    assert taking.json["refusals"] == []
    moving = await west.ask(
        "POST", f"{SITES}/dry-run", {"act": "reroute", "scope": "all", "share_pct": 50}, token=token
    )
    assert moving.json["lines"][0].startswith("50 % of all (now 0 %) would go to Alder House")
    home = await west.ask("POST", f"{SITES}/dry-run", {"act": "return"}, token=token)
    assert home.status == 200 and home.json["lines"]
    assert len(west.rows("domain_claimed") + west.rows("adopted") + west.rows("reroute_set")) == before


async def test_without_this_sites_name_nothing_is_taken_over(west: Site) -> None:
    """The server looks as well: a page that is wrong, or somebody with a script, does nothing by accident."""
    token = await west.session("ada")
    for act, typed in product(("take-over", "return"), ("", "east", "Alder House", "yes")):
        reply = await _act(west, token, act=act, confirm=typed)
        assert (reply.status, reply.json["code"]) == (400, "not_confirmed")
    assert west.rows("domain_claimed") == []


async def test_taking_over_brings_what_waited_and_is_on_record(west: Site) -> None:
    """One press: the claim with who and why, what waited there waits here, providers are due."""
    reply = await _act(west, act="take-over", confirm=" birch house ", why="no light there")
    assert reply.status == 200, reply.body
    claim = json.loads(west.rows("domain_claimed")[0][1])
    assert (claim["agent_id"], claim["why"], claim["owner"]) == ("ada", "no light there", "west")
    assert len(west.rows("adopted")) == 2
    assert [ref for ref, _ in west.rows("action_due")] == ["east/1/dns"]
    found = await _look(west)
    assert {each["domain"]: each["owner"] for each in found["domains"]} == {"east": "west", "west": "west"}
    assert found["act"]["state"] == "done" and found["act"]["agent_id"] == "ada"
    assert "2 interactions came here" in " ".join(found["act"]["lines"])
    assert found["fits"] == ""
    assert {each["reason"]: each["count"] for each in found["affected"]["reasons"]}["adopted"] == 2
    days = {"from_day": "2000-01-01", "to_day": "2100-01-01", "person": "ada"}
    audit = await west.ask("POST", "/api/admin/audit", days, token=await west.session("olga"))
    assert "domain_claimed" in {each["kind"] for each in audit.json["records"]}


async def test_the_same_command_again_changes_nothing(west: Site) -> None:
    """An answer that was lost makes the page ask again; a second person is told who was first."""
    body = {"act": "take-over", "confirm": "west", "command_id": "press-once"}
    first, again = await _act(west, **body), await _act(west, **body)
    assert first.status == again.status == 200 and again.json["lines"] == first.json["lines"]
    other = await _act(west, act="take-over", confirm="west")
    assert other.status == 200 and "this was done at" in other.json["lines"][0]
    assert len(west.rows("domain_claimed")) == 1 and len(west.rows("adopted")) == 2


async def test_two_at_once_take_over_once(west: Site) -> None:
    """Two administrators press in the same second."""
    token = await west.session("ada")
    replies = await asyncio.gather(
        *(_act(west, token, act="take-over", confirm="west", command_id=f"press-at-{n}") for n in (1, 2))
    )
    assert {reply.status for reply in replies} <= {200, 409} and 200 in {reply.status for reply in replies}
    assert len(west.rows("domain_claimed")) == 1 and len(west.rows("adopted")) == 2


async def test_an_act_that_goes_on_is_not_begun_twice_and_one_that_died_may_be(west: Site) -> None:
    """What another process does is seen here; what its death left behind is said, and does not block."""
    row = {"command_id": "of-another", "act": "take-over", "agent_id": "sue", "state": "running"}
    row |= {"lines": [], "refusals": [], "done": 200, "of": 900, "began_ms": wall_ms()}
    with west.database.writing() as db:
        put_status(db, ACT, wall_ms(), row)
    found = (await _look(west))["act"]
    assert (found["done"], found["of"], found["agent_id"]) == (200, 900, "sue")
    reply = await _act(west, act="take-over", confirm="west")
    assert (reply.status, reply.json["code"]) == (409, "under_way")
    assert west.rows("domain_claimed") == []
    broken = act_of(west.database, wall_ms() + 2 * STALE_MS)
    assert broken is not None and broken["state"] == "broken" and "once more" in broken["lines"][0]
    with west.database.writing() as db:
        put_status(db, ACT, wall_ms() - 2 * STALE_MS, row)
    assert (await _act(west, act="take-over", confirm="west")).status == 200


async def test_what_is_refused_says_what_to_do_and_anyway_is_recorded(west: Site) -> None:
    """A site that answers is not gone; who insists is on record with what stood against it."""
    _hears(west, "there")
    asked = await west.ask("POST", f"{SITES}/dry-run", {"act": "take-over"}, token=await west.session("ada"))
    assert not [line for line in asked.json["lines"] if line.startswith("REFUSED")]
    assert [each["code"] for each in asked.json["refusals"]] == ["peer_serves"]
    reply = await _act(west, act="take-over", confirm="west")
    assert reply.status == 409 and reply.json["refusals"][0]["todo"]
    assert west.rows("domain_claimed") == []
    assert (await _act(west, act="take-over", confirm="west", anyway=True, why="smoke")).status == 200
    assert "anyway: peer_serves" in json.loads(west.rows("domain_claimed")[0][1])["why"]


async def test_a_share_is_moved_once_and_a_wrong_one_is_refused(west: Site) -> None:
    """The same share again changes nothing; what is no share, or of nothing, is said."""
    token = await west.session("ada")
    for _ in range(2):
        assert (await _act(west, token, act="reroute", scope="channel/chat", share_pct=50)).status == 200
    assert [ref for ref, _ in west.rows("reroute_set")] == ["channel/chat"]
    assert (await _look(west))["reroutes"][0]["share_pct"] == 50
    for wrong in ({"scope": "all", "share_pct": 55}, {"scope": "nobody", "share_pct": 50}, {"scope": "all"}):
        reply = await _act(west, token, act="reroute", **wrong)
        assert reply.status == 409 and reply.json["refusals"][0]["todo"]


async def test_a_drill_is_begun_once_and_by_whom(west: Site) -> None:
    """The command's id is the drill's: a lost answer begins no second one, another press is told of it."""
    token, command_id = await west.session("ada"), str(uuid.uuid4())
    for _ in range(2):
        assert (await _act(west, token, act="drill", command_id=command_id)).status == 200
    ((ref, data),) = west.rows("drill_began")
    assert ref == command_id and json.loads(data)["agent_id"] == "ada" and json.loads(data)["share_pct"] == 10
    other = await _act(west, token, act="drill")
    assert other.status == 409 and "begun by ada" in other.json["text"]


async def test_an_action_is_tried_again_by_somebody(west: Site) -> None:
    """After the address at the provider was put right; who asked is on record, twice is once."""
    token = await west.session("ada")
    await _act(west, token, act="take-over", confirm="west")
    await west.committer.append_facts(
        fact("action_tried", "east/1/dns", attempt=60, outcome="failed", detail="401", due_at_ms=0)
    )
    assert (await _look(west))["actions"][0]["status"] == "failed"
    for _ in range(2):
        assert (await _act(west, token, act="again", run_id="east/1/dns")).status == 200
    asked = [json.loads(data) for _, data in west.rows("action_tried")][1:]
    assert [(each["agent_id"], each["detail"]) for each in asked] == [("ada", AGAIN)]
    assert (await _act(west, token, act="again", run_id="east/9/none")).status == 409


async def test_who_is_no_administrator_any_more_takes_nothing_over(west: Site) -> None:
    """Rights are asked again when it is done, not only at the door."""
    token = await west.session("ada")
    with west.database.reading() as db:
        person = find_person(db, session_hash=hash_of(token), now_ms=wall_ms())
    assert person is not None
    await west.committer.append(ChangePerson(agent_id="ada", role="agent", by="sue"))
    ground, asked = ground_of(west.services), SiteAct(act="take-over", command_id="too-late")
    assert ground is not None
    with pytest.raises(NotAdmin):
        await SiteWork().do(ground, asked, person)
    assert west.rows("domain_claimed") == []
    assert (await _look(west, "sue"))["act"]["state"] == "broken"


@pytest.mark.parametrize(
    ("watch", "owner", "state", "accepts", "fits"),
    [
        ("unreachable", "east", "Normal", False, "take-over"),
        ("unreachable", "west", "Normal", False, ""),
        ("suspected", "east", "Normal", True, ""),
        ("there", "west", "Normal", True, "return"),
        ("suspected", "west", "Normal", True, ""),
        ("there", "east", "Down", True, "hand-over"),
        ("there", "east", "Unstaffed", False, ""),
        ("there", "east", "Normal", True, ""),
    ],
)
def test_the_page_leads_to_the_act_for_what_is_seen(
    watch: str, owner: str, state: str, accepts: bool, fits: str
) -> None:
    """Nobody is led to take over what lives, or to hand over to a site that takes nothing."""
    report = {
        "site": "west",
        "other": "east",
        "domains": [{"domain": "east", "owner": owner}, {"domain": "west", "owner": "west"}],
        "sites": [
            {"site": "west", "effective": state, "override": ""},
            {"site": "east", "effective": "Normal", "override": ""},
        ],
        "peer": {"watch": watch, "accepts": accepts},
    }
    assert fitting(report) == fits
