"""While agent and caller talk: transfers, lost desks, hold, silence, keys, text, who listens."""

from typing import Any
from uuid import uuid4

import pytest

from router.run.voice import call as calls
from tests.voice.exchange import Exchange
from tests.voice.gear import OFFER_WITH_TEXT, FakeTelephone


async def transfers(exchange: Exchange, interaction_id: str, **to: str) -> None:
    """Ana gives it away."""
    values = {"to_queue_id": "", "to_agent_id": "", **to}
    await exchange.say("transfer_asked", interaction_id, agent_id="ana", command_id=str(uuid4()), **values)


async def test_a_transfer_keeps_the_caller_on_the_line_until_the_next_agent_is_there(
    exchange: Exchange,
) -> None:
    """The caller hears that the line lives, and has a place in line again."""
    phone, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    first = bridge.agent
    await exchange.signs_in("ben")
    await transfers(exchange, interaction_id, to_agent_id="ben")
    await exchange.until(lambda: bridge.agent is None and bridge.tone == "queue", "the caller waits")
    assert first.closed
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting")
    assert await exchange.accepts("ben") == interaction_id
    leg = await exchange.connects(interaction_id, "ben")
    assert bridge.agent is leg and bridge.tone == ""
    assert exchange.call()[:3] == ("connected", "", "ben")
    assert phone.said.count("200") == 1 and "BYE" not in phone.said


async def test_the_agent_before_can_do_nothing_with_a_call_that_was_transferred(exchange: Exchange) -> None:
    """Whoever gave a call away must not hear it any more, nor end it."""
    _, interaction_id = await exchange.talking()
    await transfers(exchange, interaction_id, to_queue_id="medical")
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting")
    asked = {"agent_id": "ana", "desk_id": "w", "sdp": "m=audio", "act": "hang_up"}
    for path in ("connect", "control"):
        status, answer = await exchange.asks("POST", f"/calls/{interaction_id}/{path}", **asked)
        assert (status, answer["code"]) == (409, "wrong_state")


async def test_a_desk_that_is_gone_leaves_the_caller_with_a_tone_until_it_is_back(exchange: Exchange) -> None:
    """A browser crashes; the caller must not hear nothing, nor be hung up on."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    bridge.agent.on_lost()
    assert bridge.tone == "queue"
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting for the desk")
    leg = await exchange.connects(interaction_id)
    assert bridge.agent is leg


async def test_who_was_on_hold_is_heard_by_the_next_agent(exchange: Exchange) -> None:
    """Most calls are put on hold before they are transferred; both would hear nothing, and the desk would
    show that they talk."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    assert (await control(exchange, interaction_id, "hold"))[0] == 200
    await exchange.signs_in("ben")
    await transfers(exchange, interaction_id, to_agent_id="ben")
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting")
    assert await exchange.accepts("ben") == interaction_id
    await exchange.connects(interaction_id, "ben")
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")
    assert not bridge.held


async def test_a_desk_that_is_gone_while_its_caller_is_on_hold_comes_back_to_talk(
    exchange: Exchange,
) -> None:
    """Somebody loads the page again; what it shows is how it is."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    await control(exchange, interaction_id, "hold")
    bridge.agent.on_lost()
    assert (bridge.held, bridge.tone) == (False, "queue")
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting for the desk")
    await exchange.connects(interaction_id)
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")
    assert not bridge.held


async def test_an_agent_who_accepts_and_is_not_heard_is_an_alarm(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller waits for somebody who is not there: somebody else should know."""
    monkeypatch.setattr(calls, "CONNECT_S", 0.05)
    await exchange.signs_in()
    phone = exchange.ring()
    interaction_id = await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    await exchange.until(
        lambda: exchange.rows("SELECT code FROM alarm WHERE code = 'agent_unheard'"), "alarm"
    )
    assert leg.closed and "200" not in phone.said
    await exchange.connects(interaction_id)
    assert "200" in phone.said


async def test_another_window_takes_the_call_only_when_it_says_so(exchange: Exchange) -> None:
    """Two windows of one agent must not cut each other off."""
    _, interaction_id = await exchange.talking()
    first = exchange.media.bridges[-1].agent
    asked = {"agent_id": "ana", "desk_id": "window-2", "sdp": "m=audio"}
    path = f"/calls/{interaction_id}/connect"
    assert (await exchange.asks("POST", path, **asked))[1]["code"] == "elsewhere"
    assert exchange.media.bridges[-1].agent is first
    status, _ = await exchange.asks("POST", path, **asked, take=True)
    assert status == 200
    exchange.media.page_legs[-1].flows()
    assert exchange.media.bridges[-1].agent is exchange.media.page_legs[-1]
    assert first.closed


async def control(exchange: Exchange, interaction_id: str, act: str, **more: Any) -> tuple[int, Any]:
    return await exchange.asks("POST", f"/calls/{interaction_id}/control", agent_id="ana", act=act, **more)


async def test_hold_and_back_again(exchange: Exchange) -> None:
    """The caller waits, the agent looks something up."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    assert (await control(exchange, interaction_id, "hold"))[0] == 200
    assert bridge.held
    await exchange.until(lambda: exchange.call()[0] == "held", "held")
    assert (await control(exchange, interaction_id, "hold"))[0] == 409
    assert (await control(exchange, interaction_id, "resume"))[0] == 200
    assert not bridge.held


async def test_keys_are_sent_and_other_signs_refused(exchange: Exchange) -> None:
    """Door openers and voice menus want keys."""
    _, interaction_id = await exchange.talking()
    assert (await control(exchange, interaction_id, "dtmf", digits="12#"))[0] == 200
    assert exchange.media.trunk_legs[-1].digits == ["12#"]
    status, answer = await control(exchange, interaction_id, "dtmf", digits="hello")
    assert (status, answer["code"]) == (422, "bad_digits")


async def test_what_a_caller_presses_and_types_stands_in_the_conversation(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot speak presses a key or types: both must be read, and can be urgent."""
    monkeypatch.setattr("router.run.voice.said.PAUSE_S", 0.02)
    await exchange.talking(offer=OFFER_WITH_TEXT)
    caller = exchange.media.trunk_legs[-1]
    for digit in "911":
        caller.on_digits(digit)
    await exchange.until(lambda: len(messages(exchange)) == 2, "the digits")
    for sign in "hxelp\u2028":
        caller.on_text(sign + "\b" if sign == "x" else sign)
    await exchange.until(lambda: len(messages(exchange)) == 3, "the words")
    digits, words = messages(exchange)[1:]
    assert digits == ("application/x-muster-digits", b"911", "in", "unread")
    assert words[0] == "text/t140" and words[2:] == ("in", "unread")


def messages(exchange: Exchange) -> list[Any]:
    return exchange.rows(
        "SELECT c.media_type, c.body, m.direction, m.reading FROM message m"
        " JOIN content c ON c.content_id = m.content_id ORDER BY m.seq"
    )


async def test_a_caller_of_whom_nothing_is_heard_is_shown_as_silent(exchange: Exchange) -> None:
    """The agent should ask by keys and text before hanging up (NENA-STA-020.1, 2.2.7)."""
    await exchange.talking()
    (bridge,) = exchange.media.bridges
    (call,) = exchange.board.calls.values()
    bridge.silent_ms = 7_900
    call.look()
    assert not call.record.silent
    bridge.silent_ms = 8_000
    await exchange.until(lambda: exchange.call()[4] == 1, "silent")
    bridge.silent_ms = 0
    await exchange.until(lambda: exchange.call()[4] == 0, "heard again")


async def test_who_presses_keys_is_not_silent(exchange: Exchange) -> None:
    """They answer in the only way they can."""
    await exchange.talking()
    (call,) = exchange.board.calls.values()
    exchange.media.bridges[-1].silent_ms = 60_000
    exchange.media.trunk_legs[-1].on_digits("1")
    call.look()
    assert not call.record.silent


async def test_a_supervisor_hears_the_call_and_can_leave(exchange: Exchange) -> None:
    """Listening in changes nothing for those who talk."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    path = f"/calls/{interaction_id}/listen"
    status, _ = await exchange.asks("POST", path, agent_id="sam", sdp="m=audio")
    assert status == 200
    (leg,) = bridge.listeners
    leg.on_lost()
    await exchange.until(lambda: leg.closed and not bridge.listeners, "gone")
    assert exchange.call()[0] == "connected"


async def test_a_call_that_waits_cannot_be_listened_to(exchange: Exchange) -> None:
    """Nobody talks: there is nothing to hear."""
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "182")
    (call,) = exchange.board.calls.values()
    path = f"/calls/{call.interaction_id}/listen"
    assert (await exchange.asks("POST", path, agent_id="sam", sdp="m=audio"))[0] == 409
    assert exchange.media.page_legs[-1].closed


async def test_recording_follows_the_account_and_stops_when_asked(exchange: Exchange) -> None:
    """Announced where the account says so; an agent may stop it for a card number."""
    _, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    assert bridge.announced and bridge.recording is not None
    await exchange.until(lambda: exchange.call()[5] == 1, "recorded")
    assert (await control(exchange, interaction_id, "record", on=False))[0] == 200
    assert bridge.recording is None
    await exchange.until(lambda: exchange.call()[5] == 0, "not recorded")
    assert (await control(exchange, interaction_id, "record", on=True))[0] == 200
    await control(exchange, interaction_id, "hang_up")
    await exchange.until(lambda: len(exchange.journal("part_added")) == 2, "both files are kept")


async def test_a_call_is_sent_on_by_its_own_network(exchange: Exchange) -> None:
    """REFER: nothing of ours is in the way any more."""
    phone, interaction_id = await exchange.talking()
    phone.refers = True
    assert (await control(exchange, interaction_id, "forward", to="+15550100777"))[0] == 200
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "forwarded")
    assert phone.said[-2:] == ["REFER sip:+15550100777@trunk.example", "BYE"]


async def test_a_network_that_sends_nobody_on_has_us_in_between(exchange: Exchange) -> None:
    """Both talk through us, until one of them hangs up: then the other is told."""
    phone, interaction_id = await exchange.talking()
    (bridge,) = exchange.media.bridges
    agent = bridge.agent
    await control(exchange, interaction_id, "forward", to="+15550100777")
    await exchange.until(lambda: exchange.telephones.dialled == ["+15550100777"], "dialled")
    assert bridge.held and exchange.call()[0] == "held"
    other = exchange.telephones.answers = FakeTelephone("other")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "forwarded")
    assert agent.closed and bridge.agent is exchange.media.trunk_legs[-1] and not bridge.closed
    other.on_end("caller_hung_up")
    await exchange.until(lambda: bridge.closed and "BYE" in phone.said, "both are over")


async def test_a_number_that_does_not_answer_gives_the_caller_back_to_the_agent(exchange: Exchange) -> None:
    """Nobody is lost on the way."""
    phone, interaction_id = await exchange.talking()
    exchange.telephones.answers = "busy"
    await control(exchange, interaction_id, "forward", to="+15550100777")
    await exchange.until(lambda: exchange.call()[:2] == ("connected", "busy"), "back")
    assert not exchange.media.bridges[-1].held and "BYE" not in phone.said


async def test_nobody_is_forwarded_to_what_is_no_number(exchange: Exchange) -> None:
    """Least of all by a slip of the keyboard."""
    _, interaction_id = await exchange.talking()
    status, answer = await control(exchange, interaction_id, "forward", to="sip:evil@example.org")
    assert (status, answer["code"]) == (422, "not_dialable")


async def test_a_caller_whose_sound_we_cannot_do_is_refused_and_called_back_by_people(
    exchange: Exchange,
) -> None:
    """The agent who accepted sees what happened, and has the conversation."""
    await exchange.signs_in()
    phone = exchange.ring(offer="v=0\r\nm=video 4000 RTP/AVP 31\r\n")
    interaction_id = await exchange.accepts()
    (await exchange.connects(interaction_id, flows=False)).flows()
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "failed"), "failed")
    assert "488" in phone.said and exchange.state(interaction_id) == "assigned"
