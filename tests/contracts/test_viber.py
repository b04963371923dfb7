"""What is Viber's own: its published vector, its kinds, who left, and where its files are."""

import json
from dataclasses import replace

import pytest

from router.channels import viber
from router.channels.port import NotAuthentic, Outgoing, Shown
from tests.contracts.viber import NOW_MS, PERSON, Viber


def says(**message: object) -> Shown:
    plays = Viber()
    (contact,) = viber.receive(plays.message(**message), plays.account).contacts
    return viber.shown(contact.body)


def test_the_published_signature_is_genuine():
    """Of the tests of Viber's own library, which sign what Viber asks when a webhook is set up."""
    plays = Viber()
    body = b'{"event":"webhook","timestamp":4977069964384421269,"message_token":1478683725125}'
    signed = "d21b343448c8aee33b8e93768ef6ceb64a6ba6163099973a2b8bd028fea510ef"
    webhook = replace(plays.message(), body=body, headers={"x-viber-content-signature": signed})
    received = viber.receive(webhook, plays.account)
    assert (received.answer.status, received.contacts, received.wishes) == (200, (), ())
    for wrong in (body.replace(b"webhook", b"message"), body[:-1]):
        with pytest.raises(NotAuthentic):
            viber.receive(replace(webhook, body=wrong), plays.account)


@pytest.mark.parametrize(
    ("message", "text", "notice"),
    [
        ({"type": "location", "location": {"lat": 50.76891, "lon": 6.11499}}, "50.76891, 6.11499", "A place"),
        (
            {"type": "contact", "contact": {"name": "Ana", "phone_number": "+1555"}},
            "help\nAna\n+1555",
            "number",
        ),
        ({"type": "url", "media": "https://example.org", "text": ""}, "https://example.org", "A link."),
        ({"type": "sticker", "sticker_id": 46105, "text": ""}, "", "A sticker."),
        ({"type": "video", "media": "https://dl-media.viber.com/1.mp4"}, "help", "A video."),
        (
            {"type": "file", "media": "https://dl-media.viber.com/1", "file_name": "a.pdf"},
            "help",
            "A file. a.pdf",
        ),
        ({"type": "picture"}, None, "not known here"),
        ({"type": "hologram"}, None, "not known here"),
    ],
)
def test_every_published_kind_says_what_it_is(message: dict[str, object], text: str | None, notice: str):
    """Shown or named, never dropped; and none of them is taken for somebody who cannot speak."""
    said = says(**message)
    assert said.text == text if text is not None else str(message["type"]) in said.text
    assert notice in said.notice
    assert (said.things, said.said_at_ms) == (1, NOW_MS)


def test_a_pin_is_where_they_are_and_0_0_is_nowhere():
    """A telephone that found nothing sends 0, 0 as well."""
    (place,) = says(type="location", location={"lat": 50.76891, "lon": 6.11499}).places
    assert (place.source, place.lat_e7, place.lon_e7) == ("pin", 507_689_100, 61_149_900)
    assert says(type="location", location={"lat": 0, "lon": 0}).places == ()


def test_a_picture_is_fetched_from_viber_only_and_without_our_token():
    """Its address is written by whoever sent the message."""
    account = Viber().account
    url = "https://dl-media.viber.com/1/secret/0x0/a8/1.jpg?sig=%2F=&x=1"
    said = says(type="picture", media=url, text="the roof", file_name="1.jpg")
    assert (said.text, said.wanted) == ("the roof", ((url, ""),))
    request = viber.media_request(url, account)
    assert request is not None
    assert (request.method, request.url, request.headers) == ("GET", url, {})
    for wrong in (
        "http://dl-media.viber.com/1.jpg",
        "https://viber.com.evil.example/1.jpg",
        "https://evil.example/.viber.com/1.jpg",
        "https://evil.example\\.viber.com/1.jpg",
        "https://user@dl-media.viber.com/1.jpg",
        "https://dl-media.viber.com:8080/1.jpg",
        "https://dl-media.viber.com/a/../b",
        "https://dl-media.viber.com/1.jpg\r\nx: y",
    ):
        assert viber.media_request(wrong, account) is None, wrong


def test_who_leaves_is_noted_and_their_answers_are_tried_all_the_same():
    """Whoever writes again is back, and Viber does not say so: to hold their answer back would be silence."""
    plays = Viber()
    left = plays.callback("unsubscribed", "1", user_id=PERSON)
    back = plays.callback("subscribed", "1", user={"id": PERSON})
    wishes = [viber.receive(each, plays.account).wishes[0] for each in (left, back)]
    assert [(each.address_kind, each.address, each.out, each.blocks) for each in wishes] == [
        ("viber:viber", PERSON, True, False),
        ("viber:viber", PERSON, False, False),
    ]


def test_an_answer_says_who_writes():
    """Viber refuses a message without a name, and one with a long name."""
    plays = Viber()
    outgoing = Outgoing(outbox_id="out-1", attempt=1, to_address=PERSON, text="Stay on the roof. 🚒")
    named = replace(plays.account, options={"from_name": "Lowen County Emergency Communications"})
    for account, name in ((plays.account, "lowen-help"), (named, "Lowen County Emergency Commu")):
        request = viber.request_of(outgoing, account)
        told = json.loads(request.body)
        assert (told["sender"], told["receiver"], told["text"]) == ({"name": name}, PERSON, outgoing.text)
        assert request.headers["x-viber-auth-token"] == plays.account.secret.decode()
        assert request.url == "https://chatapi.viber.com/pa/send_message"


def test_an_id_beyond_2_53_stays_what_it_is():
    """A receipt whose id was rounded is about nobody's message."""
    plays = Viber()
    (receipt,) = viber.receive(
        plays.status("seen", provider_id="5741311803571721087"), plays.account
    ).receipts
    sent = viber.outcome_of(plays.replies.sent[0])
    assert receipt.provider_id == sent.provider_id == "5741311803571721087"
