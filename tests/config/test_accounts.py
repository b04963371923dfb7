"""Accounts of a plan: what a centre can say about its numbers and mailboxes, and what is refused."""

from pathlib import Path

import pytest

from config.plan_file import parse_plan
from config.settings import SettingsWrong, read_settings
from router.channels.accounts import load_accounts, missing_secrets
from tests.config.plans import SMALL, spoiled

CHANNEL = SMALL[SMALL.index("[[channels]]") : SMALL.index("[[queues]]")].replace('"chat"', '"sms"')
CHANNEL = CHANNEL.replace("message_characters_max = 4_000", "message_characters_max = 1_600")
ACCOUNT = """
[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "+15551230100"
secret = "sms-token"
shared = ["+15550000000"]
options = { account_sid = "AC1" }
"""
OTHER = ACCOUNT.replace('"line"', '"second"').replace("0100", "0101")

WRONG = [
    (('channel = "sms"\nprovider', 'channel = "fax"\nprovider'), "channel", "there is no channel 'fax'"),
    (('channel = "sms"\nprovider', 'channel = "chat"\nprovider'), "channel", "serves the channel 'sms'"),
    (('"twilio"', '"twillio"'), "provider", "there is no provider 'twillio'; there are "),
    (('"+15551230100"', '"5551230100"'), "address", "one is '+15551230100'"),
    (('"+15551230100"', '""'), "address", "is no address of this kind"),
    (('secret = "sms-token"', ""), "[[accounts]]", "needs a secret"),
    (('"sms-token"', '"8f2c 11"'), "secret", "a secret is named here"),
    (('{ account_sid = "AC1" }', "{}"), "options", "needs the option 'account_sid'"),
    (('{ account_sid = "AC1" }', "{ account_sid = 7 }"), "options", "'account_sid' must be text in quotes"),
    (('{ account_sid = "AC1" }', '{ account_sid = "" }'), "options", "'account_sid' is empty"),
    (('"AC1" }', '"AC1", colour = "red" }'), "options", "no option 'colour'"),
    (('"AC1" }', '"AC1", colour = 1.5 }'), "options", "must be text, a whole number, true or false"),
    (('options = { account_sid = "AC1" }', "options = 3"), "options", "must be a table"),
    (('["+15550000000"]', '["+15550000000", "+15550000000"]'), "shared", "is there twice"),
    (('["+15550000000"]', '[" "]'), "shared", "nobody's"),
    (('secret = "sms', 'endpoint = "http://api.example.org"\nsecret = "sms'), "endpoint", "in the clear"),
    (('secret = "sms', 'endpoint = "api.example.org"\nsecret = "sms'), "endpoint", "must be an address"),
    (('secret = "sms', 'endpoint = "https://a@b.org"\nsecret = "sms'), "endpoint", "no user"),
    (('secret = "sms', 'endpoint = "https://b.org:99999"\nsecret = "sms'), "endpoint", "no address"),
]


@pytest.mark.parametrize(("change", "line", "words"), WRONG)
def test_a_wrong_account_is_named_with_its_line(change: tuple[str, str], line: str, words: str):
    """An account that cannot work is a channel through which nobody reaches the centre."""
    found = spoiled(add=CHANNEL + ACCOUNT.replace(*change))
    assert [(at, text) for at, text in found if at.startswith(line) and words in text], found


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (('"second"', '"line"'), 'id = "line"', "has the id 'line' already"),
        (("0101", "0100"), "address", "account 'line' has the address"),
        (('"sms-token"', '"sms_token"'), "secret", "are both MUSTER_SECRET_SMS_TOKEN"),
    ],
)
def test_two_accounts_do_not_get_into_each_others_way(change: tuple[str, str], line: str, words: str):
    """Two accounts with one number, or two secrets with one name: nobody could tell which is meant."""
    found = spoiled(add=CHANNEL + ACCOUNT + OTHER.replace(*change))
    assert [(at, text) for at, text in found if at.startswith(line) and words in text], found


def test_an_account_is_ready_with_its_secret_and_its_own_address(tmp_path: Path):
    """Where the secret stands is the operator's choice; what the account is stands in the plan."""
    plan = parse_plan(SMALL + CHANNEL + ACCOUNT + OTHER.replace("sms-token", "second-token"))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "second-token").write_text("from a file\n")
    environ = {
        "MUSTER_DATA": str(tmp_path),
        "MUSTER_SECRET_SMS_TOKEN": "from the environment",
        "MUSTER_PUBLIC_URL": "https://help.example.org/",
        "MUSTER_ENDPOINTS": "line=http://127.0.0.1:9000",
    }
    settings = read_settings(environ)
    accounts = load_accounts(plan, settings)
    assert {each.account_id: each.secret for each in accounts.values()} == {
        "line": b"from the environment",
        "second": b"from a file",
    }
    line = accounts["line"]
    assert (line.endpoint, line.public_url) == (
        "http://127.0.0.1:9000",
        "https://help.example.org/hooks/line",
    )
    assert line.options == {"account_sid": "AC1"}
    assert line.unlinked == {"+15550000000", "+15551230100", "+15551230101"}, "own numbers are nobody's"
    assert missing_secrets(plan, settings) == ()
    assert "environment" not in repr(settings) + repr(line), "a secret never gets into a log"


def test_an_account_without_its_secret_is_left_out_and_named(tmp_path: Path):
    """It must not look as if it worked: its webhook answers 503, and people see what is missing."""
    plan = parse_plan(SMALL + CHANNEL + ACCOUNT + OTHER)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "sms-token").write_text(" \n")
    settings = read_settings({"MUSTER_DATA": str(tmp_path)})
    assert load_accounts(plan, settings) == {}
    (first, _) = missing_secrets(plan, settings)
    assert (first.account_id, first.variable) == ("line", "MUSTER_SECRET_SMS_TOKEN")
    assert first.file == str(tmp_path / "secrets" / "sms-token")


def test_further_secrets_are_named_after_the_first(tmp_path: Path):
    """A bot's token and what Telegram proves itself by; without either the account is not ready."""
    bot = '[[accounts]]\nid = "bot"\nchannel = "telegram"\nprovider = "telegram"\n'
    bot += 'address = "@lowen_help_bot"\nsecret = "county-bot"\n'
    plan = parse_plan(SMALL + CHANNEL.replace('"sms"', '"telegram"') + bot)
    environ = {"MUSTER_DATA": str(tmp_path), "MUSTER_SECRET_COUNTY_BOT": "header"}
    settings = read_settings(environ)
    assert load_accounts(plan, settings) == {}
    assert [each.variable for each in missing_secrets(plan, settings)] == [
        "MUSTER_SECRET_COUNTY_BOT_BOT_TOKEN"
    ]
    settings = read_settings({**environ, "MUSTER_SECRET_COUNTY_BOT_BOT_TOKEN": "1:token"})
    account = load_accounts(plan, settings)["bot"]
    assert (account.secret, account.secrets) == (b"header", {"bot-token": b"1:token"})
    assert "1:token" not in repr(account), "a secret never gets into a log"


@pytest.mark.parametrize("text", ["line", "line=", "=http://127.0.0.1", "line=http://api.example.org"])
def test_an_endpoint_that_cannot_be_meant_is_refused(text: str):
    """A setting that is ignored would send real messages during a rehearsal."""
    with pytest.raises(SettingsWrong, match="MUSTER_ENDPOINTS"):
        read_settings({"MUSTER_ENDPOINTS": text})


def test_answers_are_never_longer_than_the_provider_takes():
    """An answer that is refused for its length is one that an agent thinks has been read."""
    too_long = CHANNEL.replace("message_characters_max = 1_600", "message_characters_max = 1_601")
    found = spoiled(add=too_long + ACCOUNT)
    assert [text for at, text in found if at.startswith("channel") and "at most 1600 characters" in text]


@pytest.mark.parametrize("starttls", ["none", "opportunistic"])
def test_no_plan_sends_the_password_of_a_mailbox_in_the_clear(starttls: str):
    """Whoever is in between could take it, and with it the key of every reply token."""
    box = '[[accounts]]\nid = "box"\nchannel = "mail"\nprovider = "smtp"\naddress = "help@lowen.example"\n'
    box += 'secret = "box"\nendpoint = "smtp://mx.lowen.example"\n'
    box += f'options = {{ user = "help", starttls = "{starttls}" }}\n'
    found = spoiled(add=CHANNEL.replace('"sms"', '"mail"') + box)
    assert [text for at, text in found if at.startswith("options") and "in the clear" in text], found
    nearby = box.replace("mx.lowen.example", "127.0.0.1")
    assert not [
        text for _, text in spoiled(add=CHANNEL.replace('"sms"', '"mail"') + nearby) if "clear" in text
    ]


def test_whom_to_believe_is_said_together_with_where_they_stand():
    """Else everybody behind a proxy on this machine could write results that are believed."""
    box = '[[accounts]]\nid = "box"\nchannel = "mail"\nprovider = "smtp"\naddress = "help@lowen.example"\n'
    box += 'secret = "box"\nendpoint = "smtps://mx.lowen.example"\noptions = { trusted_authserv = "mx" }\n'
    mail = CHANNEL.replace('"sms"', '"mail"')
    assert [text for _, text in spoiled(add=mail + box) if "safe with 'upstream' only" in text]
    named = box.replace('"mx" }', '"mx", upstream = "10.0.0.5" }')
    assert not [text for _, text in spoiled(add=mail + named) if "upstream" in text]


IMAP = """
[[accounts]]
id = "box"
channel = "mail"
provider = "imap"
address = "desk@lowen.example"
secret = "box"
endpoint = "imaps://imap.lowen.example"
options = { user = "desk", answers_by = "smtps://smtp.lowen.example", after = "Archive", begin = "new" }
"""


def test_a_mailbox_says_where_it_is_and_where_answers_leave():
    """Without either, mail would wait where nobody looks, or answers would."""
    mail = CHANNEL.replace('"sms"', '"mail"')
    assert not [text for at, text in spoiled(add=mail + IMAP) if "imap" in text or "mail server" in text]
    nowhere = IMAP.replace('endpoint = "imaps://imap.lowen.example"\n', "")
    assert [text for _, text in spoiled(add=mail + nowhere) if "needs an endpoint like imaps://" in text]
    wrong = IMAP.replace("smtps://smtp.lowen.example", "https://smtp.lowen.example")
    assert [text for _, text in spoiled(add=mail + wrong) if "is no mail server" in text]
    nobody = IMAP.replace('user = "desk", ', "")
    assert [text for _, text in spoiled(add=mail + nobody) if "needs the option 'user'" in text]
