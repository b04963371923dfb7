"""What really happened, from the journal and the tables, against what people outside were told."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from router.journal.database import Connection
from router.records import GROUP, Row
from tests.system.crew import Clerk, Shown
from tests.system.outside import Customer, Kept

VISIBLE_MS: Final = 1_000
"""A row's time is taken when its transaction has the counter; it is seen a little later, once committed."""


@dataclass(slots=True)
class _Interaction:
    """One interaction, as the decisions so far have it."""

    state: str = "parked"
    agent_id: str = ""
    urgency: int = 0


@dataclass(slots=True)
class History:
    """The decisions, followed row by row. Each list says what must not have happened, in words."""

    two_holders: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    offers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """offer_id: (interaction, agent)."""

    offered_at_ms: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _accepted_at_ms: dict[str, int] = field(default_factory=dict)
    _open: dict[str, _Interaction] = field(default_factory=dict)
    _waiting: dict[str, None] = field(default_factory=dict)
    _tried: dict[tuple[str, str], int] = field(default_factory=dict)
    _work: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    _shifts: dict[str, list[tuple[int, frozenset[str], frozenset[str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By agent: from when on what was offered and what was held."""

    def follow(self, rows: Iterable[Row], accepted_at_ms: dict[str, int]) -> "History":
        """Every row in order."""
        self._accepted_at_ms = accepted_at_ms
        for row in rows:
            self.counts[row.kind] += 1
            data = json.loads(row.data)
            if row.kind in ("queued", "held", "call_back_opened"):
                self._lined_up(row, data.get("urgency"))
            elif row.kind == "urgency_set":
                self._open[row.ref].urgency = data["urgency"]
            elif row.kind == "offered":
                self._offered(row, data)
            elif row.kind == "offer_ended":
                self._offer_ended(row, data)
            elif row.kind == "accepted":
                self._accepted(row, data)
            elif row.kind == "closed":
                self._closed(row)
            elif row.kind == GROUP and data["release"].endswith("+safe"):
                self.mistakes.append(f"row {row.seq} was decided in safe mode")
            elif row.kind == "alarm_raised" and data["code"] in ("core_error", "safe_mode"):
                self.mistakes.append(f"row {row.seq}: alarm {data['code']} {row.ref} {data['detail']}")
        return self

    def work_between(
        self, agent_id: str, begin_ms: int, end_ms: int
    ) -> list[tuple[frozenset[str], frozenset[str]]]:
        """(offered, held) of an agent at each moment of this time."""
        shifts = self._shifts[agent_id]
        first = bisect_right([each[0] for each in shifts], begin_ms)
        before = [(frozenset[str](), frozenset[str]())] if first == 0 else [shifts[first - 1][1:]]
        return before + [each[1:] for each in shifts[first:] if each[0] <= end_ms]

    def _of(self, ref: str) -> _Interaction:
        return self._open.setdefault(ref, _Interaction())

    def _lined_up(self, row: Row, urgency: int | None) -> None:
        found = self._of(row.ref)
        if found.state == "offered":
            self.two_holders.append(f"row {row.seq}: {row.ref} waits while it is offered to {found.agent_id}")
        found.urgency = urgency or found.urgency
        self._leaves(row, found)
        self._waits(row.ref, found)

    def _offered(self, row: Row, data: dict[str, str]) -> None:
        found, agent_id = self._of(row.ref), data["agent_id"]
        self.offers[data["offer_id"]] = (row.ref, agent_id)
        self.offered_at_ms.append(row.at_ms)
        if found.state != "waiting":
            self.two_holders.append(
                f"row {row.seq}: {row.ref} {found.state} by {found.agent_id}, offered to {agent_id}"
            )
        self._check_order(row, found, agent_id)
        self._waiting.pop(row.ref, None)
        self._goes_to(row, found, agent_id, "offered")

    def _check_order(self, row: Row, found: _Interaction, agent_id: str) -> None:
        mine = self._rank(row.ref, found)
        for ref in self._waiting:
            earlier = self._rank(ref, self._open[ref])
            if earlier < mine and row.at_ms >= self._tried.get((ref, agent_id), 0):
                self.out_of_order.append(
                    f"row {row.seq}: {row.ref} {mine} was offered to {agent_id} before {earlier}"
                )

    def _rank(self, ref: str, found: _Interaction) -> tuple[int, int, str]:
        return found.urgency, self._accepted_at_ms[ref], ref

    def _offer_ended(self, row: Row, data: dict[str, str]) -> None:
        found = self._of(row.ref)
        self._tried[row.ref, data["agent_id"]] = int(data["cooldown_until_ms"])
        self._leaves(row, found)
        self._waits(row.ref, found)

    def _accepted(self, row: Row, data: dict[str, str]) -> None:
        found, agent_id = self._of(row.ref), data["agent_id"]
        if found.state not in ("waiting", "offered") or (
            found.state == "offered" and found.agent_id != agent_id
        ):
            self.two_holders.append(
                f"row {row.seq}: {row.ref} {found.state} by {found.agent_id}, taken by {agent_id}"
            )
        self._leaves(row, found)
        self._waiting.pop(row.ref, None)
        self._goes_to(row, found, agent_id, "assigned")

    def _closed(self, row: Row) -> None:
        found = self._of(row.ref)
        if found.state == "offered":
            self.two_holders.append(f"row {row.seq}: {row.ref} closed while offered to {found.agent_id}")
        self._leaves(row, found)
        self._waiting.pop(row.ref, None)
        del self._open[row.ref]

    def _waits(self, ref: str, found: _Interaction) -> None:
        found.state, found.agent_id = "waiting", ""
        self._waiting[ref] = None

    def _goes_to(self, row: Row, found: _Interaction, agent_id: str, state: str) -> None:
        found.state, found.agent_id = state, agent_id
        self._work[agent_id][row.ref] = state
        self._note_shift(row, agent_id)

    def _leaves(self, row: Row, found: _Interaction) -> None:
        if found.agent_id:
            self._work[found.agent_id].pop(row.ref, None)
            self._note_shift(row, found.agent_id)

    def _note_shift(self, row: Row, agent_id: str) -> None:
        work = self._work[agent_id]
        offered = frozenset(ref for ref, state in work.items() if state == "offered")
        self._shifts[agent_id].append((row.at_ms, offered, frozenset(work) - offered))


def accepted_at_of(db: Connection) -> dict[str, int]:
    """Where each interaction stands in line, by the tables."""
    return dict(db.rows("SELECT interaction_id, accepted_at_ms FROM interaction"))


def lost(db: Connection, kept: Sequence[tuple[Customer, Kept]]) -> list[str]:
    """Acknowledged messages that are not in the tables exactly once with their words."""
    found = defaultdict(list)
    for message_id, client_id, body in db.rows(
        "SELECT m.message_id, m.client_id, c.body FROM message m"
        " JOIN content c ON c.content_id = m.content_id WHERE m.direction = 'in'"
    ):
        found[client_id].append((message_id, bytes(body).decode()))
    return [
        f"{each.client_id}: {found[each.client_id]} instead of {each.message_id}"
        for _, each in kept
        if found[each.client_id] != [(each.message_id, each.text)]
    ]


def lost_replies(db: Connection, clerks: Sequence[Clerk]) -> list[str]:
    """Acknowledged replies that are not in the tables exactly once, with their words."""
    found = defaultdict(list)
    for client_id, *rest, body in db.rows(
        "SELECT m.client_id, m.message_id, m.interaction_id, c.body FROM message m"
        " JOIN content c ON c.content_id = m.content_id WHERE m.direction = 'out'"
    ):
        found[client_id].append((*rest, bytes(body).decode()))
    return [
        f"{each.client_id}: {found[each.client_id]}"
        for clerk in clerks
        for each in clerk.said.values()
        if found[each.client_id] != [(each.message_id, each.interaction_id, each.text)]
    ]


def in_limbo(db: Connection) -> list[str]:
    """Open interactions in none of the states of promise 2, or without what would end that state."""
    rows = db.rows(
        "SELECT i.interaction_id, i.state, i.queue_id, i.parked_until_ms, o.outcome, o.deadline_ms,"
        " a.desk_ids, a.grace_until_ms FROM interaction i LEFT JOIN offer o ON o.offer_id = i.offer_id"
        " LEFT JOIN agent a ON a.agent_id = i.agent_id WHERE i.closed_seq = 0"
    )
    wrong = []
    for ref, state, queue_id, parked_until_ms, outcome, deadline_ms, desk_ids, grace_until_ms in rows:
        fine = {
            "waiting": bool(queue_id),
            "offered": outcome == "outstanding" and bool(deadline_ms),
            "assigned": desk_ids not in (None, "[]") or bool(grace_until_ms),
            "parked": bool(parked_until_ms),
        }
        if not fine.get(state, False):
            wrong.append(f"{ref} is {state}: {outcome} {desk_ids} {grace_until_ms}")
    return wrong


def overlapping(clerks: Sequence[Clerk]) -> list[str]:
    """Interactions that two agents held at once, by what they were told themselves."""
    held = defaultdict(list)
    for clerk in clerks:
        for each in clerk.held:
            held[each.interaction_id].append((each.since, each.until or float("inf"), each.agent_id))
    wrong = []
    for interaction_id, spans in held.items():
        spans.sort()
        wrong += [
            f"{interaction_id}: {before[2]} and {after[2]}"
            for before, after in pairwise(spans)
            if after[0] < before[1] and before[2] != after[2]
        ]
    return wrong


def untrue(history: History, shown: Shown, messages: dict[str, list[tuple[str, int]]]) -> str:
    """How a desk's first picture differs from every state of that time; '' when it does not.

    Shape:  messages has (message id, at_ms) by interaction.
    """
    moments = history.work_between(shown.agent_id, shown.asked_at_ms - VISIBLE_MS, shown.shown_at_ms)
    if (shown.offers, shown.conversations) not in moments:
        return f"{shown.agent_id} was shown {shown.offers} {shown.conversations}, there was {moments}"
    for interaction_id, seen in shown.messages.items():
        there = messages[interaction_id]
        must = {each for each, at_ms in there if at_ms < shown.asked_at_ms - VISIBLE_MS}
        if not must <= seen <= {each for each, _ in there}:
            return f"{shown.agent_id} lacks messages of {interaction_id}: {must - seen}"
    return ""
