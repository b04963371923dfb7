"""What is WhatsApp's own: every kind it publishes, who is who there, its verification and its media."""

import json
from dataclasses import replace

import pytest

from router.channels import whatsapp
from router.channels.port import NotAuthentic, Outgoing, Shown
from tests.contracts.plays import Said
from tests.contracts.whatsapp import OUR_ID, OURS, PERSON, WhatsApp, body_of, message_of, value_of, webhook_of

KNOWN = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
    rb'{"messages":[{"from":"15557654321","id":"wamid.1","timestamp":"1793040000","type":"text","text":'
    rb'{"body":"Fire \ud83d\udd25"}}]}}]}]}'
)
KNOWN_SIGNATURE = "sha256=a8faae700f6022d276771d3dad94129f8994b587276502bfd0dd48ac2ffcc7fa"
OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address=f"+{PERSON}", text="Stay on the roof. 🚒")


def shown(kind: str, content: object, **others: object) -> Shown:
    """What a message of this kind says."""
    plays = WhatsApp()
    webhook = plays.message(Said(), type=kind, text=None, **{kind: content}, **others)
    (contact,) = whatsapp.receive(webhook, plays.account).contacts
    return whatsapp.shown(contact.body)


def test_a_signature_computed_elsewhere_is_genuine():
    """By openssl, so that our own idea of it is not tested against itself."""
    account = replace(WhatsApp().account, secret=b"a small secret")
    (contact,) = whatsapp.receive(webhook_of(KNOWN, KNOWN_SIGNATURE), account).contacts
    assert whatsapp.shown(contact.body).text == "Fire 🔥"
    with pytest.raises(NotAuthentic):
        whatsapp.receive(webhook_of(KNOWN, KNOWN_SIGNATURE.upper()), account)


@pytest.mark.parametrize(
    ("kind", "content", "text", "notice"),
    [
        ("reaction", {"message_id": "wamid.0", "emoji": "👍"}, "👍", "A reaction"),
        ("reaction", {"message_id": "wamid.0", "emoji": ""}, "", "Took back a reaction"),
        ("reaction", {"message_id": "wamid.0"}, "", "Took back a reaction"),
        ("location", {"latitude": 12.25, "longitude": -43.5}, "12.25, -43.5", "A place"),
        (
            "location",
            {"latitude": 1, "longitude": 2, "name": "Mill", "address": "2 Mill Lane"},
            "1, 2\nMill\n2 Mill Lane",
            "A place",
        ),
        (
            "contacts",
            [
                {
                    "name": {"formatted_name": "Jo Bell"},
                    "phones": [{"phone": "+1 555 1"}],
                    "emails": [{"email": "j@b"}],
                }
            ],
            "Jo Bell, +1 555 1, j@b",
            "Contacts",
        ),
        (
            "order",
            {"product_items": [{"product_retailer_id": "sandbag", "quantity": 30}]},
            "30 x sandbag",
            "An order",
        ),
        ("button", {"text": "I am safe", "payload": "safe"}, "I am safe", "Pressed"),
        (
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "a", "title": "Two people"}},
            "Two people",
            "Chose",
        ),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "a", "title": "Roof", "description": "above water"}},
            "Roof\nabove water",
            "Chose",
        ),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": '{"a":1}'}}, '{"a":1}', "Chose"),
        (
            "system",
            {"type": "user_changed_number", "body": "Mira changed", "wa_id": "15557650000"},
            "",
            "WhatsApp says: Mira changed They are now +15557650000.",
        ),
        (
            "edit",
            {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "2 Mill Lane"}}},
            "2 Mill Lane",
            "They changed an earlier message",
        ),
        ("revoke", {"original_message_id": "wamid.0"}, "", "They deleted an earlier message"),
        ("unsupported", {"type": "poll"}, "", "(poll)"),
        ("request_welcome", None, "", "They opened this conversation"),
        (
            "poll",
            {"question": "where?"},
            '{"question": "where?"}',
            "A kind of message that is not known here: poll",
        ),
    ],
)
def test_every_published_kind_says_what_it_is(kind: str, content: object, text: str, notice: str):
    """Shown or named, never dropped; and none of them is taken for somebody who cannot speak."""
    said = shown(kind, content)
    assert said.text == text
    assert notice in said.notice
    assert said.things == 1
    assert said.said_at_ms == 1_793_040_000_000


@pytest.mark.parametrize(
    ("kind", "more", "notice"),
    [
        ("image", {"caption": "the kitchen"}, ""),
        ("video", {}, "A video."),
        ("audio", {"voice": False}, "A sound recording."),
        ("audio", {"voice": True}, "A voice message."),
        ("document", {"filename": "plan.pdf"}, "A file: plan.pdf"),
        ("sticker", {"animated": True}, "A sticker."),
    ],
)
def test_media_are_wanted_by_their_id(kind: str, more: dict[str, object], notice: str):
    """Their address is asked for when they are fetched: it would hold for five minutes only."""
    said = shown(kind, {"id": "2754859441498128", "mime_type": "x/y", **more})
    assert said.wanted == (("whatsapp:2754859441498128", "x/y"),)
    assert (said.text, said.notice) == (more.get("caption", ""), notice)


def test_a_medium_that_was_not_handed_over_is_named():
    """Nothing to fetch, but something was there."""
    said = shown("image", {"mime_type": "image/jpeg"})
    assert said.wanted == ()
    assert "did not hand it over" in said.notice


def test_how_a_message_came_is_told_beside_it():
    """A forwarded cry is somebody else's, and an advertisement says what they expect here."""
    said = shown("image", {"id": "1"}, context={"forwarded": True}, referral={"headline": "Flood help"})
    assert "Forwarded" in said.notice
    assert "Flood help" in said.notice
    errors = [{"code": 131051, "title": "Unknown", "error_data": {"details": "not supported"}}]
    assert "not supported (131051)" in shown("unsupported", None, errors=errors).notice
    assert "in a group" in shown("image", {"id": "1"}, group_id="g").notice


def test_half_an_emoji_harms_nothing_around_it():
    """Some telephones cut a text in the middle of a sign."""
    plays = WhatsApp()
    body = body_of(value_of(message_of(Said(text="X")), message_of(Said(text="fine"))))
    body = body.replace(b'"X"', rb'"caf\u00e9 \ud83d"')
    contacts = whatsapp.receive(plays.over(body), plays.account).contacts
    assert [whatsapp.shown(each.body).text for each in contacts] == ["café \ufffd", "fine"]


def test_each_message_of_a_batch_is_kept_as_it_came():
    """With its sender's name, and without what others wrote."""
    plays = WhatsApp()
    body = json.dumps(json.loads(body_of(value_of(message_of(Said(text="äö")), message_of(Said(text="b"))))))
    spaced = body.replace('"type": "text"', '"type"  :  "text"').encode()
    first, _ = whatsapp.receive(plays.over(spaced), plays.account).contacts
    assert rb'"type"  :  "text", "text": {"body": "\u00e4\u00f6"}' in first.body
    assert b"Mira" in first.body
    assert b'"b"' not in first.body


def test_a_flood_of_items_costs_no_time():
    """A million of nothing in one body is one thing that somebody should look at."""
    plays = WhatsApp()
    body = b'{"entry":[' + b"0," * 1_000_000 + b"0]}"
    (contact,) = whatsapp.receive(plays.over(body), plays.account).contacts
    assert contact.body == body


def test_all_entries_and_changes_are_read():
    """Meta puts what it has into one request, of several numbers and kinds."""
    plays = WhatsApp()
    body = body_of(
        value_of(message_of(Said(provider_id="1"))),
        value_of(statuses=[{"id": "sent-1", "status": "delivered"}]),
        value_of(message_of(Said(provider_id="2"))),
    )
    received = whatsapp.receive(plays.over(body), plays.account)
    assert [each.provider_id for each in received.contacts] == ["1", "2"]
    assert [each.status for each in received.receipts] == ["delivered"]


def test_a_message_to_another_of_our_numbers_is_kept_and_says_so():
    """One app has one webhook for all numbers; an answer leaves from the account's own."""
    plays = WhatsApp()
    value = value_of(
        message_of(Said()), metadata={"display_phone_number": "15550100999", "phone_number_id": "9"}
    )
    (contact,) = whatsapp.receive(plays.over(body_of(value)), plays.account).contacts
    assert "another number of ours (15550100999)" in whatsapp.shown(contact.body).notice


@pytest.mark.parametrize(
    ("sender", "others", "known"),
    [
        (PERSON, {}, ("phone", f"+{PERSON}", True)),
        ("", {"from_user_id": "US.4711"}, ("whatsapp:chats", "US.4711", True)),
        ("", {}, ("whatsapp:chats", "US.4711", True)),  # beside the message, in contacts
        (OURS[1:], {}, ("phone", OURS, False)),
        ("15550000000", {}, ("phone", "+15550000000", False)),  # shared, says the plan
    ],
)
def test_a_person_is_known_by_number_or_else_by_metas_id(
    sender: str, others: dict[str, object], known: tuple[str, str, bool]
):
    """Whoever hides their number can be answered all the same, and is never somebody else."""
    plays = WhatsApp()
    message = {**message_of(Said(), **others), "from": sender}
    (contact,) = whatsapp.receive(plays.over(body_of(value_of(message))), plays.account).contacts
    assert (contact.address_kind, contact.address, contact.linked) == known
    assert contact.verified


def test_who_calls_by_whatsapp_is_not_left_unheard():
    """Nobody answers calls there: somebody must know that they tried."""
    plays = WhatsApp()
    call = {
        "id": "wacid.1",
        "from": PERSON,
        "event": "connect",
        "direction": "USER_INITIATED",
        "timestamp": "5",
    }
    ended = {**call, "event": "terminate"}
    body = body_of(value_of(calls=[call, ended]), field="calls")
    (contact,) = whatsapp.receive(plays.over(body), plays.account).contacts
    assert (contact.provider_id, contact.address) == ("wacid.1", f"+{PERSON}")
    assert "tried to call" in whatsapp.shown(contact.body).notice


def test_meta_is_told_that_the_address_is_ours():
    """Only who knows the verify token gets its challenge back, as text and nothing else."""
    plays = WhatsApp()
    asks = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    right = webhook_of(b"", "", method="GET", query=f"{asks}we%20are%20the+centre")
    received = whatsapp.receive(right, plays.account)
    assert (received.answer.body, received.answer.media_type) == (b"1158201444", "text/plain")
    for query in (
        f"{asks}another",
        asks,
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=we+are+the+centre",
        "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=we+are+the+centre",
    ):
        with pytest.raises(NotAuthentic):
            whatsapp.receive(replace(right, query=query), plays.account)


def test_a_failed_status_says_why():
    """By Meta's number, which people can look up; 131026 reaches nobody."""
    plays = WhatsApp()
    (receipt,) = whatsapp.receive(plays.status("failed", error=131026), plays.account).receipts
    assert (receipt.status, receipt.detail, receipt.outbox_id) == ("failed", "whatsapp_131026", "out-1")


def test_an_answer_goes_to_a_number_or_to_metas_id():
    """Each has a field of its own, and our id comes back with every status."""
    plays = WhatsApp()
    request = whatsapp.request_of(OUTGOING, plays.account)
    assert request.url == f"https://graph.facebook.com/v24.0/{OUR_ID}/messages"
    assert request.headers["authorization"] == "Bearer EAAtoken"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": PERSON,
        "type": "text",
        "text": {"preview_url": False, "body": OUTGOING.text},
        "biz_opaque_callback_data": "out-1",
    }
    hidden = json.loads(whatsapp.request_of(replace(OUTGOING, to_address="US.4711"), plays.account).body)
    assert hidden["recipient"] == "US.4711"
    assert "to" not in hidden


def test_a_pair_that_is_too_fast_slows_down_nobody_else():
    """131056 is about one person's conversation; 130429 is about our whole number."""
    plays = WhatsApp()
    busy = {json.loads(each.body)["error"]["code"]: each for each in plays.replies.later if each.body}
    assert not whatsapp.outcome_of(busy[131056]).of_account
    assert whatsapp.outcome_of(busy[130429]).of_account


STORE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=x-y"


def test_a_medium_is_asked_of_the_graph_api_and_fetched_where_it_says():
    """With our token, which goes to these two addresses and to no other."""
    account = WhatsApp().account
    asks = whatsapp.media_request("whatsapp:2754859441498128", account)
    assert asks is not None and asks.leads_to is not None
    assert asks.url == f"https://graph.facebook.com/v24.0/2754859441498128?phone_number_id={OUR_ID}"
    assert asks.leads_to(json.dumps({"url": STORE, "id": "1"}).encode()) == STORE
    assert [asks.leads_to(each) for each in (b"", b"[]", b'{"url": 7}', b"<html>")] == [""] * 4
    fetches = whatsapp.media_request(STORE, account)
    assert fetches is not None and fetches.leads_to is None
    assert (fetches.url, fetches.headers["authorization"]) == (STORE, "Bearer EAAtoken")
    for wrong in (
        STORE.replace("https", "http"),
        STORE.replace("lookaside.fbsbx.com", "lookaside.fbsbx.com.evil.example"),
        STORE.replace("lookaside.fbsbx.com", "evil.example"),
        STORE.replace("https://", "https://me@"),
        STORE.replace("attachments/", "attachments/../../"),
        STORE.replace("/whatsapp_business", ""),
        "whatsapp:../me",
        "whatsapp:",
        "whatsapp:1?fields=x",
        "https://graph.facebook.com/v24.0/me",
    ):
        assert whatsapp.media_request(wrong, account) is None, wrong
