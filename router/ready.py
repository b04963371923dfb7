"""The agents who could take one more interaction right now, longest idle first."""

from heapq import heapify, heappop, heappush
from typing import Final

from queues.crew import Crew
from queues.wish import Audience
from router.agent import Agent, IdleEntry

STALE_MAX: Final = 64
"""A heap is swept when it is longer than four times the crew's ready agents, and this."""


class ReadyAgents:
    """Ready agents by channel and crew, in heaps ordered by IdleEntry.

    An agent's entry is replaced whenever load, idle time or readiness change; entries that are no longer
    their agent's are swept out when they come up. Entries are written only when somebody asks (`_index`): an
    agent who is freed and at once offered the next interaction never gets one.
    """

    __slots__ = ("_crews", "_new", "count")

    def __init__(self) -> None:
        self._crews: dict[str, dict[Crew, None]] = {}
        self._new: dict[Agent, None] = {}
        self.count: dict[str, int] = {}
        """How many agents are ready, by channel."""

    def refresh(self, agent: Agent) -> bool:
        """Bring an agent's readiness up to date. Whether it is ready for a channel it was not ready for."""
        before = agent.ready
        after = agent.fill.ready if agent.working else ()
        gained = False
        crew = agent.crew
        if after is not before and crew is not None:
            for channel in before:
                if channel not in after:
                    self._count(crew, channel, -1)
            for channel in after:
                if channel not in before:
                    self._count(crew, channel, 1)
                    gained = True
            agent.ready = after
        agent.entry = None
        if after:
            self._new[agent] = None
        return gained

    def first(self, audience: Audience, channel: str) -> IdleEntry | None:
        """The longest idle of those who may serve this audience and have room on this channel."""
        crews = self._crews.get(channel)
        if not crews:
            return None
        if self._new:
            self._index()
        if len(crews) < len(audience.crews):
            candidates = [crew for crew in crews if audience in crew.serves]
        else:
            candidates = audience.crews
        best: IdleEntry | None = None
        for crew in candidates:
            if crew.ready.get(channel):
                top = _true_top(crew.idle[channel], channel)
                if top is not None and (best is None or top[:3] < best[:3]):
                    best = top
        return best

    def set_aside(self, entry: IdleEntry, channel: str) -> None:
        """Hide the agent first() gave from the next first(); give it back by put_back at once."""
        crew = entry[3].crew
        if crew is not None:
            heappop(crew.idle[channel])

    def put_back(self, entry: IdleEntry, channel: str) -> None:
        """Undo set_aside."""
        crew = entry[3].crew
        if crew is not None:
            heappush(crew.idle[channel], entry)

    def _count(self, crew: Crew, channel: str, change: int) -> None:
        self.count[channel] = self.count.get(channel, 0) + change
        ready = crew.ready[channel] = crew.ready.get(channel, 0) + change
        crews = self._crews.setdefault(channel, {})
        if ready == 0:
            del crews[crew]
        elif ready == 1 and change == 1:
            crews[crew] = None

    def _index(self) -> None:
        for agent in self._new:
            crew = agent.crew
            if agent.ready and crew is not None:
                entry = agent.entry = (agent.fill.load, agent.idle_since_ms, agent.agent_id, agent)
                for channel in agent.ready:
                    heap = crew.idle.setdefault(channel, [])
                    heappush(heap, entry)
                    if len(heap) > 4 * crew.ready[channel] + STALE_MAX:
                        heap[:] = [each for each in heap if _is_true(each, channel)]
                        heapify(heap)
        self._new.clear()


def _is_true(entry: IdleEntry, channel: str) -> bool:
    return entry[3].entry is entry and channel in entry[3].ready


def _true_top(heap: list[IdleEntry], channel: str) -> IdleEntry | None:
    while heap:
        entry = heap[0]
        if entry[3].entry is entry and channel in entry[3].ready:
            return entry
        heappop(heap)
    return None
