"""The agents who could take one more interaction right now, longest idle first."""

from collections.abc import Iterable
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

    Shape: `crews` counts the ready agents by channel and crew; a crew with none is not in it. `count` is
           their
           sum by channel.
    """

    __slots__ = ("_new", "count", "crews")

    def __init__(self, channels: Iterable[str]) -> None:
        self.crews: dict[str, dict[Crew, int]] = {channel: {} for channel in channels}
        self.count = dict.fromkeys(self.crews, 0)
        self._new: dict[Agent, None] = {}

    def refresh(self, agent: Agent) -> bool:
        """Bring an agent's readiness up to date. Whether it is ready for a channel it was not ready for."""
        before = agent.ready
        after = agent.fill.ready if agent.working else ()
        agent.entry = None
        if after:
            self._new[agent] = None
        if after is before or agent.crew is None:
            return False
        agent.ready = after
        gained = False
        for channel in before:
            if channel not in after:
                self._count(agent.crew, channel, -1)
        for channel in after:
            if channel not in before:
                self._count(agent.crew, channel, 1)
                gained = True
        return gained

    def first_two(self, audience: Audience, channel: str) -> tuple[IdleEntry | None, IdleEntry | None]:
        """Who of this audience and ready for this channel is longest idle, and who is next."""
        if self._new:
            self._index()
        crews: Iterable[Crew] = self.crews[channel]
        if len(audience.crews) < len(self.crews[channel]):
            crews = audience.crews
        first: IdleEntry | None = None
        second: IdleEntry | None = None
        for crew in crews:
            if audience in crew.serves and (heap := crew.idle.get(channel)):
                top = _true_top(heap, channel)
                if top is None:
                    continue
                if first is None or top < first:
                    first, second = top, first
                elif second is None or top < second:
                    second = top
        if first is not None:
            second = _better(second, self._next_of_crew(first, channel))
        return first, second

    def _next_of_crew(self, entry: IdleEntry, channel: str) -> IdleEntry | None:
        """The next after the first of its crew."""
        crew = entry[3].crew
        if crew is None or self.crews[channel][crew] < 2:
            return None
        heap = crew.idle[channel]
        heappop(heap)
        following = _true_top(heap, channel)
        heappush(heap, entry)
        return following

    def set_aside(self, entry: IdleEntry, channel: str) -> None:
        """Hide the agent first_two() gave first from the next call; give it back by put_back at once."""
        crew = entry[3].crew
        if crew is not None:
            heappop(crew.idle[channel])

    def put_back(self, entry: IdleEntry, channel: str) -> None:
        """Undo set_aside."""
        crew = entry[3].crew
        if crew is not None:
            heappush(crew.idle[channel], entry)

    def _count(self, crew: Crew, channel: str, change: int) -> None:
        crews = self.crews[channel]
        ready = crews.get(crew, 0) + change
        if ready:
            crews[crew] = ready
        else:
            del crews[crew]
        self.count[channel] += change

    def _index(self) -> None:
        for agent in self._new:
            crew = agent.crew
            if agent.ready and crew is not None:
                entry = agent.entry = (agent.fill.load, agent.idle_since_ms, agent.agent_id, agent)
                for channel in agent.ready:
                    heap = crew.idle.setdefault(channel, [])
                    heappush(heap, entry)
                    if len(heap) > 4 * self.crews[channel][crew] + STALE_MAX:
                        heap[:] = [
                            each for each in heap if each[3].entry is each and channel in each[3].ready
                        ]
                        heapify(heap)
        self._new.clear()


def _true_top(heap: list[IdleEntry], channel: str) -> IdleEntry | None:
    while heap:
        entry = heap[0]
        if entry[3].entry is entry and channel in entry[3].ready:
            return entry
        heappop(heap)
    return None


def _better(one: IdleEntry | None, other: IdleEntry | None) -> IdleEntry | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
