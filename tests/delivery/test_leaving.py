"""Every answer leaves: once, or twice and flagged, always under the same id, and past whatever is dead."""

import asyncio
import json
import os
from typing import Any

import pytest

from router.channels.port import Outcome
from router.journal.committer import CommitUnknown, NotCommitted
from router.records import fact
from router.run.circuit import FAILURES_MAX
from router.run.delivery_book import candidates, claim, renew
from router.run.delivery_reader import Reader
from router.run.housekeeping import tidy
from router.run.plan_activation import ActivatePlan
from tests.config.plans import small
from tests.delivery.office import DOWN, SENT, Office

pytestmark = pytest.mark.system

OTHER = "+15550000002"


async def for_ever() -> Outcome:
    """A provider that takes the request and never answers."""
    await asyncio.Event().wait()
    return SENT


async def test_an_answer_leaves_once_and_says_so(office: Office):
    """The whole way, and what the desk shows of it."""
    message_id = await office.says("we are coming")
    assert office.status(message_id) == "due"
    await office.delivers(lambda: office.status(message_id) == "sent")
    await office.looks()
    [outgoing] = office.provider.sent
    assert (outgoing.outbox_id, outgoing.attempt, outgoing.to_address) == (message_id, 1, "+15550000001")
    assert outgoing.status_url == f"https://help.example.org/hooks/line/status?outbox_id={message_id}"
    assert office.trouble(message_id) == ""
    with office.database.reading() as db:
        assert db.rows("SELECT account, provider_id, outbox_id FROM sending") == [("line", "SM1", message_id)]
    assert office.agrees()


async def test_what_goes_to_one_person_leaves_in_the_order_it_was_said(office: Office):
    """ "Do not" and "move him" must not change places, not even when the first is late."""
    office.provider.does["do not"] = DOWN
    first = await office.says("do not")
    second = await office.says("move him")
    await office.delivers(lambda: office.outbox()[first][1] == 1)
    await office.looks()
    assert "move him" not in office.provider.words()
    office.provider.does.clear()
    office.hands.passes(seconds=2)
    await office.delivers(lambda: office.status(second) == "sent")
    assert office.provider.words() == ["do not", "do not", "move him"]


async def test_one_person_who_cannot_be_reached_holds_up_nobody_else(office: Office):
    """Nothing waits for anything but what was said to the same person before."""
    office.provider.does["slow"] = for_ever
    await office.says("slow")
    quick = await office.says("quick", to=OTHER)
    await office.delivers(lambda: office.status(quick) == "sent")


async def test_an_account_that_hangs_holds_up_no_other(office: Office):
    """Twenty that never answer, more than may be tried at once: the other account does not notice."""
    office.provider.does["dead"] = for_ever
    for number in range(20):
        await office.says("dead?", to=f"+1555000{number:04}", account="dead")
    message_id = await office.says("alive", account="line")
    await office.delivers(lambda: office.status(message_id) == "sent")
    assert office.provider.words().count("dead?") == 8


async def test_a_try_that_fails_is_made_again_under_the_same_id(office: Office):
    """Providers stumble. What may have been sent all the same is flagged, what was certainly not is not."""
    office.provider.does["line"] = Outcome(kind="later", detail="no_connection")
    certain = await office.says("never connected")
    office.provider.does["broke off"] = DOWN
    unsure = await office.says("broke off", to=OTHER)
    await office.delivers(lambda: all(row[1] == 1 for row in office.outbox().values()))
    assert office.trouble(certain) == "no_connection"
    office.provider.does.clear()
    office.hands.passes(seconds=2)
    await office.delivers(lambda: {row[0] for row in office.outbox().values()} == {"sent"})
    assert sorted((each.outbox_id, each.attempt) for each in office.provider.sent) == [
        (certain, 1),
        (certain, 2),
        (unsure, 1),
        (unsure, 2),
    ]
    assert (office.trouble(certain), office.trouble(unsure)) == ("", "maybe_twice")
    flags = [(row.ref, json.loads(row.data)["maybe_twice"]) for row in office.rows("send_tried")]
    assert sorted(flags) == [(certain, False), (certain, False), (unsure, True), (unsure, True)]
    assert office.agrees()


async def test_a_final_refusal_is_an_alarm_and_lets_the_next_one_pass(office: Office):
    """The customer has not got it: somebody must know, and nobody else may wait."""
    office.provider.does["stop"] = Outcome(kind="failed", detail="twilio_21610")
    refused = await office.says("stop")
    following = await office.says("and then")
    await office.delivers(lambda: office.status(following) == "sent")
    assert office.outbox()[refused] == ("failed", 1, "twilio_21610")
    assert office.trouble(refused) == "twilio_21610"
    assert office.alarms() == [("not_delivered", "i-+15550000001", "twilio_21610")]
    assert office.agrees()


async def test_after_a_day_it_is_given_up_and_somebody_hears_of_it(office: Office):
    """An answer of yesterday helps nobody any more; that it never left has to be known."""
    office.provider.does["line"] = DOWN
    message_id = await office.says("help is near")
    await office.delivers(lambda: office.outbox()[message_id][1] == 1)
    office.hands.passes(seconds=86_400)
    await office.delivers(lambda: office.status(message_id) == "failed")
    assert office.outbox()[message_id] == ("failed", 2, "gave_up")
    assert [alarm[0] for alarm in office.alarms()] == ["not_delivered"]


async def test_a_message_whose_words_were_erased_is_not_sent(office: Office):
    """Who is forgotten is not written to, and the row does not wait for ever."""
    message_id = await office.says("forget me")
    with office.database.writing() as db:
        db.run("DELETE FROM content WHERE content_id = :m", m=message_id)
    await office.delivers(lambda: office.status(message_id) == "failed")
    assert office.provider.sent == []
    assert office.outbox()[message_id][2] == "erased"


async def test_a_worker_that_died_between_sending_and_recording(office: Office):
    """Nobody can know whether it left: it leaves again, under the same id, and says so on the desk."""
    office.provider.does["half"] = for_ever
    message_id = await office.says("half")
    await office.delivers(lambda: len(office.provider.sent) == 1)
    await office.looks()
    office.provider.does.clear()
    successor = office.another()
    await successor.deliver_due()
    assert len(office.provider.sent) == 1  # the claim still holds: its worker may be at it
    office.time_runs_out(message_id)
    await office.delivers(lambda: office.status(message_id) == "sent", by=successor)
    assert {each.outbox_id for each in office.provider.sent} == {message_id}
    assert office.trouble(message_id) == "maybe_twice"


async def test_housekeeping_leaves_what_tells_of_a_try_that_nobody_recorded(office: Office):
    """Were the old claim swept away, the second message would look like the first."""
    office.provider.does["half"] = for_ever
    message_id = await office.says("half")
    await office.delivers(lambda: len(office.provider.sent) == 1)
    office.time_runs_out(message_id)
    tidy(office.database)
    office.provider.does.clear()
    await office.delivers(lambda: office.status(message_id) == "sent", by=office.another())
    assert office.trouble(message_id) == "maybe_twice"
    office.time_runs_out(message_id)
    assert tidy(office.database).claims == 1


async def test_a_claim_from_before_the_clock_was_set_back_does_not_hold_for_an_hour(office: Office):
    """The worker is dead, and its claim seems to be good until long after lunch."""
    office.provider.does["half"] = for_ever
    message_id = await office.says("half")
    await office.delivers(lambda: len(office.provider.sent) == 1)
    with office.database.writing() as db:
        db.run("UPDATE claim SET until_ms = until_ms + 3600000")
    office.provider.does.clear()
    await office.delivers(lambda: office.status(message_id) == "sent", by=office.another())


async def test_a_late_record_of_what_another_worker_took_over_is_kept_and_flagged(office: Office):
    """The first worker stood still while it sent: it left twice, and both records say so."""
    finished = asyncio.Event()

    async def slowly() -> Outcome:
        await finished.wait()
        return SENT

    office.provider.does["slow"] = slowly
    message_id = await office.says("slow")
    await office.delivers(lambda: len(office.provider.sent) == 1)
    office.time_runs_out(message_id)
    office.provider.does.clear()
    await office.delivers(lambda: office.status(message_id) == "sent", by=office.another())
    finished.set()
    await office.delivers(lambda: len(office.rows("send_tried")) == 2)
    assert office.trouble(message_id) == "maybe_twice"
    assert office.status(message_id) == "sent"


async def test_a_late_failure_of_a_try_that_is_somebody_elses_now_changes_nothing(office: Office):
    """Whoever holds the claim says what comes next."""
    finished = asyncio.Event()

    async def slowly() -> Outcome:
        await finished.wait()
        return Outcome(kind="failed", detail="twilio_30005")

    office.provider.does["slow"] = slowly
    message_id = await office.says("slow")
    await office.delivers(lambda: len(office.provider.sent) == 1)
    office.time_runs_out(message_id)
    office.provider.does.clear()
    await office.delivers(lambda: office.status(message_id) == "sent", by=office.another())
    finished.set()
    await office.looks()
    assert office.status(message_id) == "sent"
    assert office.alarms() == []


async def test_what_was_sent_between_looking_and_claiming_is_not_sent_again(office: Office):
    """Two workers saw the same message; one was done with it before the other asked for it."""
    message_id = await office.says("once")
    with office.database.reading() as db:
        seen = candidates(db, account="line", until_ms=1 << 52, room=8)
    assert seen == [message_id]
    await office.delivers(lambda: office.status(message_id) == "sent")
    with office.database.writing() as db:
        assert claim(db, seen, owner="late") == []
        assert db.rows("SELECT ref FROM claim") == []


async def test_two_workers_never_send_the_same_message(office: Office):
    """Any number of workers may look at the same moment; each message is one of them's."""
    second = office.another()
    ids = [await office.says(f"word {n}", to=f"+1555000{n % 10:04}") for n in range(60)]

    async def both() -> None:
        await asyncio.gather(*(each.deliver_due() for each in (office.delivery, second)))

    while any(row[0] == "due" for row in office.outbox().values()):
        await both()
        await asyncio.sleep(0.005)
    assert sorted(each.outbox_id for each in office.provider.sent) == ids
    assert all(office.trouble(each) == "" for each in ids)
    for n in range(10):
        said = [each.outbox_id for each in office.provider.sent if each.to_address == f"+1555000{n:04}"]
        assert said == sorted(said)
    assert office.agrees()


async def test_a_record_whose_commit_is_unknown_is_written_once(office: Office):
    """The database was lost at COMMIT: the try is on disk, and is neither sent nor recorded again."""

    class Unsure:
        """A committer that loses its connection right after the first commit of a record."""

        lost = False

        async def append(self, append: object) -> object:
            rows = await office.committer.append(append)  # type: ignore[arg-type]
            if not self.lost:
                self.lost = True
                raise CommitUnknown("the connection is gone")
            return rows

    delivery = office.another(Unsure())  # type: ignore[arg-type]
    message_id = await office.says("once")
    await office.delivers(lambda: office.status(message_id) == "sent", by=delivery)
    await asyncio.sleep(0.3)  # the record is tried again a quarter of a second later
    assert len(office.rows("send_tried")) == 1
    assert len(office.provider.sent) == 1
    assert office.trouble(message_id) == ""


async def test_what_was_sent_while_the_database_is_away_is_recorded_when_it_is_back(office: Office):
    """The customer has the answer; a database that is restarting is no reason to send it again."""

    class Away:
        """A committer whose database comes back at the fourth try."""

        tries = 0

        async def append(self, append: object) -> object:
            self.tries += 1
            if self.tries < 4:
                raise NotCommitted("the database is gone")
            return await office.committer.append(append)  # type: ignore[arg-type]

    delivery = office.another(Away())  # type: ignore[arg-type]
    message_id = await office.says("once")
    await office.delivers(lambda: office.status(message_id) == "sent", by=delivery)
    assert len(office.provider.sent) == 1
    assert office.trouble(message_id) == ""


async def test_a_receipt_that_is_quicker_than_the_record_is_not_undone(office: Office):
    """Providers report before they answer: delivered stays delivered, and nothing is sent again."""

    async def reported_first() -> Outcome:
        await office.committer.append_facts(fact("delivered", message_id, status="delivered", detail=""))
        return SENT

    office.provider.does["quick"] = reported_first
    message_id = await office.says("quick")
    await office.delivers(lambda: len(office.rows("send_tried")) == 1)
    assert office.status(message_id) == "delivered"
    await office.committer.append_facts(fact("delivered", message_id, status="failed", detail="twilio_30008"))
    assert office.status(message_id) == "delivered"
    assert office.alarms() == []


async def test_what_the_network_could_not_deliver_is_an_alarm(office: Office):
    """Hours later, when the conversation is closed and no agent looks at it any more."""
    message_id = await office.says("are you there?")
    await office.delivers(lambda: office.status(message_id) == "sent")
    await office.committer.append_facts(fact("delivered", message_id, status="failed", detail="twilio_30003"))
    assert office.trouble(message_id) == "twilio_30003"
    assert office.alarms() == [("not_delivered", "i-+15550000001", "twilio_30003")]
    await office.committer.append_facts(fact("delivered", message_id, status="failed", detail="twilio_30003"))
    assert len(office.alarms()) == 1


async def test_a_dead_provider_is_an_alarm_once_and_is_tried_now_and_then(office: Office):
    """Twenty people wait for answers: one alarm says why, and one message at a time is tried."""
    office.provider.does["line"] = DOWN
    for number in range(20):
        await office.says(f"answer {number}", to=f"+1555000{number:04}")
    await office.delivers(lambda: len(office.provider.sent) >= FAILURES_MAX and bool(office.alarms()))
    tried = len(office.provider.sent)
    await office.looks()
    assert len(office.provider.sent) == tried <= 8
    office.hands.passes(seconds=2)
    await office.delivers(lambda: len(office.provider.sent) == tried + 1)
    await office.looks()
    assert len(office.provider.sent) == tried + 1
    assert office.alarms() == [("account_down", "line", "twilio_http_503")]


async def test_when_the_provider_is_back_everything_leaves_at_once(office: Office):
    """Nobody waits out a pause that was meant for a dead provider."""
    office.provider.does["line"] = DOWN
    for number in range(3):
        await office.says(f"answer {number}", to=f"+1555000{number:04}")
    while min(row[1] for row in office.outbox().values()) < 8:
        office.hands.passes(seconds=15)
        await office.looks(times=1)
    office.provider.does.clear()
    office.hands.passes(seconds=15)
    await office.delivers(lambda: {row[0] for row in office.outbox().values()} == {"sent"})


async def test_a_provider_that_asks_for_a_pause_gets_it(office: Office):
    """429 with Retry-After: the account rests, no alarm, and the message goes afterwards."""
    office.provider.does["line"] = Outcome(kind="later", detail="twilio_20429", retry_after_ms=5_000)
    message_id = await office.says("too much")
    await office.delivers(lambda: office.outbox()[message_id][1] == 1)
    office.provider.does.clear()
    following = await office.says("the next", to=OTHER)
    office.hands.passes(seconds=4)
    await office.looks()
    assert len(office.provider.sent) == 1
    office.hands.passes(seconds=2)
    await office.delivers(lambda: office.status(message_id) == office.status(following) == "sent")
    assert office.alarms() == []
    assert office.trouble(message_id) == ""


async def test_a_provider_that_is_busy_all_day_is_not_down(office: Office):
    """It says when to come back, and it is believed: an alarm would send somebody to look for nothing."""
    office.provider.does["line"] = Outcome(kind="later", detail="twilio_20429", retry_after_ms=1_000)
    message_id = await office.says("too much")
    for attempt in range(1, FAILURES_MAX + 3):
        await office.delivers(lambda attempt=attempt: office.outbox()[message_id][1] == attempt)
        office.hands.passes(seconds=60)
    assert office.alarms() == []


async def test_a_busy_mailbox_holds_up_its_own_mail_only(office: Office):
    """Greylisting is how mail works: no reason to think that the server is down."""
    busy = Outcome(kind="later", detail="smtp_450", of_account=False)
    office.provider.does["line"] = busy
    for number in range(10):
        await office.says(f"mail {number}", to=f"+1555000{number:04}")
    await office.delivers(lambda: all(row[1] == 1 for row in office.outbox().values()))
    office.provider.does.clear()
    message_id = await office.says("another", to=OTHER + "9")
    await office.delivers(lambda: office.status(message_id) == "sent")
    assert office.alarms() == []


async def test_an_account_without_its_secret_waits_and_somebody_is_told(office: Office):
    """Nothing is lost by a missing file; but nobody would look for it."""
    office.outlets.missing.add("line")
    message_id = await office.says("patience")
    await office.delivers(lambda: bool(office.alarms()))
    await office.looks()
    assert office.alarms() == [("account_unusable", "line", "no_secret")]
    office.outlets.missing.clear()
    await office.delivers(lambda: office.status(message_id) == "sent")


async def test_a_sender_that_breaks_loses_nothing(office: Office):
    """Our own mistake in one provider's module: the message waits, everything else goes on."""

    async def breaks() -> Outcome:
        raise KeyError("sid")

    office.provider.does["bad"] = breaks
    bad = await office.says("bad")
    good = await office.says("good", to=OTHER)
    await office.delivers(lambda: office.status(good) == "sent" and office.outbox()[bad][1] == 1)
    assert office.outbox()[bad][::2] == ("due", "sender_error")


async def test_an_account_that_cannot_be_used_is_told_before_anybody_writes(office: Office):
    """Its webhook answers 503 meanwhile: nobody could even reach the centre by it."""
    office.outlets.missing.add("line")
    await office.committer.append(ActivatePlan(plan=small(), by="test"))
    await office.delivers(lambda: bool(office.alarms()))
    assert office.alarms() == [("account_unusable", "line", "no_secret")]


@pytest.mark.parametrize("strange", ["SM\0", "\ud800", os.urandom(4_000).hex()], ids=["nul", "half", "huge"])
async def test_a_strange_id_of_a_provider_is_no_reason_to_send_again(office: Office, strange: str):
    """PostgreSQL refuses such texts: the record could never be written, and the words would leave again."""
    office.provider.does["coming"] = Outcome(kind="sent", provider_id=strange)
    message_id = await office.says("coming")
    await office.delivers(lambda: office.status(message_id) == "sent")
    assert len(office.provider.sent) == 1


async def test_to_renew_claims_waits_for_no_record_under_way(office: Office):
    """The committer may hold one claim and want another: each waiting for the other holds up the site."""
    if office.database.dialect == "sqlite":
        pytest.skip("one writer at a time: nobody waits for a row")
    with office.database.writing() as db:
        for ref in ("a", "b"):
            db.run("INSERT INTO claim (ref, owner, until_ms) VALUES (:r, 'me', 1)", r=ref)
    with office.database.writing() as committer:
        committer.run("UPDATE claim SET owner = 'done/me' WHERE ref = 'b'")
        with office.database.writing() as worker:
            renew(worker, [("a", "me"), ("b", "me")])
    with office.database.reading() as db:
        (a, b) = (row[0] for row in db.rows("SELECT until_ms FROM claim ORDER BY ref"))
    assert a > b == 1


async def test_an_account_that_makes_us_fail_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """Promise 7: one row that we cannot read would end the worker over and over, and nothing would leave."""
    look = Reader.claim

    async def fails(reader: Reader, **what: Any) -> Any:
        if what["account"] == "a-first":
            raise ValueError("our own mistake")
        return await look(reader, **what)

    monkeypatch.setattr(Reader, "claim", fails)
    await office.says("to nobody", account="a-first")
    other = await office.says("we are coming", to=OTHER)
    await office.delivers(lambda: office.status(other) == "sent")
    assert office.provider.words() == ["we are coming"]
