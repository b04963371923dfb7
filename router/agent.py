"""One agent in memory: presence, desks, what they hold, and what waits for them by name."""

from dataclasses import dataclass, field
from typing import Final

from queues.crew import Crew
from queues.interaction import Interaction
from router.capacity import Fill

NOT_RESPONDING: Final = "not responding"
"""The reason the core gives for an agent who let an offer ring out. Every desk knows it; no plan lists it."""


@dataclass(slots=True, eq=False)
class Agent:
    """One agent who ever opened a desk or declared presence. Only `Centre` changes it.

    Shape: see router.state.AgentState. `crew` is None for somebody who is not in the plan: never offered
           anything. `held` is what is offered to or held by the agent, `named` what waits for this agent
           alone, `cooled` what waits and may have been declined or missed by this agent lately.
           `working` says whether the agent may be offered work at all (see `declare`); `ready` are the
           channels on which the agent could be offered something now; `entry` is the agent's place among
           the ready (router/ready.py).
    """

    agent_id: str
    fill: Fill
    crew: Crew | None = None
    available: bool = False
    reason: str = ""
    presence_since_ms: int = 0
    idle_since_ms: int = 0
    desk_ids: tuple[str, ...] = ()
    grace_until_ms: int = 0
    held: dict[str, Interaction] = field(default_factory=dict)
    named: dict[str, Interaction] = field(default_factory=dict)
    cooled: dict[str, Interaction] = field(default_factory=dict)
    working: bool = False
    ready: tuple[str, ...] = ()
    entry: "IdleEntry | None" = None

    def declare(self) -> None:
        """Presence, desks or crew have changed: in the plan, available and at a desk is working."""
        self.working = self.available and bool(self.desk_ids) and self.crew is not None

    @property
    def signed_in(self) -> bool:
        """Whether the agent is there, or about to be back: a desk open, or its grace running."""
        return bool(self.desk_ids) or self.grace_until_ms > 0


IdleEntry = tuple[int, int, str, Agent]
"""The order of `longest_idle`: load held, idle_since_ms, id; and the agent itself (never compared)."""
