"""Every kept message is read within a second, once, and one that cannot be read is shown as it is."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from router.channels.chat import contact_of
from router.channels.ingest import KeepContact, Keeper, unparsed
from router.channels.port import Contact
from router.journal.committer import Committer, wall_ms
from skills.triage import Triage
from tests.web.playing import interactions
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system


def readings(site: Site) -> list[dict[str, Any]]:
    return [
        json.loads(row[0]) for row in site.rows("SELECT data FROM journal WHERE kind = 'read' ORDER BY seq")
    ]


def contact(text: str = "hello", client_id: str = "a") -> Contact:
    return contact_of(session="s" * 64, client_id=client_id, body=text, received_at_ms=1)


def test_a_message_is_read_within_a_second(any_site: Site) -> None:
    """Urgent first is impossible while nobody knows what is urgent."""
    site = any_site
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        site.eventually(lambda: site.webs[0].parts.intake.warm, "the language model is loaded")
        began = time.monotonic()
        page.say("Mon père ne respire plus, aidez-moi vite s'il vous plaît")
        (reading,) = site.eventually(lambda: readings(site), "read")
        assert time.monotonic() - began < 1.0
        assert reading["reading"] == "read"
        assert reading["urgency"] == 1
    assert site.rows("SELECT reading, language FROM interaction")[0][0] == "read"
    assert site.rows("SELECT reading FROM message") == [("read",)]


def test_later_messages_are_read_too(site: Site) -> None:
    """The worst often comes in the second message."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.say("hello")
        page.say("my father is not breathing")
        found = site.eventually(lambda: len(readings(site)) == 2 and readings(site), "both read")
    by_urgency = sorted(found, key=lambda each: int(each["urgency"]))  # in either order
    assert by_urgency[0]["urgency"] == 1 < by_urgency[1]["urgency"]
    assert len(interactions(site)) == 1


def test_what_a_dead_process_left_is_read_by_another(site: Site) -> None:
    """A process may die between keeping and reading."""
    site.committer.submit(KeepContact(contact(), Keeper(web_id="somebody who died"))).result(10)
    began = time.monotonic()
    site.eventually(lambda: readings(site), "read by the sweep")
    assert time.monotonic() - began < 2.0


def test_what_was_left_is_read_on_a_machine_whose_clock_was_set_back(site: Site) -> None:
    """The journal's time is an hour ahead then: by the time of day nothing in it is old enough."""
    ahead = Committer(site.database, clock=lambda: wall_ms() + 3_600_000)
    with site.database.writing() as db:
        db.run("INSERT INTO claim VALUES ('intake', 'dead', :until)", until=wall_ms() + 3_600_000)
    ahead.submit(KeepContact(contact(), Keeper(web_id="somebody who died"))).result(10)
    ahead.close()
    site.eventually(lambda: readings(site), "read by the sweep")


def test_two_processes_read_a_message_once(site: Site) -> None:
    """Two readings would be two events for the router."""
    site.add_web()
    for number in range(30):
        site.committer.submit(KeepContact(contact(client_id=str(number)), Keeper(web_id="dead"))).result(10)
    site.eventually(
        lambda: site.rows("SELECT count(*) FROM message WHERE reading = 'unread'") == [(0,)], "read"
    )
    assert len(readings(site)) == 30


def test_content_that_was_kept_raw_is_marked_and_gets_its_channels_defaults(site: Site) -> None:
    """Promise 7. A human sees it as it is, without delay."""
    site.committer.submit(KeepContact(unparsed(contact()), Keeper(web_id="x"))).result(10)
    (reading,) = site.eventually(lambda: readings(site), "read")
    channel = next(each for each in site.plan.channels if each.channel_id == "chat")
    assert reading["reading"] == "unparsed"
    assert (reading["queue_id"], reading["urgency"]) == (channel.queue_id, channel.urgency)
    assert site.rows("SELECT reading FROM interaction") == [("unparsed",)]


def test_triage_that_fails_marks_the_message_unparsed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistake must not keep anybody waiting."""

    def fail(self: Triage, contact: object) -> None:
        raise ValueError("a mistake")

    monkeypatch.setattr(Triage, "read", fail)
    site.committer.submit(KeepContact(contact(), Keeper(web_id="x"))).result(10)
    (reading,) = site.eventually(lambda: readings(site), "read")
    assert reading["reading"] == "unparsed"


def test_a_reading_that_cannot_be_written_holds_up_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One such message among those left behind would keep all the others unread, for ever."""
    read = Triage.read

    def unwritable(self: Triage, contact: Any) -> Any:
        reading = read(self, contact)
        return replace(reading, requirement=object()) if contact.text == "bad" else reading

    monkeypatch.setattr(Triage, "read", unwritable)
    for number, text in enumerate(("first", "bad", "my father is not breathing")):
        site.committer.submit(KeepContact(contact(text, str(number)), Keeper(web_id="dead"))).result(10)
    found = site.eventually(lambda: len(readings(site)) == 3 and readings(site), "all read")
    assert [each["reading"] for each in found] == ["read", "unparsed", "read"]
    assert found[1]["queue_id"] and found[2]["urgency"] == 1


def test_triage_that_never_ends_holds_up_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text made to be slow costs one message its reading, not everybody theirs."""
    read = Triage.read

    def slow(self: Triage, contact: Any) -> Any:
        if contact.text == "slow":
            time.sleep(3)
        return read(self, contact)

    monkeypatch.setattr(Triage, "read", slow)
    site.committer.submit(KeepContact(contact("slow", "1"), Keeper(web_id="x"))).result(10)
    site.committer.submit(KeepContact(contact("my father is not breathing", "2"), Keeper(web_id="x"))).result(
        10
    )
    found = site.eventually(lambda: len(readings(site)) == 2 and readings(site), "both read")
    assert [each["reading"] for each in found] == ["read", "unparsed"]


def test_what_is_read_late_is_read_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stood still for a second must not make an emergency a routine matter."""
    read = Triage.read

    def slow(self: Triage, contact: Any) -> Any:
        time.sleep(0.8)
        return read(self, contact)

    monkeypatch.setattr(Triage, "read", slow)
    site.committer.submit(KeepContact(contact("my father is not breathing"), Keeper(web_id="x"))).result(10)
    (reading,) = site.eventually(lambda: readings(site), "read")
    assert (reading["reading"], reading["urgency"]) == ("read", 1)


def test_what_is_slow_never_ends_the_sweep(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that was given up once took along the one that waited behind it, and with it the sweep."""
    read = Triage.read

    def slow(self: Triage, contact: Any) -> Any:
        if contact.text == "slow":
            time.sleep(2)
        return read(self, contact)

    monkeypatch.setattr(Triage, "read", slow)
    mine = Keeper(web_id=site.webs[0].parts.services.web_id)
    left = Keeper(web_id="somebody who died")
    for number in range(3):
        for keeper in (left, mine):
            name = f"{number} {keeper.web_id}"
            site.committer.submit(KeepContact(contact("slow", name), keeper)).result(10)
    site.eventually(lambda: len(readings(site)) == 6, "all given up")
    site.committer.submit(KeepContact(contact("left behind", "late"), left)).result(10)
    found = site.eventually(lambda: len(readings(site)) == 7 and readings(site), "read by the sweep")
    assert found[-1]["reading"] == "read"


def test_a_slow_hour_does_not_end_the_process(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that came back late are no threads that never come back."""
    monkeypatch.setattr("router.run.intake.TRIAGE_S", 0.02)
    read = Triage.read

    def slow(self: Triage, contact: Any) -> Any:
        time.sleep(0.03)
        return read(self, contact)

    monkeypatch.setattr(Triage, "read", slow)
    mine = Keeper(web_id=site.webs[0].parts.services.web_id)
    for number in range(20):
        site.committer.submit(KeepContact(contact(client_id=str(number)), mine)).result(10)
    site.eventually(lambda: len(readings(site)) == 20, "all read")
    assert site.webs[0].role.ready
