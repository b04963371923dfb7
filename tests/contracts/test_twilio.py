"""What is Twilio's own: its published vectors, its own library as a witness, and who is who on SMS."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from router.channels import twilio_sms
from router.channels.port import NotAuthentic, Outgoing, Received
from tests.contracts.plays import Said
from tests.contracts.twilio import NUMBER, PERSON, SID, TOKEN, Twilio, fields_of, webhook_of

PUBLISHED = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
OUTGOING = Outgoing(
    outbox_id="out-1",
    attempt=1,
    to_address=PERSON,
    text="Stay on the roof. 🚒",
    status_url="https://help.example.org/hooks/line/status?outbox_id=out-1",
)


def received(body: bytes, signature: str, *, url: str, secret: bytes = b"12345") -> Received:
    base, _, query = url.partition("?")
    account = replace(Twilio().account, secret=secret, public_url=base)
    webhook = webhook_of(body, {"x-twilio-signature": signature}, query=query)
    return twilio_sms.receive(webhook, account)


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (PUBLISHED, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (PUBLISHED, "kvajT1Ptam85bY51eRf/AJRuM3w="),  # signed with :443
        (PUBLISHED.replace(".com", ".com:443"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (PUBLISHED.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (PUBLISHED.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),  # signed with :80
        (PUBLISHED.replace("https", "http").replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_published_signatures_are_genuine(url: str, signature: str):
    """With and without the port, as Twilio's own libraries accept them."""
    assert received(urlencode(PARAMS).encode(), signature, url=url).receipts == ()
    with pytest.raises(NotAuthentic):
        received(urlencode({**PARAMS, "Digits": "1235"}).encode(), signature, url=url)


def test_whatever_somebody_sends_is_in_front_of_a_human():
    """A call that the provider brings here by mistake, a message without words: somebody wanted something."""
    twilio = Twilio()
    address = b"From=%2B15551230123"
    for body in (b"CallSid=CA1&CallStatus=ringing&" + address, b"MessageSid=SM1&" + address):
        (contact,) = twilio_sms.receive(twilio.over(body), twilio.account).contacts
        assert (contact.address, contact.linked) == ("+15551230123", True)
        assert "+15551230123" in twilio_sms.shown(contact.body).text.replace("%2B", "+")


@pytest.mark.parametrize("status", ["Received", "RECEIVING", "scheduled", "something new", "sent"])
def test_words_of_somebody_are_no_receipt_whatever_their_status_says(status: str):
    """Receipts have no words, or are of what we sent."""
    twilio = Twilio()
    body = urlencode({"MessageSid": "SM1", "From": "+15551230123", "SmsStatus": status, "Body": "a fire"})
    received = twilio_sms.receive(twilio.over(body.encode()), twilio.account)
    assert [contact.provider_id for contact in received.contacts] == ["SM1"]
    ours = urlencode(
        {"MessageSid": "SM1", "From": twilio.account.address, "SmsStatus": "sent", "Body": "we come"}
    )
    received = twilio_sms.receive(twilio.over(ours.encode()), twilio.account)
    assert (received.contacts, len(received.receipts)) == ((), 1)


def test_repeated_fields_are_signed_once_each_and_in_order():
    """The published vector for parameters that come twice."""
    body = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234"
    received(body, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", url=PUBLISHED)
    with pytest.raises(NotAuthentic):
        received(body + b"&Digits=9", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", url=PUBLISHED)


def test_a_json_body_is_signed_by_its_hash_in_the_address():
    """The published vector for a body that is no form."""
    body = b'{"property": "value", "boolean": true}'
    url = f"{PUBLISHED}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    received(body, "a9nBmqA0ju/hNViExpshrM61xv4=", url=url)
    with pytest.raises(NotAuthentic, match="not the one that was signed"):
        received(body + b" ", "a9nBmqA0ju/hNViExpshrM61xv4=", url=url)


@given(
    fields=st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=12)), max_size=12),
    query=st.dictionaries(st.sampled_from(["a", "b", "rc"]), st.text(alphabet="abc", max_size=3)),
)
def test_twilios_own_library_signs_as_we_check(fields: list[tuple[str, str]], query: dict[str, str]):
    """Whatever Twilio adds, repeats or leaves empty, in whatever script."""
    fields = [
        (name, value)
        for name, value in fields
        if (name + value).encode("utf-8", "replace").decode() == name + value
    ]
    url = "https://help.example.org/hooks/line" + (f"?{urlencode(query)}" if query else "")
    expected = RequestValidator(TOKEN.decode()).compute_signature(url, MultiDict(fields))
    received(urlencode(fields).encode(), expected, url=url, secret=TOKEN)


def test_another_address_or_path_is_not_genuine():
    """A request for one account, sent again to another or to another path, is nobody's."""
    plays = Twilio()
    webhook = plays.message()
    for elsewhere in (replace(webhook, path="status"), replace(webhook, query="a=b")):
        with pytest.raises(NotAuthentic):
            twilio_sms.receive(elsewhere, plays.account)
    with pytest.raises(NotAuthentic):
        twilio_sms.receive(webhook, Twilio(public_url="https://help.example.org/hooks/other").account)


def test_a_flood_of_fields_costs_no_time():
    """Sixty thousand fields in one small body are refused before they are taken apart."""
    with pytest.raises(NotAuthentic, match="500 fields"):
        received(b"a&" * 30_000, "x", url=PUBLISHED)


def test_a_person_is_known_by_the_carriers_number():
    """The number is vouched for, so it joins and links; the words are not read here."""
    plays = Twilio()
    (contact,) = twilio_sms.receive(plays.message(), plays.account).contacts
    assert (contact.address_kind, contact.address) == ("phone", PERSON)
    assert (contact.verified, contact.linked, contact.joins, contact.thread) == (True, True, True, "")


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("+266696687", ""),  # spells anonymous
        ("anonymous", ""),
        ("Restricted", ""),
        ("88777", "88777"),  # a short code
        ("BANK", "BANK"),  # letters instead of a number
        ("+15550000000", "+15550000000"),  # a switchboard, says the plan
        (NUMBER, NUMBER),  # ourselves
        ("+0123", "+0123"),
    ],
)
def test_what_is_nobodys_own_number_is_never_linked(sender: str, address: str):
    """Behind one withheld or shared number are many people, and none may read what another wrote."""
    plays = Twilio()
    (contact,) = twilio_sms.receive(plays.message(Said(sender=sender)), plays.account).contacts
    assert (contact.linked, contact.address) == (False, address)


def test_an_address_of_another_platform_means_something_only_there():
    """The same digits on another platform may be somebody else's."""
    plays = Twilio()
    (contact,) = twilio_sms.receive(plays.message(Said(sender=f"whatsapp:{PERSON}")), plays.account).contacts
    assert (contact.address_kind, contact.address) == ("twilio:line", f"whatsapp:{PERSON}")


def test_without_a_sender_or_an_id_it_is_still_a_message():
    """Whatever passes authentication becomes an interaction, however malformed."""
    plays = Twilio()
    one, other = (
        twilio_sms.receive(plays.over(b"Body=" + text), plays.account).contacts[0] for text in (b"a", b"b")
    )
    assert one.provider_id != other.provider_id
    assert (one.address, one.linked) == ("", False)


def test_pictures_are_wanted_by_their_addresses():
    """A message of pictures alone is no silence, and their number is not believed."""
    plays = Twilio()
    media = {f"MediaUrl{number}": f"https://api.twilio.com/{number}" for number in range(3)}
    types = {f"MediaContentType{number}": "image/jpeg" for number in range(2)}
    webhook = plays.message(Said(text=""), NumMedia="9999999999999", **media, **types)
    (contact,) = twilio_sms.receive(webhook, plays.account).contacts
    shown = twilio_sms.shown(contact.body)
    assert shown.text == ""
    assert shown.wanted == (
        ("https://api.twilio.com/0", "image/jpeg"),
        ("https://api.twilio.com/1", "image/jpeg"),
        ("https://api.twilio.com/2", ""),
    )


@pytest.mark.parametrize("word", ["STOP", "stop", "START", "HELP"])
def test_a_word_for_the_network_reaches_a_human_with_a_notice(word: str):
    """STOP can be a cry to somebody in the room; whoever answers must know that answers may not arrive."""
    plays = Twilio()
    webhook = plays.message(Said(text=word), OptOutType=word.upper())
    (contact,) = twilio_sms.receive(webhook, plays.account).contacts
    shown = twilio_sms.shown(contact.body)
    assert (shown.text, bool(shown.notice)) == (word, True)


def test_a_failed_status_says_why():
    """By Twilio's number, which people can look up."""
    plays = Twilio()
    (receipt,) = twilio_sms.receive(plays.status("undelivered", error="30003"), plays.account).receipts
    assert (receipt.status, receipt.detail) == ("failed", "twilio_30003")
    assert (receipt.outbox_id, receipt.provider_id) == ("out-1", "sent-1")


def test_an_answer_carries_our_id_to_its_status():
    """Twilio knows no id of ours otherwise, and its own may come to us after the first status."""
    request = twilio_sms.request_of(OUTGOING, Twilio().account)
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
    assert request.headers["authorization"].startswith("Basic ")
    assert parse_qs(request.body.decode()) == {
        "To": [PERSON],
        "From": [NUMBER],
        "Body": [OUTGOING.text],
        "StatusCallback": [OUTGOING.status_url],
    }


def test_a_messaging_service_sends_instead_of_a_number():
    """Where the account has one, it chooses among its numbers."""
    account = Twilio().account
    account = replace(account, options={**account.options, "messaging_service_sid": "MG1"})
    form = parse_qs(twilio_sms.request_of(OUTGOING, account).body.decode())
    assert form["MessagingServiceSid"] == ["MG1"]
    assert "From" not in form


def test_a_centre_that_nobody_can_reach_asks_for_no_status():
    """Twilio refuses the whole message for a callback on 127.0.0.1 (21609): better without one."""
    here = replace(OUTGOING, status_url="http://127.0.0.1:8000/hooks/line/status?outbox_id=out-1")
    account = Twilio().account
    assert b"StatusCallback" not in twilio_sms.request_of(here, account).body
    rehearsal = replace(account, endpoint="http://127.0.0.1:9000")
    assert b"StatusCallback" in twilio_sms.request_of(here, rehearsal).body


def test_a_busy_api_says_when_to_come_again():
    """In seconds; whatever else stands there is as we like."""
    reply = Twilio().replies.later[2]
    assert twilio_sms.outcome_of(reply).retry_after_ms == 7_000
    dated = replace(reply, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"})
    assert twilio_sms.outcome_of(dated).retry_after_ms == 0


MEDIUM = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"


def test_a_picture_is_fetched_with_our_credentials_from_the_api_only():
    """Everywhere else the credentials would be given away."""
    account = Twilio().account
    request = twilio_sms.media_request(MEDIUM, account)
    assert request is not None
    assert (request.url, "authorization" in request.headers) == (MEDIUM, True)
    for wrong in (
        MEDIUM.replace("https", "http"),
        MEDIUM.replace("api.twilio.com", "api.twilio.com.evil.example"),
        MEDIUM.replace("api.twilio.com", "evil.example"),
        MEDIUM.replace("https://", "https://evil@"),
        MEDIUM.replace("api.twilio.com", "api.twilio.com:8443"),
        MEDIUM.replace(SID, "AC" + "1" * 32),
        MEDIUM.replace("/Media/ME1", "/Media/../../../Messages"),
        MEDIUM.replace("/Media/ME1", ".json"),
        "https://[",
    ):
        assert twilio_sms.media_request(wrong, account) is None, wrong
    asked = twilio_sms.media_request(MEDIUM + "?next=https://evil.example#x", account)
    assert asked is not None
    assert asked.url == MEDIUM, "nothing but the medium itself is asked for"


def test_fields_of_a_message_are_as_documented():
    """The player and the reading agree on what a message is made of."""
    body = urlencode(fields_of(Said(text="Where are you?"))).encode()
    assert twilio_sms.shown(body).text == "Where are you?"


def test_a_place_that_comes_by_its_other_networks_is_one():
    """By WhatsApp or RCS Twilio hands it over beside an empty text."""
    plays = Twilio()
    where = {"Latitude": "52.370216", "Longitude": "4.895168", "Label": "Dam", "Address": "1012 Amsterdam"}
    (contact,) = twilio_sms.receive(plays.message(Said(text=""), **where), plays.account).contacts
    shown = plays.provider.shown(contact.body)
    assert (shown.text, shown.things) == ("52.370216, 4.895168", 1)
    assert [(each.source, each.words) for each in shown.places] == [("pin", "Dam, 1012 Amsterdam")]
    (nowhere,) = twilio_sms.receive(
        plays.message(Said(text=""), Latitude="0", Longitude="0.0"), plays.account
    ).contacts
    assert plays.provider.shown(nowhere.body).places == ()
