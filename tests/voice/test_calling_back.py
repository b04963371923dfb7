"""Calling back: who gave up, by whom, and what cannot be called."""

from typing import Any

import pytest

from router.run.voice import dialling
from tests.voice.exchange import Exchange
from tests.voice.gear import FakeLeg, FakeTelephone


async def gave_up(exchange: Exchange, **values: Any) -> str:
    """Somebody rang and hung up; the call-back, which ana has taken."""
    phone = exchange.ring(**values)
    await exchange.until(lambda: phone.said, "182")
    phone.on_end("cancelled")
    await exchange.until(lambda: exchange.journal("call_back_opened"), "a call-back")
    await exchange.signs_in()
    return await exchange.accepts()


async def dials(exchange: Exchange, interaction_id: str) -> tuple[int, Any]:
    asked = {"agent_id": "ana", "desk_id": "w", "sdp": "m=audio"}
    return await exchange.asks("POST", f"/calls/{interaction_id}/dial", **asked)


async def test_a_customer_who_gave_up_is_called_and_talked_with(exchange: Exchange) -> None:
    """The agent is on the line before the telephone rings, and the attempt is on record."""
    interaction_id = await gave_up(exchange)
    assert (await dials(exchange, interaction_id))[0] == 200
    leg: FakeLeg = exchange.media.page_legs[-1]
    await exchange.until(lambda: exchange.call()[:4] == ("dialling", "", "ana", "out"), "dialling")
    assert exchange.telephones.dialled == []
    leg.flows()
    await exchange.until(lambda: exchange.telephones.dialled == ["+15550100123"], "it rings there")
    assert (await dials(exchange, interaction_id))[0] == 409
    phone = exchange.telephones.answers = FakeTelephone("out")
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")
    assert exchange.media.bridges[-1].agent is leg
    kinds = exchange.rows("SELECT direction FROM message WHERE interaction_id = :i", i=interaction_id)
    assert kinds == [("system",)]
    phone.on_end("caller_hung_up")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "ended")
    await exchange.until(lambda: exchange.journal("part_added"), "the recording belongs to the call-back")
    assert exchange.state(interaction_id) == "assigned"


@pytest.mark.parametrize("why", ["busy", "no_answer", "refused", "failed"])
async def test_an_attempt_that_failed_can_be_made_again(exchange: Exchange, why: str) -> None:
    """At least once, as the standard says; more often when the agent thinks so."""
    interaction_id = await gave_up(exchange)
    exchange.telephones.answers = why
    await dials(exchange, interaction_id)
    exchange.media.page_legs[-1].flows()
    await exchange.until(lambda: exchange.call()[:2] == ("ended", why), "ended")
    exchange.telephones.answers = FakeTelephone("out")
    assert (await dials(exchange, interaction_id))[0] == 200
    exchange.media.page_legs[-1].flows()
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")


async def test_an_agent_who_gives_up_calling_lets_the_telephone_stop_ringing(exchange: Exchange) -> None:
    """CANCEL, also when the agent transfers the call-back while it rings."""
    interaction_id = await gave_up(exchange)
    await dials(exchange, interaction_id)
    exchange.media.page_legs[-1].flows()
    await exchange.until(lambda: exchange.telephones.dialled, "it rings")
    values = {"agent_id": "ana", "act": "hang_up"}
    assert (await exchange.asks("POST", f"/calls/{interaction_id}/control", **values))[0] == 200
    await exchange.until(lambda: exchange.telephones.cancelled, "cancelled")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "agent_hung_up"), "ended")


async def test_nobody_is_called_by_an_agent_whose_sound_does_not_come(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer who picks up and hears nothing thinks the worst."""
    monkeypatch.setattr(dialling, "CONNECT_S", 0.05)
    interaction_id = await gave_up(exchange)
    await dials(exchange, interaction_id)
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "failed"), "failed")
    assert exchange.telephones.dialled == []
    await exchange.until(lambda: exchange.rows("SELECT 1 FROM alarm WHERE code = 'agent_unheard'"), "alarm")


@pytest.mark.parametrize(("number", "withheld"), [("", True), ("+19115550123", False)])
async def test_what_cannot_be_called_is_refused(exchange: Exchange, number: str, withheld: bool) -> None:
    """A telephone without a number is somebody in need; a wrong number that is dialled is somebody else."""
    interaction_id = await gave_up(exchange, number=number, withheld=withheld)
    status, answer = await dials(exchange, interaction_id)
    assert (status, answer["code"]) == (422, "not_dialable")
    assert exchange.media.page_legs == []


async def test_a_call_back_is_nobody_elses_to_dial(exchange: Exchange) -> None:
    """Only who holds it."""
    interaction_id = await gave_up(exchange)
    asked = {"agent_id": "ben", "desk_id": "w", "sdp": "m=audio"}
    assert (await exchange.asks("POST", f"/calls/{interaction_id}/dial", **asked))[0] == 409
