"""How full an agent is: loads (hundredths of an agent), limits, and what may interrupt what."""

from collections.abc import Mapping
from typing import Final

from config.plan import ChannelPlan, Plan

FULL: Final = 100
"""The whole of an agent."""


class Capacity:
    """What agents can hold under one plan. `empty` is an agent who holds nothing."""

    __slots__ = ("_channels", "_fills", "_heaviest", "_ids", "empty")

    def __init__(self, plan: Plan) -> None:
        self._channels = {channel.channel_id: channel for channel in plan.channels}
        self._heaviest = max(plan.channels, key=lambda each: (each.load, each.channel_id)).channel_id
        self._ids = tuple(sorted(self._channels))
        self._fills: dict[tuple[tuple[str, int], ...], Fill] = {}
        self.empty = self.fill({})

    def kind_of(self, channel_id: str) -> str:
        """The channel as agents' capacity and the line know it.

        One that the plan does not (or no longer) have counts as the heaviest it has: nobody who came in by it
        is stranded, and no agent is overfilled by it.
        """
        return channel_id if channel_id in self._channels else self._heaviest

    def channel(self, kind: str) -> ChannelPlan:
        """What the plan says of a channel (as kind_of names it)."""
        return self._channels[kind]

    def fill(self, counts: Mapping[str, int]) -> "Fill":
        """The one Fill for an agent who holds so many interactions of each channel."""
        key = tuple(sorted((channel_id, count) for channel_id, count in counts.items() if count))
        found = self._fills.get(key)
        if found is None:
            held = dict(key)
            ready = tuple(channel_id for channel_id in self._ids if self._fits(held, channel_id))
            load = sum(self._channels[channel_id].load * count for channel_id, count in key)
            found = self._fills[key] = Fill(self, held, load, ready)
        return found

    def _fits(self, held: Mapping[str, int], channel_id: str) -> bool:
        """Whether one more fits. Work that the channel may interrupt does not stand in its way."""
        new = self._channels[channel_id]
        if held.get(channel_id, 0) >= new.max_at_once:
            return False
        in_the_way = sum(
            self._channels[other_id].load * count
            for other_id, count in held.items()
            if channel_id not in self._channels[other_id].interrupted_by
        )
        return new.load + in_the_way <= FULL


class Fill:
    """What an agent holds, by channel, and what therefore still fits. Equal fills are one object.

    Shape: `ready` are the channels (as Capacity.kind_of names them) of which one more fits, sorted.
    """

    __slots__ = ("_capacity", "_less", "_more", "counts", "load", "ready")

    def __init__(self, capacity: Capacity, counts: dict[str, int], load: int, ready: tuple[str, ...]) -> None:
        self._capacity = capacity
        self._more: dict[str, Fill] = {}
        self._less: dict[str, Fill] = {}
        self.counts = counts
        self.load = load
        self.ready = ready

    def plus(self, channel_id: str) -> "Fill":
        """With one more of this channel."""
        found = self._more.get(channel_id)
        if found is None:
            counts = {**self.counts, channel_id: self.counts.get(channel_id, 0) + 1}
            found = self._more[channel_id] = self._capacity.fill(counts)
        return found

    def minus(self, channel_id: str) -> "Fill":
        """With one less of this channel."""
        found = self._less.get(channel_id)
        if found is None:
            counts = {**self.counts, channel_id: self.counts.get(channel_id, 0) - 1}
            found = self._less[channel_id] = self._capacity.fill(counts)
        return found
