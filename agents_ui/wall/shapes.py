"""What a wall may say: typed the moment it arrives, lengths bounded, unknown fields refused."""

import msgspec

from agents_ui.desk.shapes import AlarmSeen as AlarmSeen
from agents_ui.desk.shapes import CommandId, Id, MaybeId, Sdp
from agents_ui.desk.shapes import Urgency as Urgency


class _Command(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, kw_only=True):
    command_id: CommandId


class Move(_Command, tag="move"):
    """Into another queue, at its old place."""

    interaction_id: Id
    to_queue_id: Id


class Assign(_Command, tag="assign"):
    """For one agent alone, for a while."""

    interaction_id: Id
    to_agent_id: Id


class TakeAway(_Command, tag="take_away"):
    """From whoever holds it, back in line."""

    interaction_id: Id


class Presence(_Command, tag="presence"):
    """What another agent is to count as; with hand_back everything they hold goes back in line as well."""

    agent_id: Id
    available: bool
    reason: MaybeId = ""
    hand_back: bool = False


class Explain(_Command, tag="explain"):
    """Why nobody serves it: who could, and what keeps each of the others."""

    interaction_id: Id


class Look(_Command, tag="look"):
    """What was said in it. The look is on record."""

    interaction_id: Id


class CallListen(_Command, tag="call_listen"):
    """Hear a call, and be heard by nobody. The look is on record."""

    interaction_id: Id
    sdp: Sdp


Command = Move | Assign | TakeAway | Urgency | Presence | Explain | Look | CallListen | AlarmSeen

COMMAND: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
