"""What each event of Messenger and Instagram says to people. One that is not known is shown as it came."""

from dataclasses import replace
from typing import Any, Final  # Any: JSON of a provider, looked at before use

from router.channels.json_body import at, number, words, written
from router.channels.port import Shown
from router.places.place import place_of

Event = dict[str, Any]

NO_MESSAGE: Final = frozenset(
    {"delivery", "read", "optin", "referral", "account_linking", "pass_thread_control", "take_thread_control"}
    | {"request_thread_control", "app_roles", "policy_enforcement", "game_play", "typing"}
)
"""Events that are nobody's words: receipts, and what goes on between apps and pages."""

_FILES: Final = frozenset({"image", "video", "audio", "file"})
_NAMED: Final = {
    "video": "A video.",
    "audio": "A voice message.",
    "file": "A file.",
    "story_mention": "They mentioned us in their story.",
    "ig_reel": "A reel that they passed on.",
    "reel": "A reel that they passed on.",
    "ig_post": "A post that they passed on.",
    "post": "A post that they passed on.",
    "share": "A post that they passed on.",
    "fallback": "A link.",
    "template": "A card with buttons.",
    "ephemeral": "A picture that could be seen once; nobody gets it any more.",
    "like_heart": "A heart.",
}


def said(event: Event, *, standby: bool, elsewhere: str) -> Shown:
    """What this event says, with what people should know of how it came.

    Shape: standby: another app answers this person at present. elsewhere is the page it was written to,
           where that is another one than the account's.
    """
    shown = _kind(event)
    notices = [shown.notice]
    if standby:
        notices.append("Another program of ours answers this conversation at present.")
    if elsewhere:
        notices.append(f"Written to another page of ours ({elsewhere}); an answer may be refused.")
    return replace(
        shown,
        notice=" ".join(each for each in notices if each),
        said_at_ms=number(event, "timestamp"),
    )


def _kind(event: Event) -> Shown:
    if isinstance(event.get("message"), dict):
        return _message(event["message"])
    if "message_edit" in event:
        notice = "They changed an earlier message to this; what it said before is kept as it came."
        return Shown(text=words(event, "message_edit", "text"), notice=notice, things=1)
    if "reaction" in event:
        return _reaction(event)
    if "postback" in event:
        pressed = words(event, "postback", "title") or words(event, "postback", "payload")
        return Shown(text=pressed, notice="Pressed a button.", things=1)
    return _unknown(event)


def _message(message: Event) -> Shown:
    if message.get("is_deleted") is True:
        notice = "They deleted an earlier message. Here it is kept as it came."
        return Shown(text="", notice=notice, things=1)
    attachments = message.get("attachments")
    hangs = [_attachment(each) for each in attachments] if isinstance(attachments, list) else []
    notices = [each.notice for each in hangs if each.notice]
    if message.get("is_unsupported") is True:
        notices.append("Something that Meta hands over to nobody: ask.")
    if "quick_reply" in message:
        notices.append("Chose an answer.")
    if at(message, "reply_to", "story") is not None:
        notices.append("An answer to a story of ours.")
    text = "\n".join(filter(None, [words(message, "text"), *(each.text for each in hangs)]))
    if not text and not hangs and not notices and "text" not in message:
        return _unknown(message)
    return Shown(
        text=text,
        wanted=tuple(wanted for each in hangs for wanted in each.wanted),
        notice=" ".join(notices),
        things=len(hangs) + len(notices),
        places=tuple(place for each in hangs for place in each.places),
    )


def _attachment(attachment: object) -> Shown:
    """One thing that hangs on a message: a file to fetch, a place, a link, or named as what it is."""
    kind, payload = words(attachment, "type"), at(attachment, "payload")
    notice = "A sticker." if at(payload, "sticker_id") else _NAMED.get(kind, "")
    url, title = words(payload, "url"), words(payload, "title") or words(attachment, "title")
    latitude, longitude = at(payload, "coordinates", "lat"), at(payload, "coordinates", "long")
    if kind == "location" and isinstance(latitude, int | float) and isinstance(longitude, int | float):
        point = place_of("pin", latitude, longitude, words=title)
        places = () if point is None else (point,)
        return Shown(text=f"{latitude}, {longitude}", notice="A place that they sent.", places=places)
    if kind in _FILES and url:
        return Shown(text="", wanted=((url, ""),), notice=notice)
    if kind in _FILES:
        return Shown(text="", notice=f"{notice or 'A picture.'} Meta did not hand it over.")
    if kind in _NAMED:
        link = url or words(attachment, "url")
        return Shown(text="\n".join(each for each in (title, link) if each), notice=notice)
    notice = f"An attachment of a kind that is not known here: {kind or 'unnamed'}."
    return Shown(text=written(attachment), notice=notice)


def _reaction(event: Event) -> Shown:
    if words(event, "reaction", "action") == "unreact":
        return Shown(text="", notice="Took back a reaction to an earlier message.", things=1)
    emoji = words(event, "reaction", "emoji") or words(event, "reaction", "reaction")
    return Shown(text=emoji, notice="A reaction to an earlier message.", things=1)


def _unknown(event: Event) -> Shown:
    return Shown(text=written(event), notice="A kind of message that is not known here.", things=1)
