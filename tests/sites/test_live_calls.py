"""Who is on the line when a site goes: brought to the other one, left with its agent, or called back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from router.channels import twilio_voice
from router.channels.ids import interaction_id_of
from router.channels.port import HttpReply
from router.run.voice.held import held_id, new_record
from router.run.voice.keeping import Reader, keep_call
from router.sites.actions import Actions, runs
from router.sites.acts import take_over
from router.sites.ground import Ground
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_api import TwilioApi, twilio_api
from tests.contracts.twilio_voice import NUMBER, PERSON, TwilioVoice
from tests.sites.site_pair import SitePair, plan_of, site_pair

HOOK = "https://b.example.org/hooks/calls"


def accounts(port: int) -> str:
    return f"""
[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "{NUMBER}"
secret = "calls"
endpoint = "http://127.0.0.1:{port}"
options = {{ account_sid = "{SID}", sip_account = "trunk" }}

[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15551230101"
endpoint = "sip:trunk.example.org"
options = {{ upstream = "192.0.2.7" }}
"""


def sid(number: int) -> str:
    return f"CA{number:032}"


@dataclass
class Switch:
    """Two sites, the provider between them, and what is done at b after a has gone."""

    pair: SitePair
    twilio: TwilioApi

    def is_called(self, number: int, *, account: str = "calls", status: str = "in-progress") -> str:
        """Somebody calls a; the provider holds the line, or it ends at a itself."""
        provider = TwilioVoice()
        webhook = provider.arrives(sid(number), number=f"+1555765{number:04}")
        news = twilio_voice.receive(webhook, provider.account).call
        assert news is not None
        contact = replace(news.contact, account=account)
        record = new_record(contact)
        if account == "trunk":
            record.voice_id = "voice-of-a"
        plan = self.pair.plan
        keeping = keep_call(
            self.pair.a.committer, contact, record, Reader(lambda: plan), read_within_ms=2_000
        )
        asyncio.run_coroutine_threadsafe(keeping, self.loop).result(20)
        if account == "calls":
            self.goes_on(number, status=status)
        return interaction_id_of("voice", account, sid(number))

    def goes_on(self, number: int, *, status: str = "in-progress", direction: str = "inbound") -> None:
        call = {"sid": sid(number), "status": status, "to": NUMBER, "from": PERSON, "direction": direction}
        self.twilio.calls.append(call)

    def is_answered_there(self, interaction_id: str) -> None:
        """An agent at a talks to them: as the copy at b has it."""
        self.pair.sends("a")
        with self.pair.b.copy.writing() as db:
            db.run(
                "UPDATE interaction SET state = 'assigned', agent_id = 'hannah' WHERE interaction_id = :id",
                id=interaction_id,
            )

    def ground(self) -> Ground:
        site = self.pair.b
        return Ground(
            settings=replace(site.settings, secrets={"MUSTER_SECRET_CALLS": TOKEN.decode()}),
            plan=self.pair.plan,
            site="b",
            own=site.own,
            copy=site.copy,
            committer=site.committer,
            clock=lambda: self.pair.clock[0],
        )

    async def is_taken_over(self, **more: bool) -> None:
        self.pair.sends("a")
        ground = self.ground()
        await asyncio.to_thread(take_over, ground, who="ana", why="", command_id="c", **more)
        await self.tries()

    async def tries(self) -> None:
        ground = self.ground()
        actions = Actions(
            own=ground.own,
            committer=ground.committer,
            plan=ground.plan,
            settings=ground.settings,
            owner="test",
            copy=ground.copy,
            clock=lambda: self.pair.clock[0] + 3_600_000,
        )
        try:
            await actions.run_due()
        finally:
            await actions.close()

    def stand(self) -> dict[str, tuple[str, str]]:
        with self.pair.b.own.reading() as db:
            return {each.action_id: (each.status, each.detail) for each in runs(db)}

    def calls_at_b(self) -> list[tuple[object, ...]]:
        return self.pair.b.all(
            "SELECT interaction_id, state, why, voice_id FROM call ORDER BY begun_ms, call_id"
        )

    loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioApi]:
    async with twilio_api(number=NUMBER) as api:
        yield api


@pytest.fixture
def switch(data_dir: Path, twilio: TwilioApi) -> Iterator[Switch]:
    with site_pair(data_dir, plan_of(accounts=accounts(twilio.port))) as pair:
        yield Switch(pair, twilio)


async def calls(switch: Switch, *numbers: int, **more: str) -> list[str]:
    switch.loop = asyncio.get_running_loop()
    return [await asyncio.to_thread(switch.is_called, number, **more) for number in numbers]


async def test_whoever_waits_on_a_providers_line_comes_here(switch):
    """They hear music of a site that is gone; their provider sends them to the one that lives."""
    ids = await calls(switch, 1, 2, 3)
    await switch.is_taken_over()
    assert sorted(switch.calls_at_b()) == [(each, "waiting", "", "provider/calls") for each in sorted(ids)]
    assert switch.twilio.redirected == {sid(number): HOOK for number in (1, 2, 3)}
    assert switch.stand()["@calls/calls"] == ("done", "3 on the line and brought here")
    alarms = switch.pair.b.all("SELECT ref, detail FROM alarm WHERE code = 'live_calls'")
    assert alarms == [("calls", "3 on the line and brought here")]


async def test_a_call_that_nobody_here_knew_comes_as_well(switch):
    """It arrived in the last second of the other site and was never copied: its provider knows it."""
    await calls(switch, 1)
    switch.goes_on(9)
    await switch.is_taken_over()
    assert switch.twilio.redirected == {sid(1): HOOK, sid(9): HOOK}
    assert "1 on the line and not known here before" in switch.stand()["@calls/calls"][1]


async def test_who_has_hung_up_meanwhile_is_called_back(switch):
    """The core hears that they were on the line and are gone for good: a call-back keeps their place."""
    (gone,) = await calls(switch, 1, status="completed")
    await switch.is_taken_over()
    assert switch.calls_at_b() == [(gone, "ended", "caller_hung_up", "provider/calls")]
    kinds = switch.pair.b.all(
        "SELECT kind FROM journal WHERE ref = :id AND kind LIKE 'cust%' ORDER BY seq", id=gone
    )
    assert kinds == [("customer_connected",), ("customer_disconnected",)]
    assert switch.twilio.redirected == {}
    assert switch.stand()["@calls/calls"] == ("done", "1 over: call-backs")


async def test_who_talks_to_an_agent_there_is_left_alone(switch):
    """The site may be cut off and not dead: nobody's sentence is ended by a take-over."""
    (talks,) = await calls(switch, 1)
    switch.is_answered_there(talks)
    await switch.is_taken_over()
    assert switch.twilio.redirected == {}
    assert switch.calls_at_b() == []
    assert switch.stand()["@calls/calls"] == ("done", "1 with agents of the other site, left alone")


async def test_once_it_is_confirmed_that_the_agents_are_gone_their_callers_come_too(switch):
    """Somebody has looked: the room is empty."""
    (talks,) = await calls(switch, 1)
    switch.is_answered_there(talks)
    await switch.is_taken_over()
    await switch.is_taken_over(with_assigned=True)
    assert switch.twilio.redirected == {sid(1): HOOK}
    assert switch.calls_at_b() == [(talks, "waiting", "", "provider/calls")]
    assert switch.stand()["@calls-held/calls"][0] == "done"


async def test_a_line_that_ended_at_the_dead_site_is_gone_with_it(switch):
    """A trunk's call has no other end: its caller hears silence, and is called back."""
    (gone,) = await calls(switch, 1, account="trunk")
    await switch.is_taken_over()
    assert switch.calls_at_b() == [(gone, "ended", "lost", "voice-of-a")]
    assert switch.stand()["@calls/trunk"] == ("done", "1 over: call-backs")


async def test_a_provider_that_does_not_answer_is_asked_again_and_nothing_is_guessed(switch):
    """Without its word nobody is called gone, and nobody is sent anywhere."""
    (waits,) = await calls(switch, 1)
    switch.twilio.refuses = 1
    await switch.is_taken_over()
    assert switch.stand()["@calls/calls"] == ("due", "the provider did not say which calls go on")
    assert switch.calls_at_b() == []
    await switch.tries()
    assert switch.calls_at_b() == [(waits, "waiting", "", "provider/calls")]


async def test_a_list_in_pages_is_read_to_its_end(switch):
    """The first two of five are not all."""
    ids = await calls(switch, 1, 2, 3, 4, 5)
    assert switch.twilio.page_size == 2
    await switch.is_taken_over()
    assert len(switch.twilio.redirected) == len(ids)


async def test_what_we_had_dialled_ourselves_is_not_sent_here(switch):
    """The outbound leg to our own trunk is no caller."""
    switch.goes_on(7, direction="outbound-dial")
    await switch.is_taken_over()
    assert switch.twilio.redirected == {}
    assert switch.stand()["@calls/calls"] == ("done", "nobody was on the line")


async def test_asked_twice_nothing_is_said_twice(switch):
    """The command and the peer role may both do it."""
    await calls(switch, 1)
    await switch.is_taken_over()
    with switch.pair.b.own.reading() as db:
        before = db.row("SELECT count(*) FROM journal")
    await switch.tries()
    with switch.pair.b.own.reading() as db:
        assert db.row("SELECT count(*) FROM journal") == before


def test_the_list_leads_nowhere_else():
    """What the provider calls the next page is a path of its own list, or nothing."""
    account = TwilioVoice().account
    body = b'{"calls": [{"sid": "CA1", "direction": "inbound"}], "next_page_uri": "@evil.example/x"}'
    live = twilio_voice.live_in(HttpReply(status=200, headers={}, body=body), account)
    assert live is not None
    assert (live.provider_ids, live.page) == (("CA1",), "")
    for broken in (b"", b"[]", b'{"calls": 3}'):
        assert twilio_voice.live_in(HttpReply(status=200, headers={}, body=broken), account) is None
    assert twilio_voice.live_in(HttpReply(status=503, headers={}, body=body), account) is None


def test_the_id_of_a_held_call_is_the_same_at_both_sites():
    """By it a call that is redirected here is recognised."""
    provider = TwilioVoice()
    news = twilio_voice.receive(provider.arrives(sid(1)), provider.account).call
    assert news is not None
    assert held_id(news.contact) == held_id(replace(news.contact, received_at_ms=1))
