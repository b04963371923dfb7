"""Calls at desk and wall, from the web's side: who may do what, what is shown, what is on record."""

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents_ui.chat.session import cookie_name
from router.channels.chat import new_token, session_of
from tests.desk.calls import NotedDoor, changes, plan_with_calls, taken
from tests.desk.small_site import Site, running_site
from tests.desk.wire import Page

COMMANDS: dict[str, dict[str, Any]] = {
    "call_connect": {"window": "w", "take": True, "sdp": "v=0"},
    "call_dial": {"window": "w", "sdp": "v=0"},
    "call_hold": {"held": True},
    "call_dtmf": {"digits": "12#"},
    "call_forward": {"to": "+31201234567"},
    "call_record": {"on": False},
}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "call_connect": ("connect", {"agent_id": "ana", "desk_id": "w", "take": True, "sdp": "v=0"}),
    "call_dial": ("dial", {"agent_id": "ana", "desk_id": "w", "sdp": "v=0"}),
    "call_hold": ("control", {"agent_id": "ana", "act": "hold"}),
    "call_dtmf": ("control", {"agent_id": "ana", "act": "dtmf", "digits": "12#"}),
    "call_forward": ("control", {"agent_id": "ana", "act": "forward", "to": "+31201234567"}),
    "call_record": ("control", {"agent_id": "ana", "act": "record", "on": False}),
}
"""What each command becomes at the door (docs/architecture.md 11.2)."""


@pytest.fixture
def door() -> NotedDoor:
    return NotedDoor()


@pytest.fixture
async def site(data_dir: Path, door: NotedDoor) -> AsyncIterator[Site]:
    """A centre that takes calls, and whose voice process notes what it is asked."""
    async with running_site(data_dir, plan=plan_with_calls(), voice=door) as running:
        yield running


async def give(page: Page, kind: str, **fields: object) -> Any:
    return await page.command(kind, command_id=str(uuid.uuid4()), **fields)


@pytest.mark.parametrize("kind", COMMANDS)
async def test_the_holder_commands_the_call_and_nobody_else(site: Site, door: NotedDoor, kind: str) -> None:
    """A call is answered by one agent: a colleague, or a supervisor at a desk, must not get at its sound."""
    interaction_id = await taken(site, "ana")
    for agent_id in ("ben", "sue"):
        other = await site.desk(agent_id)
        answer = await give(other, kind, interaction_id=interaction_id, **COMMANDS[kind])
        assert (answer["ok"], answer["code"]) == (False, "not_yours")
    assert door.asked == []
    page = await site.desk("ana")
    answer = await give(page, kind, interaction_id=interaction_id, **COMMANDS[kind])
    path, body = ASKED[kind]
    assert door.asked == [("POST", f"/calls/{interaction_id}/{path}", body)]
    assert answer["ok"]
    assert answer["value"] == ({"sdp": "v=0 answer"} if "sdp" in body else None)


async def test_what_the_voice_process_refuses_is_said_in_words(site: Site, door: NotedDoor) -> None:
    """Each refusal asks for something else of the agent; silence asks for nothing."""
    interaction_id = await taken(site, "ana")
    page = await site.desk("ana")
    for code in ("elsewhere", "no_ports", "voice_away", "wrong_state"):
        door.refuses = code
        answer = await give(page, "call_connect", interaction_id=interaction_id, window="w", sdp="v=0")
        assert (answer["ok"], answer["code"]) == (False, code)
        assert answer["text"] and answer["text"] != "This could not be done."


@pytest.mark.parametrize("digits", ["", "1a", "1 2", "1" * 41])
async def test_only_keys_of_a_telephone_are_sent(site: Site, door: NotedDoor, digits: str) -> None:
    """What is no key must not reach the trunk."""
    interaction_id = await taken(site, "ana")
    page = await site.desk("ana")
    answer = await give(page, "call_dtmf", interaction_id=interaction_id, digits=digits)
    assert (answer["ok"], answer["code"]) == (False, "malformed")
    assert door.asked == []


async def test_a_desk_is_told_how_its_call_stands_and_what_can_be_done(site: Site) -> None:
    """Only the holder's desk; every change at once; with the number that can be called back."""
    interaction_id = await taken(site, "ana")
    page, other = await site.desk("ana"), await site.desk("ben")
    shown = page.entities["call"][interaction_id]
    assert (shown["state"], shown["address"], shown["dialable"]) == ("waiting", "+31612345678", True)
    assert not any(shown["can"].values())
    assert page.entities["conversation"][interaction_id]["connected"] is not None
    await changes(site, interaction_id, "connected", agent_id="ana", recording=True)
    await page.until(lambda: page.entities["call"][interaction_id]["state"] == "connected")
    shown = page.entities["call"][interaction_id]
    assert shown["connected_ms"] > 0 and shown["recording"]
    assert shown["can"] == {"hold": True, "dtmf": True, "forward": True, "record": True, "dial": False}
    await changes(site, interaction_id, "ended", why="caller_hung_up")
    await page.until(lambda: page.entities["call"][interaction_id]["state"] == "ended")
    shown = page.entities["call"][interaction_id]
    assert (shown["why"], shown["can"]["dial"], shown["can"]["hold"]) == ("caller_hung_up", True, False)
    assert other.entities["call"] == {}
    assert page.words["calls"] is True


async def test_with_a_call_that_a_provider_holds_the_same_can_be_done(site: Site) -> None:
    """Connected it is a call by a trunk of ours, and it is called back by that trunk."""
    interaction_id = await taken(site, "ana", account="calls")
    page = await site.desk("ana")
    can = page.entities["call"][interaction_id]["can"]
    assert not any(can.values()), "it waits at its provider"
    await changes(site, interaction_id, "connected", agent_id="ana", account="calls")
    await page.until(lambda: page.entities["call"][interaction_id]["state"] == "connected")
    can = page.entities["call"][interaction_id]["can"]
    assert can == {"hold": True, "dtmf": True, "forward": True, "record": True, "dial": False}
    await changes(site, interaction_id, "ended", why="caller_hung_up", account="calls")
    await page.until(lambda: page.entities["call"][interaction_id]["can"]["dial"])


async def test_what_changes_told_is_what_a_fresh_desk_shows(site: Site) -> None:
    """A desk that was open all the time and one that opens now show the same call."""
    interaction_id = await taken(site, "ana", account="page", session="s" * 64)
    page = await site.desk("ana")
    for state, values in (("connected", {}), ("held", {"silent": True}), ("connected", {})):
        await changes(site, interaction_id, state, account="page", **values)
    await page.until(
        lambda: (
            [page.entities["call"][interaction_id][each] for each in ("state", "silent")]
            == ["connected", False]
        )
    )
    fresh = await site.desk("ana")
    assert fresh.entities["call"] == page.entities["call"]
    can = page.entities["call"][interaction_id]["can"]
    assert can == {"hold": True, "dtmf": False, "forward": False, "record": False, "dial": False}, (
        "a page has no keys and no number, and its calls are not recorded by this plan"
    )


async def test_a_telephone_without_a_number_is_not_offered_for_calling(site: Site) -> None:
    """911-XXX-XXXX stands for no telephone: a button would cost a minute."""
    interaction_id = await taken(site, "ana", number="+19115550123")
    await changes(site, interaction_id, "ended", why="lost")
    page = await site.desk("ana")
    shown = page.entities["call"][interaction_id]
    assert (shown["dialable"], shown["can"]["dial"]) == (False, False)


async def test_nothing_is_written_into_a_call(site: Site) -> None:
    """A reply that nobody could ever read must not look sent."""
    interaction_id = await taken(site, "ana")
    page = await site.desk("ana")
    answer = await give(page, "reply", interaction_id=interaction_id, client_id="c-1", text="hello")
    assert (answer["ok"], answer["code"]) == (False, "spoken")
    note = await give(page, "note", interaction_id=interaction_id, client_id="c-2", text="breathes hard")
    assert note["ok"]


async def test_who_reads_what_is_typed_gets_a_written_answer(site: Site) -> None:
    """Somebody who cannot hear calls with real-time text; without an answer in it they call in vain."""
    interaction_id = await taken(site, "ana")
    await changes(site, interaction_id, "connected", agent_id="ana", text=True)
    page = await site.desk("ana")
    answer = await give(page, "reply", interaction_id=interaction_id, client_id="c-1", text="Where are you?")
    assert answer["ok"]
    await changes(site, interaction_id, "ended", why="caller_hung_up", text=True)
    answer = await give(page, "reply", interaction_id=interaction_id, client_id="c-2", text="Hello?")
    assert (answer["ok"], answer["code"]) == (False, "spoken")


async def test_a_supervisor_who_listens_is_on_record_before_anything_is_heard(
    site: Site, door: NotedDoor
) -> None:
    """Nobody listens in secret: the record comes first, also where the voice process then refuses."""
    interaction_id = await taken(site, "ana")
    await changes(site, interaction_id, "connected", agent_id="ana")
    wall = await site.wall("sue")
    door.refuses = "wrong_state"
    answer = await give(wall, "call_listen", interaction_id=interaction_id, sdp="v=0")
    assert (answer["ok"], answer["code"]) == (False, "wrong_state")
    door.refuses = ""
    answer = await give(wall, "call_listen", interaction_id=interaction_id, sdp="v=0")
    assert answer["value"] == {"sdp": "v=0 answer"}
    looks = [(ref, json.loads(data)) for ref, data in site.rows("viewed")]
    mine = [each for each in looks if each[1]["what"] == "listen"]
    assert mine == [(interaction_id, {"agent_id": "sue", "what": "listen"})] * 2
    asked = ("POST", f"/calls/{interaction_id}/listen", {"agent_id": "sue", "sdp": "v=0"})
    assert door.asked == [asked, asked]


async def test_there_is_nothing_to_listen_to_after_the_end(site: Site, door: NotedDoor) -> None:
    """And nothing is put on record that did not happen."""
    interaction_id = await taken(site, "ana")
    await changes(site, interaction_id, "ended", why="caller_hung_up")
    wall = await site.wall("sue")
    answer = await give(wall, "call_listen", interaction_id=interaction_id, sdp="v=0")
    assert (answer["ok"], answer["code"]) == (False, "no_call")
    assert door.asked == []
    assert not [data for _, data in site.rows("viewed") if '"listen"' in data]


async def test_the_wall_marks_calls_that_go_on(site: Site) -> None:
    """Who talks, who is on hold, where nobody says anything; and no number of anybody."""
    interaction_id = await taken(site, "ana")
    wall = await site.wall("sue")
    assert wall.entities["call"][interaction_id]["state"] == "waiting"
    await changes(site, interaction_id, "connected", agent_id="ana", silent=True)
    await wall.until(lambda: wall.entities["call"][interaction_id]["state"] == "connected")
    shown = wall.entities["call"][interaction_id]
    assert (shown["agent_id"], shown["silent"]) == ("ana", True)
    assert "31612345678" not in json.dumps(wall.entities)
    await changes(site, interaction_id, "ended", why="caller_hung_up")
    await wall.until(lambda: wall.entities["call"] == {})


@pytest.mark.system
async def test_the_same_on_postgresql(data_dir: Path, postgres_url: str, door: NotedDoor) -> None:
    """What desk, wall and page read of calls means the same on both databases."""
    async with running_site(data_dir, postgres_url, plan=plan_with_calls(), voice=door) as site:
        token = new_token()
        interaction_id = await taken(site, "ana", account="page", session=session_of(token))
        await changes(site, interaction_id, "connected", account="page", agent_id="ana", silent=True)
        page, wall = await site.desk("ana"), await site.wall("sue")
        assert page.entities["call"][interaction_id]["state"] == "connected"
        assert wall.entities["call"][interaction_id]["silent"] is True
        reply = await site.ask(
            "GET", "/chat/call", token=token, cookie_name=cookie_name(site.services.settings)
        )
        assert reply.json["state"] == "connected"
