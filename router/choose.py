"""Who serves whom next: the best interaction for an agent, the best agent for one, and the best pair.

Interactions come in the order of queues/order.py. Agents come longest idle first: least load held, then
earliest idle_since_ms, then id; before them, who has something else of the same person (persons.py). Pairs
that may not be tried now (Centre.blocked) are stepped over.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from queues.interaction import Interaction
from queues.lifecycle import WAITING
from queues.line import put_back, rank, set_aside
from queues.order import Rank
from queues.wish import Audience
from router.agent import Agent
from router.centre import Centre
from router.persons import agent_of

MANY: Final = 8
"""With more fresh interactions than this, ask the ready agents instead when they are fewer."""


@dataclass(slots=True)
class Pair:
    """An interaction and the agent who should be offered it; `rival` would have been next, if anybody."""

    interaction: Interaction
    agent: Agent
    rival: Agent | None


def best_interaction(centre: Centre, agent: Agent, now_ms: int) -> Interaction | None:
    """What this agent should serve next, of everything this agent may serve now."""
    if agent.crew is None or not agent.ready:
        return None
    best = centre.line.best(agent.crew, agent.ready, now_ms)
    if best is not None and agent.cooled:
        best = _best_allowed(centre, agent, best, now_ms)
    if agent.named:
        mine = [each for each in agent.named.values() if each.kind in agent.ready]
        if best is not None:
            mine.append(best)
        best = min(mine, key=lambda each: rank(each, now_ms), default=None)
    return best


def best_agents(centre: Centre, interaction: Interaction, now_ms: int) -> tuple[Agent | None, Agent | None]:
    """Who should be offered it now, and who would be next. Neither when nobody may take it now."""
    kind = interaction.kind
    if not centre.ready.count[kind]:
        return None, None
    if interaction.named_agent_id:
        named = centre.agents.get(interaction.named_agent_id)
        return (named, None) if named is not None and kind in named.ready else (None, None)
    if interaction.ask is None:
        return None, None
    audience = interaction.ask.audience
    first, second = centre.ready.first_two(audience, kind)
    if first is None:
        return None, None
    best: Agent | None = first[3]
    rival = second and second[3]
    if interaction.offers is not None:
        best, rival = _allowed(centre, interaction, audience, now_ms)
    if interaction.linked_to:
        same = agent_of(centre, interaction, now_ms)
        if same is not None and same is not best:
            return same, best
    return best, rival


def _allowed(
    centre: Centre, interaction: Interaction, audience: Audience, now_ms: int
) -> tuple[Agent | None, Agent | None]:
    """The two longest idle of those who may serve it and did not refuse it too lately."""
    kind = interaction.kind
    first, _ = centre.ready.first_two(audience, kind)
    aside = []
    allowed: list[Agent] = []
    while first is not None and len(allowed) < 2:
        centre.ready.set_aside(first, kind)
        aside.append(first)
        if not centre.blocked(interaction, first[3], now_ms):
            allowed.append(first[3])
        first, _ = centre.ready.first_two(audience, kind)
    for entry in aside:
        centre.ready.put_back(entry, kind)
    return (allowed[0] if allowed else None), (allowed[1] if len(allowed) > 1 else None)


def _best_allowed(centre: Centre, agent: Agent, best: Interaction, now_ms: int) -> Interaction | None:
    """The best interaction this agent has not refused too lately."""
    aside = []
    found: Interaction | None = best
    while found is not None and agent.crew is not None and centre.blocked(found, agent, now_ms):
        aside.append(set_aside(found))
        found = centre.line.best(agent.crew, agent.ready, now_ms)
    for entry in aside:
        put_back(entry)
    return found


class Round:
    """One matching: pairs, the best interaction first, until nobody who is able is left without an offer.

    Before it, nobody was (Core keeps it so); so only fresh interactions and freed agents can make pairs.
    Freed agents of one crew with equal readiness see the same line: one of them asks for all.
    """

    __slots__ = ("_candidates", "_centre", "_groups", "_now_ms", "_proposed", "looking_at")

    def __init__(self, centre: Centre, now_ms: int) -> None:
        self._centre = centre
        self._now_ms = now_ms
        self._candidates: list[tuple[Rank, int, Interaction, _Key | None]] = []
        self._groups: dict[_Key, list[Agent]] = {}
        self._proposed = 0
        self.looking_at: Interaction | None = None
        """What is being matched, so that a failure can be laid at its door."""
        fresh, freed = list(centre.fresh), list(centre.freed)
        centre.fresh.clear()
        centre.freed.clear()
        if len(fresh) > MANY and len(fresh) > sum(centre.ready.count.values()):
            fresh, freed = [], [agent for agent in centre.agents.values() if agent.ready]
        for interaction in fresh:
            if interaction.state == WAITING:
                self._propose(interaction, None)
        for agent in freed:
            self._join(agent)
        for key in list(self._groups):
            self._ask(key)

    def next(self) -> Pair | None:
        """The best pair there is now. The caller makes the offer before asking again."""
        while self._candidates:
            _, _, interaction, key = self._candidates[0]
            if interaction.state == WAITING:
                self.looking_at = interaction
                agent, rival = best_agents(self._centre, interaction, self._now_ms)
                if agent is not None:
                    return Pair(interaction, agent, rival)
            heappop(self._candidates)
            if key is not None:
                self._ask(key)
        return None

    def _propose(self, interaction: Interaction, key: "_Key | None") -> None:
        # A rank belongs to one interaction; of two proposals of it the number decides, so that nothing
        # further is ever compared.
        self._proposed += 1
        heappush(self._candidates, (rank(interaction, self._now_ms), self._proposed, interaction, key))

    def _join(self, agent: Agent) -> None:
        """Let a ready agent ask together with those who see the same line, or alone."""
        if agent.ready:
            key: _Key = (agent, None) if agent.cooled or agent.named else (agent.crew, agent.ready)
            self._groups.setdefault(key, []).append(agent)

    def _ask(self, key: "_Key") -> None:
        """Propose what the agents of this group should serve next."""
        group = self._groups[key]
        while group:
            agent = group[-1]
            if key[1] is None or agent.ready == key[1]:
                best = best_interaction(self._centre, agent, self._now_ms)
                if best is None:
                    group.clear()
                else:
                    self._propose(best, key)
                return
            # This one took something meanwhile and has less room than the others: it asks on its own.
            group.pop()
            if agent.ready:
                self._groups[agent, None] = [agent]
                self._ask((agent, None))


_Key = tuple[object, tuple[str, ...] | None]
"""A group of agents who see the same line: their crew and readiness, or (agent, None) for one alone."""
