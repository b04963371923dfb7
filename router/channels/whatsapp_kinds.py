"""What each kind of WhatsApp message says to people. A kind that is not listed is shown as it came.

Source: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final  # Any: JSON of a provider, looked at before use

from router.channels.json_body import at, name, number, pins, words, written
from router.channels.port import Shown

Message = dict[str, Any]

MEDIA: Final = "whatsapp:"
"""Before the id of a medium: the address under which it is wanted. Where it is, the Graph API says."""

_NAMED: Final = {"video": "A video.", "audio": "A sound recording.", "sticker": "A sticker."}
"""Kinds of media of which agents should know before the file is there; a picture needs no name."""


def said(message: Message, elsewhere: str) -> Shown:
    """What this message says, with what people should know of how it came.

    Shape: elsewhere is the number it was written to, where that is another one than the account's.
    """
    kind = words(message, "type")
    shown = KINDS.get(kind, _unknown)(message)
    notices = [shown.notice, *_circumstances(message)]
    if elsewhere:
        notices.append(f"Written to another number of ours ({elsewhere}); an answer may be refused.")
    return replace(
        shown,
        notice=" ".join(each for each in notices if each),
        said_at_ms=number(message, "timestamp") * 1000,
    )


def _text(message: Message) -> Shown:
    return Shown(text=words(message, "text", "body"))


def _medium(message: Message) -> Shown:
    kind = words(message, "type")
    medium = message.get(kind)
    medium_id, file_name = name(medium, "id"), words(medium, "filename")
    notice = "A voice message." if at(medium, "voice") is True else _NAMED.get(kind, "")
    if file_name:
        notice = f"A file: {file_name}"
    if not medium_id:
        notice = f"{notice} WhatsApp did not hand it over.".strip()
    return Shown(
        text=words(medium, "caption"),
        wanted=((MEDIA + medium_id, words(medium, "mime_type")),) if medium_id else (),
        notice=notice,
        things=1,
    )


def _reaction(message: Message) -> Shown:
    emoji = words(message, "reaction", "emoji")
    notice = "A reaction to an earlier message." if emoji else "Took back a reaction to an earlier message."
    return Shown(text=emoji, notice=notice, things=1)


def _location(message: Message) -> Shown:
    place = message.get("location")
    latitude, longitude = at(place, "latitude"), at(place, "longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return _unknown(message)
    named = [words(place, "name"), words(place, "address")]
    text = "\n".join([f"{latitude}, {longitude}", *(each for each in named if each)])
    return Shown(text=text, notice="A place that they sent.", things=1, places=pins(place))


def _contacts(message: Message) -> Shown:
    cards = message.get("contacts")
    lines = [_card(each) for each in cards if isinstance(each, dict)] if isinstance(cards, list) else []
    shared = words(message, "origin") == "contact_request"
    notice = "Their own number, as we asked." if shared else "Contacts that they sent."
    return Shown(text="\n".join(lines), notice=notice, things=1) if any(lines) else _unknown(message)


def _card(card: Message) -> str:
    ways = [
        words(way, key)
        for kind, key in (("phones", "phone"), ("emails", "email"))
        for way in card.get(kind) or ()
        if isinstance(card.get(kind), list)
    ]
    return ", ".join(each for each in (words(card, "name", "formatted_name"), *ways) if each) or words(
        card, "vcard"
    )


def _order(message: Message) -> Shown:
    goods = at(message, "order", "product_items")
    lines = [
        f"{number(each, 'quantity')} x {words(each, 'product_retailer_id')}"
        for each in (goods if isinstance(goods, list) else ())
    ]
    text = "\n".join(filter(None, [words(message, "order", "text"), *lines]))
    return Shown(text=text, notice="An order from a catalogue.", things=1) if text else _unknown(message)


def _button(message: Message) -> Shown:
    text = words(message, "button", "text") or words(message, "button", "payload")
    return Shown(text=text, notice="Pressed a button of a message.", things=1) if text else _unknown(message)


def _interactive(message: Message) -> Shown:
    answer = message.get("interactive")
    chosen = at(answer, words(answer, "type"))
    parts = [words(chosen, each) for each in ("title", "description", "body", "response", "response_json")]
    text = "\n".join(each for each in parts if each)
    return Shown(text=text, notice="Chose an answer.", things=1) if text else _unknown(message)


def _system(message: Message) -> Shown:
    new = name(message, "system", "wa_id") or name(message, "system", "new_wa_id")
    told = words(message, "system", "body") or words(message, "system", "type") or "A notice."
    notice = f"WhatsApp says: {told}" + (f" They are now +{new}." if new.isdigit() else "")
    return Shown(text="", notice=notice, things=1)


def _edit(message: Message) -> Shown:
    changed = at(message, "edit", "message")
    if not isinstance(changed, dict) or words(changed, "type") in ("", "edit"):
        return _unknown(message)
    shown = KINDS.get(words(changed, "type"), _unknown)(changed)
    return replace(shown, notice=f"{shown.notice} {_EDITED}".strip(), things=1)


_EDITED: Final = "They changed an earlier message to this; what it said before is kept as it came."


def _revoke(message: Message) -> Shown:
    return Shown(text="", notice="They deleted an earlier message. Here it is kept as it came.", things=1)


def _unsupported(message: Message) -> Shown:
    kind = words(message, "unsupported", "type")
    named = f" ({kind})" if kind else ""
    return Shown(text="", notice=f"Something that WhatsApp hands over to nobody{named}: ask.", things=1)


def _welcome(message: Message) -> Shown:
    return Shown(text="", notice="They opened this conversation for the first time.", things=1)


def _call(message: Message) -> Shown:
    return Shown(text="", notice="They tried to call by WhatsApp. Calls are not taken there.", things=1)


def _unknown(message: Message) -> Shown:
    kind = words(message, "type")
    text = written(message.get(kind) or message)
    return Shown(
        text=text, notice=f"A kind of message that is not known here: {kind or 'unnamed'}.", things=1
    )


KINDS: Final[Mapping[str, Callable[[Message], Shown]]] = {
    "text": _text,
    **dict.fromkeys(("image", "video", "audio", "voice", "document", "sticker"), _medium),
    "reaction": _reaction,
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "button": _button,
    "interactive": _interactive,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "unsupported": _unsupported,
    "request_welcome": _welcome,
    "call": _call,
}


def _circumstances(message: Message) -> list[str]:
    """How it came: forwarded, by an advertisement, from a group, with what went wrong."""
    found = []
    if at(message, "context", "forwarded") is True or at(message, "context", "frequently_forwarded") is True:
        found.append("Forwarded: not their own words.")
    if "referral" in message:
        source = words(message, "referral", "headline") or words(message, "referral", "source_url")
        found.append(f"They came by an advertisement or post: {source}".strip())
    if name(message, "group_id"):
        found.append("Written in a group; an answer goes to this person alone.")
    errors = message.get("errors")
    for each in errors if isinstance(errors, list) else ():
        told = words(each, "error_data", "details") or words(each, "message") or words(each, "title")
        found.append(f"WhatsApp says: {told} ({name(each, 'code')})")
    return found
