"""One open interaction in memory: the fields of router.state.InteractionState, and its place in line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final  # Any: see offers

from queues.lifecycle import PARKED
from queues.wish import Ask
from skills.requirement import Requirement

if TYPE_CHECKING:
    from queues.group import Group
    from queues.lane import Lane

ANYBODY: Final = Requirement()
"""What an interaction asks before anybody has read it: nothing."""


@dataclass(slots=True, eq=False)
class Interaction:
    """One customer's matter. Only `Centre.apply` changes the first part, only the line the last one.

    Shape: see router.state.InteractionState. `offers` is None or the latest offer by agent, in the order in
           which agents were first offered it. `ask` is what it asked when it last waited; `place` and
           `entry` are set while it is in line.
    """

    interaction_id: str
    channel: str
    accepted_at_ms: int
    identity_id: str = ""
    linked_to: str = ""
    traffic: str = "real"
    state: str = PARKED
    queue_id: str = ""
    urgency: int = 0
    requirement: Requirement = ANYBODY
    rule_id: str = ""
    step: int = 0
    offer_count: int = 0
    offer_id: str = ""
    agent_id: str = ""
    parked_until_ms: int = 0
    named_agent_id: str = ""
    named_until_ms: int = 0
    connection_ids: tuple[str, ...] = ()
    abandon_at_ms: int = 0
    assigned_at_ms: int = 0
    wrap_up_since_ms: int = 0
    # Any: the router's own record of an offer (router/offer.py); queues may not import the router.
    offers: dict[str, Any] | None = None
    kind: str = ""
    """The channel as agents' capacity knows it (router/capacity.py)."""
    ask: Ask | None = None
    overdue: bool = False
    """Whether it is urgent, and nobody took it in time (router/centre.py)."""
    place: "Place | None" = None
    entry: "Entry | None" = None

    def __lt__(self, other: "Interaction") -> bool:
        """Neither is before the other.

        Entries of a group are compared as tuples, up to here when one interaction went to the other site and
        came back: what is left of its first life has the same place as its second.
        """
        return False

    @property
    def scheduled(self) -> bool:
        """Whether it is a call-back before its time. What is being read has no queue yet."""
        return self.state == PARKED and self.queue_id != ""


Entry = tuple[int, int, str, Interaction]
"""A place in a group: order.handicap, accepted_at_ms, id; and the interaction."""

Place = tuple["Lane", "Group"]
"""Where in the line it waits."""
