"""A supervisor's acts from the wall: decided once, with the supervisor's name, or refused in words."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from router import refusals
from router.records import fact
from tests.desk.router import TestRouter, read, routing
from tests.desk.small_site import Site
from tests.desk.wire import Page


@pytest.fixture
async def router(site: Site) -> AsyncIterator[TestRouter]:
    """The real router, running."""
    async with routing(site) as running:
        yield running


async def _waiting(site: Site, urgency: int = 3) -> str:
    interaction_id = await site.arrives("help")
    await read(site, interaction_id, urgency=urgency)
    return interaction_id


async def _available(site: Site, agent_id: str) -> Page:
    desk = await site.desk(agent_id)
    await desk.command("presence", command_id=str(uuid.uuid4()), available=True)
    return desk


async def _act(wall: Page, kind: str, **fields: object) -> Any:
    return await wall.command(kind, command_id=str(uuid.uuid4()), **fields)


def _state(site: Site, interaction_id: str) -> tuple[Any, ...]:
    with site.database.reading() as db:
        row = db.row(
            "SELECT state, queue_id, urgency, agent_id, named_agent_id, accepted_at_ms FROM interaction"
            " WHERE interaction_id = :i",
            i=interaction_id,
        )
    assert row is not None
    return row


async def test_a_contact_moves_to_another_queue_at_its_old_place(site: Site, router: TestRouter) -> None:
    """The place in line is never lost, whoever moves it."""
    wall = await site.wall("sue")
    contact = await _waiting(site, urgency=1)
    await wall.until(lambda: contact in wall.entities["urgent"])
    before = _state(site, contact)
    assert (await _act(wall, "move", interaction_id=contact, to_queue_id="second"))["ok"]
    after = _state(site, contact)
    assert (after[0], after[1], after[5]) == ("waiting", "second", before[5])
    await wall.until(lambda: wall.entities["urgent"][contact]["queue_id"] == "second")
    assert (
        wall.entities["queue"]["second"]["waiting"][0] == 1
        and wall.entities["queue"]["first"]["waiting"][0] == 0
    )


async def test_a_contact_is_given_to_a_named_agent_and_answered(site: Site, router: TestRouter) -> None:
    """It rings at that agent although another would have been first; the wall says with whom it is."""
    desk, other = await _available(site, "ben"), await _available(site, "ana")
    contact = await _waiting(site)
    await other.until(lambda: bool(other.entities["offer"]) or bool(desk.entities["offer"]))
    wall = await site.wall("sue")
    wanted, unwanted = (desk, other) if other.entities["offer"] else (other, desk)
    name = "ben" if wanted is desk else "ana"
    assert (await _act(wall, "assign", interaction_id=contact, to_agent_id=name))["ok"]
    await wanted.until(lambda: bool(wanted.entities["offer"]))
    await unwanted.until(lambda: not unwanted.entities["offer"])
    [offer] = wanted.entities["offer"]
    await _act(wanted, "accept", offer_id=offer)
    await wall.until(lambda: wall.entities["agent"][name]["group"] == "engaged")
    [hold] = wall.entities["agent"][name]["holds"]
    assert (hold["interaction_id"], hold["channel"]) == (contact, "chat")
    await wall.until(lambda: wall.entities["site"]["here"]["answered"] == 1)


async def test_what_somebody_holds_is_taken_away_and_waits_again(site: Site, router: TestRouter) -> None:
    """An agent fell silent in the middle of an emergency: somebody else has to have it."""
    desk = await _available(site, "ana")
    contact = await _waiting(site, urgency=1)
    await desk.until(lambda: bool(desk.entities["offer"]))
    await _act(desk, "accept", offer_id=next(iter(desk.entities["offer"])))
    wall = await site.wall("sue")
    assert (await _act(wall, "take_away", interaction_id=contact))["ok"]
    await desk.until(lambda: not desk.entities["conversation"])
    await wall.until(lambda: contact in wall.entities["urgent"])
    again = await _act(wall, "take_away", interaction_id=contact)
    assert (again["ok"], again["code"]) == (False, refusals.TRANSFER_UNCLEAR)
    assert again["text"] == "Nobody holds it any more: it waits already."


async def test_raised_it_is_on_top_and_lowered_it_is_gone(site: Site, router: TestRouter) -> None:
    """Urgency decides who is seen; both ways it is on record who said so."""
    wall = await site.wall("sue")
    contact = await _waiting(site, urgency=4)
    await wall.until(lambda: wall.entities["queue"]["first"]["waiting"][3] == 1)
    assert contact not in wall.entities["urgent"]
    assert (await _act(wall, "urgency", interaction_id=contact, urgency=1))["ok"]
    await wall.until(lambda: wall.entities["site"]["here"]["urgent_ids"] == [contact])
    assert (await _act(wall, "urgency", interaction_id=contact, urgency=5))["ok"]
    await wall.until(lambda: not wall.entities["urgent"])
    declared = [msgspec.json.decode(data) for _, data in site.rows("urgency_declared")]
    assert [(each["agent_id"], each["urgency"]) for each in declared] == [("sue", 1), ("sue", 5)]


async def test_an_agent_who_left_as_available_is_set_right_and_their_work_goes_on(
    site: Site, router: TestRouter
) -> None:
    """Somebody went home with a conversation open: the customer is not to wait for the grace to end."""
    desk = await _available(site, "ana")
    contact = await _waiting(site, urgency=2)
    await desk.until(lambda: bool(desk.entities["offer"]))
    await _act(desk, "accept", offer_id=next(iter(desk.entities["offer"])))
    wall = await site.wall("sue")
    await desk.leave()
    await wall.until(lambda: wall.entities["agent"]["ana"]["group"] == "left")
    await wall.until(lambda: wall.entities["urgent"].get(contact, {}).get("alone") == "orphaned")
    away = {"agent_id": "ana", "available": False, "reason": "break", "hand_back": True}
    assert (await _act(wall, "presence", **away))["ok"]
    await wall.until(lambda: wall.entities["urgent"].get(contact, {}).get("alone") == "waiting")
    ana = wall.entities["agent"]["ana"]
    assert (ana["available"], ana["reason"], ana["holds"]) == (False, "break", [])
    assert '"by":"sue"' in site.rows("presence_declared")[-1][1]


async def test_a_repeat_of_an_act_is_one_act_with_one_answer(site: Site, router: TestRouter) -> None:
    """A page that lost its connection asks again with the same id: nothing happens twice."""
    wall = await site.wall("sue")
    contact = await _waiting(site)
    await wall.until(lambda: wall.entities["queue"]["first"]["waiting"][2] == 1)
    fields = {"interaction_id": contact, "to_queue_id": "second"}
    first = await wall.command("move", command_id="the-same-id", **fields)
    second = await (await site.wall("sue")).command("move", command_id="the-same-id", **fields)
    assert first["ok"] and second["ok"]
    assert len(site.rows("transfer_asked")) == 1


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("move", {"to_queue_id": "no such"}, refusals.UNKNOWN_QUEUE),
        ("assign", {"to_agent_id": "olga"}, refusals.UNKNOWN_AGENT),
        ("assign", {"to_agent_id": "cai"}, refusals.AGENT_NOT_HERE),
        ("urgency", {"urgency": 9}, refusals.UNKNOWN_URGENCY),
        ("urgency", {"urgency": 3}, refusals.SAME_URGENCY),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(
    site: Site, router: TestRouter, kind: str, fields: dict[str, object], code: str
) -> None:
    """A supervisor in a hurry must know at once that it did not work, and why."""
    wall = await site.wall("sue")
    contact = await _waiting(site)
    await wall.until(lambda: wall.entities["queue"]["first"]["waiting"][2] == 1)
    before = _state(site, contact)
    answer = await _act(wall, kind, interaction_id=contact, **fields)
    assert (answer["ok"], answer["code"]) == (False, code)
    assert len(answer["text"]) > 10
    assert _state(site, contact) == before


async def test_presence_of_somebody_with_no_reason_of_the_plan_is_refused(site: Site) -> None:
    """A reason that no plan has is one that nobody can read on a desk."""
    wall = await site.wall("sue")
    answer = await _act(wall, "presence", agent_id="ana", available=False, reason="gone fishing")
    assert (answer["ok"], answer["code"]) == (False, "unknown_reason")
    assert not [data for ref, data in site.rows("presence_declared") if ref == "ana"]


async def test_why_nobody_serves_it_names_everybody_by_what_keeps_them(
    site: Site, router: TestRouter
) -> None:
    """Who is busy, away, without a desk, without the skill; as the core itself judges."""
    busy, away, left = (
        await _available(site, "ana"),
        await _available(site, "ben"),
        await _available(site, "cai"),
    )
    await _act(away, "presence", available=False, reason="break")
    await left.leave()
    for _ in range(3):  # chat takes 30 of the agent's 100, three at once
        await _waiting(site)
        await busy.until(lambda: bool(busy.entities["offer"]))
        await _act(busy, "accept", offer_id=next(iter(busy.entities["offer"])))
    contact = await _waiting(site, urgency=1)
    wall = await site.wall("sue")
    await wall.until(lambda: contact in wall.entities["urgent"])
    value = (await _act(wall, "explain", interaction_id=contact))["value"]
    groups = {each["reason"]: each["agent_ids"] for each in value["groups"]}
    assert groups == {
        "no_capacity": ["ana"],
        "not_available": ["ben"],
        "no_desk": ["cai"],
        "lacks_skill": ["sue", "ada"],
    }
    assert value["asks"] == [{"all": [["general", 1]], "one_of": [], "none": []}]


async def test_why_nobody_serves_it_is_known_while_something_else_is_offered(
    site: Site, router: TestRouter
) -> None:
    """In a busy room there is always an offer out; an answer only in quiet ones would help nobody."""
    busy = await _available(site, "ana")
    for number in range(3):
        await _waiting(site)
        await busy.until(lambda: bool(busy.entities["offer"]))
        if number < 2:  # the third stays on her screen
            await _act(busy, "accept", offer_id=next(iter(busy.entities["offer"])))
            await busy.until(lambda: not busy.entities["offer"])
    contact = await _waiting(site, urgency=1)
    wall = await site.wall("sue")
    await wall.until(lambda: contact in wall.entities["urgent"])
    value = (await _act(wall, "explain", interaction_id=contact))["value"]
    groups = {each["reason"]: each["agent_ids"] for each in value["groups"]}
    assert groups["no_capacity"] == ["ana"]


async def test_somebody_who_could_take_it_is_named_and_so_is_who_missed_it(
    site: Site, router: TestRouter
) -> None:
    """`could` is who would get it now; who declined it a moment ago is not."""
    desk = await _available(site, "ana")
    contact = await _waiting(site, urgency=1)
    await desk.until(lambda: bool(desk.entities["offer"]))
    await _act(desk, "decline", offer_id=next(iter(desk.entities["offer"])))
    wall = await site.wall("sue")
    value = (await _act(wall, "explain", interaction_id=contact))["value"]
    assert (value["groups"][0]["reason"], value["groups"][0]["agent_ids"]) == ("cooling_down", ["ana"])
    assert [(each["agent_id"], each["outcome"]) for each in value["tried"]] == [("ana", "declined")]
    over = await _act(wall, "explain", interaction_id="never was")
    assert (over["ok"], over["code"]) == (False, "not_explained")


async def test_words_are_shown_to_who_asks_and_the_look_is_on_record_first(site: Site) -> None:
    """A wall has no words of customers in it; a supervisor who has to decide may read them."""
    wall = await site.wall("sue")
    contact = await site.arrives("my name is Zebulon")
    await wall.until(lambda: wall.entities["site"]["here"]["contacts"]["parked"] == 1)
    assert "Zebulon" not in str(wall.heard)
    answer = await _act(wall, "look", interaction_id=contact)
    assert answer["value"]["messages"][0]["text"] == "my name is Zebulon"
    assert (contact, '{"agent_id":"sue","what":"wall"}') in site.rows("viewed")
    gone = await _act(wall, "look", interaction_id="never was")
    assert (gone["ok"], gone["code"]) == (False, "not_found")


async def test_an_answer_that_did_not_arrive_is_an_alarm_at_once(site: Site) -> None:
    """Nobody else knows that the customer waits in vain; the next alarm may be hours away."""
    wall = await site.wall("sue")
    await site.committer.append_facts(fact("delivery_troubled", "line", code="account_down", detail="x"))
    await wall.until(lambda: [each["code"] for each in wall.entities["alarm"].values()] == ["account_down"])
    interaction_id = await site.arrives("help")
    said = {"content_id": "c", "client_id": "", "direction": "out", "author_id": "ana"}
    said |= {"message_kind": "text", "reading": "read"}
    await site.committer.append_facts(fact("message_added", interaction_id, message_id="m", **said))
    await site.committer.append_facts(fact("delivered", "m", status="failed", detail="twilio_30005"))
    await wall.until(lambda: "not_delivered" in {each["code"] for each in wall.entities["alarm"].values()})
