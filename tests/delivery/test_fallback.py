"""What does not arrive goes to the same person another way: once, and only to an address that is theirs."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from router.channels.port import Outcome
from router.journal.connection import Connection
from router.journal.database import Database, open_database
from router.records import Fact
from router.run.fallback import AnotherWay
from tests.delivery.two_ways import AFTER_S, PERSON, TwoWays, second_of, two_ways

REFUSED = Outcome(kind="failed", detail="whatsapp_131026")
WORDS = "we are coming"


@pytest.fixture
def here(data_dir: Path) -> Iterator[Database]:
    """A database of the quick kind; what depends on the kind asks for `database`."""
    found = open_database(f"sqlite:///{data_dir}/ways.db", unsafe=True)
    found.create_tables()
    yield found
    found.close()


@pytest.fixture
async def ways(here: Database) -> AsyncIterator[TwoWays]:
    """Two ways to one person."""
    async with two_ways(here) as found:
        yield found


async def refused(ways: TwoWays, interaction_id: str, **how: object) -> str:
    """WhatsApp takes no answer to this."""
    ways.office.provider.does["social"] = REFUSED
    message_id = await ways.answers(interaction_id, WORDS, **how)
    await ways.office.delivers(lambda: ways.office.status(message_id) == "failed")
    return message_id


async def test_what_was_refused_goes_as_a_text_once(ways: TwoWays):
    """WhatsApp vouches for the number, and a number takes texts: one copy, and both are on record."""
    message_id = await refused(ways, await ways.writes())
    assert await ways.looks(3) == 1
    second = second_of(message_id)
    await ways.office.delivers(lambda: ways.office.status(second) == "sent")
    assert (ways.sent_by("social"), ways.sent_by("line")) == ([WORDS], [WORDS])
    assert ways.decided(message_id) == (second, "whatsapp_131026")
    assert ways.office.provider.sent[-1].to_address == PERSON
    assert await ways.looks(3) == 0
    assert ways.office.agrees()


async def test_what_is_not_delivered_in_time_goes_too_and_a_late_receipt_is_kept(ways: TwoWays):
    """Both are true then: it was sent by text, and WhatsApp delivered it after all."""
    message_id = await ways.answers(await ways.writes(), WORDS)
    await ways.office.delivers(lambda: ways.office.status(message_id) == "sent")
    ways.office.hands.passes(seconds=AFTER_S - 1)
    assert await ways.looks() == 0
    ways.office.hands.passes(seconds=2)
    assert await ways.looks() == 1
    second = second_of(message_id)
    await ways.office.delivers(lambda: ways.office.status(second) == "sent")
    await ways.told(message_id, "delivered")
    await ways.told(second, "delivered", account="line")
    assert (ways.office.status(message_id), ways.office.status(second)) == ("delivered", "delivered")
    assert ways.decided(message_id) == (second, "not_in_time")
    assert ways.office.agrees()


async def test_what_was_delivered_goes_no_other_way_whatever_is_said_later(ways: TwoWays):
    """Receipts come out of order: failed after delivered is of a copy that nobody needed."""
    message_id = await ways.answers(await ways.writes())
    await ways.office.delivers(lambda: ways.office.status(message_id) == "sent")
    await ways.told(message_id, "delivered")
    await ways.told(message_id, "failed", "whatsapp_131026")
    ways.office.hands.passes(seconds=10 * AFTER_S)
    assert await ways.looks() == 0
    assert ways.decided(message_id) == ("", "")


async def test_what_waits_for_an_account_that_is_down_goes_the_other_way_and_never_twice(ways: TwoWays):
    """The first is withdrawn as the second is ordered: when the account is back, there is one copy."""
    ways.office.outlets.missing.add("social")
    message_id = await ways.answers(await ways.writes(), WORDS)
    ways.office.hands.passes(seconds=AFTER_S + 1)
    assert await ways.looks() == 1
    ways.office.outlets.missing.clear()
    await ways.office.delivers(lambda: ways.office.status(second_of(message_id)) == "sent")
    await ways.office.looks()
    assert (ways.sent_by("social"), ways.sent_by("line")) == ([], [WORDS])
    assert ways.office.outbox()[message_id] == ("failed", 0, "not_in_time")
    assert ways.office.agrees()


async def test_what_we_gave_up_and_was_delivered_all_the_same_says_so(ways: TwoWays):
    """A try that ended in doubt may have arrived: a late receipt is the truth about it, beside the text."""
    ways.office.provider.does["social"] = Outcome(kind="later", detail="timeout", certain=False)
    message_id = await ways.answers(await ways.writes(), WORDS)
    await ways.office.delivers(lambda: ways.office.outbox()[message_id][1] == 1)
    ways.office.hands.passes(seconds=AFTER_S + 1)
    assert await ways.looks() == 1
    await ways.told(message_id, "delivered")
    await ways.told(message_id, "failed", "whatsapp_131026")
    assert ways.office.status(message_id) == "delivered"
    assert ways.decided(message_id) == (second_of(message_id), "not_in_time")
    assert ways.office.trouble(message_id) == "maybe_twice"
    assert ways.office.agrees()


async def test_nobody_gives_up_on_what_is_being_tried(ways: TwoWays):
    """The provider may be taking it at this moment: only its answer says whether another copy is needed."""
    let_go = asyncio.Event()

    async def hangs() -> Outcome:
        await let_go.wait()
        return Outcome(kind="sent", provider_id="wamid.1")

    ways.office.provider.does["social"] = hangs
    message_id = await ways.answers(await ways.writes())
    await ways.office.delivers(lambda: len(ways.office.provider.sent) == 1)
    ways.office.hands.passes(seconds=AFTER_S + 1)
    assert await ways.looks() == 0
    let_go.set()
    await ways.office.delivers(lambda: ways.office.status(message_id) == "sent")
    assert await ways.looks() == 1


async def test_the_second_goes_no_third_way(ways: TwoWays):
    """Two providers that refuse one message would pass it to each other for ever."""
    ways.office.provider.does["line"] = Outcome(kind="failed", detail="twilio_30003")
    message_id = await refused(ways, await ways.writes())
    await ways.looks()
    second = second_of(message_id)
    await ways.office.delivers(lambda: ways.office.status(second) == "failed")
    assert await ways.looks(3) == 0
    assert [code for code, _, _ in ways.office.alarms()] == ["not_delivered", "not_delivered"]


async def test_two_workers_decide_it_once(database: Database):
    """On either database: the lock of the counter says who was first."""
    async with two_ways(database) as ways:
        message_id = await refused(ways, await ways.writes())
        other = ways.another()
        decided = await asyncio.gather(*(each.look() for each in (ways.ways, other) * 4))
        assert sum(decided) == 1
        await ways.office.delivers(lambda: ways.office.status(second_of(message_id)) == "sent")
        assert ways.sent_by("line") == [WORDS]
        assert ways.office.agrees()


async def test_a_worker_that_dies_between_order_and_send_leaves_one_copy(ways: TwoWays):
    """The order is on disk with the decision: the next worker finds the one, and cannot make another."""
    message_id = await refused(ways, await ways.writes())
    append = AnotherWay(outbox_id=message_id, plan=ways.plan)
    assert len(await ways.office.committer.append(append)) == 3
    assert await ways.office.committer.append(append) == ()
    assert await ways.another().look() == 0
    after = ways.office.another()
    await ways.office.delivers(lambda: ways.office.status(second_of(message_id)) == "sent", by=after)
    assert ways.sent_by("line") == [WORDS]


@pytest.mark.parametrize(
    ("why", "contact"),
    [
        ("claimed", {"verified": False}),
        ("shared", {"address": "+15550000000"}),
        ("never linked", {"linked": False}),
        ("short code", {"address": "72345"}),
        ("an id of WhatsApp's", {"address_kind": "whatsapp:social", "address": "US.13491208655302741918"}),
    ],
)
async def test_nobody_else_gets_it(ways: TwoWays, why: str, contact: dict[str, object]):
    """An address that is claimed, shared or none at all: the agent hears that there is no other way."""
    message_id = await refused(ways, await ways.writes(**contact))
    assert await ways.looks() == 1
    assert ways.decided(message_id) == ("none", "no_other_way"), why
    assert ways.sent_by("line") == []


async def test_what_was_erased_goes_nowhere(ways: TwoWays):
    """Neither to an address that was erased, nor words that were."""
    message_id = await refused(ways, await ways.writes())
    with ways.office.database.writing() as db:
        db.run("DELETE FROM address")
    assert await ways.looks() == 1
    assert ways.decided(message_id) == ("none", "no_other_way")


async def test_the_persons_own_address_there_comes_first(ways: TwoWays):
    """Where they have texted us, that is where they read texts."""
    await ways.writes(channel="sms", account="line", provider_id="SM1")
    message_id = await refused(ways, await ways.writes())
    await ways.looks()
    await ways.office.delivers(lambda: ways.office.status(second_of(message_id)) == "sent")
    assert ways.office.provider.sent[-1].to_address == PERSON


async def test_who_wants_no_texts_gets_none(ways: TwoWays):
    """STOP holds for what we begin, and this is begun by us."""
    texted = await ways.writes(channel="sms", account="line", provider_id="SM1")
    await ways.opts_out(texted, "sms")
    message_id = await refused(ways, await ways.writes())
    await ways.looks()
    assert ways.decided(message_id) == ("none", "no_other_way")


async def test_an_opt_out_between_order_and_send_is_heard(ways: TwoWays):
    """What still waits to leave does not leave any more, and nobody runs after them another way."""
    ways.office.outlets.missing.add("social")
    interaction_id = await ways.writes()
    message_id = await ways.answers(interaction_id)
    urgent = await ways.answers(interaction_id, "get out now", category="")
    await ways.opts_out(interaction_id, "whatsapp")
    ways.office.outlets.missing.clear()
    await ways.office.delivers(lambda: ways.office.status(urgent) == "sent")
    assert ways.office.outbox()[message_id] == ("failed", 1, "opted_out")
    assert await ways.looks() == 1
    assert ways.decided(message_id) == ("none", "opted_out")
    assert ways.sent_by("line") == []


async def test_who_writes_again_is_answered_again(ways: TwoWays):
    """They wrote to us: an answer is what they wait for."""
    interaction_id = await ways.writes()
    await ways.opts_out(interaction_id, "whatsapp")
    await ways.writes("no wait, he is back")
    message_id = await ways.answers(interaction_id)
    await ways.office.delivers(lambda: ways.office.status(message_id) == "sent")


async def test_the_networks_own_list_is_believed(ways: TwoWays):
    """Twilio's 21610: they told the network, and not us. From now on the desk knows as well."""
    ways.office.provider.does["line"] = Outcome(kind="failed", detail="twilio_21610", opted_out=True)
    texted = await ways.writes(channel="sms", account="line", provider_id="SM1")
    first = await ways.answers(texted)
    await ways.office.delivers(lambda: ways.office.status(first) == "failed")
    (row,) = ways.office.rows("consent_changed")
    assert '"blocked":true' in row.data
    await ways.writes("are you there", channel="sms", account="line", provider_id="SM2")
    second = await ways.answers(texted)
    await ways.office.delivers(lambda: ways.office.status(second) == "failed")
    assert ways.office.outbox()[second] == ("failed", 1, "opted_out_blocked")
    assert len(ways.sent_by("line")) == 1
    assert ways.office.agrees()


async def test_what_muster_says_itself_goes_one_way(ways: TwoWays):
    """Nobody waits for a notice, and two of them would be a nuisance."""
    await refused(ways, await ways.writes(), automatic=True)
    assert await ways.looks() == 0


async def test_what_is_old_stays_where_it_is(ways: TwoWays):
    """A plan that learns of another way must not send yesterday's words: the agent decides."""
    message_id = await refused(ways, await ways.writes())
    ways.office.hands.passes(seconds=3_601)
    assert await ways.looks() == 0
    assert ways.decided(message_id) == ("", "")


async def test_a_way_without_its_secret_or_too_narrow_is_none(ways: TwoWays):
    """The next one in the plan is taken, or the agent hears that there is none."""
    ways.office.outlets.missing.add("line")
    message_id = await refused(ways, await ways.writes())
    await ways.looks()
    assert ways.decided(message_id) == ("none", "no_other_way")
    ways.office.outlets.missing.clear()
    long = await ways.answers(await ways.writes(), "x" * 1_601)
    await ways.office.delivers(lambda: ways.office.status(long) == "failed")
    await ways.looks()
    assert ways.decided(long) == ("none", "no_other_way")


async def test_a_clock_that_is_set_back_sends_nothing_twice(ways: TwoWays):
    """The journal's time never goes back: what was late stays late, what was decided stays decided."""
    message_id = await refused(ways, await ways.writes())
    assert await ways.looks() == 1
    ways.office.hands.passes(seconds=-7_200)
    assert await ways.another().look() == 0
    assert ways.decided(message_id)[0] == second_of(message_id)


async def test_one_that_makes_us_fail_keeps_no_other_from_going(
    ways: TwoWays, monkeypatch: pytest.MonkeyPatch
):
    """Promise 7: it comes first at every look, and what it raises would end the worker and all sending."""
    poison = await refused(ways, await ways.writes())
    other = await refused(ways, await ways.writes())
    decide = AnotherWay.facts

    def fails(append: AnotherWay, db: Connection, at_ms: int) -> Sequence[Fact]:
        if append.outbox_id == poison:
            raise ValueError("our own mistake")
        return decide(append, db, at_ms)

    monkeypatch.setattr(AnotherWay, "facts", fails)
    running = asyncio.create_task(ways.ways.run())
    try:
        await ways.office.delivers(lambda: ways.decided(other)[0] == second_of(other))
        assert ways.decided(poison) == ("", "")
        assert not running.done()
    finally:
        running.cancel()
