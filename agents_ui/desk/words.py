"""What agents read when a command is refused, beside the stable code the page acts on.

Codes from the router (RefuseRequest) and from the desk are in one table.
"""

from typing import Final

MANUAL_QUEUE_NAME: Final = "Manual"

TEXTS: Final = {
    "slow": "Still working; the screen will show it.",
    "malformed": "This command could not be understood.",
    "unknown_command": "There is no such command.",
    "too_fast": "Too many commands at once. Wait a moment.",
    "not_allowed": "Your role may not do this.",
    "not_found": "This is not here, or not yours.",
    "not_yours": "You do not hold this conversation.",
    "conversation_over": "The conversation has ended.",
    "too_long": "This text is too long for the channel.",
    "empty": "There is nothing to send.",
    "unknown_reason": "There is no such reason.",
    "unknown_disposition": "There is no such outcome.",
    "unknown_target": "There is no such queue or agent to transfer to.",
    "bad_urgency": "Urgency is a number from 1 to 5.",
    "id_taken": "This message id belongs to another message.",
    "session_ended": "You are signed out. Sign in again.",
    "not_saved": "This could not be saved. Try again.",
    "refused": "This could not be done.",
}


def text_of(code: str) -> str:
    """The words for a code; a code without words still says that nothing was done."""
    return TEXTS.get(code, TEXTS["refused"])
