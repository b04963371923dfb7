"""Calls from the customers' page."""

import asyncio
from typing import Any

import pytest

from router.run.voice import switchboard
from tests.voice.exchange import Exchange

SESSION = "5e" * 32


async def calls(exchange: Exchange, **values: Any) -> tuple[int, dict[str, Any]]:
    asked = {"account": "page", "session": SESSION, "sdp": "m=audio of the page", "language": "es", **values}
    return await exchange.asks("POST", "/calls", **asked)


async def test_a_page_waits_hears_its_place_and_talks(exchange: Exchange) -> None:
    """The same line as every telephone; the language of the page is asked of the agent."""
    status, answer = await calls(exchange)
    assert status == 200 and answer["sdp"] == "answer to m=audio of the page"
    interaction_id = answer["interaction_id"]
    assert exchange.media.bridges[-1].tone == "queue"
    (requirement,) = exchange.rows("SELECT requirement FROM interaction")[0]
    await exchange.until(
        lambda: "lang-es" in exchange.rows("SELECT requirement FROM interaction")[0][0], f"{requirement}"
    )

    async def place() -> Any:
        return (await exchange.asks("GET", f"/calls/{interaction_id}"))[1]

    await exchange.until(lambda: [each.position for each in exchange.board.calls.values()] == [1], "a place")
    assert await place() == {"position": 1, "state": "waiting"}
    await exchange.signs_in()
    assert await exchange.accepts() == interaction_id
    leg = await exchange.connects(interaction_id)
    assert exchange.media.bridges[-1].agent is leg and exchange.media.bridges[-1].recording is None
    assert await place() == {"position": 0, "state": "connected"}


async def test_the_customer_hangs_up_by_the_page(exchange: Exchange) -> None:
    """At once, and is called back (in writing: a page has no number)."""
    _, answer = await calls(exchange)
    path = f"/calls/{answer['interaction_id']}/control"
    assert (await exchange.asks("POST", path, agent_id="", act="hold"))[0] == 409
    assert (await exchange.asks("POST", path, agent_id="", act="hang_up"))[0] == 200
    await exchange.until(lambda: exchange.journal("call_back_opened"), "a call-back")
    assert exchange.media.page_legs[0].closed
    assert (await exchange.asks("GET", f"/calls/{answer['interaction_id']}"))[0] == 404


async def test_a_page_that_was_reloaded_keeps_its_place(exchange: Exchange) -> None:
    """It calls again from the same session: the same call, with new sound."""
    _, first = await calls(exchange)
    exchange.media.page_legs[0].on_lost()
    _, second = await calls(exchange)
    assert second["interaction_id"] == first["interaction_id"]
    assert exchange.media.bridges[-1].caller is exchange.media.page_legs[-1]
    assert len(exchange.open()) == 1
    await exchange.until(lambda: exchange.media.bridges[0].closed, "the old sound is closed")


async def test_a_page_that_does_not_come_back_has_hung_up(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is offered a line that is dead for ever."""
    monkeypatch.setattr(switchboard, "RELOAD_S", 0.02)
    await calls(exchange)
    exchange.media.page_legs[0].on_lost()
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "ended")
    await exchange.until(lambda: exchange.journal("call_back_opened"), "a call-back")


async def test_a_page_without_sound_is_told_so_and_leaves_nothing(exchange: Exchange) -> None:
    """Nothing was acknowledged, so nothing is kept."""
    status, answer = await calls(exchange, sdp="nonsense")
    assert (status, answer["code"]) == (422, "bad_sdp")
    assert exchange.media.page_legs[0].closed and exchange.open() == []
    assert (await calls(exchange, account="trunk"))[0] == 503


async def test_two_calls_of_one_session_are_one_customer(exchange: Exchange) -> None:
    """Also across the chat: the session is whose it is."""
    _, answer = await calls(exchange)
    await exchange.asks("POST", f"/calls/{answer['interaction_id']}/control", agent_id="", act="hang_up")
    await calls(exchange)
    assert len({row[0] for row in exchange.rows("SELECT customer_id FROM interaction")} - {""}) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"agent_id": 1}', b"\xff"])
async def test_a_request_that_cannot_be_read_is_refused(exchange: Exchange, body: bytes) -> None:
    """Our own web sends none; whoever else could must not bring the process down."""
    from httpx2 import ASGITransport, AsyncClient

    async with AsyncClient(transport=ASGITransport(app=exchange.app), base_url="http://voice") as client:
        assert (await client.post("/calls", content=body)).status_code == 400


async def test_a_page_that_asks_twice_at_once_has_one_call(exchange: Exchange) -> None:
    """A second press, or a page that tries again while the disk is slow: the other one would wait for ever
    with nobody behind it, and an agent would be offered one customer twice."""
    first, second = await asyncio.gather(calls(exchange), calls(exchange))
    assert first[0] == second[0] == 200
    assert first[1]["interaction_id"] == second[1]["interaction_id"]
    assert len(exchange.open()) == len(exchange.board.calls) == 1
