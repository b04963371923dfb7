"""Service states in the words of NENA-STA-010: what is observed, what a person says, what holds. Pure.

What is observed and what a person says stand beside each other, always: the page shows both, and taking the
override back shows what was observed meanwhile. Source: the registry ServiceState of NENA-STA-010.
"""

from dataclasses import dataclass
from typing import Final

NORMAL: Final = "Normal"
MAINTENANCE_AVAILABLE: Final = "ScheduledMaintenanceAvailable"
MAJOR_INCIDENT: Final = "MajorIncidentInProgress"
PARTIAL: Final = "Partial"
UNSTAFFED: Final = "Unstaffed"
MAINTENANCE_DOWN: Final = "ScheduledMaintenanceDown"
OVERLOADED: Final = "Overloaded"
GOING_DOWN: Final = "GoingDown"
DOWN: Final = "Down"
UNREACHABLE: Final = "Unreachable"
"""Said by who watches a site, never by the site itself."""

ROUTABLE: Final = (NORMAL, MAINTENANCE_AVAILABLE, MAJOR_INCIDENT, PARTIAL)
"""Work may be sent there; of the last two perhaps slowly."""

STATES: Final = (*ROUTABLE, UNSTAFFED, MAINTENANCE_DOWN, OVERLOADED, GOING_DOWN, DOWN, UNREACHABLE)
OVERRIDES: Final = tuple(state for state in STATES if state != UNREACHABLE)
"""What a person can say. Unreachable is not among them: it is only ever inferred."""

WORSE_AFTER: Final = 3
"""So many looks in a row must agree before a site calls itself less than it did."""
BETTER_AFTER: Final = 5
"""... and more than it did: as many as good beats (watching.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a site knows of itself at one moment."""

    serving: bool
    """Its router decides and its database takes what is written."""
    stopping: bool = False
    agents_here: int = 0
    waiting: int = 0
    waiting_max: int = 0
    """limits.waiting_alarm; 0: no such limit."""
    parts_missing: tuple[str, ...] = ()
    """Roles or ways in that fail while the rest goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """An observed state, and what it is perhaps about to become."""

    state: str = ""
    """Empty: nothing was observed yet."""
    coming: str = ""
    looks: int = 0


def raw_state(figures: Figures) -> tuple[str, str]:
    """What these figures say, and why; the first reason counts."""
    if not figures.serving:
        return DOWN, "its router does not decide, or its database cannot be written"
    if figures.stopping:
        return GOING_DOWN, "it is being stopped"
    if not figures.agents_here:
        return UNSTAFFED, "no agent is signed in"
    if figures.waiting_max and figures.waiting > figures.waiting_max:
        return OVERLOADED, f"{figures.waiting} wait, more than {figures.waiting_max}"
    if figures.parts_missing:
        return PARTIAL, f"does not serve: {', '.join(figures.parts_missing)}"
    return NORMAL, ""


def settled(before: Settling, raw: str) -> Settling:
    """One more look. A state that comes and goes does not reach the peer: looks in a row must agree."""
    if not before.state or raw == before.state:
        return Settling(state=before.state or raw)
    looks = before.looks + 1 if raw == before.coming else 1
    wanted = BETTER_AFTER if STATES.index(raw) < STATES.index(before.state) else WORSE_AFTER
    if raw == GOING_DOWN or looks >= wanted:
        return Settling(state=raw)
    return Settling(state=before.state, coming=raw, looks=looks)


def effective(observed: str, override: str) -> str:
    """What holds. A person knows better than a figure, but nobody reaches what cannot be reached."""
    if observed == UNREACHABLE and override in ("", *ROUTABLE):
        return UNREACHABLE
    return override or observed or NORMAL


def takes_work(state: str) -> bool:
    """Whether work may be sent to a site in this (effective) state."""
    return state in ROUTABLE
