"""What kind of mail it is, and who vouches for it: by what programs say of themselves and by one server."""

import pytest

from config.conditions import MAIL_KINDS
from router.channels.mail_contact import Envelope, contact_of, kept_body
from router.channels.mail_head import head_of, mailbox_of
from router.channels.mail_kind import (
    AUTO_REPLY,
    AUTOMATIC,
    BOUNCE,
    BULK,
    FAIL,
    KINDS,
    LIST,
    LOOP,
    NONE,
    PASS,
    PERSON,
    UNAUTHENTIC,
    kind_of,
    verdict_of,
)
from router.channels.mail_token import SENT, TokenKey
from router.channels.port import Account
from router.channels.text import shown

OUTBOX_ID = "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02"
KEY = TokenKey.of(b"secret")
OUR_SERVER = "mx.lowen.example"
FROM = "From: Ann <ann@example.org>\r\n"
ACCOUNT = Account(
    account_id="help-mail",
    channel="mail",
    provider="smtp",
    address="help@lowen.example",
    secret=b"secret",
    endpoint="",
    public_url="",
    options={"trusted_authserv": OUR_SERVER},
)


def kept(fields: str, *, sender: str = "ann@example.org", upstream: bool = True) -> bytes:
    """The head as it is kept."""
    envelope = Envelope(
        sender=sender,
        recipients=("help@lowen.example",),
        upstream=upstream,
        body=f"{FROM}{fields}\r\nwords\r\n".encode(),
        received_at_ms=0,
    )
    return kept_body(envelope)


@pytest.mark.parametrize(
    ("fields", "sender", "kind"),
    [
        ("", "ann@example.org", PERSON),
        ("X-Priority: 1\r\nImportance: high\r\n", "ann@example.org", PERSON),
        ("Auto-Submitted: no\r\n", "ann@example.org", PERSON),
        ("Auto-Submitted: auto-generated\r\n", "ann@example.org", AUTOMATIC),
        ("Auto-Submitted: auto-replied (vacation)\r\n", "", AUTO_REPLY),
        ("Precedence: auto_reply\r\n", "ann@example.org", AUTO_REPLY),
        ("X-Autoreply: yes\r\n", "ann@example.org", AUTO_REPLY),
        ("List-Id: <news.example.org>\r\n", "ann@example.org", LIST),
        ("Precedence: list\r\n", "ann@example.org", LIST),
        ("Precedence: bulk\r\n", "ann@example.org", BULK),
        ("List-Unsubscribe: <mailto:x@example.org>\r\n", "ann@example.org", BULK),
        ("X-Spam-Flag: YES\r\n", "ann@example.org", BULK),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n", "", BOUNCE),
        ("", "", AUTOMATIC),
        ("In-Reply-To: <asked@lowen.example>\r\n", "", AUTO_REPLY),
        ("References: <asked@lowen.example>\r\n", "", AUTO_REPLY),
        (f"Message-ID: <{KEY.token(SENT, OUTBOX_ID)}@lowen.example>\r\n", "ann@example.org", LOOP),
        ("X-Loop: help@lowen.example\r\n", "ann@example.org", LOOP),
        ("Received: by a\r\n" * 60, "ann@example.org", LOOP),
    ],
)
def test_programs_say_what_they_are(fields: str, sender: str, kind: str) -> None:
    """And only programs have a reason to."""
    head = head_of(kept(fields, sender=sender))
    assert kind_of(head, key=KEY, own="help@lowen.example") == kind


def test_a_mail_that_fails_dmarc_is_not_authentic() -> None:
    """Unless a program says something more exact about itself."""
    assert kind_of(head_of(kept("")), verdict=FAIL) == UNAUTHENTIC
    assert kind_of(head_of(kept("Precedence: bulk\r\n")), verdict=FAIL) == BULK


def test_rules_know_every_kind() -> None:
    """A plan can ask for each by the name that it has here."""
    assert set(MAIL_KINDS) == set(KINDS)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        (f"Authentication-Results: {OUR_SERVER}; dmarc=pass header.from=example.org\r\n", PASS),
        (f"Authentication-Results: {OUR_SERVER.upper()} 1; spf=pass; dmarc=pass (p=none)\r\n", PASS),
        (f"Authentication-Results: {OUR_SERVER};\r\n\tdmarc=fail header.from=example.org\r\n", FAIL),
        (f"Authentication-Results: {OUR_SERVER}; dkim=pass header.d=example.org\r\n", PASS),
        (f"Authentication-Results: {OUR_SERVER}; dkim=pass header.d=evil.example\r\n", NONE),
        (f"Authentication-Results: {OUR_SERVER}; dkim=pass header.d=example.org; dmarc=fail\r\n", FAIL),
        (f"Authentication-Results: {OUR_SERVER}; dmarc=pass header.from=evil.example\r\n", FAIL),
        (f"Authentication-Results: {OUR_SERVER}; dmarc=none\r\n", NONE),
        (f"Authentication-Results: {OUR_SERVER}; dmarc=temperror\r\n", NONE),
        (f"Authentication-Results: {OUR_SERVER}; none\r\n", NONE),
        (f"Authentication-Results: {OUR_SERVER}; x=y (; dmarc=pass)\r\n", NONE),
        ("Authentication-Results: mx.evil.example; dmarc=pass header.from=example.org\r\n", NONE),
        (f"Authentication-Results: {OUR_SERVER}.evil.example; dmarc=pass\r\n", NONE),
        (
            f"Authentication-Results: {OUR_SERVER}; dmarc=fail\r\n"
            f"Authentication-Results: {OUR_SERVER}; dmarc=pass\r\n",
            FAIL,
        ),
        ("", NONE),
    ],
)
def test_only_the_topmost_results_of_our_server_count(fields: str, verdict: str) -> None:
    """What stands below was there when it arrived, so anybody may have written it."""
    assert verdict_of(head_of(kept(fields)), OUR_SERVER) == verdict


@pytest.mark.parametrize(
    "results",
    [
        'spf=pass smtp.mailfrom="a; dmarc=pass header.from=example.org"@evil.example; dmarc=fail',
        'spf=pass smtp.mailfrom="a;dmarc=pass header.from=example.org"@evil.example; dmarc=none',
        'spf=pass smtp.mailfrom="a;dkim=pass header.d=example.org"@evil.example',
        'spf=pass smtp.mailfrom="a\\";dmarc=pass;"@evil.example',
        'spf=pass (of "(x) ;dmarc=pass header.from=example.org "@evil.example) smtp.mailfrom=y; dmarc=fail',
        'spf=pass (of "x) ;dmarc=pass header.from=example.org;("@evil.example); dmarc=none',
        "spf=pass smtp.mailfrom=a(;dmarc=pass header.from=example.org",
    ],
)
def test_a_sender_cannot_vouch_for_itself_in_what_our_server_repeats(results: str) -> None:
    """The envelope's sender is repeated in the results, and its local part may be nearly anything."""
    field = f"Authentication-Results: {OUR_SERVER}; {results}\r\n"
    assert verdict_of(head_of(kept(field)), OUR_SERVER) != PASS


def test_quoted_values_of_our_server_count() -> None:
    """Also a domain that it quotes, beside comments in comments."""
    results = 'dmarc=pass (p=none (sp=none)) header.from="example.org"'
    assert (
        verdict_of(head_of(kept(f"Authentication-Results: {OUR_SERVER}; {results}\r\n")), OUR_SERVER) == PASS
    )


def test_a_domain_with_two_spellings_is_one() -> None:
    """Whoever writes from münchen.example is vouched for as xn--mnchen-3ya.example."""
    results = f"Authentication-Results: {OUR_SERVER}; dmarc=pass header.from=xn--mnchen-3ya.example\r\n"
    envelope = Envelope(
        sender="a@b",
        recipients=("help@lowen.example",),
        upstream=True,
        body=f"{results}From: j@münchen.example\r\n\r\nwords\r\n".encode(),
        received_at_ms=0,
    )
    assert verdict_of(head_of(kept_body(envelope)), OUR_SERVER) == PASS


def test_nobody_is_trusted_unless_the_plan_says_whom() -> None:
    """And then only when that server itself handed the mail over."""
    fields = f"Authentication-Results: {OUR_SERVER}; dmarc=pass header.from=example.org\r\n"
    assert verdict_of(head_of(kept(fields)), "") == NONE
    assert verdict_of(head_of(kept(fields, upstream=False)), OUR_SERVER) == NONE
    forged = f"X-Muster-Received: upstream\r\n{fields}"
    assert verdict_of(head_of(kept(forged, upstream=False)), OUR_SERVER) == NONE


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ('"alice@trusted.gov" <mallory@evil.example>', "mallory@evil.example"),
        ("alice@x)<bob@y>", ""),
        ("alice@trusted.gov, mallory@evil.example", ""),
        ("<alice@trusted.gov> <mallory@evil.example>", ""),
        ("alice@trusted.gov <mallory@evil.example>", ""),
        ("alice@trusted.gov\x00@evil.example", ""),
        ("=?utf-8?q?alice=40trusted=2Egov?= <mallory@evil.example>", "mallory@evil.example"),
        ("Ann (at home) <Ann@Example.ORG>", "ann@example.org"),
        ("ann@example.org (Ann)", "ann@example.org"),
        ("group: a@x.example, b@x.example;", ""),
        ("ann@example..org", ""),
        ("ann\u200b@example.org", ""),
        ("Ann <\u202eann@example.org>", ""),
        ("", ""),
    ],
)
def test_a_from_that_readers_could_understand_differently_names_nobody(value: str, address: str) -> None:
    """Two parsers that disagree are how a stranger becomes a trusted agency."""
    assert mailbox_of(value.encode()).address == address


def test_two_from_fields_name_nobody() -> None:
    """Which of them is shown would be luck; an answer still goes back to the sender of the envelope."""
    envelope = Envelope(
        sender="real@example.org",
        recipients=("help@lowen.example",),
        upstream=True,
        body=b"From: a@trusted.gov\r\nFrom: b@evil.example\r\n\r\nwords\r\n",
        received_at_ms=0,
    )
    contact = contact_of(envelope, ACCOUNT, interaction_id="i")
    assert (contact.address, contact.linked, contact.verified) == ("real@example.org", False, False)


def test_what_a_sender_puts_first_is_not_our_trace() -> None:
    """A mail that begins with a continuation line, a mailbox line or nothing cannot change what we noted."""
    for beginning in (b" upstream\r\n", b"From a@b Sat\r\n", b"\r\n", b"no field at all\r\n"):
        envelope = Envelope(
            sender="x@example.org",
            recipients=("help@lowen.example",),
            upstream=False,
            body=beginning,
            received_at_ms=0,
        )
        fields = f"Authentication-Results: {OUR_SERVER}; dmarc=pass\r\n".encode()
        head = head_of(kept_body(envelope) + fields)
        assert verdict_of(head, OUR_SERVER) == NONE
        assert shown(dict(head.fields)["x-muster-received"]).startswith("direct")


def test_the_envelope_cannot_bring_lines_of_its_own() -> None:
    """The sender of an envelope is chosen by the sender."""
    body = kept("", sender="x@example.org>\r\nX-Muster-Received: upstream\r\nA: <b")
    assert body.count(b"\r\nX-Muster-Received:") == 1
