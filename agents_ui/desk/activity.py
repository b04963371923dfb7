"""What an agent is doing, derived from what the agent holds: activity and load, as the core counts them."""

from collections.abc import Iterable
from typing import Final

from config.plan import Plan

WHOLE_AGENT: Final = 100
"""Load is counted in hundredths of an agent."""


def activity_of(work: Iterable[tuple[str, int]]) -> str:
    """idle | offered | engaged | wrap-up, from (state, wrap_up_since_ms) of everything with the agent.

    Talking to somebody goes before an offer that rings, and that before wrap-up.
    """
    found = {"engaged" if state == "assigned" and not since else _quiet(state) for state, since in work}
    return next((each for each in ("engaged", "offered", "wrap-up") if each in found), "idle")


def load_of(plan: Plan, channels: Iterable[str]) -> int:
    """Hundredths of the agent in use: offers reserve their load, wrap-up keeps it."""
    loads = {channel.channel_id: channel.load for channel in plan.channels}
    return min(WHOLE_AGENT, sum(loads.get(channel, 0) for channel in channels))


def _quiet(state: str) -> str:
    return "offered" if state == "offered" else "wrap-up"
