"""Calls that a provider's network holds: fetched when an agent is there, never lost by what fails."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

from router.channels.call_token import HEADER, LIFE_S, CallToken, signed, token_in
from router.channels.port import Contact, HttpRequest
from router.channels.twilio_voice import receive
from router.run.delivery_senders import Outlets
from router.run.voice import held_caller, held_calls
from router.run.voice.held import EndHeld, held_id, new_record
from router.run.voice.keeping import Reader, keep_call
from router.run.voice.lost_calls import EndLost
from router.run.web_lease import silent_webs
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_voice import CALL, NUMBER, TwilioVoice
from tests.system.postgres import postgres_server, postgres_url
from tests.voice.exchange import ACCOUNTS, Exchange, plan_with_calls, running
from tests.voice.gear import FakeTelephone

__all__ = ["postgres_server", "postgres_url"]

HELD = f"""
[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "{NUMBER}"
secret = "calls"
options = {{ account_sid = "{SID}", sip_account = "trunk" }}
"""


@pytest.fixture
async def exchange(data_dir: Path) -> AsyncIterator[Exchange]:
    folder = data_dir / "secrets"
    folder.mkdir()
    (folder / "calls").write_bytes(TOKEN)
    made = Exchange(data_dir, plan=plan_with_calls(ACCOUNTS + HELD))
    async with running(made):
        yield made
    made.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for seconds waits for a moment."""
    monkeypatch.setattr(held_caller, "PAUSES_S", (0.01,))
    monkeypatch.setattr(held_caller, "LOOKS_S", (0.0, 0.01))
    monkeypatch.setattr(held_caller, "UNSURE_S", 0.05)


def contact_of(call: str = CALL) -> Contact:
    plays = TwilioVoice()
    news = receive(plays.arrives(call), plays.account).call
    assert news is not None
    return news.contact


async def arrives(exchange: Exchange, call: str = CALL) -> str:
    """As a web process keeps it; the interaction, once the voice process knows of it."""
    record = new_record(contact_of(call))
    await keep_call(
        exchange.committer,
        contact_of(call),
        record,
        Reader(lambda: exchange.plan),
        read_within_ms=2_000,
        resumes=False,
    )
    await exchange.until(lambda: record.call_id in exchange.board.calls, "the voice process knows of it")
    return record.interaction_id


def token_of(request: HttpRequest) -> str:
    """What an order to connect says in the header that their network is to send."""
    (document,) = parse_qs(request.body.decode())["Twiml"]
    found = re.search(rf"\?{HEADER}=([0-9a-f.]+)</Sip>", document)
    assert found is not None, document
    return found[1]


def dials(exchange: Exchange, token: str, *, name: str = "leg", header: str = HEADER) -> FakeTelephone:
    """Their network calls our SIP port."""
    telephone = FakeTelephone(f"{name}@twilio", headers=[(header, token)])
    exchange.board.ring(telephone)
    return telephone


def obeys(exchange: Exchange) -> list[FakeTelephone]:
    """From now on their network does what it is ordered; the calls that it makes."""
    made: list[FakeTelephone] = []

    def order(request: HttpRequest) -> None:
        if b"Twiml=" in request.body:
            made.append(dials(exchange, token_of(request), name=f"leg-{len(made)}"))

    exchange.orders.on_order = order
    return made


async def talks(exchange: Exchange) -> tuple[str, list[FakeTelephone]]:
    """Somebody has called by the provider, and ana talks with them."""
    legs = obeys(exchange)
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    assert await exchange.accepts() == interaction_id
    await exchange.connects(interaction_id)
    assert exchange.call()[0] == "connected"
    return interaction_id, legs


def arrivals(exchange: Exchange) -> int:
    return len(exchange.journal("arrived"))


async def test_the_caller_is_fetched_when_the_agent_is_heard_and_joined(exchange: Exchange) -> None:
    """One order, one call to our port, no second interaction; recorded and announced as any other."""
    legs = obeys(exchange)
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    assert exchange.orders.asked == [], "nobody is sent to an agent who is not there yet"
    leg.flows()
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")
    (order,) = exchange.orders.ordered("Twiml=")
    assert f"Calls/{CALL}.json" in order.url
    assert [each.said for each in legs] == [["200"]]
    assert arrivals(exchange) == 1
    (bridge,) = exchange.media.bridges
    assert bridge.agent is leg and bridge.announced and exchange.call()[5] == 1


async def test_a_token_is_good_for_one_call_and_for_what_it_says(exchange: Exchange) -> None:
    """Used, old, of another order or another account's: refused. Not ours: a call like any other."""
    interaction_id, _ = await talks(exchange)
    (order,) = exchange.orders.ordered("Twiml=")
    used = token_of(order)
    token = token_in(used, TOKEN)
    assert token is not None and token.interaction_id == interaction_id
    assert time.time() < token.until_s <= time.time() + LIFE_S
    for wrong in (
        used,
        signed(replace(token, until_s=int(time.time()) - 1), TOKEN),
        signed(replace(token, nonce="0" * 16), TOKEN),
        signed(replace(token, interaction_id=str(uuid4())), TOKEN),
    ):
        again = dials(exchange, wrong, header=HEADER.lower())
        await exchange.until(lambda each=again: each.said == ["403"], "refused")
    assert arrivals(exchange) == 1
    forged = signed(token, TOKEN[::-1])
    for number, nobodys in enumerate((forged, used[:-1], "x", "....", "ä" * 300)):
        plain = dials(exchange, nobodys, name=f"plain-{number}")
        await exchange.until(lambda each=plain: each.positions, "taken as what it is: somebody calls")
    assert arrivals(exchange) == 6


@pytest.mark.parametrize("outcome", ["refused", "unsure", "done"])
async def test_an_order_that_leads_to_nothing_loses_nobody(
    exchange: Exchange, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, unanswered, or obeyed by nobody: an alarm, the caller waits, and it is tried again."""
    monkeypatch.setattr(held_caller, "INVITE_S", 0.05)
    exchange.orders.answers = [outcome]
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    leg.flows()
    await exchange.until(lambda: len(exchange.orders.asked) >= 3, "tried again and again")
    alarms = [row for row in exchange.journal("trouble_noticed") if held_calls.ALARM in row.data]
    assert [row.ref for row in alarms] == [interaction_id]
    assert exchange.call()[0] == "waiting" and exchange.state(interaction_id) == "assigned"
    tokens = [token_of(each) for each in exchange.orders.asked]
    assert len(set(tokens)) == len(tokens), "each order has its own"
    monkeypatch.setattr(held_caller, "INVITE_S", 12.0)
    exchange.orders.answers = ["done"]
    obeys(exchange)
    await exchange.until(lambda: exchange.call()[0] == "connected", "and at last they talk")


async def test_nobody_is_fetched_for_an_agent_who_has_left(exchange: Exchange) -> None:
    """The caller would be sent into silence; they wait, and whoever comes next fetches them."""
    exchange.orders.answers = ["refused"]
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    leg.flows()
    await exchange.until(lambda: exchange.orders.asked, "tried")
    leg.on_lost()
    await exchange.until(lambda: leg.closed, "gone")
    (call,) = exchange.board.calls.values()
    await exchange.until(lambda: not call._answering, "no more orders")
    assert call.live
    exchange.orders.answers = ["done"]
    obeys(exchange)
    await exchange.connects(interaction_id)


async def test_who_hangs_up_while_waiting_is_called_back(exchange: Exchange) -> None:
    """A web process heard of it: the call ends here as well, and nobody is told to hang up who has."""
    interaction_id = await arrives(exchange)
    await exchange.committer.append(EndHeld(call_id=held_id(contact_of())))
    await exchange.until(lambda: exchange.journal("call_back_opened"), "called back")
    await exchange.until(lambda: not exchange.board.calls, "over")
    assert exchange.call()[:2] == ("ended", "caller_hung_up")
    assert exchange.orders.asked == []
    ((state, follows, _),) = exchange.open()
    assert (state, follows) == ("waiting", interaction_id)


async def test_a_call_back_goes_out_by_the_trunk_of_the_account(exchange: Exchange) -> None:
    """The provider only takes calls for us; to call, there is the trunk that it sends them to."""
    await arrives(exchange)
    await exchange.committer.append(EndHeld(call_id=held_id(contact_of())))
    await exchange.until(lambda: exchange.journal("call_back_opened"), "called back")
    await exchange.signs_in()
    call_back = await exchange.accepts()
    asked = {"agent_id": "ana", "desk_id": "w", "sdp": "m=audio"}
    assert (await exchange.asks("POST", f"/calls/{call_back}/dial", **asked))[0] == 200
    exchange.media.page_legs[-1].flows()
    await exchange.until(lambda: exchange.telephones.dialled == ["+15557654321"], "it rings there")


async def test_keys_pressed_in_the_talk_go_to_whoever_they_are_for(exchange: Exchange) -> None:
    """Both ways by the leg that their network has made to us."""
    interaction_id, _ = await talks(exchange)
    asked = {"agent_id": "ana", "act": "dtmf", "digits": "12#"}
    assert (await exchange.asks("POST", f"/calls/{interaction_id}/control", **asked))[0] == 200
    leg = exchange.media.trunk_legs[-1]
    assert leg.digits == ["12#"]
    leg.on_digits("9")
    await exchange.until(lambda: exchange.journal("message_added"), "a message of the caller")


async def test_a_caller_is_sent_on_over_the_trunk_and_both_lines_end_with_one(exchange: Exchange) -> None:
    """Their network cannot be asked to; so we call, and stay between them until one hangs up."""
    interaction_id, legs = await talks(exchange)
    other = exchange.telephones.answers = FakeTelephone("out")
    asked = {"agent_id": "ana", "act": "forward", "to": "+15550100777"}
    assert (await exchange.asks("POST", f"/calls/{interaction_id}/control", **asked))[0] == 200
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "forwarded")
    assert exchange.telephones.dialled == ["+15550100777"] and legs[0].said == ["200"]
    exchange.orders.answers = ["gone"]
    legs[0].on_end("caller_hung_up")
    await exchange.until(lambda: other.said == ["BYE"], "the other side is told")


async def test_who_was_sent_on_and_is_left_is_not_left_in_silence(exchange: Exchange) -> None:
    """The other side hangs up: the call ends at the provider as well."""
    interaction_id, legs = await talks(exchange)
    other = exchange.telephones.answers = FakeTelephone("out")
    asked = {"agent_id": "ana", "act": "forward", "to": "+15550100777"}
    await exchange.asks("POST", f"/calls/{interaction_id}/control", **asked)
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "forwarded")
    other.on_end("caller_hung_up")
    await exchange.until(lambda: exchange.orders.ordered("Status=completed"), "ended there")
    assert legs[0].said == ["200", "BYE"]


async def test_who_has_hung_up_when_the_agent_accepts_is_gone(exchange: Exchange) -> None:
    """The order says so, before any webhook does: the agent sees it, and calls back."""
    exchange.orders.answers = ["gone"]
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    leg.flows()
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "gone")
    assert exchange.state(interaction_id) == "assigned"


async def test_a_call_that_only_is_not_answered_there_yet_is_not_taken_for_over(exchange: Exchange) -> None:
    """Twilio's "not in progress" (21220) is also said of a call that rings."""
    exchange.orders.answers = ["gone", "done", "done"]
    legs: list[FakeTelephone] = []
    await exchange.signs_in()
    interaction_id = await arrives(exchange)
    await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    leg.flows()
    await exchange.until(lambda: len(exchange.orders.asked) >= 2, "asked whether it goes on")
    legs = obeys(exchange)
    await exchange.until(lambda: exchange.call()[0] == "connected", "they talk")
    assert [each.method for each in exchange.orders.asked][:2] == ["POST", "GET"] and legs


async def test_a_hang_up_that_nobody_heard_of_is_found_in_the_tables(exchange: Exchange) -> None:
    """The feed may miss a row while the database is away; how a call stands it cannot miss."""
    interaction_id = await arrives(exchange)
    exchange.feed._listeners.clear()
    await exchange.committer.append(EndHeld(call_id=held_id(contact_of())))
    assert exchange.board.call_of(interaction_id) is not None
    exchange.role.held._stirred.set()
    await exchange.until(lambda: not exchange.board.calls, "over")


async def test_a_caller_who_hangs_up_in_the_talk_has_hung_up(exchange: Exchange) -> None:
    """BYE on our leg, and their network says that the call is over."""
    interaction_id, legs = await talks(exchange)
    exchange.orders.answers = ["gone"]
    legs[0].on_end("caller_hung_up")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "hung up")
    assert exchange.orders.ordered("Status=completed") == []
    assert exchange.state(interaction_id) == "assigned", "the first thing an agent does is to call back"


async def test_a_leg_that_breaks_is_no_hang_up(exchange: Exchange) -> None:
    """Their network says that the caller is there: they wait, the desk connects again, and they talk on."""
    interaction_id, legs = await talks(exchange)
    legs[0].on_end("failed")
    await exchange.until(lambda: exchange.call()[0] == "waiting", "waiting for the agent")
    assert exchange.state(interaction_id) == "assigned" and arrivals(exchange) == 1
    await exchange.connects(interaction_id)
    assert len(legs) == 2 and len(exchange.orders.ordered("Twiml=")) == 2


async def test_an_agent_who_hangs_up_ends_it_at_the_provider_too(exchange: Exchange) -> None:
    """BYE to the leg alone would put the caller back in line."""
    interaction_id, legs = await talks(exchange)
    await exchange.say("conversation_ended", interaction_id, agent_id="ana", command_id=str(uuid4()))
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "agent_hung_up"), "ended")
    await exchange.until(lambda: exchange.orders.ordered("Status=completed"), "ended there")
    assert legs[0].said == ["200", "BYE"]


async def test_what_a_voice_process_held_the_next_one_goes_on_with(data_dir: Path) -> None:
    """kill -9 in the talk: the caller is at the provider, the agent's desk comes again, one interaction."""
    folder = data_dir / "secrets"
    folder.mkdir()
    (folder / "calls").write_bytes(TOKEN)
    plan = plan_with_calls(ACCOUNTS + HELD)
    exchange = Exchange(data_dir, plan=plan)
    async with running(exchange):
        interaction_id, _ = await talks(exchange)
        waiting = await arrives(exchange, "CA" + "8" * 32)
        await exchange.until(lambda: exchange.call(0)[0] == "connected", "they talk")
        tables = exchange.rows("SELECT call_id, state, voice_id FROM call ORDER BY begun_ms")
        assert {row[2] for row in tables} == {"provider/calls"}
        # What a killed process leaves: the tables as they are, and nobody who ends anything.
        exchange.board.calls.clear()
        exchange.board._of.clear()
        exchange.role.held._calls.clear()
        exchange.role.held._stirred.set()
        await exchange.until(lambda: len(exchange.board.calls) == 2, "found in the tables")
        await exchange.until(lambda: exchange.call(0)[0] == "waiting", "its agent has to connect again")
        assert not exchange.journal("customer_disconnected", "call_back_opened")
        leg = await exchange.connects(interaction_id, flows=False)
        leg.flows()
        await exchange.until(lambda: exchange.call(0)[0] == "connected", "they talk again")
        assert exchange.state(waiting) == "waiting"
        assert len(exchange.orders.ordered("Twiml=")) == 2 and arrivals(exchange) == 2
    rows = exchange.rows("SELECT state, ended_ms FROM call ORDER BY begun_ms")
    assert rows == [("waiting", 0), ("waiting", 0)], "an orderly end ends no call that a provider holds"
    assert not exchange.journal("customer_disconnected")
    exchange.close()


async def test_who_waits_is_asked_after_and_an_answer_that_is_none_ends_nothing(exchange: Exchange) -> None:
    """A provider tells of a hang-up once, and that may get lost."""
    exchange.orders.answers = ["refused", "unsure", "done", "gone"]
    call, caller = exchange.role.held._calls[await arrives(exchange)]
    for _ in range(3):
        await exchange.role.held._ask_after(call, caller, asyncio.Semaphore(1))
        assert call.live
    await exchange.role.held._ask_after(call, caller, asyncio.Semaphore(1))
    await exchange.until(lambda: exchange.journal("call_back_opened"), "called back")
    assert {each.method for each in exchange.orders.asked} == {"GET"}


def test_a_token_says_nothing_else_when_one_sign_is_changed() -> None:
    """Nobody else's call can be taken with it, nor the same one later."""
    token = CallToken(interaction_id=str(uuid4()), nonce="ab" * 8, until_s=1_800_000_000)
    told = signed(token, TOKEN)
    assert token_in(told, TOKEN) == token and len(told) < 200
    for place in range(len(told)):
        changed = told[:place] + ("1" if told[place] != "1" else "2") + told[place + 1 :]
        assert token_in(changed, TOKEN) is None


@pytest.mark.system
async def test_the_same_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """Kept, found, connected, ended, and no lease or death of a process touches it."""
    folder = data_dir / "secrets"
    folder.mkdir()
    (folder / "calls").write_bytes(TOKEN)
    exchange = Exchange(data_dir, plan=plan_with_calls(ACCOUNTS + HELD), url=postgres_url)
    async with running(exchange):
        await talks(exchange)
        assert await exchange.committer.append(EndLost("another")) == ()
        with exchange.database.reading() as db:
            assert silent_webs(db) == []
        await exchange.committer.append(EndHeld(call_id=held_id(contact_of())))
        await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "ended")
        await exchange.until(lambda: not exchange.board.calls, "over")
    exchange.close()


async def test_accounts_that_carry_calls_lack_nothing_to_send(exchange: Exchange) -> None:
    """An alarm that their answers wait would be about answers that nobody writes."""
    outlets = Outlets(exchange.settings)
    await outlets.renew(exchange.plan)
    assert outlets.lacking() == {}
    await outlets.close()
