"""Callers who wait: their place, the database that is away, processes that die around them."""

from typing import Any
from uuid import uuid4

from config.plan import Plan
from router.journal.committer import CommitUnknown, NotCommitted
from router.run.voice.standing import Waiting, positions
from tests.voice.exchange import Exchange, plan_with_calls
from tests.voice.gear import FakeTelephone

PLAN: Plan = plan_with_calls()


def waits(
    name: str, *, urgency: int = 2, at_ms: int = 0, queue: str = "emergency", state: str = "waiting"
) -> Waiting:
    """Somebody in line."""
    return Waiting(name, queue, urgency, at_ms, state)


def test_the_place_is_that_of_the_real_order_of_service() -> None:
    """Whoever is told "second" must be served second: urgency before arrival, each queue for itself."""
    line = [
        waits("late", at_ms=9_000),
        waits("early", at_ms=1_000),
        waits("urgent", urgency=1, at_ms=9_500),
        waits("elsewhere", queue="non-emergency", at_ms=500),
        waits("offered", urgency=3, at_ms=9_900, state="offered"),
    ]
    found = positions(line, PLAN, 10_000)
    assert found == {"offered": 1, "urgent": 2, "early": 3, "late": 4, "elsewhere": 1}


async def test_everybody_hears_when_somebody_before_them_is_served(exchange: Exchange) -> None:
    """A place that never moves makes people hang up."""
    phones: list[FakeTelephone] = []
    for number in range(3):
        phones.append(exchange.ring(f"call-{number}", number=f"+1555010020{number}"))
        await exchange.until(lambda: phones[-1].said, "182")
    assert [phone.positions[0] for phone in phones] == [1, 2, 3]
    await exchange.signs_in()
    await exchange.accepts()
    await exchange.until(lambda: [each.positions[-1] for each in phones[1:]] == [1, 2], "all moved up")


async def test_a_more_urgent_call_goes_before_and_is_told_so(exchange: Exchange) -> None:
    """Places follow urgency while everybody waits."""
    first = exchange.ring("call-1", number="+15550100201")
    await exchange.until(lambda: first.said, "182")
    second = exchange.ring("call-2", number="+15550100202")
    await exchange.until(lambda: second.positions == [2], "second")
    (interaction_id,) = exchange.rows(
        "SELECT interaction_id FROM interaction ORDER BY arrived_seq DESC LIMIT 1"
    )[0]
    values = {"agent_id": "sam", "urgency": 1, "may_lower": True, "command_id": str(uuid4())}
    await exchange.say("urgency_declared", interaction_id, **values)
    await exchange.until(lambda: second.positions[-1] == 1 and first.positions[-1] == 2, "they changed")


async def gives_up(exchange: Exchange, call_id: str, **values: Any) -> None:
    """Somebody rings, waits and hangs up."""
    phone = exchange.ring(call_id, **values)
    await exchange.until(lambda: phone.said, "182")
    phone.on_end("cancelled")


class Failing:
    """A committer whose next appends fail."""

    def __init__(self, exchange: Exchange, problem: Exception, times: int) -> None:
        self._append, self._problem, self.left = exchange.committer.append, problem, times

    async def __call__(self, append: Any) -> Any:
        if self.left > 0:
            self.left -= 1
            if not isinstance(self._problem, NotCommitted):
                await self._append(append)  # It was written, and nobody heard of it.
            raise self._problem
        return await self._append(append)


async def test_a_call_that_cannot_be_kept_is_refused_so_that_its_network_goes_elsewhere(
    exchange: Exchange, monkeypatch: Any
) -> None:
    """503 starts the trunk's fallback; a caller who waits for nobody has none."""
    monkeypatch.setattr(exchange.committer, "append", Failing(exchange, NotCommitted("gone"), 1))
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "an answer")
    assert phone.said == ["503"]
    assert exchange.open() == []
    assert exchange.board.calls == {}


async def test_a_call_of_which_nobody_knows_whether_it_was_kept_is_refused_and_called_back(
    exchange: Exchange, monkeypatch: Any
) -> None:
    """It may be on disk all the same: then its caller was sent away, and is somebody who gave up."""
    monkeypatch.setattr(exchange.committer, "append", Failing(exchange, CommitUnknown("?"), 1))
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "an answer")
    assert phone.said == ["503"]
    await exchange.until(lambda: exchange.journal("call_back_opened"), "a call-back")
    assert [(state, bool(follows)) for state, follows, _ in exchange.open()] == [("waiting", True)]


async def test_a_hang_up_while_the_database_is_away_is_written_when_it_is_back(
    exchange: Exchange, monkeypatch: Any
) -> None:
    """Nobody is offered a dead line for longer than the database is away."""
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "182")
    monkeypatch.setattr(exchange.committer, "append", Failing(exchange, NotCommitted("gone"), 2))
    phone.on_end("cancelled")
    await exchange.until(lambda: exchange.journal("call_back_opened"), "the hang-up is known")


async def test_callers_stay_in_line_while_there_is_no_router(exchange: Exchange) -> None:
    """It starts again within seconds; who waits knows nothing of it."""
    first = exchange.ring("call-1", number="+15550100201")
    await exchange.until(lambda: first.said, "182")
    exchange.routes = False
    second = exchange.ring("call-2", number="+15550100202")
    await exchange.until(lambda: second.positions == [2], "the second waits behind the first")
    exchange.router = exchange.new_router()
    exchange.routes = True
    await exchange.signs_in()
    interaction_id = await exchange.accepts()
    (await exchange.connects(interaction_id, flows=False)).flows()
    await exchange.until(lambda: "200" in first.said, "the first is answered")
    assert "200" not in second.said


async def test_a_process_that_was_taken_for_dead_keeps_its_callers_in_line(exchange: Exchange) -> None:
    """After a machine stood still the router says that they are gone; they are not, and say so in time."""
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "182")
    (call,) = exchange.board.calls.values()
    values = {"connection_id": call.call_id, "web_id": exchange.voice_id}
    await exchange.say("customer_disconnected", call.interaction_id, **values)
    await exchange.until(lambda: len(exchange.journal("customer_connected")) == 2, "it is back")
    await exchange.until(lambda: exchange.call()[0] == "waiting", "its call goes on")
    assert exchange.journal("call_back_opened") == []


async def test_a_caller_who_was_given_up_by_mistake_goes_on_in_the_call_back(
    exchange: Exchange, monkeypatch: Any
) -> None:
    """The place in line is the call-back's now: the caller who is still on the line has it."""
    phone = exchange.ring()
    await exchange.until(lambda: phone.said, "182")
    (call,) = exchange.board.calls.values()
    monkeypatch.setattr(call, "is_here", lambda: None)  # The machine stands still for too long.
    before = call.interaction_id
    values = {"connection_id": call.call_id, "web_id": exchange.voice_id, "for_good": True}
    await exchange.say("customer_disconnected", before, **values)
    await exchange.until(lambda: call.interaction_id != before, "it goes on in the call-back")
    await exchange.signs_in()
    after = await exchange.accepts()
    assert after == call.interaction_id
    await exchange.connects(after)
    assert phone.said[-1] == "200"


async def test_the_same_call_again_goes_on_in_its_interaction(exchange: Exchange) -> None:
    """Its process died before the network was told anything: the network sends it again, to the next one."""
    first = exchange.ring("again@trunk")
    await exchange.until(lambda: first.said, "182")
    second = exchange.ring("again@trunk")
    await exchange.until(lambda: second.said, "182")
    assert len(exchange.open()) == len(exchange.journal("arrived")) == 1


async def test_the_same_id_after_the_first_call_is_over_is_another_call(exchange: Exchange) -> None:
    """Exchanges that count their calls from one begin again with one."""
    first = exchange.ring("1")
    await exchange.until(lambda: first.said, "182")
    first.on_end("cancelled")
    await exchange.until(lambda: exchange.journal("call_back_opened"), "a call-back")
    second = exchange.ring("1")
    await exchange.until(lambda: second.said, "182")
    assert len(exchange.journal("arrived")) == 2


async def test_somebody_who_rings_and_hangs_up_again_and_again_is_looked_at_each_time(
    exchange: Exchange,
) -> None:
    """Never dropped and never merged (NENA-STA-020.1, 2.2.7), and no call-back makes another one."""
    for number in range(4):
        await gives_up(exchange, f"call-{number}")
    await exchange.until(lambda: len(exchange.journal("call_back_opened")) == 4, "four call-backs")
    customers = {row[0] for row in exchange.rows("SELECT customer_id FROM interaction")}
    assert len(customers) == 1, "whoever takes one of them sees the others"
    assert len(exchange.open()) == 4


async def test_calls_without_a_number_are_put_in_front_of_people_as_well(exchange: Exchange) -> None:
    """They cannot be called back: all the more should somebody look."""
    for number, withheld in (("", True), ("9115550123", False), ("+19115550123", False)):
        await gives_up(exchange, f"call-{number}", number=number, withheld=withheld)
    await exchange.until(lambda: len(exchange.journal("call_back_opened")) == 3, "three call-backs")
    assert {row[0] for row in exchange.rows("SELECT customer_id FROM interaction")} == {""}


PIDF = """<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:x"><tuple id="a"><status>
<geopriv xmlns="urn:ietf:params:xml:ns:pidf:geopriv10"><location-info>
<gs:Circle xmlns:gs="http://www.opengis.net/pidflo/1.0" xmlns:gml="http://www.opengis.net/gml"
 srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>40.7128 -74.0060</gml:pos>
<gs:radius uom="urn:ogc:def:uom:EPSG::9001">50</gs:radius></gs:Circle>
</location-info></geopriv></status></tuple></presence>"""


async def test_the_place_that_came_with_a_call_is_known_when_it_rings(exchange: Exchange) -> None:
    """The network told us once, in the INVITE: nobody should have to ask for it."""
    phone = FakeTelephone()
    lines = ["INVITE sip:911@centre SIP/2.0", "Via: SIP/2.0/UDP x;branch=z9hG4bKa", "Max-Forwards: 70"]
    lines += ["From: <sip:+15550100123@t>;tag=a", "To: <sip:911@centre>", "Call-ID: a@t", "CSeq: 1 INVITE"]
    lines += ["Content-Type: application/pidf+xml", f"Content-Length: {len(PIDF)}"]
    phone.raw = ("\r\n".join(lines) + f"\r\n\r\n{PIDF}").encode()
    exchange.board.ring(phone)
    await exchange.until(lambda: phone.said, "182")
    (place,) = exchange.journal("located")
    assert '"radius_m":50' in place.data
    assert [place.ref] == [row[0] for row in exchange.rows("SELECT interaction_id FROM interaction")]
