"""An agent's words: kept once, only from who holds the conversation, and never after its end."""

import asyncio
import uuid

import msgspec
import pytest

from router.decisions import BeginWrapUp, CloseInteraction
from router.journal.committer import wall_ms
from tests.desk.small_site import Site, queued
from tests.desk.wire import Page


def new_id() -> str:
    return str(uuid.uuid4())


async def say(page: Page, kind: str, interaction_id: str, text: str = "we are coming", **more: str) -> dict:
    fields = {"client_id": new_id(), "command_id": new_id(), **more}
    return await page.command(kind, interaction_id=interaction_id, text=text, **fields)


async def test_a_reply_is_on_disk_before_it_is_answered(site: Site) -> None:
    """What the page shows as sent must be in the journal, whatever dies next."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    answer = await say(page, "reply", interaction_id)
    assert answer["ok"]
    [(ref, data)] = site.rows("message_added")
    added = msgspec.json.decode(data)
    assert (ref, added["direction"], added["author_id"]) == (interaction_id, "out", "ana")
    assert answer["value"]["text"] == "we are coming"
    assert answer["value"]["author_name"] == "Ana"
    await page.until(lambda: answer["value"]["message_id"] in page.entities["message"])
    assert page.entities["message"][answer["value"]["message_id"]] == answer["value"]
    assert "we are coming" not in data


async def test_the_same_reply_fifty_times_at_once_is_one_message(site: Site) -> None:
    """A page that lost its connection sends again what was not answered; the customer reads it once."""
    interaction_id = await site.held("ana")
    pages = [await site.desk("ana"), await site.desk("ana")]
    client_id = new_id()
    answers = await asyncio.gather(
        *(say(pages[n % 2], "reply", interaction_id, client_id=client_id) for n in range(30))
    )
    assert len(site.rows("message_added")) == 1
    assert len({answer["value"]["message_id"] for answer in answers}) == 1
    assert all(answer["ok"] for answer in answers)


async def test_other_words_under_the_same_id_are_refused(site: Site) -> None:
    """Neither text may silently replace the other."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    client_id = new_id()
    await say(page, "reply", interaction_id, "yes", client_id=client_id)
    answer = await say(page, "reply", interaction_id, "no", client_id=client_id)
    assert (answer["ok"], answer["code"]) == (False, "id_taken")


@pytest.mark.parametrize("kind", ["reply", "note"])
async def test_who_does_not_hold_the_conversation_says_nothing_in_it(site: Site, kind: str) -> None:
    """Two voices in one emergency contradict each other; a stranger's is worse (B-51)."""
    interaction_id = await site.held("ana")
    for stranger in ("ben", "sue"):
        answer = await say(await site.desk(stranger), kind, interaction_id)
        assert (answer["ok"], answer["code"]) == (False, "not_yours")
    missing = await say(site.pages[0], kind, "no such interaction")
    assert missing["code"] == "not_yours"
    assert site.rows("message_added") == []


async def test_the_holder_is_checked_when_the_reply_is_written(site: Site) -> None:
    """The desk still shows the conversation in the moment it goes to somebody else."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    assert interaction_id in page.entities["conversation"]
    taken_away = site.decide(queued(site.plan, interaction_id, why="orphaned"))
    _, answer = await asyncio.gather(taken_away, say(page, "reply", interaction_id))
    assert answer["code"] == "not_yours"
    assert site.rows("message_added") == []


async def test_after_the_end_there_are_notes_but_no_replies(site: Site) -> None:
    """The customer was told that the conversation is over; wrap-up belongs to the agents (B-52)."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    await site.decide(BeginWrapUp(at_ms=wall_ms(), interaction_id=interaction_id, agent_id="ana"))
    assert (await say(page, "reply", interaction_id))["code"] == "already_ended"
    assert (await say(page, "note", interaction_id, "caller was calm"))["ok"]
    close = CloseInteraction(
        at_ms=wall_ms(), interaction_id=interaction_id, agent_id="ana", disposition="done", why="disposed"
    )
    await site.decide(close)
    assert (await say(page, "reply", interaction_id))["code"] == "not_yours"
    assert (await say(page, "note", interaction_id))["code"] == "not_yours"


@pytest.mark.parametrize(("text", "code"), [("", "empty"), (" \n\u3000", "empty"), ("x" * 4_001, "too_long")])
async def test_what_cannot_be_a_message_is_refused(site: Site, text: str, code: str) -> None:
    """The channel's limit is the plan's; an empty bubble tells a customer nothing."""
    interaction_id = await site.held("ana")
    answer = await say(await site.desk("ana"), "reply", interaction_id, text)
    assert (answer["ok"], answer["code"]) == (False, code)


async def test_a_refused_reply_leaves_no_words_behind(site: Site) -> None:
    """What is in the database can be found there: refused words must not be."""
    interaction_id = await site.held("ana")
    with site.database.reading() as db:
        before = db.rows("SELECT content_id FROM content ORDER BY content_id")
    await say(await site.desk("ben"), "reply", interaction_id)
    with site.database.reading() as db:
        assert db.rows("SELECT content_id FROM content ORDER BY content_id") == before


async def test_any_words_come_back_as_they_were_typed(site: Site) -> None:
    """Right-to-left text, emoji, control signs and markup are words, nothing more."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    text = "نحن قادمون \u202e🚒 <script>alert(1)</script>\r\n\u0000 end"
    answer = await say(page, "reply", interaction_id, text)
    assert answer["value"]["text"] == text.replace("\0", "\u2400")


async def test_replies_are_kept_in_the_order_they_were_typed(site: Site) -> None:
    """ "Do not" and "move him" must not change places on the way to the customer."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    for n in range(20):
        fields = {"client_id": new_id(), "command_id": new_id(), "text": f"word {n}"}
        await page.say({"kind": "reply", "interaction_id": interaction_id, **fields})
    await page.until(lambda: len(page.entities["message"]) == 21)
    said = sorted(page.entities["message"].values(), key=lambda message: int(message["seq"]))
    assert [message["text"] for message in said[1:]] == [f"word {n}" for n in range(20)]
