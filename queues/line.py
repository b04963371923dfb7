"""The waiting line of a centre: everybody who waits, and who is served next by agents of a crew.

Grouped by what is asked, so a question costs about the same with a thousand and a million waiting. What waits
for one named agent is not here but in that agent's own line (router/agent.py).
"""

from collections.abc import Sequence

from config.plan import Plan
from config.words import URGENCIES
from queues.crew import Crew
from queues.group import Group
from queues.interaction import Entry, Interaction, Place
from queues.lane import Lane
from queues.order import Rank
from queues.wish import Ask, Audience, WishBook


class Line:
    """Waiting interactions, by channel and urgency. `waiting` counts them."""

    __slots__ = ("_groups", "_lanes", "book", "waiting")

    def __init__(self, plan: Plan) -> None:
        self.book = WishBook(plan)
        self.waiting = 0
        self._lanes: dict[str, tuple[Lane, ...]] = {}
        self._groups: dict[tuple[str, int, Audience, int], Place] = {}

    def enter(self, interaction: Interaction, ask: Ask) -> None:
        """Put it in line, at the place its ask, urgency and accepted_at give it."""
        place = ask.places.get((interaction.kind, interaction.urgency))
        if place is None:
            place = self._make_place(ask, interaction.kind, interaction.urgency)
        self.waiting += 1
        ask.wish.waiting += 1
        interaction.ask = ask
        interaction.place = place
        accepted_at_ms = interaction.accepted_at_ms
        handicap = ask.ageing_pct * accepted_at_ms - ask.head_start
        place[0].insert(place[1], (handicap, accepted_at_ms, interaction.interaction_id, interaction))

    def leave(self, interaction: Interaction) -> None:
        """Take it out of the line, if it is in it."""
        place, ask = interaction.place, interaction.ask
        if place is None or ask is None:
            return
        self.waiting -= 1
        ask.wish.waiting -= 1
        interaction.place = None
        place[0].remove(place[1], interaction)

    def best(self, crew: Crew, channels: Sequence[str], now_ms: int) -> Interaction | None:
        """Whom agents of this crew who have room on these channels should serve next."""
        if len(channels) == 1:
            for lane in self._lanes.get(channels[0], ()):
                if lane.filled and (entry := lane.best(crew, now_ms)) is not None:
                    return entry[3]
            return None
        lanes = [found for channel in channels if (found := self._lanes.get(channel)) is not None]
        for urgency in URGENCIES:
            best: Interaction | None = None
            for each in lanes:
                lane = each[urgency]
                if not lane.filled:
                    continue
                entry = lane.best(crew, now_ms)
                if entry is not None and (best is None or rank(entry[3], now_ms) < rank(best, now_ms)):
                    best = entry[3]
            if best is not None:
                return best
        return None

    def heads(self) -> list[Interaction]:
        """The first of every group in which somebody waits."""
        return [group.head[3] for _, group in self._groups.values() if group.head is not None]

    def unreached(self) -> list[Interaction]:
        """Everybody in line for an audience in which nobody is signed in, in no particular order."""
        groups = [group for _, group in self._groups.values() if group.live and not group.audience.reach]
        return [each for group in groups for each in group.members()]

    def _make_place(self, ask: Ask, channel: str, urgency: int) -> Place:
        key = (channel, urgency, ask.audience, ask.ageing_pct)
        place = self._groups.get(key)
        if place is None:
            lanes = self._lanes.get(channel)
            if lanes is None:
                lanes = self._lanes[channel] = tuple(Lane() for _ in range(max(URGENCIES) + 1))
            group = Group(ask.audience, ask.ageing_pct)
            lanes[urgency].add(group)
            place = self._groups[key] = (lanes[urgency], group)
        ask.places[channel, urgency] = place
        return place


def set_aside(interaction: Interaction) -> Entry | None:
    """Hide it from Line.best for a moment, whose counts stay; give the result to put_back at once."""
    entry = interaction.entry
    if interaction.place is not None:
        lane, group = interaction.place
        lane.remove(group, interaction)
    return entry


def put_back(entry: Entry | None) -> None:
    """Undo set_aside."""
    if entry is not None and entry[3].place is not None:
        lane, group = entry[3].place
        lane.insert(group, entry)


def rank(interaction: Interaction, now_ms: int) -> Rank:
    """Where a waiting interaction stands in the one order, at this instant: the lowest is served first."""
    ask = interaction.ask
    accepted_at_ms = interaction.accepted_at_ms
    score = 0 if ask is None else ask.head_start + ask.ageing_pct * (now_ms - accepted_at_ms)
    return (interaction.urgency, -score, accepted_at_ms, interaction.interaction_id)
