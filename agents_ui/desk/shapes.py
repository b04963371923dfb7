"""What a desk page may say: typed the moment it arrives, lengths bounded, unknown fields refused."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=200)]
MaybeId = Annotated[str, Meta(max_length=200)]
CommandId = Annotated[str, Meta(min_length=8, max_length=64)]
Text = Annotated[str, Meta(max_length=65_536)]
Sdp = Annotated[str, Meta(min_length=1, max_length=32_768)]
"""A description of one line of sound, with every address of the machine: some kilobytes."""
Seen = Annotated[str, Meta(max_length=19, pattern=r"^[0-9]*$")]
"""The seq of the newest message on the page, as text; empty: the page does not say."""


class Hello(msgspec.Struct, tag="hello", tag_field="kind", forbid_unknown_fields=True):
    """The first message: a ticket fetched over the session."""

    ticket: Annotated[str, Meta(max_length=200)]


class _Command(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, kw_only=True):
    command_id: CommandId


class Accept(_Command, tag="accept"):
    """Take the offer."""

    offer_id: Id


class Decline(_Command, tag="decline"):
    """Let somebody else have it."""

    offer_id: Id


class Presence(_Command, tag="presence"):
    """Available, or not and why."""

    available: bool
    reason: MaybeId = ""


class Reply(_Command, tag="reply"):
    """Words for the customer. client_id is the page's id of the message: a repeat is one message.

    emergency: also to somebody who asked for no more messages, because it is one.
    """

    interaction_id: Id
    client_id: Id
    text: Text
    emergency: bool = False


class Template(_Command, tag="template"):
    """A template that the provider has approved, with what stands in its places, for the customer."""

    interaction_id: Id
    client_id: Id
    template_id: Id
    values: Annotated[tuple[Annotated[str, Meta(max_length=1_000)], ...], Meta(max_length=99)] = ()
    emergency: bool = False


class Consent(_Command, tag="consent"):
    """What the customer said about messages of this kind to the address of this conversation."""

    interaction_id: Id
    category: Literal["reply", "service", "bulk"]
    state: Literal["in", "out"]


class Note(_Command, tag="note"):
    """Words for agents only."""

    interaction_id: Id
    client_id: Id
    text: Text


class Typing(msgspec.Struct, tag="typing", tag_field="kind", forbid_unknown_fields=True, kw_only=True):
    """The agent types. Not answered."""

    interaction_id: Id
    command_id: MaybeId = ""


class End(_Command, tag="end"):
    """The conversation is over; wrap-up begins. Refused when the customer has said more than was seen."""

    interaction_id: Id
    seen: Seen = ""


class Dispose(_Command, tag="dispose"):
    """The outcome, with an optional note. Refused when the customer has said more than was seen."""

    interaction_id: Id
    disposition: Id
    note: Text = ""
    seen: Seen = ""


class Transfer(_Command, tag="transfer"):
    """To a queue or to a named agent, with an optional note. Exactly one of the two."""

    interaction_id: Id
    to_queue_id: MaybeId = ""
    to_agent_id: MaybeId = ""
    note: Text = ""


class Urgency(_Command, tag="urgency"):
    """How urgent a person says it is."""

    interaction_id: Id
    urgency: int


class History(_Command, tag="history"):
    """The customer's interactions, newest first."""

    customer_id: Id


class CallBack(_Command, tag="call_back"):
    """Call the customer back at a time, by a queue or an agent, about this. urgency 0: as urgent as this."""

    interaction_id: Id
    due_at_ms: int
    to_queue_id: MaybeId = ""
    to_agent_id: MaybeId = ""
    urgency: int = 0
    note: Text = ""


class CallBackChange(_Command, tag="call_back_change"):
    """Another time, and perhaps another queue or agent, for a call-back before its time."""

    interaction_id: Id
    due_at_ms: int
    to_queue_id: MaybeId = ""
    to_agent_id: MaybeId = ""


class CallBackCancel(_Command, tag="call_back_cancel"):
    """End a call-back before its time, with an outcome."""

    interaction_id: Id
    disposition: Id


class Claim(_Command, tag="claim"):
    """The customer says that this number or mail address is theirs."""

    customer_id: Id
    address_kind: Literal["phone", "mail"]
    address: Annotated[str, Meta(min_length=1, max_length=320)]


class Link(_Command, tag="link"):
    """The customer is the one whom they claim to be."""

    customer_id: Id
    to_customer_id: Id


class Merge(_Command, tag="merge"):
    """Two customers are one person."""

    customer_id: Id
    to_customer_id: Id


class Split(_Command, tag="split"):
    """This identity is somebody else's: a customer of its own."""

    identity_id: Id


class UndoMove(_Command, tag="undo_move"):
    """Take back what this command linked, merged or split."""

    moved_command_id: Id


class NameCustomer(_Command, tag="name_customer"):
    """What the customer is called; empty: nothing any more."""

    customer_id: Id
    name: Annotated[str, Meta(max_length=200)]


class CallConnect(_Command, tag="call_connect"):
    """Talk on this call, from this window. `take`: also when another window of this agent has it."""

    interaction_id: Id
    window: Id
    sdp: Sdp
    take: bool = False


class CallDial(_Command, tag="call_dial"):
    """Call the customer."""

    interaction_id: Id
    window: Id
    sdp: Sdp


class CallHold(_Command, tag="call_hold"):
    """Let the caller wait, or come back."""

    interaction_id: Id
    held: bool


class CallDtmf(_Command, tag="call_dtmf"):
    """Press keys of the telephone."""

    interaction_id: Id
    digits: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[0-9*#]+$")]


class CallForward(_Command, tag="call_forward"):
    """Give the call away to a number outside."""

    interaction_id: Id
    to: Annotated[str, Meta(min_length=1, max_length=100)]


class CallRecord(_Command, tag="call_record"):
    """Begin or stop keeping what is said."""

    interaction_id: Id
    on: bool


class AlarmSeen(_Command, tag="alarm_seen"):
    """Somebody looks after it."""

    alarm_id: Id


Command = (
    Accept
    | Decline
    | Presence
    | Reply
    | Template
    | Consent
    | Note
    | Typing
    | End
    | Dispose
    | Transfer
    | Urgency
    | History
    | CallBack
    | CallBackChange
    | CallBackCancel
    | Claim
    | Link
    | Merge
    | Split
    | UndoMove
    | NameCustomer
    | CallConnect
    | CallDial
    | CallHold
    | CallDtmf
    | CallForward
    | CallRecord
    | AlarmSeen
)


class Outline(msgspec.Struct):
    """What can still be told of a message that is no command."""

    kind: str = ""
    command_id: str | None = None


HELLO = msgspec.json.Decoder(Hello)
COMMAND: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
OUTLINE = msgspec.json.Decoder(Outline)


def kind_of(command: Command) -> str:
    """The command's name on the wire and in the table of access."""
    kind = command.__struct_config__.tag
    return str(kind)
