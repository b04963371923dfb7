"""What the desks of one web process show, by ids only: which interaction is on whose desks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any  # changes are JSON objects

from agents_ui.desk.desk import Desk
from agents_ui.desk.entities import Interaction

Place = tuple[str, str, str]
"""(agent_id, offer | conversation, id it is shown under)."""

Changes = dict[str, list[dict[str, Any]]]
"""Puts and drops by agent_id."""


@dataclass(slots=True)
class View:
    """One agent's desks here and what they show."""

    agent_id: str
    role: str
    desks: list[Desk] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    """Persons whom these desks show beside their conversations."""


class Views:
    """Every agent with a desk here. Not thread-safe, except that a thread may ask `in` and shown.get."""

    def __init__(self) -> None:
        self.shown: dict[str, Place] = {}
        """By interaction_id."""
        self._views: dict[str, View] = {}

    def __contains__(self, agent_id: object) -> bool:
        return agent_id in self._views

    def __iter__(self) -> Iterator[View]:
        return iter(tuple(self._views.values()))

    def __bool__(self) -> bool:
        return bool(self._views)

    def desks(self) -> Iterator[Desk]:
        """Every desk."""
        for view in self:
            yield from tuple(view.desks)

    def desks_of(self, agent_id: str) -> tuple[Desk, ...]:
        """The agent's desks."""
        view = self._views.get(agent_id)
        return tuple(view.desks) if view else ()

    def customers(self) -> dict[str, frozenset[str]]:
        """The persons shown, by agent."""
        return {view.agent_id: frozenset(view.customers) for view in self if view.customers}

    def show_customers(self, agent_id: str, ids: Iterable[str], changes: Changes) -> None:
        """Note that the agent's desks show these persons; adds the drops of others to `changes`."""
        view = self._views.get(agent_id)
        if view is None:
            return
        wanted = set(ids)
        gone = sorted(view.customers - wanted)
        if gone:
            changes.setdefault(agent_id, []).extend({"drop": "customer", "id": each} for each in gone)
        view.customers = wanted

    def add(self, desk: Desk, work: Iterable[Interaction], customers: Iterable[str] = ()) -> Changes:
        """Register a desk. The agent's first one says what is shown; what others lose by that is given back.

        For a further desk nothing is noted: rows that are still to come put everything even.
        """
        changes: Changes = {}
        agent_id = desk.person.agent_id
        if agent_id not in self._views:
            self._views[agent_id] = View(agent_id, desk.person.role)
            for interaction in work:
                self.place(interaction.interaction_id, place_of(interaction), changes)
        self._views[agent_id].desks.append(desk)
        # Also for a further desk: what it shows and is gone in rows to come has to be dropped.
        self._views[agent_id].customers.update(customers)
        return changes

    def remove(self, desk: Desk) -> None:
        """Forget a desk, and with the agent's last one what it showed. Harmless when it is not here."""
        view = self._views.get(desk.person.agent_id)
        if view is None or desk not in view.desks:
            return
        view.desks.remove(desk)
        if not view.desks:
            del self._views[view.agent_id]
            for interaction_id in view.shown:
                del self.shown[interaction_id]

    def place(self, interaction_id: str, after: Place | None, changes: Changes) -> None:
        """Note where the interaction is shown from now on; adds the drop from where it was to `changes`."""
        before = self.shown.get(interaction_id)
        if before == after:
            return
        if before is not None:
            del self.shown[interaction_id]
            self._views[before[0]].shown.discard(interaction_id)
            changes.setdefault(before[0], []).append({"drop": before[1], "id": before[2]})
        if after is not None:
            self.shown[interaction_id] = after
            self._views[after[0]].shown.add(interaction_id)


def place_of(interaction: Interaction) -> Place:
    """Where an interaction with a viewer is shown."""
    if interaction.shown_as == "offer":
        return (interaction.viewer, "offer", interaction.offer_id)
    return (interaction.viewer, "conversation", interaction.interaction_id)
