"""What agents read when a command is refused, beside the stable code the page acts on.

Codes of the router (router/refusals.py) and codes that the desk finds out itself are in one table.
"""

from typing import Final

from agents_ui.voice.words import AGENT_TEXTS
from router import refusals

MANUAL_QUEUE_NAME: Final = "Manual"

TEXTS: Final = {
    refusals.GONE: "This conversation is closed.",
    refusals.OFFER_ENDED: "This offer has ended.",
    refusals.OFFERED_ELSEWHERE: "Somebody else is answering this by now.",
    refusals.ALREADY_YOURS: "You have this conversation already.",
    refusals.NOT_YOURS: "You do not hold this conversation.",
    refusals.NO_ROOM: "You have taken other work meanwhile; this went to somebody else.",
    refusals.NO_DESK: "Your desk was closed. Open it again.",
    refusals.ALREADY_ENDED: "The conversation has ended.",
    refusals.UNKNOWN_DISPOSITION: "There is no such outcome.",
    refusals.UNKNOWN_QUEUE: "There is no such queue.",
    refusals.UNKNOWN_AGENT: "There is nobody of that name who could answer.",
    refusals.AGENT_NOT_HERE: "This colleague is not at a desk.",
    refusals.TRANSFER_UNCLEAR: "Choose a queue or a colleague.",
    refusals.ALREADY_THEIRS: "This colleague has it already.",
    refusals.PARKED: "It does not wait yet: it is being read, or is to be called back later.",
    refusals.UNKNOWN_TIME: "That is too far ahead for a call-back.",
    refusals.NOT_SCHEDULED: "This is no call-back before its time.",
    refusals.UNKNOWN_URGENCY: "Urgency is a number from 1 to 5.",
    refusals.SAME_URGENCY: "It is that urgent already.",
    refusals.MAY_NOT_LOWER: "Only a supervisor may make it less urgent.",
    refusals.NOT_NOW: "The centre can do only the most needed at the moment. Try again later.",
    refusals.CORE_ERROR: "Something failed. A supervisor is told; the customer is not lost.",
    "only_one": "There is nothing to split: this is all that is known of this person.",
    "same_customer": "These are one person already.",
    "unclear_address": "Write a number with its country, as +31 6 1234 5678, or a whole mail address.",
    "unseen": "The customer has just said something more. Read it, then end the conversation.",
    "slow": "Still working; the screen will show it.",
    "malformed": "This command could not be understood.",
    "unknown_command": "There is no such command.",
    "too_fast": "Too many commands at once. Wait a moment.",
    "not_allowed": "Your role may not do this.",
    "not_found": "This is not here, or not yours.",
    "too_long": "This text is too long for the channel.",
    "empty": "There is nothing to send.",
    "no_files": "This channel takes no files from here. Write, or send it another way.",
    "file_too_large": "This file is too large for the channel.",
    "unknown_reason": "There is no such reason.",
    "no_text": "This call takes no text: speak, or write by another way.",
    "no_address": "The customer's number or address was withheld: nothing can be sent there.",
    "opted_out": "They asked for no more messages, and have not written since. Call them; or, if it is an"
    " emergency, say so and send it all the same.",
    "opted_out_blocked": "They wrote STOP, and the network blocks every message until they write START. Call"
    " them, or write to them another way.",
    "tier_full": "This account has written to as many people today as its provider allows. Call them, or"
    " write to them another way.",
    "no_template": "There is no such template here any more.",
    "places_unfilled": "Fill in every place of the template.",
    "bad_value": "What stands in a place is one line, and not too long.",
    "window_closed": "This channel takes no answer so long after the customer's last message. Call them, or"
    " write to them another way; once they write again, you can answer here.",
    "no_way_back": "Nothing can be sent to whoever reported this. Call the partner, or the number they gave.",
    "id_taken": "This message id belongs to another message.",
    "session_ended": "You are signed out. Sign in again.",
    "not_saved": "This could not be saved. Try again.",
    "refused": "This could not be done.",
    "spoken": "A call takes no written answer: say it, or write to this person another way.",
    **AGENT_TEXTS,
}


def text_of(code: str) -> str:
    """The words for a code; a code without words still says that nothing was done."""
    return TEXTS.get(code, TEXTS["refused"])
