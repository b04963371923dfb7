"""Calls that are sent on, with real signalling: to a telephone outside, and to the other site's own line."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from router.run.sip_agent import SipAgent
from router.run.voice import sending_on
from router.run.voice.role import Accounts
from router.run.voice.sound import Sound
from router.run.voice.telephones import Trunks
from tests.voice.exchange import Exchange, plan_with_calls, running
from tests.voice.far_end import FarEnd
from tests.voice.sip_phone import Phone
from tests.voice.test_sending_on import CELL, PAIR, reroutes

pytestmark = pytest.mark.system

TRUNK = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
endpoint = "sip:127.0.0.1:{port}"
options = {{ upstream = "127.0.0.1", recording = "off" }}
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_on, "LOOK_S", 0.05)


@pytest.fixture
def far() -> Iterator[FarEnd]:
    made = FarEnd()
    yield made
    made.close()


@asynccontextmanager
async def site(
    folder: Path, name: str, *, trunk: int, sip: str = "", sound: bool = False
) -> AsyncIterator[tuple[Exchange, int]]:
    """A site on a SIP port of its own. Calls out go to the port `trunk`, to the other site by `sip`."""
    folder.mkdir()
    pair = PAIR + (f'sip = "{sip}"\n' if sip else "")
    exchange = Exchange(folder, plan=parse_plan(plan_with_calls(TRUNK.format(port=trunk)).text + pair))
    exchange.settings = replace(exchange.settings, site=name)
    trunks = Trunks(Accounts(lambda: exchange.plan, exchange.settings))
    exchange.telephones = trunks  # type: ignore[assignment]  # the real ones
    if sound:
        exchange.media = Sound(exchange.settings)  # type: ignore[assignment]  # the real one
    async with running(exchange, alone=not sip):
        trunks.host = "127.0.0.1"
        trunks.agent = await SipAgent.listen(
            "127.0.0.1", 0, on_call=exchange.board.ring, may_call=trunks.may_call
        )
        yield exchange, trunks.agent.port
        await exchange.role.end()
        await trunks.agent.close()
    exchange.close()


async def test_caller_and_whoever_holds_the_cell_phone_hear_each_other(data_dir: Path, far: FarEnd) -> None:
    """Signalling that looks right and carries no sound helps nobody. Either side's hanging up ends both."""
    far.does = "rings"
    async with site(data_dir / "a", "a", trunk=far.port, sound=True) as (exchange, port):
        phone = Phone(port)
        assert await asyncio.to_thread(phone.ring) == 182
        await reroutes(exchange)
        await exchange.until(lambda: far.heard("INVITE", CELL), "the cell phone rings")
        assert phone.status() == 182, "the caller waits as before"
        far.picks_up()
        await asyncio.to_thread(phone.until_answered)
        await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "they talk")

        heard = 0

        async def both_hear() -> None:
            nonlocal heard
            while heard < 10 or not far.ear.pitch:
                await asyncio.to_thread(phone.say, 0.2)
                heard += phone.hears()

        await asyncio.wait_for(both_hear(), 30)
        await exchange.until(lambda: [row[0] for row in exchange.open()] == ["waiting"], "a call-back")
        phone.hang_up()
        await exchange.until(lambda: far.heard("BYE"), "the cell phone is free again")
        phone.close()


async def test_the_other_site_takes_the_call_as_this_callers_and_its_agent_talks_with_them(
    data_dir: Path, far: FarEnd
) -> None:
    """In line at both: the caller hears our line until theirs answers. And theirs never sends it back."""
    async with site(data_dir / "b", "b", trunk=far.port) as (there, their_port):
        sip = f"sip:+15550100911@127.0.0.1:{their_port}"
        async with site(data_dir / "a", "a", trunk=far.port, sip=sip) as (here, port):
            phone = Phone(port, number="+15550100777")
            assert await asyncio.to_thread(phone.ring) == 182
            await reroutes(here)
            await there.until(lambda: there.rows("SELECT 1 FROM interaction"), "it is in line there")
            assert there.rows("SELECT address FROM address WHERE kind = 'phone'") == [("+15550100777",)]
            assert [row[0] for row in here.open()] == ["waiting"]
            await there.signs_in()
            interaction_id = await there.accepts()
            await there.connects(interaction_id)
            await asyncio.to_thread(phone.until_answered)
            await here.until(lambda: here.call()[:2] == ("ended", "forwarded"), "they talk")
            assert not far.heard("INVITE"), "nobody outside was asked"
            phone.hang_up()
            await there.until(lambda: there.call()[:2] == ("ended", "caller_hung_up"), "the agent sees it")
            phone.close()
