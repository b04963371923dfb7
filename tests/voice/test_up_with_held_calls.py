"""Calls that a provider holds, at a running centre: signed webhooks, orders to its API, its call to us."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.channels.port import Webhook
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_voice import NUMBER, TwilioVoice
from tests.roles.centre import running
from tests.voice.exchange import ACCOUNTS, PLAN_FILE
from tests.voice.network_double import NetworkDouble
from tests.voice.sip_phone import Phone
from tests.voice.test_up_with_calls import Site

pytestmark = pytest.mark.system

PUBLIC = "https://help.example.org"
FIRST, SECOND = "CA" + "1" * 32, "CA" + "2" * 32


class HeldSite(Site):
    """A running centre whose calls a provider holds."""

    network: NetworkDouble

    async def brings(self, webhook: Webhook) -> tuple[int, list[str]]:
        return await asyncio.to_thread(self.network.brings, webhook)

    async def calls(self, sid: str, number: str) -> str:
        """Somebody calls the provider, hears that they wait; the interaction."""
        known = set(self.journal.refs("arrived"))
        self.network.calls[sid] = "in-progress"
        assert await self.brings(self.network.plays.arrives(sid, number=number)) == (200, ["Say", "Enqueue"])
        (interaction_id,) = set(self.journal.refs("arrived")) - known
        return interaction_id

    async def dials(self, number: int) -> Phone:
        """The provider does what its order of this number says: it calls our SIP port, and is answered."""
        await self.until(lambda: len(self.network.dialled) > number, "the provider is told to connect")
        uri = self.network.dialled[number]
        found = re.fullmatch(r"sip:(\+\d+)@127\.0\.0\.1:(\d+)\?(X-Muster-Interaction)=([0-9a-f.]+)", uri)
        assert found is not None, uri
        phone = self.phone("+15557654321")
        assert (found[1], int(found[2])) == (phone.called, phone.to[1])
        phone.headers = [f"{found[3]}: {found[4]}"]
        phone.invite()
        await asyncio.to_thread(phone.wait_for, lambda: phone.status() >= 200, again=phone.invite)
        return phone


@asynccontextmanager
async def held_site(data_dir: Path) -> AsyncIterator[HeldSite]:
    network = NetworkDouble(TwilioVoice(public_url=f"{PUBLIC}/hooks/calls"))
    account = (
        f'\n[[accounts]]\nid = "calls"\nchannel = "voice"\nprovider = "twilio-voice"\naddress = "{NUMBER}"\n'
        f'secret = "calls"\nendpoint = "{network.endpoint}"\n'
        f'options = {{ account_sid = "{SID}", sip_account = "trunk" }}\n'
    )
    plan = data_dir / "plan.toml"
    plan.write_text(PLAN_FILE.read_text("utf-8").split("[[accounts]]")[0] + ACCOUNTS + account, "utf-8")
    settings = {
        "MUSTER_PLAN": str(plan),
        "MUSTER_SIP_PORT": "0",
        "MUSTER_PUBLIC_URL": PUBLIC,
        "MUSTER_SECRET_CALLS": TOKEN.decode(),
    }
    try:
        with running(data_dir, **settings) as centre, centre.journal() as journal:
            made = HeldSite(centre, journal)
            made.network = network
            network.port = int(centre.ports()["web"]["port"])
            yield made
            for phone in made.phones:
                phone.close()
    finally:
        network.close()


async def test_a_held_call_goes_to_its_agent_and_outlives_every_process(data_dir: Path) -> None:
    """Waits; is connected by one order; web, router and voice are killed in the talk; talks on; hangs up."""
    async with held_site(data_dir) as here:
        first = await here.calls(FIRST, "+15557654321")
        plays = here.network.plays
        assert await here.brings(plays.arrives(FIRST)) == (200, ["Say", "Enqueue"])
        assert (await here.brings(plays.asks(FIRST)))[1][-1] == "Redirect"
        assert await here.accept("ana") == first
        desk = await here.connect(first, "ana")
        phone = await here.dials(0)
        assert phone.status() == 200
        phone.until_answered()
        await here.until(lambda: here.of_call(first) == ("connected", ""), "they talk")
        assert len(here.journal.refs("arrived")) == 1

        second = await here.calls(SECOND, "+15557654322")
        for role in ("web", "router", "voice"):
            here.centre.send(role, signal.SIGKILL)
        await here.until(lambda: here.of_call(first) == ("waiting", ""), "the next process has it")
        here.network.port = int(here.centre.ports()["web"]["port"])
        assert (here.standing(first)[:2], here.standing(second)[0]) == (("assigned", "ana"), "waiting")
        assert here.journal.refs("call_back_opened") == []
        assert (await here.brings(plays.returned("failed", FIRST)))[1] == ["Enqueue"]
        await desk.close()
        here.network.refusals = [404]
        desk = await here.connect(first, "ana")
        await here.until(lambda: here.journal.rows("trouble_noticed"), "an order that failed is an alarm")
        again = await here.dials(1)
        again.until_answered()
        await here.until(lambda: here.of_call(first) == ("connected", ""), "they talk again")
        stale = here.phone("+15557654321")
        stale.headers = phone.headers
        stale.invite()
        await asyncio.to_thread(stale.wait_for, lambda: stale.status() >= 200, again=stale.invite)
        assert stale.status() == 403 and len(here.journal.refs("arrived")) == 2

        here.network.calls[FIRST] = "completed"
        again.hang_up()
        await here.until(lambda: here.of_call(first) == ("ended", "caller_hung_up"), "hung up")
        assert (await here.brings(plays.status("completed", FIRST)))[0] == 200
        assert here.standing(first)[:2] == ("assigned", "ana")
        here.network.calls[SECOND] = "completed"
        assert (await here.brings(plays.left("hangup", SECOND)))[1] == ["Hangup"]
        await here.until(lambda: here.journal.refs("call_back_opened"), "who gave up is called back")
        assert here.standing(second)[2] == "abandoned"
        await desk.close()
        assert await asyncio.to_thread(here.centre.stop) == 0
