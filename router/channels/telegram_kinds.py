"""What each kind of Telegram update says to people. A message that is not known is shown as it came.

Source: core.telegram.org/bots/api, Update and Message.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final  # Any: JSON of a provider, looked at before use

from router.channels.json_body import at, name, number, words, written
from router.channels.port import Shown
from router.places.place import place_of

Update = dict[str, Any]

FILE: Final = "telegram:"
"""Before the id of a file: the address under which it is wanted. Where it is, getFile says."""

MESSAGES: Final = (
    *("message", "edited_message", "channel_post", "edited_channel_post"),
    *("business_message", "edited_business_message"),
)
EDITED: Final = tuple(each for each in MESSAGES if each.startswith("edited"))
NO_MESSAGE: Final = frozenset(
    {"my_chat_member", "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost"}
    | {"message_reaction_count", "business_connection"}
)
"""Updates about chats that are nobody's words."""

_ENVELOPE: Final = frozenset(
    {"message_id", "message_thread_id", "from", "sender_chat", "chat", "date", "edit_date", "entities"}
    | {"caption_entities", "via_bot", "reply_to_message", "forward_origin", "is_topic_message"}
)
"""Fields of a message that are not what it says."""


def kind_of(update: Update) -> str:
    """The field that says what happened; empty where it is nobody's words.

    Kinds of updates that are not known here count when they happened in a chat: somebody did something.
    """
    for kind in (*MESSAGES, "callback_query", "message_reaction"):
        if kind in update:
            return kind
    return next(
        (kind for kind, value in update.items() if kind not in NO_MESSAGE and name(value, "chat", "id")), ""
    )


def chat_of(update: Update, kind: str) -> Any:
    """The chat that it happened in, where an answer goes to. Of a pressed button perhaps only its person."""
    what = update.get(kind)
    if kind == "callback_query":
        return at(what, "message", "chat") or at(what, "from")
    return at(what, "chat")


def said(update: Update, kind: str) -> Shown:
    """What this update says, with what people should know of how it came."""
    what = update.get(kind)
    if not isinstance(what, dict):
        return _unknown(update)
    if kind == "callback_query":
        text = words(what, "data") or words(what, "game_short_name")
        return Shown(text=text, notice="Pressed a button.", things=1)
    when_ms = (number(what, "edit_date") or number(what, "date")) * 1000
    if kind == "message_reaction":
        return replace(_reaction(what), said_at_ms=when_ms)
    if kind not in MESSAGES:
        return replace(_unknown(what), said_at_ms=when_ms)
    shown = _message(what)
    notices = [shown.notice, *_circumstances(what, edited=kind.startswith("edited"))]
    by = _speaker(what)
    return replace(
        shown,
        text=f"{by}: {shown.text}" if by else shown.text,
        notice=" ".join(each for each in notices if each),
        said_at_ms=when_ms,
    )


def _message(message: Update) -> Shown:
    if "text" in message:
        opened = words(message, "text").split(" ")[0] == "/start"
        notice = "They opened this conversation." if opened else ""
        return Shown(text=words(message, "text"), notice=notice)
    for kind, show in KINDS.items():
        if kind in message:
            return show(message, kind)
    return _unknown({key: value for key, value in message.items() if key not in _ENVELOPE})


def _file(message: Update, kind: str) -> Shown:
    file = message[kind]
    if kind == "photo":
        file = file[-1] if isinstance(file, list) and file else {}  # sizes, the largest last
    file_id, file_name = name(file, "file_id"), words(file, "file_name")
    notice = f"A file: {file_name}" if kind == "document" and file_name else _NAMED.get(kind, "")
    if not file_id:
        notice = f"{notice} Telegram did not hand it over.".strip()
    mime = words(file, "mime_type") or _TYPES.get(kind, "")
    return Shown(
        text=words(message, "caption") or words(file, "emoji"),
        wanted=((FILE + file_id, mime),) if file_id else (),
        notice=notice,
        things=1,
    )


_TYPES: Final = {"photo": "image/jpeg", "voice": "audio/ogg", "video_note": "video/mp4"}
_NAMED: Final = {
    "video": "A video.",
    "video_note": "A video message.",
    "animation": "A moving picture.",
    "audio": "A sound recording.",
    "voice": "A voice message.",
    "sticker": "A sticker.",
}


def _place(message: Update, kind: str) -> Shown:
    place = message[kind]
    point = at(place, "location") if kind == "venue" else place
    latitude, longitude = at(point, "latitude"), at(point, "longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return _unknown(message)
    live = "live_period" in point or "edit_date" in message
    within = at(point, "horizontal_accuracy")
    found = place_of(
        "live" if live else "pin",
        latitude,
        longitude,
        radius_m=within,
        fix_at_ms=(number(message, "edit_date") or number(message, "date")) * 1000,
        words=", ".join(each for each in (words(place, "title"), words(place, "address")) if each),
    )
    exact = f" (within {within:g} m)" if isinstance(within, int | float) else ""
    lines = [f"{latitude}, {longitude}{exact}", words(place, "title"), words(place, "address")]
    text = "\n".join(each for each in lines if each)
    notice = "Where they are, live: it follows them." if live else "A place that they sent."
    return Shown(text=text, notice=notice, things=1, places=() if found is None else (found,))


def _card(message: Update, kind: str) -> Shown:
    card = message[kind]
    parts = [words(card, each) for each in ("first_name", "last_name", "phone_number")]
    # Their own card is the one way in which somebody on Telegram tells us their number.
    own = name(card, "user_id") and name(card, "user_id") == name(message, "from", "id")
    notice = "Their own number, as they say." if own else "A contact that they sent."
    return Shown(text=" ".join(each for each in parts if each), notice=notice, things=1)


def _dice(message: Update, kind: str) -> Shown:
    text = f"{words(message, kind, 'emoji')} {name(message, kind, 'value')}".strip()
    return Shown(text=text, notice="A throw of dice.", things=1)


def _poll(message: Update, kind: str) -> Shown:
    options = at(message, kind, "options")
    lines = [words(each, "text") for each in options] if isinstance(options, list) else []
    text = "\n".join(filter(None, [words(message, kind, "question"), *lines]))
    return Shown(text=text, notice="A poll.", things=1)


KINDS: Final[Mapping[str, Callable[[Update, str], Shown]]] = {
    # A moving picture comes with a document, and a venue with a location, for programs that know only those.
    **dict.fromkeys(("animation", "photo", "video", "video_note", "audio", "voice", "sticker"), _file),
    "document": _file,
    "venue": _place,
    "location": _place,
    "contact": _card,
    "dice": _dice,
    "poll": _poll,
}


def _reaction(reaction: Update) -> Shown:
    new = reaction.get("new_reaction")
    signs = [words(each, "emoji") or words(each, "type") for each in new] if isinstance(new, list) else []
    text = " ".join(each for each in signs if each)
    notice = "A reaction to an earlier message." if text else "Took back a reaction to an earlier message."
    return Shown(text=text, notice=notice, things=1)


def _circumstances(message: Update, *, edited: bool) -> list[str]:
    found = []
    if edited and "location" not in message:
        found.append("They changed an earlier message to this; what it said before is kept as it came.")
    if "forward_origin" in message:
        found.append("Forwarded: not their own words.")
    return found


def _speaker(message: Update) -> str:
    """Who says it, where several do: in a group, or a channel."""
    if words(message, "chat", "type") in ("private", "sender", ""):
        return ""
    who = message.get("from") or message.get("sender_chat")
    parts = [words(who, each) for each in ("first_name", "last_name", "title")]
    return " ".join(each for each in parts if each) or name(who, "id")


def _unknown(content: Update) -> Shown:
    named = ", ".join(sorted(content)[:3])
    return Shown(
        text=written(content), notice=f"A kind of message that is not known here: {named}.", things=1
    )
