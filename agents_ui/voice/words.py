"""What customers and agents read when something about a call is refused: a stable code and plain words."""

from collections.abc import Mapping
from typing import Final

NO_SESSION: Final = "no_session"
SLOW_DOWN: Final = "slow_down"
NO_WEB_CALLS: Final = "no_web_calls"
AWAY: Final = "away"

AGENT_TEXTS: Final[Mapping[str, str]] = {
    "voice_away": "Calls cannot be served at this moment. It is tried again by itself.",
    "no_call": "This call is over.",
    "wrong_state": "That is not possible with the call as it stands.",
    "elsewhere": "You have this call in another window.",
    "bad_sdp": "This browser's sound connection was not understood. Reload the page.",
    "bad_digits": "Only digits, * and # can be sent.",
    "not_dialable": "This is no number that can be called.",
    "no_ports": "All lines of the centre are in use. Try again in a moment.",
    "not_kept": "The call could not be kept, so it was not begun. Try again.",
    "no_trunk": "The centre has no line to call out at this moment.",
}
"""For those at desks and walls, by the code of the refusal."""

TEXTS: Final[Mapping[str, str]] = {
    NO_SESSION: "This page is not known here. Please reload it.",
    SLOW_DOWN: "Too many calls from your network. Please try again in a moment.",
    NO_WEB_CALLS: "There are no calls from this page. Please write.",
    AWAY: "This cannot be looked up just now. Please try again in a moment.",
    "voice_away": "The call cannot be made at this moment. Please write, or call by telephone.",
    "not_kept": "The call cannot be made at this moment. Please write, or try again in a moment.",
    "no_ports": "All lines are in use. Please write, or try again in a moment.",
    "bad_sdp": "This browser cannot make the call. Please write, or call by telephone.",
}
"""For customers."""


def text_of(code: str) -> str:
    """The words for a customer."""
    return TEXTS.get(code) or TEXTS["voice_away"]
