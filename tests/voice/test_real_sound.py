"""With the real signalling and the real sound: a telephone over UDP on one side, WebRTC on the other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.run.sip_agent import SipAgent
from router.run.voice.role import Accounts
from router.run.voice.sound import Sound
from router.run.voice.telephones import Trunks
from tests.voice.desk import Desk
from tests.voice.exchange import Exchange, running
from tests.voice.sip_phone import Phone

pytestmark = pytest.mark.system


class Real:
    """An exchange whose calls are real ones."""

    def __init__(self, exchange: Exchange, agent: SipAgent) -> None:
        self.exchange, self.agent = exchange, agent
        self.phone = Phone(agent.port)


@pytest.fixture
async def real(data_dir: Path) -> AsyncIterator[Real]:
    exchange = Exchange(data_dir)
    accounts = Accounts(lambda: exchange.plan, exchange.settings)
    trunks = Trunks(accounts)
    exchange.media = Sound(exchange.settings)  # type: ignore[assignment]  # the real one
    exchange.telephones = trunks  # type: ignore[assignment]  # the real ones
    async with running(exchange):
        agent = await SipAgent.listen("127.0.0.1", 0, on_call=exchange.board.ring, may_call=trunks.may_call)
        trunks.agent = agent
        made = Real(exchange, agent)
        yield made
        made.phone.close()
        await agent.close()
    exchange.close()


async def test_caller_and_agent_hear_each_other_until_the_caller_hangs_up(real: Real) -> None:
    """Both ways, recorded, and the recording is in the conversation afterwards."""
    exchange, phone = real.exchange, real.phone
    await exchange.signs_in()
    assert await asyncio.to_thread(phone.ring) == 182
    interaction_id = await exchange.accepts()
    desk = Desk()
    asked = {"agent_id": "ana", "desk_id": "w-1", "sdp": await desk.offer()}
    status, answer = await exchange.asks("POST", f"/calls/{interaction_id}/connect", **asked)
    assert status == 200, answer
    await desk.take(answer["sdp"])
    await asyncio.to_thread(phone.until_answered)
    await exchange.until(lambda: exchange.call()[0] == "connected", "connected")

    heard = 0

    async def both_hear() -> None:
        nonlocal heard
        while desk.loudest < 3_000 or heard < 10:
            await asyncio.to_thread(phone.say, 0.2)
            heard += phone.hears()

    await asyncio.wait_for(both_hear(), 30)
    phone.hang_up()
    await asyncio.to_thread(phone.wait_for, lambda: any("200" in line for line in phone.heard[-1:]))
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "ended")
    await exchange.until(lambda: exchange.journal("part_added"), "the recording is kept")
    (recording,) = exchange.rows("SELECT c.media_type, c.body FROM part p JOIN content c USING (content_id)")
    assert recording[0] == "audio/ogg"
    assert bytes(recording[1]).startswith(b"OggS")
    folder = exchange.role.recordings.folder
    await exchange.until(lambda: not list(folder.iterdir()), "the file is no longer needed")
    await desk.close()
