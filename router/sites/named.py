"""What content the rows of each kind name: it goes to the other site with them, or before them.

A kind that is not in NAMED is searched through for all there is (`EVERYTHING`), so that one which somebody
forgot to add costs time and loses nothing; a test sees to it that none is forgotten.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.records import DECISION_KINDS, GROUP, Row

CONTENT_KEYS: Final = frozenset({"content_id", "name_content_id"})
ADDRESS_KEYS: Final = frozenset({"address_hash"})
SENDING_KEYS: Final = frozenset({"outbox_id", "to_outbox_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What to look for in rows of one kind: keys of data, or what their ref is the id of."""

    keys: frozenset[str] = frozenset()
    deep: bool = False
    """Also inside lists and tables of data."""
    sending: bool = False
    """ref is an outbox_id, by which the provider's ids are found."""
    credential: bool = False
    """ref is an agent_id, whose credential follows."""


NOTHING: Final = Names()
EVERYTHING: Final = Names(
    keys=CONTENT_KEYS | ADDRESS_KEYS | SENDING_KEYS, deep=True, sending=True, credential=True
)
_CONTENT: Final = Names(keys=CONTENT_KEYS)
_ADDRESS: Final = Names(keys=ADDRESS_KEYS)
_BOTH: Final = Names(keys=CONTENT_KEYS | ADDRESS_KEYS)
_COPIED: Final = Names(keys=CONTENT_KEYS | ADDRESS_KEYS | SENDING_KEYS, deep=True)

NAMED: Final[Mapping[str, Names]] = {
    **dict.fromkeys([GROUP, *DECISION_KINDS], NOTHING),
    "arrived": _BOTH,
    "message_added": _CONTENT,
    "read": NOTHING,
    "customer_added": _ADDRESS,
    "identity_claimed": _ADDRESS,
    "identity_moved": NOTHING,
    "customer_named": _CONTENT,
    "customer_connected": NOTHING,
    "customer_disconnected": NOTHING,
    "desk_joined": NOTHING,
    "desk_left": NOTHING,
    "presence_declared": NOTHING,
    "accept_pressed": NOTHING,
    "decline_pressed": NOTHING,
    "conversation_ended": NOTHING,
    "disposition_given": NOTHING,
    "transfer_asked": NOTHING,
    "call_back_asked": NOTHING,
    "call_back_changed": NOTHING,
    "call_back_cancelled": NOTHING,
    "urgency_declared": NOTHING,
    "delivered": NOTHING,
    "part_added": _CONTENT,
    "located": _CONTENT,
    "sighted": _BOTH,
    "sighting_placed": NOTHING,
    "send_ordered": Names(keys=ADDRESS_KEYS, sending=True),
    "send_tried": Names(sending=True),
    "fallback_decided": NOTHING,
    "consent_changed": _ADDRESS,
    "text_switched": NOTHING,
    "turned_away": _ADDRESS,
    "delivery_troubled": NOTHING,
    "trouble_noticed": NOTHING,
    "quarantine_replayed": NOTHING,
    "call_changed": NOTHING,
    "plan_activated": NOTHING,
    "person_added": Names(credential=True),
    "person_changed": Names(credential=True),
    "session_begun": NOTHING,
    "session_ended": NOTHING,
    "session_moved": NOTHING,
    "viewed": NOTHING,
    "alarm_seen": NOTHING,
    "adopted": _COPIED,
    "message_copied": _COPIED,
    "handover_began": NOTHING,
    "handover_ended": NOTHING,
    "place_learned": NOTHING,
    "orders_lent": NOTHING,
    "sent_twice": NOTHING,
    "orders_adopted": _COPIED,
    "orders_left": NOTHING,
    "yielded": NOTHING,
    "kept_too": NOTHING,
    "domain_claimed": NOTHING,
    "reroute_set": NOTHING,
    "state_overridden": NOTHING,
    "state_observed": NOTHING,
    "copy_missed": NOTHING,
    "copy_healed": NOTHING,
    "drill_began": NOTHING,
    "drill_sent": NOTHING,
    "drill_ended": NOTHING,
    "action_due": NOTHING,
    "action_tried": NOTHING,
    "stream_begun": NOTHING,
}


@dataclass(slots=True)
class Named:
    """Ids of everything that some rows name, each once, in the order in which they were named."""

    content: dict[str, None] = field(default_factory=dict)
    addresses: dict[str, None] = field(default_factory=dict)
    sendings: dict[str, None] = field(default_factory=dict)
    credentials: dict[str, None] = field(default_factory=dict)


def named_by(rows: Iterable[Row]) -> Named:
    """What these rows name. Data that is no JSON names nothing: the row itself still goes."""
    found = Named()
    for row in rows:
        names = NAMED.get(row.kind, EVERYTHING)
        if names.sending:
            found.sendings[row.ref] = None
        if names.credential:
            found.credentials[row.ref] = None
        if names.keys:
            _look_into(row, names, found)
    return found


def _look_into(row: Row, names: Names, found: Named) -> None:
    try:
        data = msgspec.json.decode(row.data)
    except msgspec.MsgspecError:
        return
    for key, value in _pairs(data, deep=names.deep):
        if key not in names.keys or not isinstance(value, str) or not value:
            continue
        if key in CONTENT_KEYS:
            found.content[value] = None
        elif key in ADDRESS_KEYS:
            found.addresses[value] = None
        else:
            found.sendings[value] = None


def _pairs(data: Any, *, deep: bool) -> Iterator[tuple[str, Any]]:
    """Keys and values of a table; with deep also of all that is in it. Without recursion: it may nest."""
    left = [data]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield from each.items()
            left.extend(each.values() if deep else ())
        elif isinstance(each, list):
            left.extend(each)
