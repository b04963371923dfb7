"""What a desk's socket does with a page that is slow, fast, broken or hostile."""

import asyncio
import uuid

import pytest

from agents_ui.desk.joining import JoinDesk
from router.journal.appends import FactsAppend
from router.journal.committer import Append, CommitUnknown, NotCommitted
from router.records import Fact, fact
from tests.desk.small_site import Site, connected

BAD = [
    "",
    "null",
    "[]",
    "{}",
    "nonsense",
    '{"kind":"accept"}',
    '{"kind":"accept","command_id":"12345678","offer_id":7}',
    '{"kind":"accept","command_id":"12345678","offer_id":"a","role":"admin"}',
    '{"kind":"rule_the_world","command_id":"12345678"}',
    '{"__proto__":{"kind":"accept"},"command_id":"12345678"}',
    '{"kind":"reply","command_id":"12345678","interaction_id":"i","client_id":"c","text":"\\ud800"}',
    '{"kind":"accept","command_id":"12345678","offer_id":"' + "x" * 300 + '"}',
    '{"kind":"accept","deep":' + "[" * 20_000 + "]" * 20_000 + "}",
    '{"kind":"urgency","command_id":"12345678","interaction_id":"i","urgency":1e400}',
]


@pytest.mark.parametrize("text", BAD)
async def test_what_is_no_command_is_answered_and_changes_nothing(site: Site, text: str) -> None:
    """A bug in a page must not end the desk of somebody who talks to a caller (B-47)."""
    page = await site.desk("ana")
    await page.say(text)
    await page.until(lambda: bool(page.answers))
    [answer] = page.answers.values()
    assert (answer["ok"], answer["code"] in ("malformed", "unknown_command")) == (False, True)
    presence = await page.command("presence", command_id="a" * 8, available=False, reason="no such reason")
    assert presence["code"] == "unknown_reason"
    assert site.rows("accept_pressed") == []


async def test_ten_bad_messages_close_the_socket(site: Site) -> None:
    """A page that speaks another language is not a page (B-47)."""
    page = await site.desk("ana")
    for _ in range(10):
        await page.say("nonsense")
    await page.until(lambda: page.code == 1008)


async def test_bad_messages_are_forgiven_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten in a shift of twelve hours must not close the desk of somebody who talks to a caller."""
    monkeypatch.setattr("agents_ui.desk.listening.BAD_FORGIVEN_S", 1e-9)
    page = await site.desk("ana")
    for number in range(30):
        await page.say({"kind": "nonsense", "command_id": f"command-{number}"})
    await page.until(lambda: len(page.answers) == 30)
    assert page.code is None


async def test_a_page_that_floods_is_stopped(site: Site) -> None:
    """Fifty messages a second are more than any hand types; a loop must not cost the other desks anything."""
    page = await site.desk("ana")
    for _ in range(200):
        await page.say({"kind": "typing", "interaction_id": "none"})
    await page.until(lambda: page.code == 1008)
    assert any(answer["code"] == "too_fast" for answer in page.answers.values())


@pytest.mark.parametrize(("message", "code"), [(b"\x00\x01", 1003), ("x" * 65_537, 1009)])
async def test_binary_and_oversized_messages_close_the_socket(
    site: Site, message: str | bytes, code: int
) -> None:
    """Commands are short text (B-44, B-46)."""
    page = await site.desk("ana")
    await page.say(message)
    await page.until(lambda: page.code == code)


async def test_a_page_that_does_not_read_gets_a_new_snapshot_instead_of_a_backlog(site: Site) -> None:
    """Memory is for callers, not for a page on a dead line (B-49); what it missed, the snapshot has."""
    interaction_id = await site.held("ana", session="s")
    slow = await site.desk("ana")
    slow.reading.clear()
    quick = await site.desk("ana")
    for _ in range(80):
        await site.arrives("x" * 4_000, session="s")
    await quick.until(lambda: len(quick.entities["message"]) == 81)
    await slow.until(lambda: slow.code == 1013)
    again = await site.desk("ana")
    assert len(again.entities["message"]) == 81 and interaction_id in again.entities["conversation"]


async def test_a_large_snapshot_is_no_backlog(site: Site) -> None:
    """An agent with long conversations must get in, however slow the line."""
    await site.held("ana", session="s")
    for _ in range(90):
        await site.arrives("x" * 4_000, session="s")
    page = await site.desk("ana")
    assert len(page.entities["message"]) == 91 and page.code is None


async def test_a_closed_page_is_a_desk_that_left(site: Site) -> None:
    """Only then the router knows that nobody looks at the offers any more."""
    page = await site.desk("ana")
    desk_id = page.heard[0]["desk_id"]
    await page.leave()
    assert [ref for ref, data in site.rows("desk_left") if desk_id in data] == ["ana"]


async def test_a_page_that_leaves_before_its_snapshot_is_a_desk_that_left_too(site: Site) -> None:
    """No desk may stay open in the tables whose page is gone."""
    page = site.page()
    await page.open()
    await page.say({"kind": "hello", "ticket": await site.ticket(await site.session("ana"))})
    await page.leave()
    assert len(site.rows("desk_joined")) == len(site.rows("desk_left")) == 1


async def test_a_closed_page_is_written_down_however_long_the_database_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: a desk that counts as open keeps its agent's conversations, with nobody there."""
    monkeypatch.setattr("agents_ui.desk.page_socket.RETRY_S", 0.01)
    page = await site.desk("ana")
    append, failures = site.committer.append_facts, [NotCommitted("away")] * 3

    async def fails_at_first(*facts: Fact) -> object:
        if failures:
            raise failures.pop()
        return await append(*facts)

    monkeypatch.setattr(site.committer, "append_facts", fails_at_first)
    await page.leave()
    assert [ref for ref, _ in site.rows("desk_left")] == ["ana"]


async def test_a_desk_whose_opening_may_have_been_written_is_closed_for_certain(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of a commit can be unknown: the page is sent away, so nobody is at that desk."""
    ticket = await site.ticket(await site.session("ana"))
    append = site.committer.append

    async def unknown(request: Append) -> object:
        await append(request)
        if isinstance(request, JoinDesk):
            raise CommitUnknown("the connection failed while committing")
        return ()

    monkeypatch.setattr(site.committer, "append", unknown)
    page = site.page()
    await page.open()
    await page.say({"kind": "hello", "ticket": ticket})
    await page.until(lambda: page.code == 1012)
    await page.leave()
    assert len(site.rows("desk_joined")) == len(site.rows("desk_left")) == 1


async def test_a_desk_given_up_before_its_snapshot_comes_back_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open here and closed for the router, it would wait for offers that never come."""
    ticket = await site.ticket(await site.session("ana"))
    append = site.committer.append

    async def given_up_at_once(request: Append) -> object:
        rows = await append(request)
        if isinstance(request, JoinDesk):
            gone = fact("desk_left", "ana", desk_id=request.desk_id, web_id="web-1")
            [row] = await append(FactsAppend(facts_to_append=(gone,)))
            while site.services.feed.position < row.seq:
                await asyncio.sleep(0.01)
        return rows

    monkeypatch.setattr(site.committer, "append", given_up_at_once)
    page = site.page()
    await page.open()
    await page.say({"kind": "hello", "ticket": ticket})
    await page.until(lambda: page.code == 1012)


async def test_a_beat_says_that_the_site_lives(site: Site) -> None:
    """A page that hears nothing for a while must be able to say so."""
    page = await site.desk("ana")
    async with asyncio.timeout(5):
        await page.until(lambda: any(message["kind"] == "beat" for message in page.heard))


async def test_an_answer_that_the_router_does_not_give_is_slow_not_wrong(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the router down an agent must know that the command is kept, not that it failed."""
    monkeypatch.setattr("agents_ui.desk.deciding.DECIDED_WITHIN_S", 0.05)
    page = await site.desk("ana")
    answer = await page.command("presence", command_id=str(uuid.uuid4()), available=True)
    assert (answer["ok"], answer["code"]) == (False, "slow")
    assert len([ref for ref, data in site.rows("presence_declared") if "true" in data]) == 1


async def test_a_long_conversation_that_comes_by_transfer_is_no_backlog(site: Site) -> None:
    """It is larger than the limit all at once; a page that has taken everything before is not behind."""
    interaction_id = await site.arrives("x", session="s")
    for _ in range(90):
        await site.arrives("x" * 4_000, session="s")
    page = await site.desk("ana")
    offer_id = await site.offered(interaction_id, "ana")
    await site.decide(connected(interaction_id, offer_id, "ana"))
    await page.until(lambda: len(page.entities["message"]) == 91)
    assert page.code is None and page.snapshots == 1
