"""What supervisors read when an act is refused, where it differs from what an agent at a desk reads."""

from typing import Final

from agents_ui.desk.words import text_of as desk_text_of
from router import refusals

TEXTS: Final = {
    refusals.GONE: "This contact is over.",
    refusals.ALREADY_THEIRS: "That agent has it already, or is being offered it.",
    refusals.AGENT_NOT_HERE: "That agent has no desk open.",
    refusals.PARKED: "It is being read, or is a call-back before its time. It can be moved when it waits.",
    refusals.TRANSFER_UNCLEAR: "Nobody holds it any more: it waits already.",
    refusals.SAME_URGENCY: "It is that urgent already.",
    "not_found": "This contact is not here any more.",
    "not_explained": "This contact is over, or so new that the router has not read it yet.",
}


def text_of(code: str) -> str:
    """The words for a code, as somebody reads them who does not hold the contact."""
    return TEXTS.get(code) or desk_text_of(code)
