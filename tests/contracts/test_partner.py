"""What is the signed webhook's own: its clock, its schema, what it answers to those who get it wrong."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from router.channels import webhook_json
from router.channels.partner_report import schema
from router.channels.port import NotAuthentic, Outgoing, Shown, Webhook
from router.channels.showing import says_the_same
from tests.contracts.partner import PANEL, Partner, report_of
from tests.contracts.plays import Said

DOCS = Path(__file__).parents[2] / "docs"
OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address=PANEL, text="Is anybody there?")


def shown(webhook: Webhook) -> Shown:
    """What one report says."""
    (contact,) = webhook_json.receive(webhook, Partner().account).contacts
    return webhook_json.shown(contact.body)


def test_the_published_schema_is_what_is_checked():
    """What partners read and what we take are printed from the same lines."""
    assert (DOCS / "partner-webhook.schema.json").read_bytes() == schema()


def test_the_published_example_is_a_report():
    """Whoever copies it gets an answer without problems."""
    page = (DOCS / "partner-webhook.md").read_text(encoding="utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    plays = Partner()
    received = webhook_json.receive(plays.over(example.encode()), plays.account)
    assert json.loads(received.answer.body) == {"kept": True, "problems": []}
    assert webhook_json.shown(received.contacts[0].body).text.splitlines() == [
        "Smoke detected in hall 3.",
        "Fire panel, Lowen paper mill (panel-17)",
        "40.7301, -73.9907 (within 10 m)",
        "2 Mill Lane, gate B",
        "detectors: 3",
        "temperature: 71 °C",
    ]


def test_a_signature_computed_elsewhere_is_genuine():
    """By openssl, as the page says: printf '1793040000.{"kind":…}' | openssl dgst -sha256 -hmac secret."""
    body = b'{"kind":"report","id":"1","text":"Smoke"}'
    header = "t=1793040000,v1=e74ada2731da91ded8e11ef4e7ce6c147e5e0fef85d81fb8eb91665922e7d505"
    webhook = replace(
        Partner().message(), body=body, headers={"muster-signature": header}, received_at_ms=1_793_040_000_000
    )
    account = replace(Partner().account, secret=b"a small secret")
    assert len(webhook_json.receive(webhook, account).contacts) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"from": {"address": "sensor-b"}},
        {"from": {"address": "sensor-a"}, "traffic": "real"},
        {"from": {"address": "sensor-a"}, "reference": "x"},
    ],
)
def test_what_only_looks_the_same_is_another_report(other: dict[str, object]):
    """Sensors count from 1, each for itself: what was acknowledged must not vanish as a repeat of another."""
    base = {"kind": "report", "id": "1", "text": "Smoke", "from": {"address": "sensor-a"}, "traffic": "probe"}
    one, another = json.dumps(base).encode(), json.dumps({**base, **other}).encode()
    assert says_the_same(webhook_json.media_type, one, one)
    assert not says_the_same(webhook_json.media_type, one, another)


@pytest.mark.parametrize(
    ("off_s", "passes"), [(0, True), (299, True), (-299, True), (302, False), (-302, False)]
)
def test_a_request_is_good_for_five_minutes(off_s: int, passes: bool):
    """Whoever copied one cannot use it later; a clock that is a little off is no reason to lose a report."""
    plays = Partner()
    webhook = replace(plays.over(b"{}", at_s=1_000), received_at_ms=(1_000 + off_s) * 1_000)
    if passes:
        assert webhook_json.receive(webhook, plays.account).answer.status == 202
    else:
        with pytest.raises(NotAuthentic, match="300 seconds from our clock"):
            webhook_json.receive(webhook, plays.account)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "t=<Unix seconds>,v1=<64 small hex digits>"),
        ("v1=" + "0" * 64, "t=<Unix seconds>"),
        ("t=1,v1=" + "A" * 64, "small hex digits"),
        ("t=1,v1=" + "0" * 64, "HMAC-SHA256 of t, a full stop and the body"),
    ],
)
def test_a_wrong_signature_is_told_how_to_be_right(header: str, says: str):
    """Whoever builds a sensor has nobody to ask at night."""
    webhook = replace(Partner().message(), headers={"muster-signature": header})
    with pytest.raises(NotAuthentic, match=says):
        webhook_json.receive(webhook, Partner().account)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"not json", "malformed"),
        (b'{"kind": "report", "text": "x"}', "missing required field `id`"),
        (b'{"kind": "report", "id": "1", "text": 7}', "Expected `str`, got `int` - at `$.text`"),
        (b'{"id": "1", "text": "x"}', "missing required field `kind`"),
        (b'{"kind": "alarm", "id": "1", "text": "x"}', "Invalid value 'alarm' - at `$.kind`"),
        (
            b'{"kind": "report", "id": "1", "text": "x", "said_at": "2026-11-04T08:15:02"}',
            "`$.said_at`",
        ),
        (
            b'{"kind": "report", "id": "1", "text": "x", "place": {"latitude": 91, "longitude": 0}}',
            "<= 90.0 - at `$.place.latitude`",
        ),
    ],
)
def test_what_does_not_fit_is_kept_raw_and_told_what_to_mend(body: bytes, says: str):
    """A badly built sensor may see a real fire: a human looks at what it sent."""
    plays = Partner()
    received = webhook_json.receive(plays.over(body), plays.account)
    assert received.answer.status == 202
    told = json.loads(received.answer.body)
    assert told["kept"] is True
    assert says in told["problems"][0]
    said = webhook_json.shown(received.contacts[0].body)
    assert said.text == body.decode()
    assert says in said.notice


def test_fields_that_are_not_known_harm_nothing():
    """A partner may send the same to others who want more."""
    plays = Partner()
    received = webhook_json.receive(plays.message(Said(text="Smoke"), colour="red"), plays.account)
    assert received.answer.status == 200


def test_below_the_words_stands_what_else_is_known():
    """For people and for the rules alike; a place alone is no silence."""
    said = shown(
        Partner().message(
            Said(text=""),
            place={"latitude": 1, "longitude": 2.5},
            fields={"door open": True, "persons": 3, "note": "gate B"},
            said_at="2026-11-04T08:15:02-05:00",
        )
    )
    assert said.text.splitlines() == ["", "1.0, 2.5", "door open: yes", "persons: 3", "note: gate B"]
    assert (said.things, said.said_at_ms) == (4, 1_793_798_102_000)


@pytest.mark.parametrize(
    ("sender", "vouched", "known"),
    [
        ({"address": PANEL}, False, ("partner:mill", PANEL, True, True)),
        ({"address": "+15557654321", "kind": "phone"}, False, ("phone", "+15557654321", False, True)),
        ({"address": "+15557654321", "kind": "phone"}, True, ("phone", "+15557654321", True, True)),
        ({"address": "house phone", "kind": "phone"}, True, ("partner:mill", "house phone", True, True)),
        ({"address": "mira@example.org", "kind": "mail"}, False, ("mail", "mira@example.org", False, True)),
        ({"address": "+15550000000", "kind": "phone"}, True, ("phone", "+15550000000", True, False)),
        (None, False, ("partner:mill", "", True, False)),
    ],
)
def test_people_are_claimed_and_devices_are_the_partners_own(
    sender: dict[str, str] | None, vouched: bool, known: tuple[str, str, bool, bool]
):
    """Anybody can write any number into a form; the plan says which partner has checked it."""
    plays = Partner(vouched=vouched)
    (contact,) = webhook_json.receive(plays.message(**{"from": sender}), plays.account).contacts
    assert (contact.address_kind, contact.address, contact.verified, contact.linked) == known


def test_drills_and_probes_are_flagged_from_the_first_byte():
    """They go the whole way, and are left out of the statistics."""
    plays = Partner()
    (contact,) = webhook_json.receive(plays.message(traffic="drill"), plays.account).contacts
    assert contact.traffic == "drill"


def test_half_an_emoji_is_read_as_well():
    """A form may cut a text in the middle of a sign."""
    plays = Partner()
    body = json.dumps(report_of(Said(text="X"))).encode().replace(b'"X"', rb'"fire \ud83d"')
    received = webhook_json.receive(plays.over(body), plays.account)
    assert received.answer.status == 200
    assert webhook_json.shown(received.contacts[0].body).text == "fire \ufffd"


def test_the_year_one_is_no_mistake_of_ours():
    """Some clocks begin there."""
    assert shown(Partner().message(said_at="0001-01-01T00:00:00+14:00")).said_at_ms == 0


def test_an_answer_is_signed_and_the_same_each_time():
    """Without the time: a repeat is the same answer, and known by its id."""
    request = webhook_json.request_of(OUTGOING, Partner().account)
    assert json.loads(request.body) == {"id": "out-1", "to": PANEL, "text": OUTGOING.text}
    assert request.headers["muster-signature"].startswith("v1=")


def test_why_an_answer_failed_is_a_code_and_never_free_words():
    """It stands in the journal and in logs."""
    plays = Partner()
    for reason, detail in (("no_route", "partner_no_route"), ("Mira was rude", "")):
        told = {"kind": "status", "message": "out-1", "status": "failed", "reason": reason}
        (receipt,) = webhook_json.receive(plays.over(json.dumps(told).encode()), plays.account).receipts
        assert receipt.detail == detail
