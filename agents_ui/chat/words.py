"""What the chat's server says to a customer: a stable code and plain words, one place."""

from typing import Final

BAD_MESSAGE: Final = "bad_message"
TOO_LONG: Final = "too_long"
SLOW_DOWN: Final = "slow_down"
NO_SESSION: Final = "no_session"
NOT_FOUND: Final = "not_found"
NOT_KEPT: Final = "not_kept"
EMPTY_FILE: Final = "empty_file"
NO_PLACE: Final = "no_place"

TEXTS: Final = {
    BAD_MESSAGE: "This could not be read. Please reload the page.",
    TOO_LONG: "This is too long: at most {limit} characters. Please send it in parts.",
    SLOW_DOWN: "This was very fast. Please wait a moment, then send it again.",
    NO_SESSION: "This chat is not known here. Please reload the page.",
    NOT_FOUND: "There is nothing here.",
    NOT_KEPT: "This could not be saved. Please try again in a moment.",
    EMPTY_FILE: "The file is empty.",
    NO_PLACE: "Your device does not know where it is. Please write where you are.",
}


def text_of(code: str, **values: int) -> str:
    """The words for this code."""
    return TEXTS[code].format(**values)
