"""What is Messenger's and Instagram's own: every event, echoes, watermarks, and where attachments are."""

import json
from dataclasses import replace

import pytest

from router.channels.messenger import INSTAGRAM, MESSENGER
from router.channels.port import Outgoing, Receipt, Shown
from tests.contracts.messenger import NOW_MS, PAGE, PERSON, Messenger, about, event_of
from tests.contracts.plays import Said

PHOTO = "https://scontent-ams2-1.xx.fbcdn.net/v/t1.15752-9/1.jpg?_nc_cat=1&oh=00_x&oe=1"
OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address=PERSON, text="Stay on the roof. 🚒")


def attached(**attachment: object) -> dict[str, object]:
    return about(message={"mid": "m", "attachments": [attachment]})


def shown(event: object, **how: str) -> Shown:
    """What this event says."""
    plays = Messenger("messenger")
    (contact,) = MESSENGER.receive(plays.events(event, **how), plays.account).contacts
    return MESSENGER.shown(contact.body)


@pytest.mark.parametrize(
    ("event", "text", "notice"),
    [
        (event_of(Said(text="yes"), quick_reply={"payload": "Y"}), "yes", "Chose an answer."),
        (about(postback={"mid": "m", "title": "Get started", "payload": "GO"}), "Get started", "Pressed"),
        (about(reaction={"mid": "m", "action": "react", "emoji": "❤️"}), "❤️", "A reaction"),
        (about(reaction={"mid": "m", "action": "react", "reaction": "other"}), "other", "A reaction"),
        (about(reaction={"mid": "m", "action": "unreact"}), "", "Took back a reaction"),
        (about(message_edit={"mid": "m", "text": "2 Mill Lane", "num_edit": 1}), "2 Mill Lane", "changed"),
        (about(message={"mid": "m", "is_deleted": True}), "", "They deleted an earlier message."),
        (about(message={"mid": "m", "is_unsupported": True}), "", "hands over to nobody"),
        (event_of(Said(text="this one"), reply_to={"story": {"id": "1"}}), "this one", "story of ours"),
        (
            attached(type="location", payload={"coordinates": {"lat": 1.5, "long": -2}}),
            "1.5, -2",
            "A place",
        ),
        (
            attached(type="fallback", title="Map", url="https://x.example"),
            "Map\nhttps://x.example",
            "A link.",
        ),
        (attached(type="like_heart"), "", "A heart."),
        (attached(type="image", payload=None), "", "did not hand it over"),
        (attached(type="globe"), '{"type": "globe"}', "globe"),
        (about(message_feedback={"stars": 5}), None, "not known here"),
    ],
)
def test_every_published_kind_says_what_it_is(event: object, text: str | None, notice: str):
    """Shown or named, never dropped; and none of them is taken for somebody who cannot speak."""
    said = shown(event)
    assert said.text == text if text is not None else "stars" in said.text
    assert notice in said.notice
    assert said.things >= 1
    assert said.said_at_ms == NOW_MS


def test_files_are_wanted_from_metas_stores():
    """Several with one message; a sticker is named, because its picture alone says little."""
    files = [
        {"type": "image", "payload": {"url": PHOTO}},
        {"type": "audio", "payload": {"url": PHOTO + "2"}},
        {"type": "image", "payload": {"url": PHOTO + "3", "sticker_id": 369239263222822}},
    ]
    said = shown(event_of(Said(text="look"), attachments=files))
    assert said.text == "look"
    assert [address for address, _ in said.wanted] == [PHOTO, PHOTO + "2", PHOTO + "3"]
    assert said.notice == "A voice message. A sticker."


def test_our_own_words_coming_back_are_nobodys_contact():
    """Echoes arrive in the same list as messages, also of what a colleague writes in Meta's own inbox."""
    plays = Messenger("instagram")
    received = INSTAGRAM.receive(
        plays.events(event_of(Said(sender=PAGE), is_echo=True), event_of(Said(provider_id="m"))),
        plays.account,
    )
    assert [each.provider_id for each in received.contacts] == ["m"]


def test_each_reaction_change_and_deletion_is_a_contact_of_its_own():
    """They name the message that they are about; the same id would make them repeats of it."""
    plays = Messenger("messenger")
    react = {"mid": "m", "action": "react", "emoji": "👍", "reaction": "like"}
    events = [
        event_of(Said(provider_id="m")),
        about(reaction=react),
        about(reaction={**react, "action": "unreact"}),
        about(message_edit={"mid": "m", "num_edit": 1, "text": "a"}),
        about(message_edit={"mid": "m", "num_edit": 2, "text": "b"}),
        about(message={"mid": "m", "is_deleted": True}),
        about(postback={"payload": "without an id"}),
    ]
    contacts = MESSENGER.receive(plays.events(*events, *events), plays.account).contacts
    ids = [each.provider_id for each in contacts]
    assert len(set(ids)) == len(events)
    assert ids[: len(events)] == ids[len(events) :]


def test_a_person_is_known_on_one_page_only():
    """The same number on another page is somebody else."""
    plays = Messenger("messenger")
    (contact,) = MESSENGER.receive(plays.message(), plays.account).contacts
    assert (contact.address_kind, contact.address) == ("messenger:page", PERSON)
    assert (contact.verified, contact.linked) == (True, True)


def test_what_came_beside_the_line_or_to_another_page_says_so():
    """Another program answers there at present; and an answer from this page may be refused."""
    assert "Another program" in shown(event_of(Said()), line="standby").notice
    assert "another page of ours (77)" in shown(event_of(Said()), page="77").notice


def test_a_watermark_is_about_everything_until_then():
    """Messenger says how far somebody has read, not which messages."""
    plays = Messenger("messenger")
    (receipt,) = MESSENGER.receive(plays.events(about(read={"watermark": 77})), plays.account).receipts
    assert receipt == Receipt(address_kind="messenger:page", to_address=PERSON, until_ms=77, status="read")
    several = about(delivery={"mids": ["a", "b", 7], "watermark": 77})
    receipts = MESSENGER.receive(plays.events(several), plays.account).receipts
    assert [each.provider_id for each in receipts] == ["a", "b"]


def test_an_answer_is_sent_as_a_response():
    """By whoever the token belongs to: the page, or the Instagram account."""
    request = INSTAGRAM.request_of(OUTGOING, Messenger("instagram").account)
    assert request.url == "https://graph.facebook.com/v24.0/me/messages"
    assert request.headers["authorization"] == "Bearer EAApage"
    assert json.loads(request.body) == {
        "recipient": {"id": PERSON},
        "messaging_type": "RESPONSE",
        "message": {"text": OUTGOING.text},
    }


def test_outside_the_window_only_this_message_has_failed():
    """Meta's code 10 is a missing permission otherwise, which would stop the whole account."""
    plays = Messenger("messenger")
    outside, permission = plays.replies.failed[2], plays.replies.account_failed[1]
    assert MESSENGER.outcome_of(outside).detail == "messenger_10_2018278"
    assert MESSENGER.outcome_of(permission).detail == "messenger_10"


def test_attachments_are_fetched_from_metas_stores_without_our_token():
    """Their address is the key; anybody else's address is asked for nothing."""
    account = Messenger("messenger").account
    request = MESSENGER.media_request(PHOTO, account)
    assert request is not None
    assert (request.url, request.headers) == (PHOTO, {})
    for right in (
        "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1",
        "https://x.cdninstagram.com/1.mp4",
    ):
        assert MESSENGER.media_request(right, account) is not None
    for wrong in (
        PHOTO.replace("https", "http"),
        PHOTO.replace("fbcdn.net", "fbcdn.net.evil.example"),
        PHOTO.replace("scontent-ams2-1.xx.fbcdn.net", "evilfbcdn.net"),
        PHOTO.replace("https://", "https://me@"),
        PHOTO.replace("fbcdn.net", "fbcdn.net:8443"),
        "https://l.facebook.com/l.php?u=https://evil.example",
        "https://[",
    ):
        assert MESSENGER.media_request(wrong, account) is None, wrong


def test_a_page_id_may_be_as_large_as_it_likes():
    """They are beyond what a number in JavaScript can be, and are never numbers here."""
    plays = Messenger("instagram")
    huge = str(2**70 + 1)
    body = json.dumps(
        {"entry": [{"messaging": [{**event_of(Said()), "sender": {"id": 2**70 + 1}}]}]}
    ).encode()
    (contact,) = INSTAGRAM.receive(plays.over(body), replace(plays.account)).contacts
    assert contact.address == huge
    assert PAGE in contact.body.decode()
