"""Calls that wait while the work is to be done elsewhere: connected with who answers, or left in line."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from router.channels.showing import shown_of
from router.run.voice import sending_on, switchboard
from router.sites.status import PEER, put_status
from tests.contracts.twilio import TOKEN
from tests.voice.exchange import ACCOUNTS, Exchange, plan_with_calls, running
from tests.voice.gear import OFFER, FakeTelephone
from tests.voice.test_held_calls import HELD, arrives, obeys

CELL, DESK = "+15550100555", "+15550100666"
THERE = "sip:112@b.example:8002"
PAIR = f"""
[pair]
overflow = ["{CELL}", "+1 (555) 010-0666"]

[[pair.sites]]
id = "a"
name = "North"
url = "https://a.example"
peer = "https://a.example:8003"

[[pair.sites]]
id = "b"
name = "South"
url = "https://b.example"
peer = "https://b.example:8003"
"""
WITH_SIP = PAIR + f'sip = "{THERE}"\n'


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked for every two seconds is looked for all the time."""
    monkeypatch.setattr(sending_on, "LOOK_S", 0.02)
    monkeypatch.setattr(switchboard, "RELOAD_S", 0.02)


@pytest.fixture
async def exchange(data_dir: Path, request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    folder = data_dir / "secrets"
    folder.mkdir()
    (folder / "calls").write_bytes(TOKEN)
    pair = getattr(request, "param", PAIR)
    made = Exchange(data_dir, plan=parse_plan(plan_with_calls(ACCOUNTS + HELD).text + pair))
    made.settings = replace(made.settings, site="a")
    async with running(made):
        yield made
    made.close()


async def reroutes(exchange: Exchange, share_pct: int = 100, scope: str = "all") -> None:
    values = {"share_pct": share_pct, "agent_id": "admin", "why": "smoke", "command_id": f"r-{share_pct}"}
    await exchange.say("reroute_set", scope, **values)


async def waits(
    exchange: Exchange, call_id: str = "call-1@trunk", **values: str
) -> tuple[FakeTelephone, str]:
    """Somebody calls, and is in line."""
    phone = exchange.ring(call_id, **values)
    await exchange.until(lambda: phone.positions, "the place in line")
    found = exchange.rows("SELECT interaction_id FROM interaction ORDER BY arrived_seq DESC LIMIT 1")
    interaction_id = str(found[0][0])
    await exchange.until(lambda: exchange.state(interaction_id) == "waiting", "in line")
    return phone, interaction_id


def beat(exchange: Exchange, **said: object) -> None:
    """What the other site said of itself a moment ago."""
    at_ms = sending_on._now_ms()
    with exchange.database.writing() as db:
        put_status(db, PEER, at_ms, {"accepts": True, "waiting": 0, "limits_waiting": 200, **said})


def alarms(exchange: Exchange) -> int:
    return len(exchange.rows("SELECT 1 FROM alarm WHERE code = 'overflow_full' AND ref = 'b'"))


async def test_who_waits_is_connected_with_who_answers_outside_and_called_back_all_the_same(
    exchange: Exchange,
) -> None:
    """A cell phone is the last resort: nobody of the centre was on it, so somebody must ring back."""
    phone, interaction_id = await waits(exchange)
    ((accepted_at_ms,),) = exchange.rows("SELECT accepted_at_ms FROM interaction")
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "the first number rings")
    assert "200" not in phone.said, "nobody is picked up into silence"
    cell = exchange.telephones.of[CELL] = FakeTelephone("cell@trunk", offer="")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "they talk")
    (bridge,) = exchange.media.bridges
    assert phone.said[-1] == "200" and bridge.agent.accepted == [OFFER] and bridge.recording is None
    await exchange.until(
        lambda: [row[:2] for row in exchange.open()] == [("waiting", interaction_id)], "a call-back"
    )
    assert exchange.rows("SELECT accepted_at_ms FROM interaction WHERE closed_seq = 0") == [(accepted_at_ms,)]
    ((media_type, body),) = exchange.rows(
        """SELECT c.media_type, c.body FROM message m JOIN content c ON c.content_id = m.content_id
           WHERE m.direction = 'system' AND m.interaction_id = :i""",
        i=interaction_id,
    )
    assert CELL in shown_of(media_type, bytes(body)).text
    assert all(CELL not in row.data for row in exchange.journal("message_added", "call_changed"))
    phone.on_end("caller_hung_up")
    await exchange.until(lambda: cell.said == ["BYE"], "whoever helped is not left on a dead line")


@pytest.mark.parametrize("exchange", [WITH_SIP], indirect=True)
async def test_the_other_site_is_asked_first_and_told_who_calls(exchange: Exchange) -> None:
    """Trained people before cell phones; the caller's number must not be ours over there."""
    beat(exchange)
    await waits(exchange)
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled, "somebody is called")
    assert exchange.telephones.dialled == [THERE]
    told = dict(exchange.telephones.headers[0])
    assert told["X-Muster-Sent-On"] == "a"
    assert told["P-Asserted-Identity"] == "<sip:+15550100123@b.example:8002>"
    exchange.telephones.of[THERE] = FakeTelephone("there@b", offer="")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "they talk")


@pytest.mark.parametrize("exchange", [WITH_SIP], indirect=True)
async def test_a_full_site_is_not_asked_and_numbers_come_last_in_their_order(exchange: Exchange) -> None:
    """Each target once; whoever nobody takes keeps the place in line, and is served here."""
    beat(exchange, waiting=200)
    exchange.telephones.answers = "no_answer"
    phone, interaction_id = await waits(exchange)
    ((accepted_at_ms,),) = exchange.rows("SELECT accepted_at_ms FROM interaction")
    await reroutes(exchange)
    await exchange.until(lambda: alarms(exchange), "nobody takes it")
    assert exchange.telephones.dialled == [CELL, DESK]
    assert "200" not in phone.said and phone.said[0] == "182 1"
    assert exchange.rows("SELECT state, accepted_at_ms FROM interaction") == [("waiting", accepted_at_ms)]
    await exchange.signs_in()
    assert await exchange.accepts() == interaction_id
    await exchange.connects(interaction_id)
    assert exchange.call()[:3] == ("connected", "", "ana")
    assert (alarms(exchange), exchange.telephones.dialled) == (1, [CELL, DESK])


@pytest.mark.parametrize("exchange", [WITH_SIP], indirect=True)
async def test_a_call_that_the_other_site_sent_here_never_goes_back(exchange: Exchange) -> None:
    """Two sites in trouble would send one caller to and fro, with a line for every turn."""
    beat(exchange)
    marked = FakeTelephone("marked@b", headers=[("x-muster-sent-on", "b")])
    exchange.board.ring(marked)
    await exchange.until(lambda: marked.positions, "in line")
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled, "somebody is called")
    assert exchange.telephones.dialled == [CELL]


async def test_an_agent_here_who_is_quicker_has_the_caller(exchange: Exchange) -> None:
    """Waiting for a cell phone costs nobody an agent; and nobody's phone rings on for nothing."""
    _, interaction_id = await waits(exchange)
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "it rings")
    await exchange.signs_in()
    assert await exchange.accepts() == interaction_id
    await exchange.until(lambda: exchange.telephones.cancelled, "it rings no longer")
    await exchange.connects(interaction_id)
    assert exchange.call()[:2] == ("connected", "")


@pytest.mark.parametrize("ends", ["hung up", "no more rerouted"])
async def test_nobodys_phone_rings_on_for_a_caller_who_needs_it_no_longer(
    exchange: Exchange, ends: str
) -> None:
    """Back the same way: what is no longer rerouted waits here."""
    phone, interaction_id = await waits(exchange)
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "it rings")
    if ends == "hung up":
        phone.on_end("cancelled")
    else:
        await reroutes(exchange, 0)
    await exchange.until(lambda: exchange.telephones.cancelled, "it rings no longer")
    (still_open,) = await exchange.until(exchange.open, "in line")
    assert still_open[1] in ("", interaction_id), "the call, or its call-back"
    assert exchange.telephones.dialled == [CELL]


async def test_one_phone_rings_for_one_caller_and_the_next_caller_gets_the_next(exchange: Exchange) -> None:
    """A flood at one cell phone reaches nobody."""
    await waits(exchange)
    await waits(exchange, "call-2@trunk", number="+15550100124")
    await waits(exchange, "call-3@trunk", number="+15550100125")
    await reroutes(exchange)
    await exchange.until(lambda: len(exchange.telephones.dialled) == 2, "both numbers ring")
    exchange.telephones.of[CELL] = FakeTelephone("cell@trunk", offer="")
    await exchange.until(
        lambda: exchange.telephones.dialled[2:] == [CELL], "then the third caller's turn comes"
    )
    assert sorted(exchange.telephones.dialled[:2]) == [CELL, DESK]


async def test_only_what_is_rerouted_is_sent_on(exchange: Exchange) -> None:
    """Agents are here: calls of no rerouted queue or urgency are theirs."""
    _, interaction_id = await waits(exchange)
    await reroutes(exchange, scope="channel/chat")
    await waits(exchange, "call-2@trunk", number="+15550100124")
    assert exchange.telephones.dialled == []
    with exchange.database.reading() as db:
        (urgency,) = db.row(
            "SELECT urgency FROM interaction WHERE interaction_id = :i", i=interaction_id
        ) or (0,)
    await reroutes(exchange, scope=f"urgency/{urgency}")
    await exchange.until(lambda: exchange.telephones.dialled, "now they are")


async def test_everything_is_sent_on_while_the_other_site_serves_this_one(exchange: Exchange) -> None:
    """A trunk that nobody has turned yet still brings calls to a site that people have left."""
    values = {
        "n": 1,
        "owner": "b",
        "mode": "take_over",
        "agent_id": "admin",
        "why": "fire",
        "command_id": "t",
    }
    await waits(exchange)
    await exchange.say("domain_claimed", "a", automatic=False, with_assigned=False, **values)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "the first number rings")


async def test_a_caller_from_the_page_is_sent_on_too(exchange: Exchange) -> None:
    """They hear the queue's tone until somebody has answered, and hang up whoever it was."""
    asked = {"account": "page", "session": "s-1", "language": "en", "sdp": "m=audio of the page"}
    status, _ = await exchange.asks("POST", "/calls", **asked)
    assert status == 200
    (leg,) = exchange.media.page_legs
    leg.flows()
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "it rings")
    (bridge,) = exchange.media.bridges
    assert bridge.tone == "queue"
    cell = exchange.telephones.of[CELL] = FakeTelephone("cell@trunk", offer="")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "they talk")
    assert (bridge.tone, bridge.agent.accepted) == ("", [OFFER])
    leg.on_lost()
    await exchange.until(lambda: cell.said == ["BYE"] and leg.closed, "both lines are over")


async def test_a_caller_whom_a_provider_holds_is_fetched_once_somebody_has_answered(
    exchange: Exchange,
) -> None:
    """Nobody is taken out of their provider's line for a phone that only rings."""
    legs = obeys(exchange)
    interaction_id = await arrives(exchange)
    await exchange.until(lambda: exchange.state(interaction_id) == "waiting", "in line")
    await reroutes(exchange)
    await exchange.until(lambda: exchange.telephones.dialled == [CELL], "it rings")
    assert exchange.orders.ordered("Twiml=") == []
    exchange.telephones.of[CELL] = FakeTelephone("cell@trunk", offer="")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "forwarded"), "they talk")
    assert [each.said for each in legs] == [["200"]]
    await exchange.until(lambda: [row[1] for row in exchange.open()] == [interaction_id], "a call-back")


async def test_who_hangs_up_as_the_caller_is_fetched_leaves_them_in_line(exchange: Exchange) -> None:
    """Nothing is lost by somebody who changes their mind."""
    phone, interaction_id = await waits(exchange)
    cell = FakeTelephone("cell@trunk", offer="")
    cell.ended = "caller_hung_up"
    exchange.telephones.of[CELL] = cell
    await reroutes(exchange)
    await exchange.until(lambda: "BYE" in cell.said, "it was tried")
    assert exchange.state(interaction_id) == "waiting" and exchange.call()[0] == "waiting"
    (bridge,) = exchange.media.bridges[:1]
    assert phone.said[-1] == "200" and bridge.tone == "queue"
