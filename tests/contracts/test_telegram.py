"""What is Telegram's own: every kind of update, groups, pressed buttons, and how files are fetched."""

import json
from dataclasses import replace

import pytest

from router.channels import telegram
from router.channels.port import Outgoing, Shown
from tests.contracts.plays import Said
from tests.contracts.telegram import GROUP, NOW, PERSON, TOKEN, Telegram, message_of

OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address=PERSON, text="Stay on the roof. 🚒")
POINT = {"latitude": 12.25, "longitude": -43.5}
PERSON_CHAT = {"id": int(PERSON), "type": "private"}


def shown(**what: object) -> Shown:
    """What an update with this says."""
    plays = Telegram()
    received = telegram.receive(plays.update("1", **what), plays.account)
    (contact,) = (*received.contacts, *received.sightings)
    return telegram.shown(contact.body)


def says(**content: object) -> Shown:
    """What a message with this says."""
    return shown(message=message_of(Said(), **content))


@pytest.mark.parametrize(
    ("content", "text", "notice", "things"),
    [
        ({"text": "/start flood"}, "/start flood", "They opened this conversation.", 0),
        ({"location": POINT}, "12.25, -43.5", "A place that they sent.", 1),
        (
            {"location": {**POINT, "horizontal_accuracy": 12.0, "live_period": 900}},
            "12.25, -43.5 (within 12 m)",
            "Where they are, live",
            1,
        ),
        (
            {"venue": {"location": POINT, "title": "Mill", "address": "2 Mill Lane"}, "location": POINT},
            "12.25, -43.5\nMill\n2 Mill Lane",
            "A place",
            1,
        ),
        ({"contact": {"first_name": "Jo", "phone_number": "+1555"}}, "Jo +1555", "A contact", 1),
        (
            {"contact": {"first_name": "Mira", "phone_number": "+1555", "user_id": int(PERSON)}},
            "Mira +1555",
            "Their own number",
            1,
        ),
        ({"dice": {"emoji": "🎲", "value": 6}}, "🎲 6", "A throw of dice.", 1),
        (
            {"poll": {"question": "Where?", "options": [{"text": "roof"}, {"text": "attic"}]}},
            "Where?\nroof\nattic",
            "A poll.",
            1,
        ),
        ({"text": "look", "forward_origin": {}}, "look", "Forwarded", 0),
        ({"story": {"id": 3}}, '{"story": {"id": 3}}', "not known here: story.", 1),
        ({"pinned_message": {}}, '{"pinned_message": {}}', "not known here: pinned_message.", 1),
    ],
)
def test_every_published_kind_says_what_it_is(
    content: dict[str, object], text: str, notice: str, things: int
):
    """Shown or named, never dropped; and a place or a reaction is no silence."""
    said = says(**content)
    assert said.text == text
    assert notice in said.notice
    assert (said.things, said.said_at_ms) == (things, NOW * 1000)


@pytest.mark.parametrize(
    ("content", "wanted", "text", "notice"),
    [
        ({"photo": [{"file_id": "small"}, {"file_id": "large"}], "caption": "see"}, "large", "see", ""),
        ({"video": {"file_id": "f", "mime_type": "video/mp4"}}, "f", "", "A video."),
        ({"video_note": {"file_id": "f"}}, "f", "", "A video message."),
        ({"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, "a", "", "A moving picture."),
        ({"audio": {"file_id": "f"}}, "f", "", "A sound recording."),
        ({"voice": {"file_id": "f"}}, "f", "", "A voice message."),
        ({"document": {"file_id": "f", "file_name": "plan.pdf"}}, "f", "", "A file: plan.pdf"),
        ({"sticker": {"file_id": "f", "emoji": "🆘"}}, "f", "🆘", "A sticker."),
    ],
)
def test_files_are_wanted_by_their_id(content: dict[str, object], wanted: str, text: str, notice: str):
    """A picture in its largest size; where it is, Telegram says for an hour only."""
    said = says(**content)
    assert [address for address, _ in said.wanted] == [f"telegram:{wanted}"]
    assert (said.text, said.notice) == (text, notice)


def test_a_changed_message_is_another_one_and_a_live_place_only_moved():
    """What it said before stays; and a place that follows somebody is no correction."""
    said = shown(edited_message=message_of(Said(), text="2 Mill Lane", edit_date=NOW + 60))
    assert (said.text, said.said_at_ms) == ("2 Mill Lane", (NOW + 60) * 1000)
    assert "They changed an earlier message" in said.notice
    moved = shown(edited_message=message_of(Said(), location={**POINT, "live_period": 900}))
    assert "live" in moved.notice and "changed" not in moved.notice


def test_a_live_position_that_goes_on_is_no_message():
    """One in some seconds for hours: the first is a message, the others only say where somebody is now."""
    plays = Telegram()
    live = {**POINT, "live_period": 900, "horizontal_accuracy": 12.5}
    first = telegram.receive(plays.update("1", message=message_of(Said(), location=live)), plays.account)
    moved = message_of(Said(), location={**live, "latitude": 12.5}, edit_date=NOW + 60)
    later = telegram.receive(plays.update("2", edited_message=moved), plays.account)
    assert (len(first.contacts), first.sightings) == (1, ())
    (sighting,) = later.sightings
    assert (later.contacts, sighting.follows, sighting.address) == ((), True, PERSON)
    (place,) = telegram.shown(sighting.body).places
    assert (place.source, place.lat_e7, place.radius_m) == ("live", 125000000, 13)
    assert place.fix_at_ms == (NOW + 60) * 1000
    changed = message_of(Said(), text="2 Mill Lane", edit_date=NOW + 60)
    assert telegram.receive(plays.update("3", edited_message=changed), plays.account).contacts


def test_a_reaction_and_its_end_are_told():
    """Also one that is no emoji."""
    reaction = {"chat": PERSON_CHAT, "message_id": 5, "date": NOW, "old_reaction": []}
    given = shown(
        message_reaction={**reaction, "new_reaction": [{"type": "emoji", "emoji": "👍"}, {"type": "paid"}]}
    )
    assert (given.text, given.things) == ("👍 paid", 1)
    assert "Took back" in shown(message_reaction={**reaction, "new_reaction": []}).notice


def test_a_pressed_button_stops_turning():
    """Our answer to the webhook is the request that Telegram waits for."""
    plays = Telegram()
    query = {"id": "4382bfdwdsb323b2d9", "from": {"id": int(PERSON)}, "data": "safe"}
    asked = {**query, "message": {"message_id": 5, "chat": PERSON_CHAT}}
    received = telegram.receive(plays.update("7", callback_query=asked), plays.account)
    (contact,) = received.contacts
    assert telegram.shown(contact.body).text == "safe"
    assert contact.address == PERSON
    assert json.loads(received.answer.body) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "4382bfdwdsb323b2d9",
    }
    (inline,) = telegram.receive(plays.update("8", callback_query=query), plays.account).contacts
    assert inline.address == PERSON, "of a message that is gone, its person is known all the same"


def test_a_group_is_one_conversation_of_many_people():
    """Nobody's history is shown for it, who speaks stands before the words, and the group is answered."""
    plays = Telegram()
    first, second = (
        telegram.receive(plays.message(Said(sender=sender), chat=GROUP, text="help"), plays.account).contacts[
            0
        ]
        for sender in ("1", "2")
    )
    assert first.thread == second.thread != ""
    assert "1001234567890" not in first.thread, "threads are in the journal, which knows no ids"
    assert (first.linked, first.address) == (False, "-1001234567890")
    assert telegram.shown(first.body).text == "Mira: help"
    other = telegram.receive(plays.message(chat={**GROUP, "id": -5}, text="x"), plays.account).contacts[0]
    assert other.thread != first.thread


def test_a_person_is_known_to_one_bot_only():
    """By the chat, which is where an answer goes."""
    plays = Telegram()
    (contact,) = telegram.receive(plays.message(), plays.account).contacts
    assert (contact.address_kind, contact.address) == ("telegram:bot", PERSON)
    assert (contact.verified, contact.linked, contact.thread) == (True, True, "")


def test_an_answer_goes_to_the_chat():
    """With the token in the address, as Telegram wants it; addresses are in no log."""
    request = telegram.request_of(OUTGOING, Telegram().account)
    assert request.url == f"https://api.telegram.org/bot{TOKEN.decode()}/sendMessage"
    assert TOKEN.decode() not in repr(request)
    told = json.loads(request.body)
    assert (told["chat_id"], told["text"]) == (int(PERSON), OUTGOING.text)
    channel = telegram.request_of(replace(OUTGOING, to_address="@news"), Telegram().account)
    assert json.loads(channel.body)["chat_id"] == "@news"


def test_too_fast_waits_as_long_as_it_is_told():
    """In the body; and one chat's flood stops no other answer."""
    outcome = telegram.outcome_of(Telegram().replies.later[0])
    assert (outcome.retry_after_ms, outcome.of_account) == (35_000, False)


def test_a_message_id_is_its_chats_own():
    """Every chat counts from one: without the chat two messages would be one."""
    assert telegram.outcome_of(Telegram().replies.sent[0]).provider_id == f"{PERSON}/9"


def test_a_file_is_asked_of_the_api_and_fetched_from_it():
    """Both addresses are made here: nothing that a message says is an address."""
    account = Telegram().account
    asks = telegram.media_request("telegram:AgACAgIAAxkBAAE-x_y", account)
    assert asks is not None and asks.leads_to is not None
    assert asks.url == f"https://api.telegram.org/bot{TOKEN.decode()}/getFile?file_id=AgACAgIAAxkBAAE-x_y"
    place = asks.leads_to(b'{"ok":true,"result":{"file_id":"x","file_path":"photos/file_0.jpg"}}')
    fetches = telegram.media_request(place, account)
    assert fetches is not None and fetches.leads_to is None
    assert fetches.url == f"https://api.telegram.org/file/bot{TOKEN.decode()}/photos/file_0.jpg"
    assert [asks.leads_to(each) for each in (b"", b"{}", b'{"result":{"file_path":7}}')] == [""] * 3
    for wrong in (
        "telegram:../getMe",
        "telegram:",
        "telegram:a?b",
        "telegram-file:../getMe",
        "telegram-file:/etc/passwd",
        "telegram-file:photos/../../bot/getMe",
        "telegram-file:a?b",
        "https://api.telegram.org/file/bot1/x",
    ):
        assert telegram.media_request(wrong, account) is None, wrong
