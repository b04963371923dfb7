"""What a provider's log has and no webhook brought is kept, once, with the id that it would have had."""

import json

import pytest

from agents_ui.cli import main
from router.channels.ids import message_id_of
from router.channels.ingest import KeepContact
from router.channels.providers import CALL_PROVIDERS, PROVIDERS
from router.sites.sweeping import WITH_LOG, WITHOUT_LOG
from tests.contracts.plays import Said
from tests.contracts.twilio import NUMBER, PERSON, SID, TOKEN, Twilio
from tests.sites.site_pair import PAIR, START_MS, plan_of, site_pair
from tests.sites.twilio_log_double import twilio_log
from tests.voice.exchange import ACCOUNTS as TRUNK
from tests.voice.exchange import plan_with_calls

ACCOUNTS = f"""
[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "{NUMBER}"
secret = "line-token"
options = {{ account_sid = "{SID}" }}

[[accounts]]
id = "chatter"
channel = "telegram"
provider = "telegram"
address = "@muster"
secret = "chatter"
"""
CALLS = f"""
[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "{NUMBER}"
secret = "calls"
options = {{ account_sid = "{SID}", sip_account = "trunk" }}
"""
DAY = "2026-11-17"
AT_MS = START_MS + 60_000
"""START_MS is the morning of 2026-11-18."""


@pytest.fixture
def pair(data_dir):
    """Two sites whose plan has an account with a log, and one without."""
    with site_pair(data_dir, plan_of(accounts=ACCOUNTS)) as found:
        yield found


@pytest.fixture
def log(data_dir, monkeypatch):
    """The provider's log; the commands are typed at site a."""
    with twilio_log() as found:
        for name, value in {
            "MUSTER_DATA": str(data_dir / "a"),
            "MUSTER_SITE": "a",
            "MUSTER_UNSAFE": "1",
            "MUSTER_SECRET_LINE_TOKEN": TOKEN.decode(),
            "MUSTER_ENDPOINTS": f"line={found.url},calls={found.url}",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("DATABASE_URL", raising=False)
        yield found


def swept(capsys, *words, status=0):
    """What one sweep said of the account."""
    assert main(["hooks", "sweep", "--since", DAY, "--json", *words]) == status
    return json.loads(capsys.readouterr().out)


def by_webhook(site, sid, **others):
    """A text that came as it should."""
    plays = Twilio()
    webhook = plays.message(Said(provider_id=sid, text="help"), **others)
    (contact,) = plays.provider.receive(webhook, plays.account).contacts
    site.committer.submit(KeepContact(contact)).result(20)


def test_what_no_webhook_brought_is_kept_once(pair, log, capsys):
    """Over several pages; what came, here or at the other site, is left as it is; again: nothing."""
    for number in range(1, 6):
        log.message(f"SM{number}", AT_MS + number)
    by_webhook(pair.a, "SM2")
    by_webhook(pair.b, "SM4")
    pair.sends("b")
    said = swept(capsys)
    assert said["problems"] == []
    (one,) = said["swept"]
    assert (one["account"], one["seen"], one["left"]) == ("line", 5, 0)
    assert one["missed"] == ["SM5", "SM3", "SM1"] or sorted(one["missed"]) == ["SM1", "SM3", "SM5"]
    kept = {row[0] for row in pair.a.all("SELECT message_id FROM message")}
    assert kept == {message_id_of("sms", "line", f"SM{number}") for number in (1, 2, 3, 5)}
    assert pair.a.all("SELECT code, ref, detail FROM alarm") == [
        ("webhooks_missed", "line", "3 in the provider's log that no webhook brought")
    ]
    rows = pair.a.one("SELECT count(*) FROM journal")
    assert swept(capsys)["swept"][0]["missed"] == []
    assert pair.a.one("SELECT count(*) FROM journal") == rows


def test_a_webhook_that_comes_after_all_is_a_repeat(pair, log, capsys):
    """The provider tries again an hour after the sweep."""
    log.message("SM1", AT_MS)
    swept(capsys)
    rows = pair.a.one("SELECT count(*) FROM journal")
    by_webhook(pair.a, "SM1", FromCity="ALDER", ToState="OR")
    assert pair.a.one("SELECT count(*) FROM journal") == rows


def test_words_sender_and_pictures_are_those_of_the_log(pair, log, capsys):
    """The body is kept as the webhook's would have been, so that reading it needs nothing of its own."""
    log.message("SM1", AT_MS, body="Füße & = fire", num_media="1")
    uri = f"/2010-04-01/Accounts/{SID}/Messages/SM1/Media/ME1"
    log.media["SM1"] = [{"sid": "ME1", "content_type": "image/jpeg", "uri": f"{uri}.json"}]
    swept(capsys)
    ((body,),) = pair.a.all("SELECT body FROM content")
    shown = PROVIDERS["twilio"].shown(bytes(body))
    assert shown.text == "Füße & = fire"
    assert shown.wanted == ((f"{log.url}{uri}", "image/jpeg"),)
    assert pair.a.all("SELECT kind, address FROM address") == [("phone", PERSON)]


def test_what_came_before_the_time_is_not_touched(pair, log, capsys):
    """The log's filter is a whole day; what was asked for is a time."""
    log.message("SM1", AT_MS - 3_600_000)
    log.message("SM2", AT_MS)
    assert main(["hooks", "sweep", "--since", "2026-11-18T11:00:00+00:00", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)["swept"][0]["seen"]
    assert swept(capsys)["swept"][0]["seen"] == 2
    assert whole < 2


def test_what_became_of_our_own_texts_is_learned_as_well(pair, log, capsys):
    """Its receipt was lost with the webhooks: the agent should see that the answer did not arrive."""
    with pair.a.own.writing() as db:
        db.run(
            "INSERT INTO message (message_id, interaction_id, seq, at_ms, direction, author_id, kind,"
            " content_id, client_id, status, trouble, reading)"
            " VALUES ('m', 'i', 1, 1, 'out', 'ana', 'text', 'c', '', 'sent', '', 'read')"
        )
        db.run(
            "INSERT INTO outbox (outbox_id, message_id, interaction_id, channel, account, address_hash, seq,"
            " ordered_at_ms, status, attempts, due_at_ms, detail, automatic, template, category, instead_of,"
            " fallback, fallback_why, lent_to, left_ms)"
            " VALUES ('o', 'm', 'i', 'sms', 'line', 'h', 1, 1, 'sent', 1, 1,"
            " '', 0, '', '', '', '', '', '', 0)"
        )
        db.run("INSERT INTO sending (account, provider_id, outbox_id) VALUES ('line', 'SMout', 'o')")
    log.message("SMout", AT_MS, inbound=False, status="undelivered", error_code=30005)
    swept(capsys)
    assert pair.a.one("SELECT status, trouble FROM message") == ("failed", "twilio_30005")


def test_a_log_that_cannot_be_read_is_said(pair, log, capsys):
    """A wrong secret must not look like an empty log."""
    log.refuses = 401
    said = swept(capsys, status=1)
    assert said["swept"] == []
    assert said["problems"] == ["line: the provider's log answers 401: look at the account"]


def test_accounts_without_a_log_are_named(pair, log, capsys):
    """Nobody is to believe that they were asked."""
    assert main(["hooks", "sweep", "--since", DAY]) == 0
    out = capsys.readouterr().out
    assert "line: 0 in the log, 0 were missing and are kept now" in out
    assert "chatter: has no log to ask" in out
    assert main(["hooks", "sweep", "--since", DAY, "nobody"]) == 2


def test_a_call_that_nobody_heard_of_becomes_one_to_call_back(data_dir, log, monkeypatch, capsys):
    """They rang while both sites were away, and hung up. Who talks with somebody now is left alone."""
    monkeypatch.setenv("MUSTER_SECRET_CALLS", TOKEN.decode())
    log.call("CA1", AT_MS)
    log.call("CA2", AT_MS + 1, status="in-progress")
    log.call("CA3", AT_MS + 2, direction="outbound-api")
    log.call("CA4", AT_MS + 3, status="no-answer")
    with site_pair(data_dir, plan_with_calls(TRUNK + CALLS).text + PAIR) as pair:
        (one,) = swept(capsys)["swept"]
        assert (one["seen"], sorted(one["missed"]), one["going_on"]) == (3, ["CA1", "CA4"], 1)
        calls = pair.a.all("SELECT call_id, state, why FROM call ORDER BY call_id")
        expected = sorted(message_id_of("call", "calls", sid) for sid in ("CA1", "CA4"))
        assert calls == [(call_id, "ended", "caller_hung_up") for call_id in expected]
        assert pair.a.one("SELECT count(*) FROM interaction") == (2,)
        gone = pair.a.all("SELECT data FROM journal WHERE kind = 'customer_disconnected'")
        assert [json.loads(str(data))["for_good"] for (data,) in gone] == [True, True]
        (one,) = swept(capsys)["swept"]
        assert one["missed"] == []


def test_every_provider_is_known_to_have_a_log_or_none():
    """A new provider has to say which."""
    assert sorted((*WITH_LOG, *WITHOUT_LOG)) == sorted((*PROVIDERS, *CALL_PROVIDERS))
