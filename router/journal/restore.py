"""The core's state from the tables, at the router's position: what a router starts from.

Interactions that arrived after the position are left out: the router will read their rows. Call-backs are
decisions, so they are in, unless they came from the other site.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec

from config.plan import Plan
from config.plan_file import parse_plan
from config.problems import PlanWrong
from router.journal.appends import ROUTER
from router.journal.connection import Connection
from router.state import AgentState, CoreState, InteractionState, OfferState
from skills.requirement import Requirement

_INTERACTIONS: Final = """
    SELECT interaction_id, channel, traffic, identity_id, accepted_at_ms, state, queue_id, urgency,
           requirement, rule_id, step, offer_count, offer_id, agent_id, parked_until_ms, named_agent_id,
           named_until_ms, connection_ids, abandon_at_ms, assigned_at_ms, wrap_up_since_ms,
           linked_to
    FROM interaction WHERE closed_seq = 0 AND (arrived_seq <= :read_through OR (follows <> ''
        AND interaction_id NOT IN (SELECT interaction_id FROM adoption WHERE seq > :read_through)))
    ORDER BY interaction_id
"""
_AROUND: Final = _INTERACTIONS.replace(
    "ORDER BY", "AND (interaction_id = :interaction_id OR state IN ('offered', 'assigned')) ORDER BY"
)
_AGENTS: Final = """
    SELECT agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids, grace_until_ms
    FROM agent ORDER BY agent_id
"""
_OFFERS: Final = """
    SELECT offer_id, interaction_id, agent_id, offered_at_ms, deadline_ms, outcome, ended_at_ms,
           cooldown_until_ms
    FROM offer ORDER BY offer_id
"""
_OFFERS_AROUND: Final = _OFFERS.replace(
    "ORDER BY",
    "WHERE interaction_id = :interaction_id OR offer_id IN"
    " (SELECT offer_id FROM interaction WHERE closed_seq = 0 AND state = 'offered') ORDER BY",
)
_PLAN_VERSION: Final = "SELECT max(version) FROM plan WHERE seq <= :read_through"

_PLANS: Final = """
    SELECT version, text FROM plan WHERE version <= (SELECT min(version) FROM plan WHERE version >= :version)
    ORDER BY version DESC
"""


class NoPlan(Exception):
    """No plan was ever activated: `muster up` activates the plan file on its first start."""


def load_state(db: Connection) -> tuple[int, CoreState]:
    """(read_through, state) as of the router's last commit; inside one read transaction."""
    return _load(db, _INTERACTIONS, _OFFERS, {})


def load_around(db: Connection, interaction_id: str) -> CoreState:
    """Of the same state what bears on one interaction: itself, all agents, and what agents have in hand.

    What waits besides is left out: enough to ask who could serve it, and too little to decide anything.
    """
    state = _load(db, _AROUND, _OFFERS_AROUND, {"interaction_id": interaction_id})[1]
    known = {each.interaction_id for each in state.interactions}
    return replace(state, offers=tuple(each for each in state.offers if each.interaction_id in known))


def _load(db: Connection, interactions: str, offers: str, about: Mapping[str, str]) -> tuple[int, CoreState]:
    read_through, now_ms = db.row(
        "SELECT read_through, now_ms FROM position WHERE reader = :reader", reader=ROUTER
    ) or (0, 0)
    version = db.row(_PLAN_VERSION, read_through=read_through)
    texts = _Texts()
    return read_through, CoreState(
        now_ms=now_ms,
        plan_version=(version[0] if version else 0) or 0,
        interactions=tuple(
            _interaction(row, texts) for row in db.rows(interactions, read_through=read_through, **about)
        ),
        agents=tuple(_agent(row, texts) for row in db.rows(_AGENTS)),
        offers=tuple(_offer(row) for row in db.rows(offers, **about)),
    )


def load_plan(db: Connection, version: int) -> Plan:
    """The plan to decide by while this version is in force: see readable_plan."""
    return readable_plan(db, version)[1]


def readable_plan(db: Connection, version: int) -> tuple[int, Plan]:
    """The newest plan up to this version that can be read, with its version. For 0 (none read yet) the first.

    One that an earlier release put in force may be unreadable now, and people call nevertheless. Raises
    NoPlan; PlanWrong, about the newest one, when none can be read.
    """
    found = db.rows(_PLANS, version=version)
    wrong: list[PlanWrong] = []
    for number, text in found:
        try:
            return number, parse_plan(text, file_name=f"plan version {number}", in_force=True)
        except PlanWrong as problem:
            wrong.append(problem)
    if wrong:
        raise wrong[0]
    raise NoPlan("no plan was ever activated: start once with `muster up`")


class _Texts:
    """Reads JSON columns; equal texts are read once, because 100,000 rows hold few different ones."""

    def __init__(self) -> None:
        decode_requirement = msgspec.json.Decoder(Requirement).decode
        decode_ids = msgspec.json.Decoder(tuple[str, ...]).decode
        self.requirement: Callable[[str], Requirement] = lru_cache(maxsize=65_536)(decode_requirement)
        self.ids: Callable[[str], tuple[str, ...]] = lru_cache(maxsize=1_024)(decode_ids)


def _interaction(row: tuple[Any, ...], texts: _Texts) -> InteractionState:
    return InteractionState(
        interaction_id=row[0],
        channel=row[1],
        traffic=row[2],
        identity_id=row[3],
        accepted_at_ms=row[4],
        state=row[5],
        queue_id=row[6],
        urgency=row[7],
        requirement=texts.requirement(row[8]),
        rule_id=row[9],
        step=row[10],
        offer_count=row[11],
        offer_id=row[12],
        agent_id=row[13],
        parked_until_ms=row[14],
        named_agent_id=row[15],
        named_until_ms=row[16],
        connection_ids=texts.ids(row[17]),
        abandon_at_ms=row[18],
        assigned_at_ms=row[19],
        wrap_up_since_ms=row[20],
        linked_to=row[21],
    )


def _agent(row: tuple[Any, ...], texts: _Texts) -> AgentState:
    return AgentState(
        agent_id=row[0],
        available=bool(row[1]),
        reason=row[2],
        presence_since_ms=row[3],
        idle_since_ms=row[4],
        desk_ids=texts.ids(row[5]),
        grace_until_ms=row[6],
    )


def _offer(row: tuple[Any, ...]) -> OfferState:
    return OfferState(
        offer_id=row[0],
        interaction_id=row[1],
        agent_id=row[2],
        offered_at_ms=row[3],
        deadline_ms=row[4],
        outcome=row[5],
        ended_at_ms=row[6],
        cooldown_until_ms=row[7],
    )
