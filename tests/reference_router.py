"""A router in a hundred lines that looks at everything every time: which offer must be made now.

Written from docs/promises.md and the docstrings of router/ alone, without the structures that make the real
one fast. It must make the same offers: the same interaction to the same agent at the same instant.
"""

from typing import Protocol

from config.people import SERVING, skills_of
from config.plan import Plan
from router.state import AgentState, InteractionState, OfferState
from skills.match import Need, meets_one
from skills.requirement import Requirement
from skills.widening import needs_at, queue_of

FULL = 100


class Seen(Protocol):
    """The routing state, as tests.simulation.mirror.Mirror keeps it."""

    interactions: dict[str, InteractionState]
    agents: dict[str, AgentState]
    offers: dict[tuple[str, str], OfferState]


class ReferenceRouter:
    """The rules of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._channels = {channel.channel_id: channel for channel in plan.channels}
        people = [person for person in plan.people if person.role in SERVING]
        self._skills = {person.agent_id: dict(skills_of(person, plan.site)) for person in people}
        self._needs: dict[tuple[str, Requirement, int], tuple[Need, ...]] = {}

    def next_offer(self, seen: Seen, now_ms: int) -> tuple[str, str] | None:
        """(interaction, agent) of the offer that must be made first now; None when none can be made."""
        for waiting in self.in_line(seen, now_ms):
            able = [
                agent for agent in seen.agents.values() if self.may_serve_now(seen, agent, waiting, now_ms)
            ]
            if able:
                best = min(able, key=lambda agent: self.preference(seen, agent, waiting))
                return waiting.interaction_id, best.agent_id
        return None

    def preference(
        self, seen: Seen, agent: AgentState, waiting: InteractionState
    ) -> tuple[int, int, int, str]:
        """Who holds something else of the same person; who is offered it; then who was idle longest."""
        states = [
            each.state
            for each in seen.interactions.values()
            if each.linked_to and each.linked_to == waiting.linked_to and each.agent_id == agent.agent_id
        ]
        same_person = 0 if "assigned" in states else 1 if "offered" in states else 2
        return same_person, self.load_of(seen, agent), agent.idle_since_ms, agent.agent_id

    def in_line(self, seen: Seen, now_ms: int) -> list[InteractionState]:
        """Everything that waits, in the one order: urgency, score, accepted_at, id."""

        def place(waiting: InteractionState) -> tuple[int, int, int, str]:
            queue = queue_of(self._plan, waiting.queue_id)
            score = 100 * queue.head_start_ms + queue.ageing_pct * (now_ms - waiting.accepted_at_ms)
            return (waiting.urgency, -score, waiting.accepted_at_ms, waiting.interaction_id)

        return sorted((each for each in seen.interactions.values() if each.state == "waiting"), key=place)

    def may_serve_now(self, seen: Seen, agent: AgentState, waiting: InteractionState, now_ms: int) -> bool:
        """Working, room for it, and either named by a person or skilled enough at its present step.

        What somebody named this agent for is offered whatever came before; a refusal gives it to everybody.
        """
        if not self.working(agent) or not self.has_room(seen, agent, waiting.channel):
            return False
        if waiting.named_agent_id:
            return waiting.named_agent_id == agent.agent_id
        return self.skilled(agent, waiting) and not self.refused_lately(seen, agent, waiting, now_ms)

    def working(self, agent: AgentState) -> bool:
        """Available, at a desk, and one of those in the plan who have one."""
        return agent.available and bool(agent.desk_ids) and agent.agent_id in self._skills

    def skilled(self, agent: AgentState, waiting: InteractionState) -> bool:
        """Whether this agent meets what the interaction asks at its present step."""
        key = (waiting.queue_id, waiting.requirement, waiting.step)
        if key not in self._needs:
            self._needs[key] = needs_at(self._plan, *key)
        return meets_one(self._skills[agent.agent_id], self._needs[key])

    def has_room(self, seen: Seen, agent: AgentState, channel_id: str) -> bool:
        """Whether one more of this channel fits beside what the agent holds and it may not interrupt."""
        new = self._channels[channel_id]
        held = self.held_by(seen, agent)
        if held.count(channel_id) >= new.max_at_once:
            return False
        stays = [each for each in held if channel_id not in self._channels[each].interrupted_by]
        return new.load + sum(self._channels[each].load for each in stays) <= FULL

    def load_of(self, seen: Seen, agent: AgentState) -> int:
        """What everything the agent is offered or holds takes of the agent."""
        return sum(self._channels[each].load for each in self.held_by(seen, agent))

    def held_by(self, seen: Seen, agent: AgentState) -> list[str]:
        """The channels of everything that is offered to, or held by, this agent."""
        return [each.channel for each in seen.interactions.values() if each.agent_id == agent.agent_id]

    def refused_lately(self, seen: Seen, agent: AgentState, waiting: InteractionState, now_ms: int) -> bool:
        """Declined, missed or given away within the cool-down; shorter where nobody else could take it."""
        if not self._cooling(seen, agent, waiting, now_ms):
            return False
        ended_at_ms = seen.offers[waiting.interaction_id, agent.agent_id].ended_at_ms
        return now_ms < ended_at_ms + self._plan.limits.only_candidate_ms or any(
            self.working(other)
            and self.skilled(other, waiting)
            and not self._cooling(seen, other, waiting, now_ms)
            for other in seen.agents.values()
            if other.agent_id != agent.agent_id
        )

    def _cooling(self, seen: Seen, agent: AgentState, waiting: InteractionState, now_ms: int) -> bool:
        offer = seen.offers.get((waiting.interaction_id, agent.agent_id))
        return offer is not None and offer.cooldown_until_ms > now_ms
