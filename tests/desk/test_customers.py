"""Who is who: what agents see of a person, what they may say about it, and how it is taken back."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from router.journal.committer import wall_ms
from tests.desk.router import read, routing
from tests.desk.small_site import Site
from tests.desk.wire import Page

NUMBER = "+31612345678"


@pytest.fixture
async def centre(site: Site) -> AsyncIterator[Site]:
    """A site with a router that runs."""
    async with routing(site):
        yield site


async def give(page: Page, kind: str, *, command_id: str = "", **fields: object) -> Any:
    return await page.command(kind, command_id=command_id or str(uuid.uuid4()), **fields)


async def available(centre: Site, agent_id: str) -> Page:
    page = await centre.desk(agent_id)
    assert (await give(page, "presence", available=True))["ok"]
    return page


async def takes(centre: Site, page: Page, interaction_id: str) -> dict[str, Any]:
    """It is read, offered to this page's agent and accepted; the person shown beside it."""
    await read(centre, interaction_id)
    await page.until(
        lambda: any(o["interaction_id"] == interaction_id for o in page.entities["offer"].values())
    )
    [offer_id] = [k for k, v in page.entities["offer"].items() if v["interaction_id"] == interaction_id]
    assert (await give(page, "accept", offer_id=offer_id))["ok"]
    await page.until(lambda: interaction_id in page.entities["conversation"])
    return person(page, interaction_id)


def person(page: Page, interaction_id: str) -> dict[str, Any]:
    """The customer of this conversation, as the page shows them now."""
    customer_id = page.entities["conversation"][interaction_id]["customer_id"]
    shown: dict[str, Any] = page.entities["customer"][customer_id]
    return shown


def moves(centre: Site) -> list[dict[str, Any]]:
    return [{"identity_id": ref, **msgspec.json.decode(data)} for ref, data in centre.rows("identity_moved")]


async def chat_and_text(centre: Site, page: Page) -> tuple[str, str]:
    """One agent with a chat and a text of two customers who are one person, it seems."""
    chat = await centre.arrives("it is me, from the chat", session="s")
    await takes(centre, page, chat)
    text = await centre.texts(NUMBER, "and from my phone")
    await takes(centre, page, text)
    return chat, text


async def test_what_is_verified_and_what_is_claimed_is_shown(centre: Site) -> None:
    """The agent must see what is known and what somebody only wrote into a form."""
    page = await available(centre, "ana")
    shown = await takes(centre, page, text := await centre.texts(NUMBER, "help"))
    [identity] = shown["identities"]
    assert (identity["channel"], identity["address"], identity["verified"]) == ("sms", NUMBER, True)
    assert (shown["name"], shown["claims_to_be"]) == ("", [])
    assert [each["interaction_id"] for each in shown["others"]] == [text]


async def test_a_claimed_number_shows_whom_the_customer_claims_to_be_and_links_nothing(centre: Site) -> None:
    """A stranger who types a number sees nothing and moves nothing; the agent sees the claim."""
    page = await available(centre, "ana")
    known = await centre.texts(NUMBER, "long ago")
    await takes(centre, page, known)
    known_id = person(page, known)["customer_id"]
    assert (await give(page, "name_customer", customer_id=known_id, name=" Mo Ali "))["ok"]
    await give(page, "dispose", interaction_id=known, disposition="done")
    chat = await centre.arrives("my number is 06", session="s")
    claimant = (await takes(centre, page, chat))["customer_id"]
    answer = await give(page, "claim", customer_id=claimant, address_kind="phone", address="0031 6 1234-5678")
    assert answer["ok"]
    await page.until(lambda: person(page, chat)["claims_to_be"] != [])
    shown = person(page, chat)
    assert [(each["customer_id"], each["name"], each["address"]) for each in shown["claims_to_be"]] == [
        (known_id, "Mo Ali", NUMBER)
    ]
    assert [(each["address"], each["verified"]) for each in shown["identities"]][1:] == [(NUMBER, False)]
    assert moves(centre) == []
    history = await give(page, "history", customer_id=known_id)
    assert [each["interaction_id"] for each in history["value"]["interactions"]] == [known]
    assert (history["value"]["name"], history["value"]["interactions"][0]["verified"]) == ("Mo Ali", True)
    assert (known_id, "history") in [
        (ref, msgspec.json.decode(data)["what"]) for ref, data in centre.rows("viewed")
    ]


@pytest.mark.parametrize("written", ["0612345678", "112", "mo", "+", "+31 6 1234 5678 and more"])
async def test_a_number_that_could_be_anybodys_is_not_taken(centre: Site, written: str) -> None:
    """Without its country a number is several people's."""
    page = await available(centre, "ana")
    shown = await takes(centre, page, await centre.arrives("hello", session="s"))
    answer = await give(
        page, "claim", customer_id=shown["customer_id"], address_kind="phone", address=written
    )
    assert (answer["ok"], answer["code"]) == (False, "unclear_address")
    assert centre.rows("identity_claimed") == []


async def test_a_mail_address_can_be_claimed(centre: Site) -> None:
    """As mail writes it, whatever the case; the same again changes nothing."""
    page = await available(centre, "ana")
    chat = await centre.arrives("hello", session="s")
    shown = await takes(centre, page, chat)
    for written in ("Mo@Example.ORG", "mo@example.org"):
        about = {"customer_id": shown["customer_id"], "address_kind": "mail", "address": written}
        assert (await give(page, "claim", **about))["ok"]
    assert len(centre.rows("identity_claimed")) == 1
    await page.until(lambda: len(person(page, chat)["identities"]) == 2)
    assert person(page, chat)["identities"][1]["address"] == "mo@example.org"
    assert (await give(page, "claim", **{**about, "address": "not one"}))["code"] == "unclear_address"


async def test_linking_makes_the_claimant_the_one_they_claim_to_be_and_undo_takes_it_back(
    centre: Site,
) -> None:
    """The agent has asked what only this person can know; and may have been wrong."""
    page = await available(centre, "ana")
    known = await centre.texts(NUMBER, "long ago")
    known_id = (await takes(centre, page, known))["customer_id"]
    await give(page, "dispose", interaction_id=known, disposition="done")
    chat = await centre.arrives("it is me", session="s")
    claimant = (await takes(centre, page, chat))["customer_id"]
    no = await give(page, "link", customer_id=claimant, to_customer_id=known_id)
    assert (no["ok"], no["code"]) == (False, "not_found")
    await give(page, "claim", customer_id=claimant, address_kind="phone", address=NUMBER)
    for _ in range(2):  # a repeat is harmless
        linked = await give(
            page, "link", command_id="link-once", customer_id=claimant, to_customer_id=known_id
        )
        assert linked["ok"]
    await page.until(lambda: page.entities["conversation"][chat]["customer_id"] == known_id)
    assert claimant not in page.entities["customer"]
    shown = person(page, chat)
    assert [(each["channel"], each["verified"]) for each in shown["identities"]] == [
        ("sms", True),
        ("chat", True),
    ], "the number was claimed, and is known to be theirs now"
    assert [each["moved"]["by_name"] for each in shown["identities"] if each["moved"]] == ["Ana"]
    assert page.entities["conversation"][chat]["earlier"] == 1
    assert [(each["why"], each["agent_id"]) for each in moves(centre)] == [("link", "ana")] * 2
    for _ in range(2):
        undone = await give(page, "undo_move", command_id="undo-once", moved_command_id="link-once")
        assert undone["ok"]
    await page.until(lambda: page.entities["conversation"][chat]["customer_id"] == claimant)
    assert page.entities["conversation"][chat]["earlier"] == 0
    assert [each["why"] for each in moves(centre)] == ["link", "link", "undo", "undo"]
    assert known_id not in page.entities["customer"]


async def test_two_customers_are_merged_and_the_router_treats_them_as_one(centre: Site) -> None:
    """Chat and text of one person: one history, and as urgent as the more urgent of both."""
    page = await available(centre, "ana")
    chat, text = await chat_and_text(centre, page)
    await give(page, "urgency", interaction_id=text, urgency=1)
    one, other = person(page, chat)["customer_id"], person(page, text)["customer_id"]
    merged = await give(page, "merge", command_id="merge-once", customer_id=one, to_customer_id=other)
    assert merged["ok"]
    await page.until(lambda: page.entities["conversation"][chat]["urgency"] == 1)
    assert set(page.entities["customer"]) == {other}
    assert {each["interaction_id"] for each in person(page, chat)["others"]} == {chat, text}
    later = await centre.arrives("again", session="s2")
    assert (await takes(centre, page, later))["customer_id"] not in (one, other)
    history = await give(page, "history", customer_id=other)
    assert {each["interaction_id"] for each in history["value"]["interactions"]} == {chat, text}


async def test_one_identity_is_split_off_again(centre: Site) -> None:
    """The phone is the daughter's: what came from it is hers, and the rest stays."""
    page = await available(centre, "ana")
    chat, text = await chat_and_text(centre, page)
    one, other = person(page, chat)["customer_id"], person(page, text)["customer_id"]
    await give(page, "merge", customer_id=one, to_customer_id=other)
    await page.until(lambda: set(page.entities["customer"]) == {other})
    [moved] = [each for each in person(page, chat)["identities"] if each["channel"] == "chat"]
    assert (await give(page, "split", identity_id=moved["identity_id"]))["ok"]
    await page.until(lambda: len(page.entities["customer"]) == 2)
    assert person(page, chat)["customer_id"] == one
    assert person(page, text)["customer_id"] == other
    answer = await give(page, "split", identity_id=moved["identity_id"])
    assert (answer["ok"], answer["code"]) == (False, "only_one")


async def test_what_a_customer_began_with_can_be_split_off_as_well(centre: Site) -> None:
    """Then the others keep the customer, and the first identity gets a new one; undo brings it home."""
    page = await available(centre, "ana")
    chat, text = await chat_and_text(centre, page)
    one, other = person(page, chat)["customer_id"], person(page, text)["customer_id"]
    await give(page, "merge", customer_id=one, to_customer_id=other)
    await page.until(lambda: set(page.entities["customer"]) == {other})
    [own] = [each for each in person(page, text)["identities"] if each["channel"] == "sms"]
    assert (await give(page, "split", command_id="split-once", identity_id=own["identity_id"]))["ok"]
    await page.until(lambda: len(page.entities["customer"]) == 2)
    assert person(page, chat)["customer_id"] == other
    assert person(page, text)["customer_id"] not in (one, other)
    assert (await give(page, "undo_move", moved_command_id="split-once"))["ok"]
    await page.until(lambda: set(page.entities["customer"]) == {other})


async def test_nobody_changes_customers_whom_they_do_not_serve(centre: Site) -> None:
    """Not one's own, not there, and only half one's own are one answer; a supervisor may."""
    page = await available(centre, "ana")
    chat, text = await chat_and_text(centre, page)
    one, other = person(page, chat)["customer_id"], person(page, text)["customer_id"]
    [identity] = person(page, chat)["identities"]
    stranger = await centre.desk("ben")
    for kind, fields in (
        ("claim", {"customer_id": one, "address_kind": "phone", "address": NUMBER}),
        ("link", {"customer_id": one, "to_customer_id": other}),
        ("merge", {"customer_id": one, "to_customer_id": other}),
        ("split", {"identity_id": identity["identity_id"]}),
        ("undo_move", {"moved_command_id": "never-given"}),
        ("name_customer", {"customer_id": one, "name": "x"}),
    ):
        answer = await give(stranger, kind, **fields)
        assert (kind, answer["ok"], answer["code"]) == (kind, False, "not_found")
    await give(page, "dispose", interaction_id=text, disposition="done")
    half = await give(page, "merge", customer_id=one, to_customer_id=other)
    assert (half["ok"], half["code"]) == (False, "not_found")
    assert moves(centre) == []
    assert (await give(await centre.desk("sue"), "merge", customer_id=one, to_customer_id=other))["ok"]


async def test_the_same_customer_is_not_merged_with_itself(centre: Site) -> None:
    """A slip of the hand is said to be one."""
    page = await available(centre, "ana")
    shown = await takes(centre, page, await centre.arrives("hello", session="s"))
    answer = await give(page, "merge", customer_id=shown["customer_id"], to_customer_id=shown["customer_id"])
    assert answer["code"] == "same_customer"


async def test_a_name_is_content_and_can_be_changed(centre: Site) -> None:
    """The journal says that a name was given and by whom; the words can be erased."""
    page = await available(centre, "ana")
    chat = await centre.arrives("hello", session="s")
    customer_id = (await takes(centre, page, chat))["customer_id"]
    await give(page, "name_customer", customer_id=customer_id, name="Mo")
    await page.until(lambda: person(page, chat)["name"] == "Mo")
    await give(page, "name_customer", customer_id=customer_id, name="Mo Ali")
    await page.until(lambda: person(page, chat)["name"] == "Mo Ali")
    assert all("Mo" not in data for _, data in centre.rows("customer_named"))


async def test_both_desks_see_live_who_else_talks_with_this_person(centre: Site) -> None:
    """Never handed to two agents unknowingly."""
    ana = await available(centre, "ana")
    text = await centre.texts(NUMBER, "help")
    await takes(centre, ana, text)
    assert (await give(ana, "presence", available=False, reason="break"))["ok"]
    chat = await centre.arrives("help", session="s")
    ben = await available(centre, "ben")
    await takes(centre, ben, chat)
    sue = await centre.desk("sue")
    one, other = person(ben, chat)["customer_id"], person(ana, text)["customer_id"]
    await give(sue, "merge", customer_id=one, to_customer_id=other)

    def with_whom(page: Page, interaction_id: str) -> list[tuple[str, str, str]]:
        if page.entities["conversation"][interaction_id]["customer_id"] != other:
            return []
        others = person(page, interaction_id)["others"]
        mine = [each for each in others if each["interaction_id"] != interaction_id]
        return [(each["agent_name"], each["channel"], each["state"]) for each in mine]

    await ana.until(lambda: with_whom(ana, text) == [("Ben", "chat", "assigned")])
    await ben.until(lambda: with_whom(ben, chat) == [("Ana", "sms", "assigned")])
    await give(ben, "dispose", interaction_id=chat, disposition="done")
    await ana.until(lambda: with_whom(ana, text) == [])


async def test_a_call_back_is_asked_for_seen_and_cancelled(centre: Site) -> None:
    """The agent promises it in the conversation; the note goes along; a supervisor can take it back."""
    page = await available(centre, "ana")
    chat = await centre.arrives("call me tomorrow", session="s")
    await takes(centre, page, chat)
    due_at_ms = wall_ms() + 86_400_000
    asked = {"interaction_id": chat, "due_at_ms": due_at_ms, "note": "about the roof"}
    for _ in range(2):
        assert (await give(page, "call_back", command_id="call-back-once", **asked))["ok"]
    await page.until(lambda: len(person(page, chat)["others"]) == 2)
    [later] = [each for each in person(page, chat)["others"] if each["interaction_id"] != chat]
    assert (later["state"], later["parked_until_ms"], later["follows"]) == ("parked", due_at_ms, chat)
    assert len(centre.rows("call_back_opened")) == 1
    notes = [each["text"] for each in page.entities["message"].values() if each["direction"] == "note"]
    assert notes == ["about the roof"]
    about = {"interaction_id": later["interaction_id"]}
    assert (await give(page, "call_back_cancel", disposition="done", **about))["code"] == "not_allowed"
    sue = await centre.desk("sue")
    moved = await give(sue, "call_back_change", due_at_ms=due_at_ms + 60_000, **about)
    assert moved["ok"]
    await page.until(
        lambda: due_at_ms + 60_000 in [each["parked_until_ms"] for each in person(page, chat)["others"]]
    )
    assert (await give(sue, "call_back_cancel", disposition="nonsense", **about))["code"] == (
        "unknown_disposition"
    )
    assert (await give(sue, "call_back_cancel", disposition="done", **about))["ok"]
    await page.until(lambda: len(person(page, chat)["others"]) == 1)
    assert (await give(sue, "call_back_cancel", disposition="done", **about))["code"] == "not_scheduled"


async def test_a_call_back_of_what_is_not_ones_own_is_refused(centre: Site) -> None:
    """Only who talks with the person promises something, or a supervisor."""
    page = await available(centre, "ana")
    chat = await centre.arrives("hello", session="s")
    await takes(centre, page, chat)
    asked = {"interaction_id": chat, "due_at_ms": 4_000_000_000_000}
    assert (await give(page, "call_back", **asked))["code"] == "unknown_time"
    asked["due_at_ms"] = wall_ms() + 60_000
    stranger = await centre.desk("ben")
    assert (await give(stranger, "call_back", **asked))["code"] == "not_yours"
    for wrong, code in (
        ({"to_queue_id": "nowhere"}, "unknown_queue"),
        ({"to_agent_id": "nobody"}, "unknown_agent"),
        ({"to_agent_id": "ben", "to_queue_id": "first"}, "transfer_unclear"),
        ({"urgency": 7}, "unknown_urgency"),
    ):
        assert (await give(page, "call_back", **asked, **wrong))["code"] == code
    assert centre.rows("call_back_asked") == []
    assert (await give(await centre.desk("sue"), "call_back", **asked))["ok"]


async def test_who_writes_before_the_call_back_is_answered_now(centre: Site) -> None:
    """A message that joined what is parked until tomorrow would wait until tomorrow."""
    page = await available(centre, "ana")
    text = await centre.texts(NUMBER, "call me tomorrow")
    await takes(centre, page, text)
    due_at_ms = wall_ms() + 86_400_000
    assert (await give(page, "call_back", interaction_id=text, due_at_ms=due_at_ms))["ok"]
    await give(page, "dispose", interaction_id=text, disposition="done")
    again = await centre.texts(NUMBER, "it is worse now")
    assert again != text
    shown = await takes(centre, page, again)
    assert sorted(each["state"] for each in shown["others"]) == ["assigned", "parked"]
