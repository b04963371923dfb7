"""What is LINE's own: its published vector, its kinds, and a repeat that LINE recognises."""

import json
from dataclasses import replace

import pytest

from router.channels import line
from router.channels.port import NotAuthentic, Outgoing, Shown
from tests.contracts.line import PERSON, Line


def says(**event: object) -> Shown:
    plays = Line()
    (contact,) = line.receive(plays.message(**event), plays.account).contacts
    return line.shown(contact.body)


def test_the_published_signature_is_genuine():
    """Of LINE's own library; over a body that is no JSON, which is kept as it came."""
    plays = Line()
    account = replace(plays.account, secret=b"channel_secret")
    signed = {"x-line-signature": "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="}
    webhook = replace(plays.message(), body=b"bodybodybodybody", headers=signed)
    (contact,) = line.receive(webhook, account).contacts
    assert line.shown(contact.body).text == "bodybodybodybody"
    with pytest.raises(NotAuthentic):
        line.receive(replace(webhook, body=b"bodybodybodybodY"), account)


@pytest.mark.parametrize(
    ("event", "text", "notice"),
    [
        (
            {
                "message": {
                    "type": "location",
                    "latitude": 1.5,
                    "longitude": 2,
                    "title": "Mill",
                    "address": "x",
                }
            },
            "1.5, 2\nMill\nx",
            "A place",
        ),
        ({"message": {"type": "sticker", "text": "SOS"}}, "SOS", "A sticker."),
        ({"type": "unsend", "message": None, "unsend": {"messageId": "1"}}, "", "They deleted"),
        ({"type": "postback", "message": None, "postback": {"data": "safe"}}, "safe", "Pressed"),
        ({"message": {"type": "file", "id": "1", "fileName": "plan.pdf"}}, "", "A file: plan.pdf"),
        ({"message": {"type": "hologram"}}, None, "not known here"),
    ],
)
def test_every_published_kind_says_what_it_is(event: dict[str, object], text: str | None, notice: str):
    """Shown or named, never dropped; and none of them is taken for somebody who cannot speak."""
    said = says(**event)
    assert said.text == text if text is not None else "hologram" in said.text
    assert notice in said.notice
    assert (said.things, said.said_at_ms) == (1, 1_793_040_000_000)


def test_a_group_is_one_conversation_of_many_people():
    """An answer goes to the group; nobody's history is shown for it."""
    plays = Line()
    contacts = [
        line.receive(plays.message(source={"groupId": group, "userId": user}), plays.account).contacts[0]
        for group, user in (("C1", "U1"), ("C1", "U2"), ("C2", "U1"))
    ]
    assert [(each.address, each.linked) for each in contacts] == [("C1", False), ("C1", False), ("C2", False)]
    assert contacts[0].thread == contacts[1].thread != contacts[2].thread
    (alone,) = line.receive(plays.message(), plays.account).contacts
    assert (alone.address_kind, alone.address, alone.linked) == ("line:friends", PERSON, True)


def test_a_repeat_of_an_answer_is_known_by_line():
    """By its retry key, so that what may have left leaves once; and then it has arrived."""
    plays = Line()
    outgoing = Outgoing(outbox_id="out-1", attempt=1, to_address=PERSON, text="Stay on the roof.")
    first, other = (
        line.request_of(each, plays.account).headers["x-line-retry-key"]
        for each in (outgoing, replace(outgoing, outbox_id="out-2"))
    )
    assert len(first) == 36 and first != other
    assert json.loads(line.request_of(outgoing, plays.account).body)["to"] == PERSON
    assert line.outcome_of(plays.repeated).provider_id == "123e4567"


def test_content_is_fetched_from_line_only():
    """By the message's id, with our token."""
    account = Line().account
    said = says(message={"type": "video", "id": "354718705033693861"})
    ((address, _),) = said.wanted
    request = line.media_request(address, account)
    assert request is not None
    assert request.url == "https://api-data.line.me/v2/bot/message/354718705033693861/content"
    assert request.headers["authorization"] == "Bearer line+token=="
    for wrong in ("line:", "line:1/../2", "line:x", "https://api-data.line.me/v2/bot/message/1/content"):
        assert line.media_request(wrong, account) is None
