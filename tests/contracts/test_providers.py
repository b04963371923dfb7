"""What every provider of a webhook channel must do, whatever its format: one suite over all of them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.providers import BY_ROLES
from config.providers import PROVIDERS as PLANNED
from router.channels.port import HttpReply, NotAuthentic, Outgoing
from router.channels.probes import TEXT, as_probe, hash_of, new_name, webhook_of
from router.channels.providers import CALL_PROVIDERS, PROVIDERS
from router.channels.showing import shown_of
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.partner import Partner
from tests.contracts.plays import Flipped, Plays, Said, receive
from tests.contracts.telegram import Telegram
from tests.contracts.twilio import Twilio
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import WhatsApp

EVERY: list[Plays] = [
    Twilio(),
    WhatsApp(),
    Telegram(),
    Line(),
    Partner(),
    Viber(),
    Messenger("messenger"),
    Messenger("instagram"),
]

WITHOUT_WORDS = ["aml"]
"""Nobody says anything there and nobody is answered; in test_aml.py. Calls: test_twilio_voice.py."""

NOW_MS = 1_793_040_000_000

every = pytest.mark.parametrize("plays", EVERY, ids=lambda plays: plays.name)

WORDS = [
    "help",
    "",
    " ",
    "🆘🔥 👩‍👩‍👧‍👦",
    "النجدة ‏!",
    "救命",
    "a=b&c=d%20+%zz%",
    "line\r\nline\0end",
    '{"not": "json"',
    "<script>alert(1)</script>",
    "\u202egnihtemos",
    "x" * 1600,
]
IDS = ["id-1", str(2**63 + 1), str(2**200), "a/b?c=d&e", "ä🆘", "x" * 2_000]


def test_every_provider_is_played_and_can_be_planned():
    """A provider without a player is tested by nobody, and one without an entry can be in no plan."""
    assert sorted(PROVIDERS) == sorted([*WITHOUT_WORDS, *(plays.name for plays in EVERY)])
    assert sorted([*PROVIDERS, *CALL_PROVIDERS]) == sorted(name for name in PLANNED if name not in BY_ROLES)
    for plays in EVERY:
        assert plays.provider is PROVIDERS[plays.name]
        assert plays.provider.can.channel == PLANNED[plays.name].channel == plays.account.channel


def test_no_two_providers_keep_under_one_media_type():
    """What was kept is read again by its media type alone."""
    types = [each.media_type for each in (*PROVIDERS.values(), *CALL_PROVIDERS.values())]
    assert len(types) == len(set(types))


@every
@pytest.mark.parametrize("text", WORDS)
def test_a_genuine_message_is_one_contact_with_its_words(plays: Plays, text: str):
    """Every sign of every script arrives as it was meant; what a screen cannot show has a picture."""
    (contact,) = receive(plays, plays.message(Said(text=text))).contacts
    assert (contact.channel, contact.account) == (plays.account.channel, plays.account.account_id)
    shown = shown_of(contact.media_type, contact.body)
    assert shown.text == text.replace("\0", "\u2400")
    assert shown.wanted == ()


@every
@pytest.mark.parametrize("provider_id", IDS)
def test_ids_stay_what_they_are(plays: Plays, provider_id: str):
    """An id that is taken for a number, cut or decoded twice makes two messages one, or one two."""
    contacts = receive(plays, plays.message(Said(provider_id=provider_id))).contacts
    assert [contact.provider_id for contact in contacts] == [provider_id]


@every
def test_a_repeat_has_the_same_id_and_another_message_has_not(plays: Plays):
    """Providers repeat for a week; what they repeat must be known again."""
    once, again, other = (
        receive(plays, plays.message(Said(provider_id=each))).contacts[0] for each in ("1", "1", "2")
    )
    assert (once.provider_id, once.body) == (again.provider_id, again.body)
    assert other.provider_id != once.provider_id


@every
def test_the_time_of_receipt_is_ours(plays: Plays):
    """A provider's clock, or a sender's, orders nothing."""
    (contact,) = receive(plays, replace(plays.message(), received_at_ms=77)).contacts
    assert contact.received_at_ms == 77


@every
def test_one_flipped_bit_at_any_place_is_not_genuine(plays: Plays):
    """Whoever can change one bit can change a place, a name or a number.

    What says exactly the same (%2b for %2B) may pass where a signature is over what was meant.
    """
    if not plays.signs_bodies:
        pytest.skip("this provider signs no bodies")
    webhook = plays.message(Said(text="Fire at 7+8 Hill Street, 2nd floor"))
    meant = receive(plays, webhook).contacts
    flipped = Flipped(webhook.body)
    passed = []
    for position in flipped.positions:
        try:
            got = receive(plays, replace(webhook, body=flipped.at(position)))
        except NotAuthentic:
            continue
        passed.append(position)
        assert [replace(each, body=b"") for each in got.contacts] == [
            replace(each, body=b"") for each in meant
        ]
        for mine, theirs in zip(got.contacts, meant, strict=True):
            assert shown_of(mine.media_type, mine.body) == shown_of(theirs.media_type, theirs.body)
    assert len(passed) < len(flipped.positions) // 50


@every
def test_one_flipped_bit_of_the_signature_is_not_genuine(plays: Plays):
    """Also not in the bits that base64 leaves unused."""
    webhook = plays.message()
    name, value = plays.proof, webhook.headers[plays.proof]
    flipped = Flipped(value.encode())
    for position in flipped.positions:
        changed = {**webhook.headers, name: flipped.at(position).decode("latin-1")}
        with pytest.raises(NotAuthentic):
            receive(plays, replace(webhook, headers=changed))
    for missing in ({}, {name: ""}, {name: value + "="}, {name: value[:-1]}):
        others = {each: text for each, text in webhook.headers.items() if each != name}
        with pytest.raises(NotAuthentic):
            receive(plays, replace(webhook, headers={**others, **missing}))


@every
@given(query=st.text(max_size=80))
def test_nobody_is_answered_without_a_proof(plays: Plays, query: str):
    """By GET a provider may ask whether the address is ours, and proves that it may ask."""
    webhook = replace(plays.message(), headers={}, body=b"", query=query)
    for method in ("GET", "HEAD", "POST"):
        with pytest.raises(NotAuthentic):
            receive(plays, replace(webhook, method=method))


@every
def test_the_signature_of_another_account_opens_nothing(plays: Plays):
    """Two accounts of one centre, or another centre's customer of the same provider."""
    other = replace(plays.account, secret=plays.account.secret[::-1])
    with pytest.raises(NotAuthentic):
        plays.provider.receive(plays.message(), other)


@every
def test_what_nobody_knows_yet_is_acknowledged(plays: Plays):
    """A provider adds kinds without notice; refusing them would have it switch our webhook off."""
    for webhook in plays.unknown():
        received = receive(plays, webhook)
        assert 200 <= received.answer.status < 300
        assert (received.contacts, received.receipts) == ((), ())


@every
def test_every_status_is_ours_or_nothing_new(plays: Plays):
    """In whatever order they come: each says what it says, and the journal lets nothing go backwards."""
    for word, ours in plays.statuses:
        received = receive(plays, plays.status(word, provider_id="p", outbox_id="o"))
        assert received.contacts == (), word
        assert [each.status for each in received.receipts] == ([ours] if ours else []), word
        for each in received.receipts:
            assert each.outbox_id == "o" or each.provider_id == "p"


@every
def test_a_batch_is_each_of_its_messages(plays: Plays):
    """One request may bring many, of many people."""
    if not plays.batches:
        pytest.skip("this provider brings one message at a time")
    said = [Said(provider_id=f"id-{number}") for number in range(50)]
    contacts = receive(plays, plays.message(*said)).contacts
    assert [each.provider_id for each in contacts] == [each.provider_id for each in said]


@every
def test_one_bad_item_harms_no_other_of_its_batch(plays: Plays):
    """The bad one is kept as well, as it came: whatever is genuine is somebody's."""
    if not plays.batches:
        pytest.skip("this provider brings one message at a time")
    said = [Said(provider_id=f"id-{number}") for number in range(5)]
    bad, *good = receive(plays, plays.spoiled(*said)).contacts
    assert [each.provider_id for each in good] == [each.provider_id for each in said]
    assert (bad.address, bad.linked) == ("", False)
    assert shown_of(bad.media_type, bad.body).text


@every
def test_a_kind_that_nobody_knows_is_shown_or_named(plays: Plays):
    """Providers invent kinds; none of them is silence, and none of them is lost."""
    for webhook in plays.strange():
        (contact,) = receive(plays, webhook).contacts
        assert contact.provider_id
        shown = shown_of(contact.media_type, contact.body)
        assert shown.text or shown.notice or shown.wanted or contact.body == b"Body"


@every
@given(body=st.binary(max_size=400))
def test_garbage_is_received_without_a_mistake(plays: Plays, body: bytes):
    """Genuine or not, nothing in a body may make our translation fail; and whatever was kept can be shown."""
    for contact in receive(plays, plays.over(body)).contacts:
        assert contact.provider_id
        shown_of(contact.media_type, contact.body).text.encode("utf-8")


@every
@given(body=st.binary(max_size=200), query=st.text(max_size=60), given_signature=st.text(max_size=60))
def test_what_is_not_genuine_is_refused_and_nothing_else(
    plays: Plays, body: bytes, query: str, given_signature: str
):
    """Nobody without the secret gets anything else out of it than a refusal."""
    webhook = plays.message()
    headers = {
        name: given_signature if name == plays.proof else value for name, value in webhook.headers.items()
    }
    with pytest.raises(NotAuthentic):
        receive(plays, replace(webhook, body=body, query=query, headers=headers))


@every
@given(body=st.binary(max_size=400))
def test_whatever_was_kept_can_be_shown(plays: Plays, body: bytes):
    """Also what was kept years ago, or half erased: a human sees something, and JSON can carry it."""
    shown = plays.provider.shown(body)
    shown.text.encode("utf-8")
    assert all("\0" not in each for each in (shown.text, *(address for address, _ in shown.wanted)))


@every
def test_answers_of_the_api_mean_what_they_say(plays: Plays):
    """What is final is not tried again, what is not is, and what may have left is flagged."""
    replies = plays.replies
    for kind, of_kind in (
        ("sent", replies.sent),
        ("later", replies.later),
        ("later", replies.unsure),
        ("failed", replies.failed),
        ("account_failed", replies.account_failed),
    ):
        assert of_kind
        for reply in of_kind:
            outcome = plays.provider.outcome_of(reply)
            assert outcome.kind == kind, (reply, outcome)
            assert outcome.certain == (of_kind is not replies.unsure), (reply, outcome)
            assert outcome.detail or kind == "sent", reply
    assert all(plays.provider.outcome_of(each).provider_id for each in replies.sent)


@every
@given(
    status=st.integers(100, 599),
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["code", "sid", "status", "error_code", "x"]), inner),
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    retry_after=st.text(max_size=12),
)
def test_no_answer_of_the_api_is_too_strange(plays: Plays, status: int, body: bytes, retry_after: str):
    """Whatever stands there instead of the provider: no failure, and never an invented success."""
    reply = HttpReply(status=status, headers={"retry-after": retry_after}, body=body)
    outcome = plays.provider.outcome_of(reply)
    assert outcome.kind in ("sent", "later", "failed", "account_failed")
    assert 0 <= outcome.retry_after_ms <= 3_600_000
    if outcome.kind == "sent":
        assert 200 <= status < 300 and outcome.provider_id


@every
@pytest.mark.parametrize("text", WORDS)
def test_an_answer_is_asked_of_the_providers_own_address(plays: Plays, text: str):
    """With the account's credentials, which therefore go nowhere else, and the same at every attempt."""
    outgoing = Outgoing(
        outbox_id="out-1",
        attempt=1,
        to_address="+15557654321",
        text=text,
        status_url="https://help.example.org/hooks/line/status?outbox_id=out-1",
    )
    request = plays.provider.request_of(outgoing, plays.account)
    assert request.url.startswith("https://")
    again = plays.provider.request_of(replace(outgoing, attempt=2), plays.account)
    assert again == request
    elsewhere = replace(plays.account, endpoint="http://127.0.0.1:9/")
    assert plays.provider.request_of(outgoing, elsewhere).url.startswith("http://127.0.0.1:9/")
    assert plays.account.secret.decode() not in request.url


@every
@given(address=st.text(max_size=80))
def test_credentials_go_to_nobody_who_asks_for_them(plays: Plays, address: str):
    """An attachment's address is written by whoever sent the message, or by whoever pretends to."""
    assert plays.provider.media_request(address, plays.account) is None


@every
def test_the_probe_of_our_watch_is_a_genuine_text(plays: Plays):
    """A probe that the provider's own module does not take would tell that the way is closed, for ever."""
    name = new_name()
    webhook = webhook_of(plays.account, name, NOW_MS)
    assert webhook is not None
    (contact,) = receive(plays, webhook).contacts
    assert shown_of(contact.media_type, contact.body).text.startswith(TEXT)
    probe = as_probe(contact, name)
    assert (probe.traffic, probe.linked, probe.thread, probe.address) == ("probe", False, "", "")
    with pytest.raises(NotAuthentic):
        receive(plays, replace(webhook, headers={**webhook.headers, plays.proof: "another"}))


def test_nobody_becomes_a_probe_by_what_they_say():
    """The name of a probe is in no text, and what is no name is none."""
    assert hash_of(TEXT) == hash_of("") == hash_of("x" * 42) == ""
