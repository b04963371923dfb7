"""Webhooks of a whole web process: what is acknowledged is on disk, and what is not genuine is nothing."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from router.channels.showing import shown_of
from router.journal.committer import Committer, CommitUnknown
from router.journal.database import Connection
from router.journal.verify import verify
from router.records import Fact, fact
from tests.contracts.plays import Said
from tests.contracts.twilio import NUMBER, PERSON
from tests.web.playing import give_up
from tests.web.sites import Site
from tests.web.texts import Texts, knows_the_accounts


@pytest.fixture
def texts(site: Site) -> Texts:
    return Texts(site)


@pytest.fixture
def any_texts(any_site: Site) -> Iterator[Texts]:
    return Texts(any_site)  # type: ignore[return-value]


def messages(site: Site) -> list[tuple[str, str]]:
    """(interaction, words) of everything that was said, in order."""
    rows = site.rows(
        "SELECT m.interaction_id, c.media_type, c.body FROM message m JOIN content c"
        " ON c.content_id = m.content_id ORDER BY m.seq"
    )
    return [(row[0], shown_of(row[1], bytes(row[2])).text) for row in rows]


def interactions(site: Site) -> list[dict[str, Any]]:
    names = "interaction_id, channel, account, customer_id, identity_id, address_hash, thread"
    rows = site.rows(f"SELECT {names} FROM interaction ORDER BY arrived_seq")
    return [dict(zip(names.split(", "), row, strict=True)) for row in rows]


def verified(site: Site) -> list[str]:
    """What `muster journal verify` finds wrong."""
    with site.database.reading() as db:
        return [problem.text for problem in verify(db).problems]


def test_a_text_is_on_disk_before_it_is_acknowledged(any_texts: Texts) -> None:
    """On either database: the raw request, the person, the interaction, and an answer that says nothing."""
    texts, site = any_texts, any_texts.site
    status, headers, body = texts.ask(texts.plays().message(Said(text="Fire 🔥 at the mill")))
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/xml")
    assert body.endswith(b"<Response/>")
    assert [text for _, text in messages(site)] == ["Fire 🔥 at the mill"]
    (one,) = interactions(site)
    assert (one["channel"], one["account"]) == ("sms", "line")
    assert one["address_hash"] and one["customer_id"] and one["thread"]
    assert one["identity_id"] == one["customer_id"]
    assert site.rows("SELECT kind, address, address_hash FROM address") == [
        ("phone", PERSON, one["address_hash"])
    ]
    said = site.rows("SELECT data FROM journal WHERE kind <> 'plan_activated'")
    journal = "".join(row[0] for row in said)
    assert PERSON not in journal and "mill" not in journal, "words and numbers are content, not journal"


def test_fifty_deliveries_of_one_text_at_once_are_one_message(texts: Texts) -> None:
    """Providers repeat when an answer comes late, which is when everything is late."""
    plays, web = texts.plays(), texts.site.webs[0]
    webhook = plays.message()
    assert texts.together([(webhook, web)] * 50) == [200] * 50
    assert len(messages(texts.site)) == 1
    again = plays.message(Said(), ErrorCode="11200", ErrorUrl="https://help.example.org/hooks/line")
    assert texts.post(again) == 200
    assert len(messages(texts.site)) == 1, "a second try says why the first one failed, and is the same text"
    assert texts.post(plays.message(Said(text="other words"))) == 200
    assert len(messages(texts.site)) == 2, "what we acknowledge is never thrown away"


def test_two_first_texts_of_one_person_are_one_interaction(texts: Texts) -> None:
    """Also when two processes get them at the same instant."""
    site = texts.site
    other = site.add_web()
    site.eventually(lambda: knows_the_accounts(other))
    for round_number in range(10):
        said = [
            Said(provider_id=f"SM{round_number}-{part}", sender=f"+1555200{round_number:04}", text=str(part))
            for part in (1, 2)
        ]
        both = [(texts.plays(web=web).message(each), web) for each, web in zip(said, site.webs, strict=True)]
        assert texts.together(both) == [200, 200]
    begun = interactions(site)
    assert len(begun) == len({each["customer_id"] for each in begun}) == 10
    assert len(messages(site)) == 20


def test_a_later_text_joins_until_the_conversation_ends(texts: Texts) -> None:
    """A number is a conversation, as on any telephone."""
    site = texts.site
    texts.says("one", provider_id="SM1")
    texts.says("two", provider_id="SM2")
    (first,) = interactions(site)
    assert {interaction for interaction, _ in messages(site)} == {first["interaction_id"]}
    give_up(site, first["interaction_id"], first["customer_id"])
    texts.says("three", provider_id="SM3")
    called_back = interactions(site)[1]
    assert messages(site)[-1] == (called_back["interaction_id"], "three"), (
        "an answer to us joins the call-back"
    )
    assert (called_back["thread"], called_back["address_hash"]) == (first["thread"], first["address_hash"])
    assert len(interactions(site)) == 2


def test_one_number_on_two_of_our_accounts_is_one_person_with_two_conversations(texts: Texts) -> None:
    """The carrier vouches for it on both; answers leave from the number that was written to."""
    texts.says("to one", provider_id="SM1")
    texts.says("to the other", provider_id="SM2", account_id="second")
    one, other = interactions(texts.site)
    assert one["customer_id"] == other["customer_id"]
    assert one["identity_id"] != other["identity_id"]
    assert one["thread"] != other["thread"]
    assert len(texts.site.rows("SELECT 1 FROM customer")) == 1


@pytest.mark.parametrize("sender", ["+266696687", "anonymous", "88777", "BANK", "+15550000000", NUMBER])
def test_what_is_nobodys_own_number_joins_and_links_nothing(texts: Texts, sender: str) -> None:
    """Withheld, short, shared and our own: behind them are many people, or none."""
    texts.says("one", provider_id="SM1", sender=sender)
    texts.says("two", provider_id="SM2", sender=sender)
    site = texts.site
    one, two = interactions(site)
    for each in (one, two):
        assert (each["customer_id"], each["identity_id"], each["thread"]) == ("", "", "")
    known = sender not in ("+266696687", "anonymous")
    assert bool(one["address_hash"]) == known, "it can be answered where there is somebody to answer"
    assert site.rows("SELECT count(*) FROM customer") == [(0,)]


def test_what_is_not_genuine_leaves_nothing(texts: Texts, caplog: pytest.LogCaptureFixture) -> None:
    """403, a count, and a line in the log that says nothing of what was in it."""
    site = texts.site
    before = site.kinds()
    webhook = texts.plays().message(Said(text="unspeakable"))
    with caplog.at_level(logging.INFO):
        forged = texts.plays("second").message(Said(text="unspeakable"))
        assert texts.post(forged) == 403
        assert texts.post(webhook, "second") == 403
    assert site.kinds() == before
    assert site.rows("SELECT count(*) FROM address") == [(0,)]
    assert "not authentic account=line" in caplog.text
    assert "unspeakable" not in caplog.text and PERSON not in caplog.text
    metrics = site.webs[0].get("/metrics")[2].decode()
    assert 'muster_webhooks_total{account="line",result="not_authentic"} 1.0' in metrics


def test_accounts_that_are_not_there_or_not_ready_say_so(texts: Texts) -> None:
    """404 where nobody is; 503 where a secret is missing, so that the provider's fallback starts."""
    webhook = texts.plays().message()
    assert texts.post(webhook, "nobody") == 404
    status, headers, _ = texts.ask(texts.plays("bare").message(), "bare")
    assert (status, headers["retry-after"]) == (503, "2")
    assert texts.site.webs[0].get("/hooks/line")[0] == 403, "Twilio never asks whose address this is"
    assert texts.site.webs[0].get("/hooks/line/status")[0] == 405


def test_a_body_over_the_channels_limit_is_refused_before_it_is_read(texts: Texts) -> None:
    """An account's limit is its channel's."""
    limit = next(each.body_bytes_max for each in texts.site.plan.channels if each.channel_id == "sms")
    for size, account_id, status in ((limit + 1, "line", 413), (limit, "line", 403), (65_537, "nobody", 413)):
        webhook = texts.plays().over(b"Body=x")
        big = type(webhook)(**{**_values(webhook), "body": b"x" * size})
        assert texts.post(big, account_id) == status


def test_unknown_kinds_are_acknowledged_and_counted(texts: Texts) -> None:
    """A provider adds kinds without notice."""
    before = texts.site.kinds()
    for webhook in texts.plays().unknown():
        assert texts.post(webhook) == 200
    assert texts.site.kinds() == before
    metrics = texts.site.webs[0].get("/metrics")[2].decode()
    assert 'muster_webhooks_total{account="line",result="nothing"} 3.0' in metrics
    assert 'muster_webhook_last_in_seconds{account="line"}' in metrics


def test_an_unknown_outcome_is_never_acknowledged(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is on disk nobody knows; the provider comes again, and the repeat is harmless."""
    commit = Committer._commit

    def written_and_then_silent(self: Committer, db: Connection) -> None:
        commit(self, db)
        raise CommitUnknown("the connection failed while committing")

    with monkeypatch.context() as patched:
        patched.setattr(Committer, "_commit", written_and_then_silent)
        assert texts.says() == 503
    assert texts.says() == 200
    assert len(messages(texts.site)) == 1


def test_what_the_database_refuses_is_kept_raw(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content never causes loss: whatever a driver makes of it, a human sees it."""
    from router.channels import ingest

    write = ingest.KeepContact.write_content

    def refuse(self: ingest.KeepContact, db: Connection) -> None:
        if self._contact.media_type != ingest.UNPARSED:
            raise ValueError("the database does not take this")
        write(self, db)

    monkeypatch.setattr(ingest.KeepContact, "write_content", refuse)
    assert texts.says("strange") == 200
    (one,) = interactions(texts.site)
    assert one["customer_id"], "whose it is is known all the same"
    site = texts.site
    site.eventually(lambda: site.rows("SELECT 1 FROM message WHERE reading = 'unparsed'"))


def test_words_are_read_for_their_urgency_and_the_number_for_its_rules(texts: Texts) -> None:
    """Triage sees what was said, not how the provider wraps it."""
    site = texts.site
    texts.says("My father is not breathing")
    texts.says("My father is not breathing", provider_id="SM2", sender="+15559990000")
    read = "SELECT data FROM journal WHERE kind = 'read' ORDER BY seq"
    site.eventually(lambda: len(site.rows(read)) == 2)
    assert {json.loads(row[0])["rule_id"] for row in site.rows(read)} == {"not-breathing", "known-number"}


def test_pictures_of_a_text_are_parts_that_somebody_still_has_to_fetch(texts: Texts) -> None:
    """The message is shown at once; its pictures come when they come. A picture is no silence."""
    site = texts.site
    address = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
    webhook = texts.plays().message(
        Said(text=""), NumMedia="1", MediaUrl0=address, MediaContentType0="image/jpeg"
    )
    assert texts.post(webhook) == texts.post(webhook) == 200
    found = site.eventually(
        lambda: site.rows(
            "SELECT p.number, p.kind, c.media_type, c.body FROM part p JOIN content c"
            " ON c.content_id = p.content_id"
        )
    )
    assert [(*row[:3], bytes(row[3]).decode()) for row in found] == [(1, "wanted", "image/jpeg", address)]
    (read,) = site.rows("SELECT data FROM journal WHERE kind = 'read'")
    assert json.loads(read[0])["rule_id"] != "silent"
    assert verified(site) == []


class _Order:
    """Append: a reply of an agent, as the desk writes it."""

    def __init__(self, interaction_id: str, message_id: str, outbox_id: str, address_hash: str) -> None:
        self._values = (interaction_id, message_id, outbox_id, address_hash)

    def write_content(self, db: Connection) -> None:
        """Nothing: its words do not matter here."""

    def facts(self, db: Connection, at_ms: int) -> list[Fact]:
        interaction_id, message_id, outbox_id, address_hash = self._values
        return [
            fact("message_added", interaction_id, message_id=message_id, direction="out", reading="read"),
            fact(
                "send_ordered",
                outbox_id,
                message_id=message_id,
                interaction_id=interaction_id,
                channel="sms",
                account="line",
                address_hash=address_hash,
                due_at_ms=at_ms,
            ),
        ]


@pytest.fixture
def answered(texts: Texts) -> str:
    """The outbox_id of an answer to a text."""
    texts.says()
    (one,) = interactions(texts.site)
    outbox_id = str(uuid4())
    order = _Order(one["interaction_id"], "m-out", outbox_id, one["address_hash"])
    texts.site.committer.submit(order).result(10)
    return outbox_id


def statuses(site: Site) -> list[str]:
    """Every status that was written down for the answer, in order."""
    rows = site.rows("SELECT data FROM journal WHERE kind = 'delivered' ORDER BY seq")
    return [str(row[0]).partition('"status":"')[2].partition('"')[0] for row in rows]


def test_statuses_in_any_order_only_go_up(texts: Texts, answered: str) -> None:
    """They come late, twice and in the wrong order; the desk sees each step once."""
    plays = texts.plays()
    for word in ("queued", "delivered", "sent", "delivered", "sending", "read", "delivered"):
        assert texts.post(plays.status(word, outbox_id=answered)) == 200
    assert statuses(texts.site) == ["delivered", "read"]
    assert texts.post(plays.status("failed", outbox_id=answered, error="30003")) == 200
    assert statuses(texts.site) == ["delivered", "read"], "what was read has arrived, whatever else is said"


def test_a_failed_status_is_final_and_says_why(texts: Texts, answered: str) -> None:
    """The desk has to say that the answer did not arrive, and by which of the provider's reasons."""
    plays = texts.plays()
    for word in ("sent", "undelivered", "delivered", "failed"):
        assert texts.post(plays.status(word, outbox_id=answered, error="30003")) == 200
    assert statuses(texts.site) == ["sent", "failed"]
    assert texts.site.rows("SELECT status, trouble FROM message WHERE message_id = 'm-out'") == [
        ("failed", "twilio_30003")
    ]


def test_a_status_is_found_by_the_providers_id_as_well(texts: Texts, answered: str) -> None:
    """Where our own did not come back with it."""
    site = texts.site
    plays = texts.plays()
    assert texts.post(plays.status("delivered", provider_id="SM-sent", outbox_id="")) == 200
    assert statuses(site) == []
    with site.database.writing() as db:
        db.run(
            "INSERT INTO sending (account, provider_id, outbox_id) VALUES ('line', 'SM-sent', :o)", o=answered
        )
    assert texts.post(plays.status("delivered", provider_id="SM-sent", outbox_id="")) == 200
    assert statuses(site) == ["delivered"]


def test_a_status_of_another_account_changes_nothing(texts: Texts, answered: str) -> None:
    """Whoever holds one account's secret has no say over what the other sent."""
    assert texts.post(texts.plays("second").status("failed", outbox_id=answered), "second") == 200
    assert statuses(texts.site) == []


def test_a_plan_that_brings_an_account_is_followed_at_once(site: Site, tmp_path: Path) -> None:
    """Nobody restarts a centre to give it another number."""
    port = site.webs[0].port
    assert site.webs[0].post("/hooks/line", b"")[0] == 404
    texts = Texts(site)
    assert texts.says() == 200
    assert port == site.port


def _values(webhook: Any) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in webhook.__dataclass_fields__}
