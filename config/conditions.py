"""The words a rule's condition may use: fields, their operators, and what their values must look like.

What each means for a contact is skills/triage.py; here is only what can be written. There are no regular
expressions: somebody's clumsy pattern must never be able to hold up everybody's emergencies.
"""

from collections.abc import Mapping
from typing import Final

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "channel": {"is": "text", "is_one_of": "texts"},
    "address": {"is": "text", "is_one_of": "texts", "starts_with": "text"},
    "language": {"is": "text", "is_one_of": "texts"},
    "words": {"has_any": "texts", "has_all": "texts"},
    "silent": {"is": "flag"},
    "repeats": {"at_least": "number"},
    "hours": {"between": "hours"},
    "weekday": {"is_one_of": "texts"},
    "mail": {"is": "text", "is_one_of": "texts"},
}
"""Field -> operator -> shape of the value: text, texts (a list), flag, number, hours (["HH:MM", "HH:MM"])."""

MAIL_KINDS: Final = (
    "person",
    "unauthentic",
    "automatic",
    "bulk",
    "list",
    "auto-reply",
    "bounce",
    "loop",
)
"""What kinds of mail there are; what makes a mail one of them is router/channels/mail_kind.py."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def minute_of_day(text: str) -> int:
    """The minute of the day that HH:MM names, 0 to 1439; -1 when it names none."""
    hours, _, minutes = text.partition(":")
    if not (text.isascii() and len(hours) == len(minutes) == 2 and hours.isdigit() and minutes.isdigit()):
        return -1
    minute = int(hours) * 60 + int(minutes)
    return minute if int(hours) < 24 and int(minutes) < 60 else -1
