"""The audit: who did what and who looked at whom, by day, person, customer and contact; itself on record."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from router.journal.committer import wall_ms
from router.records import fact
from tests.desk.small_site import Site

ZONE = ZoneInfo("Europe/Amsterdam")


def _day(days: int = 0) -> str:
    return (
        (datetime.fromtimestamp(wall_ms() / 1000, UTC) + timedelta(days=days))
        .astimezone(ZONE)
        .date()
        .isoformat()
    )


async def _search(site: Site, *, who: str = "olga", **asked: object) -> Any:
    body = {"from_day": _day(), "to_day": _day(), **asked}
    reply = await site.ask("POST", "/api/admin/audit", body, token=await site.session(who))
    assert reply.status == 200, reply.body
    return reply.json


def _kinds(found: Any) -> list[str]:
    return [each["kind"] for each in found["records"]]


async def test_a_look_at_a_customer_is_found_by_customer_contact_and_person(site: Site) -> None:
    """Somebody asks who has seen their messages: there is an answer."""
    interaction_id = await site.held("ana")
    await site.desk("ana")  # is shown the conversation
    with site.database.reading() as db:
        row = db.row("SELECT customer_id FROM interaction WHERE interaction_id = :i", i=interaction_id)
    assert row is not None
    for asked in ({"customer": row[0]}, {"interaction": interaction_id}):
        found = await _search(site, **asked)
        looks = [each for each in found["records"] if each["kind"] == "viewed" and each["agent_id"] == "ana"]
        assert "conversation" in [each["details"]["what"] for each in looks], asked
        assert looks[0]["name"] == "Ana"
    assert "viewed" in _kinds(await _search(site, person="ana"))
    assert "viewed" not in _kinds(await _search(site, person="ben"))


async def test_the_search_itself_is_on_record_before_it_answers(site: Site) -> None:
    """Who watches the watchers: everybody who may read this."""
    interaction_id = await site.arrives("help")
    await _search(site, interaction=interaction_id)
    assert (interaction_id, '{"agent_id":"olga","what":"audit"}') in site.rows("viewed")
    found = await _search(site, who="ada", person="olga")
    assert "audit" in [each["details"].get("what") for each in found["records"]]


@pytest.mark.parametrize("typed", ["+15551230000", "mia@home.example", "\0"])
async def test_what_is_typed_and_is_no_id_does_not_stay_in_the_journal(site: Site, typed: str) -> None:
    """A telephone number in the wrong field could never be erased again."""
    for asked in ({"customer": typed}, {"interaction": typed}, {"person": typed}):
        assert (await _search(site, **asked))["records"] == []
    assert site.rows("viewed") == [("audit", '{"agent_id":"olga","what":"audit"}')] * 3


async def test_what_supervisors_and_administrators_did_is_there(site: Site) -> None:
    """Changes of plans, people, urgency and other people's presence, each with who did it."""
    interaction_id = await site.arrives("help")
    command = {"command_id": str(uuid.uuid4())}
    await site.committer.append_facts(
        fact("urgency_declared", interaction_id, agent_id="sue", urgency=5, may_lower=True, **command),
        fact(
            "presence_declared", "ana", available=False, reason="break", by="sue", hand_back=True, **command
        ),
        fact("presence_declared", "ben", available=True, reason="", by="ben", **command),
        fact(
            "identity_moved",
            "identity-1",
            from_customer_id="c1",
            to_customer_id="c2",
            agent_id="sue",
            why="merge",
            command_id="m",
        ),
    )
    await site.ask(
        "POST",
        "/api/admin/people/change",
        {"agent_id": "cai", "active": False},
        token=await site.session("ada"),
    )
    found = await _search(site, person="sue")
    by_kind = {each["kind"]: each for each in found["records"]}
    assert by_kind["urgency_declared"]["details"] == {"urgency": 5}
    assert (by_kind["presence_declared"]["about"], by_kind["identity_moved"]["details"]["why"]) == (
        "ana",
        "merge",
    )
    everything = await _search(site)
    changed = [
        each for each in everything["records"] if each["kind"] == "person_changed" and each["about"] == "cai"
    ]
    assert (changed[0]["agent_id"], changed[0]["details"]["active"]) == ("ada", False)
    declared = [each["about"] for each in everything["records"] if each["kind"] == "presence_declared"]
    assert declared == ["ana"], "presence of one's own is no audit"
    assert "c2" in str(await _search(site, customer="c2"))


async def test_only_the_days_asked_for_are_shown(site: Site) -> None:
    """Days are those of the site's clock."""
    await site.session("ana")
    assert "session_begun" in _kinds(await _search(site))
    assert _kinds(await _search(site, from_day=_day(-3), to_day=_day(-1))) == []
    assert _kinds(await _search(site, from_day=_day(1), to_day=_day(2))) == []


async def test_a_long_record_comes_in_parts_that_join(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing twice and nothing left out, however the parts fall."""
    monkeypatch.setattr("agents_ui.admin.audit.SHOWN", 7)
    monkeypatch.setattr("agents_ui.admin.audit.PAGE", 3)
    for number in range(30):
        await site.committer.append_facts(
            fact("viewed", f"interaction-{number}", agent_id="cai", what="history")
        )
    seqs: list[int] = []
    next_seq = 0
    while True:
        found = await _search(site, person="cai", before_seq=next_seq)
        seqs += [int(each["seq"]) for each in found["records"] if each["kind"] == "viewed"]
        next_seq = found["next"]
        if not next_seq:
            break
    assert len(seqs) == len(set(seqs)) == 30
    assert seqs == sorted(seqs, reverse=True)


async def test_no_secret_and_no_words_are_in_it(site: Site) -> None:
    """Digests, hashes, plans' texts and what people wrote stay where they are."""
    await site.held("ana", "my name is Zebulon")
    token = await site.session("ada")
    await site.ask("POST", "/api/admin/people/password", {"agent_id": "ben"}, token=token)
    text = str(await _search(site))
    for secret in ("credential_digest", "Zebulon", "[site]", "token_hash"):
        assert secret not in text


@pytest.mark.parametrize("day", ["2026-02-30", "0000-00-00", "yesterday", ""])
async def test_a_day_that_is_none_is_refused(site: Site, day: str) -> None:
    """And nothing breaks by it."""
    body = {"from_day": day, "to_day": _day()}
    reply = await site.ask("POST", "/api/admin/audit", body, token=await site.session("ada"))
    assert reply.status in (400, 422)
