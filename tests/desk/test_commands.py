"""What an agent asks for and what comes of it, with the real router deciding."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from router.journal.database import Database
from tests.desk.router import read, routing
from tests.desk.small_site import Site
from tests.desk.wire import Page


@pytest.fixture
async def centre(site: Site) -> AsyncIterator[Site]:
    """A site with a router that runs."""
    async with routing(site):
        yield site


async def give(page: Page, kind: str, **fields: object) -> Any:
    return await page.command(kind, command_id=str(uuid.uuid4()), **fields)


async def available(centre: Site, agent_id: str) -> Page:
    page = await centre.desk(agent_id)
    assert (await give(page, "presence", available=True))["ok"]
    return page


async def offered(centre: Site, page: Page, *, session: str = "") -> tuple[str, str]:
    """(interaction, offer) that this page shows; it must be the only available agent."""
    interaction_id = await centre.arrives("help", session=session)
    await read(centre, interaction_id)
    await page.until(
        lambda: any(o["interaction_id"] == interaction_id for o in page.entities["offer"].values())
    )
    [offer_id] = [k for k, v in page.entities["offer"].items() if v["interaction_id"] == interaction_id]
    return interaction_id, offer_id


async def holding(centre: Site, page: Page, *, session: str = "") -> str:
    interaction_id, offer_id = await offered(centre, page, session=session)
    assert (await give(page, "accept", offer_id=offer_id))["ok"]
    await page.until(lambda: interaction_id in page.entities["conversation"])
    return interaction_id


async def test_an_agent_takes_talks_ends_and_wraps_up(centre: Site) -> None:
    """The whole of a shift, once."""
    page = await available(centre, "ana")
    interaction_id, offer_id = await offered(centre, page)
    assert page.entities["offer"][offer_id]["why"]["rule_id"] == "all"
    assert (await give(page, "accept", offer_id=offer_id))["ok"]
    await page.until(lambda: interaction_id in page.entities["conversation"])
    assert page.entities["offer"] == {} and page.entities["me"]["ana"]["activity"] == "engaged"
    assert (await give(page, "end", interaction_id=interaction_id))["ok"]
    await page.until(lambda: page.entities["me"]["ana"]["activity"] == "wrap-up")
    done = await give(page, "dispose", interaction_id=interaction_id, disposition="done", note="all well")
    assert done["ok"]
    await page.until(lambda: page.entities["conversation"] == {})
    assert page.entities["me"]["ana"]["activity"] == "idle" and page.entities["message"] == {}
    [added] = [msgspec.json.decode(data) for _, data in centre.rows("message_added")]
    assert (added["direction"], added["author_id"]) == ("note", "ana")


@pytest.mark.parametrize("kind", ["end", "dispose"])
async def test_nothing_ends_over_words_that_nobody_has_seen(centre: Site, kind: str) -> None:
    """Said in the instant in which the agent ends it: acknowledged, and nobody would look at it again."""
    page = await available(centre, "ana")
    session = uuid.uuid4().hex
    interaction_id = await holding(centre, page, session=session)
    [first] = page.entities["message"].values()
    about = {"interaction_id": interaction_id, **({"disposition": "done"} if kind == "dispose" else {})}
    assert await centre.arrives("and there is a child in there", session=session) == interaction_id
    refused = await give(page, kind, seen=first["seq"], **about)
    assert (refused["ok"], refused["code"]) == (False, "unseen")
    await page.until(lambda: len(page.entities["message"]) == 2)
    newest = max(page.entities["message"].values(), key=lambda message: int(message["seq"]))
    assert (await give(page, kind, seen=newest["seq"], **about))["ok"]


async def test_accept_twice_is_one_accept(centre: Site) -> None:
    """A double press, or a page that asks again after a reconnect, gets the answer it would have got."""
    page = await available(centre, "ana")
    _, offer_id = await offered(centre, page)
    command_id = str(uuid.uuid4())
    first = await page.command("accept", command_id=command_id, offer_id=offer_id)
    page.answers.clear()
    second = await page.command("accept", command_id=command_id, offer_id=offer_id)
    assert first["ok"] and second == first
    assert len(centre.rows("accepted")) == 1
    again = await give(page, "accept", offer_id=offer_id)
    assert (again["ok"], again["code"]) == (False, "already_yours")


async def test_both_windows_of_an_agent_show_the_offer_and_one_accept_counts(centre: Site) -> None:
    """Presence and work are the agent's, not a window's."""
    first = await available(centre, "ana")
    second = await centre.desk("ana")
    interaction_id, offer_id = await offered(centre, first)
    await second.until(lambda: offer_id in second.entities["offer"])
    answers = await asyncio.gather(
        give(first, "accept", offer_id=offer_id), give(second, "accept", offer_id=offer_id)
    )
    assert sorted(answer["ok"] for answer in answers) == [False, True]
    for page in (first, second):
        await page.until(lambda page=page: interaction_id in page.entities["conversation"])
        assert page.entities["offer"] == {}


async def test_nobody_answers_another_agents_offer(centre: Site) -> None:
    """An offer id seen elsewhere is worth nothing, and says nothing about whether it exists (B-51)."""
    page = await available(centre, "ana")
    _, offer_id = await offered(centre, page)
    for stranger in ("ben", "sue"):
        desk = await centre.desk(stranger)
        for kind in ("accept", "decline"):
            known = await give(desk, kind, offer_id=offer_id)
            unknown = await give(desk, kind, offer_id="none/1")
            assert (known["code"], unknown["code"]) == ("offer_ended", "offer_ended")
    assert centre.rows("accept_pressed") == centre.rows("decline_pressed") == []


async def test_a_declined_offer_cannot_be_accepted_any_more(centre: Site) -> None:
    """It may be on its way to somebody else (B-52)."""
    page = await available(centre, "ana")
    _, offer_id = await offered(centre, page)
    assert (await give(page, "decline", offer_id=offer_id))["ok"]
    await page.until(lambda: page.entities["offer"] == {})
    answer = await give(page, "accept", offer_id=offer_id)
    assert (answer["ok"], answer["code"]) == (False, "offer_ended")


async def test_a_transfer_moves_the_conversation_to_the_other_desk(centre: Site) -> None:
    """The colleague sees it with everything said so far; the giver's note comes along."""
    ana = await available(centre, "ana")
    interaction_id = await holding(centre, ana)
    ben = await available(centre, "ben")
    gave = await give(ana, "transfer", interaction_id=interaction_id, to_agent_id="ben", note="speaks Dutch")
    assert gave["ok"]
    await ana.until(lambda: ana.entities["conversation"] == {})
    await ben.until(lambda: len(ben.entities["offer"]) == 1)
    [offer_id] = ben.entities["offer"]
    assert (await give(ben, "accept", offer_id=offer_id))["ok"]
    await ben.until(lambda: len(ben.entities["message"]) == 2)
    words = {message["direction"]: message["text"] for message in ben.entities["message"].values()}
    assert words == {"in": "help", "note": "speaks Dutch"}
    assert (await give(ana, "end", interaction_id=interaction_id))["code"] == "not_yours"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({}, "transfer_unclear"),
        ({"to_queue_id": "second", "to_agent_id": "ben"}, "transfer_unclear"),
        ({"to_queue_id": "none"}, "unknown_queue"),
        ({"to_agent_id": "olga"}, "unknown_agent"),
        ({"to_agent_id": "ana"}, "unknown_agent"),
        ({"to_agent_id": "ben"}, "agent_not_here"),
    ],
)
async def test_a_transfer_to_nowhere_is_refused_with_its_reason(
    centre: Site, target: dict[str, str], code: str
) -> None:
    """A caller must not disappear into a queue that is not there, or to somebody who went home."""
    page = await available(centre, "ana")
    interaction_id = await holding(centre, page)
    answer = await give(page, "transfer", interaction_id=interaction_id, **target)
    assert (answer["ok"], answer["code"]) == (False, code)
    assert interaction_id in page.entities["conversation"]


async def test_agents_raise_urgency_and_only_supervisors_lower_it(centre: Site) -> None:
    """Raising errs on the side of the caller; lowering takes a named person with the right to."""
    page = await available(centre, "ana")
    interaction_id = await holding(centre, page)
    assert (await give(page, "urgency", interaction_id=interaction_id, urgency=1))["ok"]
    await page.until(lambda: page.entities["conversation"][interaction_id]["urgency"] == 1)
    lower = await give(page, "urgency", interaction_id=interaction_id, urgency=4)
    assert (lower["ok"], lower["code"]) == (False, "may_not_lower")
    sue = await centre.desk("sue")
    assert (await give(sue, "urgency", interaction_id=interaction_id, urgency=4))["ok"]
    await page.until(lambda: page.entities["conversation"][interaction_id]["urgency"] == 4)
    ben = await centre.desk("ben")
    stranger = await give(ben, "urgency", interaction_id=interaction_id, urgency=1)
    assert (stranger["ok"], stranger["code"]) == (False, "not_found")
    assert (await give(sue, "urgency", interaction_id=interaction_id, urgency=9))["code"] == "unknown_urgency"


async def test_presence_needs_a_reason_the_plan_knows(centre: Site) -> None:
    """Why nobody is there must be countable."""
    page = await available(centre, "ana")
    for fields in (
        {"available": False, "reason": ""},
        {"available": False, "reason": "because"},
        {"available": True, "reason": "break"},
    ):
        assert (await give(page, "presence", **fields))["code"] == "unknown_reason"
    assert (await give(page, "presence", available=False, reason="break"))["ok"]
    await page.until(lambda: page.entities["me"]["ana"]["reason"] == "break")


async def test_a_disposition_must_be_one_of_the_plan(centre: Site) -> None:
    """An urgent matter ends by a human's word, and the word must mean something."""
    page = await available(centre, "ana")
    interaction_id = await holding(centre, page)
    answer = await give(page, "dispose", interaction_id=interaction_id, disposition="gone fishing", note="n")
    assert (answer["ok"], answer["code"]) == (False, "unknown_disposition")
    assert centre.rows("message_added") == []


async def test_history_shows_earlier_conversations_and_is_on_record(centre: Site) -> None:
    """The agent knows what was said last time, and the customer can learn who looked."""
    page = await available(centre, "ana")
    first = await holding(centre, page, session="s")
    await give(page, "dispose", interaction_id=first, disposition="done")
    await page.until(lambda: page.entities["conversation"] == {})
    second = await holding(centre, page, session="s")
    conversation = page.entities["conversation"][second]
    assert conversation["earlier"] == 1
    answer = await give(page, "history", customer_id=conversation["customer_id"])
    assert answer["ok"]
    shown = answer["value"]["interactions"]
    assert [one["interaction_id"] for one in shown] == [second, first]
    assert (shown[1]["state"], shown[1]["disposition"], shown[1]["closed_by_name"]) == (
        "closed",
        "done",
        "Ana",
    )
    assert [message["text"] for message in shown[1]["messages"]] == ["help"]
    looks = [(ref, msgspec.json.decode(data)) for ref, data in centre.rows("viewed")]
    assert (conversation["customer_id"], {"agent_id": "ana", "what": "history"}) in looks
    assert (second, {"agent_id": "ana", "what": "conversation"}) in looks


async def test_nobody_looks_back_at_somebody_elses_customer(centre: Site) -> None:
    """Curiosity is no reason; a supervisor may look, and is on record."""
    page = await available(centre, "ana")
    interaction_id = await holding(centre, page)
    customer_id = page.entities["conversation"][interaction_id]["customer_id"]
    assert (await give(await centre.desk("ben"), "history", customer_id=customer_id))["code"] == "not_found"
    assert [ref for ref, data in centre.rows("viewed") if "ben" in data] == []
    assert (await give(await centre.desk("sue"), "history", customer_id=customer_id))["ok"]
    assert [ref for ref, data in centre.rows("viewed") if "sue" in data] == [customer_id]


async def test_a_conversation_is_on_record_once_however_often_the_page_reconnects(centre: Site) -> None:
    """The record of who looked must be readable."""
    page = await available(centre, "ana")
    interaction_id = await holding(centre, page)
    for _ in range(3):
        await (await centre.desk("ana")).leave()
    customer_id = page.entities["conversation"][interaction_id]["customer_id"]
    assert sorted(ref for ref, data in centre.rows("viewed")) == sorted((interaction_id, customer_id))


async def test_slow_histories_leave_threads_for_those_who_open_a_chat_or_a_desk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few agents who read long histories must not keep a customer from being heard."""
    reading, go_on = threading.Semaphore(0), threading.Event()

    def slow(database: Database, customer_id: str, there: Database | None) -> dict[str, str]:
        reading.release()
        go_on.wait(10)
        return {"customer_id": customer_id}

    monkeypatch.setattr("agents_ui.desk.commands.load_history", slow)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8))
    interaction_id = await site.held("ana", session="s")
    page = await site.desk("ana")
    customer_id = page.entities["conversation"][interaction_id]["customer_id"]
    for number in range(12):
        await page.say({"kind": "history", "command_id": f"history-{number}", "customer_id": customer_id})
    while not reading.acquire(blocking=False):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    try:
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "heard"), 1) == "heard"
    finally:
        go_on.set()
    await page.until(lambda: len(page.answers) == 12)
