"""Why a request was refused: every code of RefuseRequest, once. The words people read are in agents_ui."""

from typing import Final

GONE: Final = "gone"
"""The interaction is closed, or was never here."""
OFFER_ENDED: Final = "offer_ended"
"""The offer ended before the answer came: withdrawn, answered already, or replaced by a later one."""
OFFERED_ELSEWHERE: Final = "offered_elsewhere"
"""A late accept: somebody else holds the interaction or is being offered it."""
ALREADY_YOURS: Final = "already_yours"
"""The agent holds the interaction already."""
NOT_YOURS: Final = "not_yours"
"""Only who holds the interaction may do this."""
NO_ROOM: Final = "no_room"
"""A late accept: the agent has taken other work meanwhile."""
NO_DESK: Final = "no_desk"
"""The agent has no desk open to answer from."""
ALREADY_ENDED: Final = "already_ended"
"""The conversation is over: it is in wrap-up."""
UNKNOWN_DISPOSITION: Final = "unknown_disposition"
"""The plan has no such disposition."""
UNKNOWN_QUEUE: Final = "unknown_queue"
"""The plan has no such queue."""
UNKNOWN_AGENT: Final = "unknown_agent"
"""The plan has nobody of that id who could answer."""
AGENT_NOT_HERE: Final = "agent_not_here"
"""The named agent has no desk open."""
TRANSFER_UNCLEAR: Final = "transfer_unclear"
"""A transfer names a queue or an agent, not both and not neither."""
ALREADY_THEIRS: Final = "already_theirs"
"""The named agent holds the interaction, or is being offered it."""
PARKED: Final = "parked"
"""It is being read, or is a call-back before its time: it cannot be moved yet."""
UNKNOWN_TIME: Final = "unknown_time"
"""A call-back is further ahead than anybody plans."""
NOT_SCHEDULED: Final = "not_scheduled"
"""It is no call-back before its time."""
UNKNOWN_URGENCY: Final = "unknown_urgency"
"""Urgency is 1 to 5."""
SAME_URGENCY: Final = "same_urgency"
"""It is that urgent already."""
MAY_NOT_LOWER: Final = "may_not_lower"
"""Making something less urgent takes a person with the right to."""
NOT_NOW: Final = "not_now"
"""The router runs in safe mode, which can do only what cannot wait."""
CORE_ERROR: Final = "core_error"
"""The core failed on this request; the interaction is in the manual queue, an alarm says so."""

CODES: Final = (
    GONE,
    OFFER_ENDED,
    OFFERED_ELSEWHERE,
    ALREADY_YOURS,
    NOT_YOURS,
    NO_ROOM,
    NO_DESK,
    ALREADY_ENDED,
    UNKNOWN_DISPOSITION,
    UNKNOWN_QUEUE,
    UNKNOWN_AGENT,
    AGENT_NOT_HERE,
    TRANSFER_UNCLEAR,
    ALREADY_THEIRS,
    PARKED,
    UNKNOWN_TIME,
    NOT_SCHEDULED,
    UNKNOWN_URGENCY,
    SAME_URGENCY,
    MAY_NOT_LOWER,
    NOT_NOW,
    CORE_ERROR,
)
