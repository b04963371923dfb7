"""Urgent contacts with nobody attending to them, oldest first: what a room must never overlook."""

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.wall.rows import Agent, Contact, Ring
from config.words import URGENT_MAX

Value = dict[str, Any]

SHOWN_MAX: Final = 60
"""Oldest ones a wall carries; the count says how many there are. More than a screen holds helps nobody."""

OVERDUE_MS: Final = 1_000
"""A parked contact whose time came this long ago should be in line by now: the router may be away."""

Place = tuple[int, str]
"""accepted_at_ms, interaction_id."""


def unattended(contact: Contact, holder: Agent | None, now_ms: int) -> str:
    """How it is left alone: waiting | offered | orphaned | overdue, or '' when it is not, or is not urgent.

    orphaned: whoever holds it has no desk open. overdue: parked past its time; one that nobody has read yet
    (urgency 0) counts, as it may be anything.
    """
    if contact.closed_seq or contact.urgency > URGENT_MAX:
        return ""
    if contact.state == "parked":
        return "overdue" if contact.parked_until_ms + OVERDUE_MS <= now_ms else ""
    if contact.urgency < 1:
        return ""
    if contact.state == "assigned":
        talking = not contact.wrap_up_since_ms
        return "orphaned" if talking and (holder is None or not holder.desks) else ""
    return contact.state


class Urgent:
    """The unattended urgent contacts, in order."""

    def __init__(self, alarm_after_ms: int) -> None:
        self._alarm_after_ms = alarm_after_ms
        self._alone: dict[str, tuple[str, Place]] = {}
        self._order: list[Place] = []

    def set(self, contact: Contact, alone: str) -> None:
        """Note how this contact is left alone."""
        if not alone:
            self.drop(contact.interaction_id)
            return
        place = (contact.accepted_at_ms, contact.interaction_id)
        if contact.interaction_id not in self._alone:
            insort(self._order, place)
        self._alone[contact.interaction_id] = (alone, place)

    def drop(self, interaction_id: str) -> None:
        """It is attended to, or over. Harmless when it was not noted."""
        known = self._alone.pop(interaction_id, None)
        if known is not None:
            del self._order[bisect_left(self._order, known[1])]

    def __len__(self) -> int:
        return len(self._order)

    def ids(self) -> list[str]:
        """Those a wall carries, oldest first."""
        return [interaction_id for _, interaction_id in self._order[:SHOWN_MAX]]

    def values(self, contacts: Mapping[str, Contact], rings: Mapping[str, Ring]) -> dict[str, Value]:
        """The values of those."""
        return {each: self._value(contacts[each], rings.get(each)) for each in self.ids()}

    def _value(self, contact: Contact, ring: Ring | None) -> Value:
        alone, _ = self._alone[contact.interaction_id]
        return {
            "interaction_id": contact.interaction_id,
            "alone": alone,
            "channel": contact.channel,
            "urgency": contact.urgency,
            "queue_id": contact.queue_id,
            "accepted_at_ms": contact.accepted_at_ms,
            "alarm_at_ms": contact.accepted_at_ms + self._alarm_after_ms,
            "agent_id": contact.named_agent_id if alone == "waiting" else contact.agent_id,
            "deadline_ms": ring.deadline_ms if ring and alone == "offered" else contact.named_until_ms,
            "offers": contact.offer_count,
            "language": contact.language,
            "reading": contact.reading,
            "follows": contact.follows,
            "traffic": contact.traffic,
        }
