"""Telephones' own reports: over HTTPS with their hmac, as a text; never words, never refused loudly."""

import hashlib
import hmac
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels import aml_form
from router.channels.port import Account, NotAuthentic, Received, Webhook
from tests.contracts.plays import Flipped, Said
from tests.contracts.twilio import PERSON, Twilio, fields_of
from tests.places.test_aml import NO_FIX, STANDARD

SECRET = b"AML"
FORM = {
    "v": "3",
    "emergency_number": "112",
    "location_latitude": "52.370216",
    "location_longitude": "4.895168",
    "location_accuracy": "9.3",
    "device_number": "+447477593102",
}
ACCOUNT = Account(
    account_id="els",
    channel="partner",
    provider="aml",
    address="els",
    secret=SECRET,
    endpoint="",
    public_url="https://help.example.org/hooks/els",
    options={},
)


def posted(body: bytes, *, signed: bool = True, method: str = "POST") -> Webhook:
    if signed:
        body += b"&hmac=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest().encode()
    return Webhook(method=method, path="", query="", headers={}, body=body, received_at_ms=7)


def receive(webhook: Webhook, account: Account = ACCOUNT) -> Received:
    return aml_form.receive(webhook, account)


def test_a_report_is_of_its_number_and_no_message():
    """It belongs to a call: an agent must not be offered it as a conversation."""
    received = receive(posted(urlencode(FORM).encode()))
    (report,) = received.sightings
    assert (received.contacts, received.answer.status) == ((), 200)
    assert (report.address_kind, report.address, report.linked) == ("phone", "+447477593102", True)
    shown = aml_form.shown(report.body)
    assert shown.text.startswith("+447477593102: 52.370216, 4.895168 (within 10 m)")
    assert [each.source for each in shown.places] == ["aml"]


def test_one_flipped_bit_at_any_place_is_discarded_and_answered_as_if_not():
    """Whoever changes one bit sends people to another house. 2xx, or telephones would try again for ever."""
    webhook = posted(urlencode(FORM).encode())
    flipped = Flipped(webhook.body)
    for position in flipped.positions:
        with pytest.raises(NotAuthentic) as refused:
            receive(replace(webhook, body=flipped.at(position)))
        assert refused.value.status == 200


def test_the_published_example_of_the_signature_is_ours():
    """The published vector of aml-lib, whose key is `AML`: what others sign, we take."""
    body = (
        b"v=1&device_number=%2B33611223344&location_latitude=0.85732&location_longitude=-4.26325"
        b"&location_time=1604912121000&location_accuracy=10.4&location_source=GPS&location_certainty=83"
        b"&hmac=f64c70eb238bb239e00e8ac8c023bf2b5d3c41dd"
    )
    (report,) = receive(posted(body, signed=False)).sightings
    (place,) = aml_form.shown(report.body).places
    assert (report.address, place.radius_m, place.confidence, place.how) == ("+33611223344", 11, 83, "gnss")


def test_without_a_signature_only_a_plan_that_says_so_takes_it():
    """Anybody can post a form; some networks have no key to sign with."""
    webhook = posted(urlencode(FORM).encode(), signed=False)
    with pytest.raises(NotAuthentic) as refused:
        receive(webhook)
    assert refused.value.status == 200
    assert receive(webhook, replace(ACCOUNT, options={"unsigned": True})).sightings
    wrong = replace(webhook, body=webhook.body + b"&hmac=" + b"0" * 40)
    with pytest.raises(NotAuthentic):
        receive(wrong, replace(ACCOUNT, options={"unsigned": True}))


@given(st.binary(max_size=300))
def test_no_body_is_too_strange(body: bytes):
    """Every field is optional, and everything signed is kept."""
    (report,) = receive(posted(body)).sightings
    assert report.provider_id
    aml_form.shown(report.body).text.encode()
    aml_form.shown(body).text.encode()


@pytest.mark.parametrize("text", [STANDARD, NO_FIX, STANDARD + ";"])
def test_a_telephones_text_is_no_message_of_its_owner(text: str):
    """It comes from the caller's own number, in the middle of the call."""
    twilio = Twilio()
    received = twilio.provider.receive(twilio.message(Said(text=text)), twilio.account)
    (report,) = received.sightings
    assert (received.contacts, report.address) == ((), PERSON)


@pytest.mark.parametrize(
    "text", ['A"ML=1 my house is on fire', STANDARD + "\nhelp", 'A"ML=1', "A'ML=1;lt=1;lg=2"]
)
def test_words_beside_a_report_are_words(text: str):
    """Whoever writes something is heard, whatever it looks like."""
    twilio = Twilio()
    received = twilio.provider.receive(twilio.message(Said(text=text)), twilio.account)
    assert (len(received.contacts), received.sightings) == (1, ())


def test_a_picture_beside_a_report_is_seen():
    """No telephone sends one by itself: somebody wants to show something."""
    twilio = Twilio()
    fields = fields_of(Said(text=STANDARD), NumMedia="1", MediaUrl0="https://media.twiliocdn.com/1")
    received = twilio.provider.receive(twilio.over(urlencode(fields).encode()), twilio.account)
    assert (len(received.contacts), received.sightings) == (1, ())
