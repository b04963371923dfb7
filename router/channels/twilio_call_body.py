"""What the webhook says that began a call of Twilio's: to people, and to us. Read whenever somebody looks."""

from typing import Final

from router.channels.form import TooManyFields, fields_of, value_of
from router.channels.port import Shown
from router.channels.text import shown as text_of
from router.channels.twilio_account import WITHHELD

media_type: Final = "application/x-www-form-urlencoded; of=twilio-voice"

CHECKED: Final = {
    "TN-Validation-Passed-A": "Its network has checked the number.",
    "TN-Validation-Failed": "Its network's check of the number failed: it may be false.",
}


def provider_id_in(body: bytes) -> str:
    """Twilio's id of the call that began with this body; empty where it has none."""
    try:
        return value_of(fields_of(body), b"CallSid")
    except TooManyFields:
        return ""


def shown(body: bytes) -> Shown:
    """What people read of a call. Never raises."""
    try:
        fields = fields_of(body)
    except TooManyFields:
        return Shown(text="", notice="A call that could not be read.", things=1)
    number, name = value_of(fields, b"From"), value_of(fields, b"CallerName")
    known = number.strip().lower() not in WITHHELD
    verdict = value_of(fields, b"StirVerstat")
    said = [
        f"A call from {number}." if known else "A call with a withheld number.",
        next((words for start, words in CHECKED.items() if verdict.startswith(start)), ""),
        f"The name that came with it: {name}." if name else "",
        f"Called: {value_of(fields, b'To')}." if value_of(fields, b"To") else "",
        f"Passed on by {value_of(fields, b'ForwardedFrom')}." if value_of(fields, b"ForwardedFrom") else "",
    ]
    return Shown(text="", notice=text_of(" ".join(filter(None, said)).encode()), things=1)
