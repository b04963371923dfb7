"""The state just before one decision, from the journal alone; and whom an offer passed over (`muster why`).

The decision's own explanation counts the candidates and names five for each reason. Here all are named, and
worked out a second time, from the state and the plan of that moment.
"""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from config.plan import Plan
from router.agent import Agent
from router.centre import Centre
from router.core import Core
from router.decisions import OfferInteraction
from router.journal import fold, stream
from router.journal.appends import set_position
from router.journal.connection import Connection
from router.journal.replay import group_of
from router.journal.restore import load_plan, load_state
from router.journal.twin import empty_twin
from router.records import GROUP, Row, decision_of
from router.state import CoreState, InteractionState

PAGE: Final = 2_000

BEGINNING_MAX: Final = 5
"""How many interactions that begin alike are named."""

_BEGINNING: Final = re.compile(r"[0-9a-z-]{4,36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the router knew when it took the decision in `row`."""

    row: Row
    release: str
    plan: Plan
    state: CoreState

    @property
    def offer(self) -> OfferInteraction:
        """The decision, which must be an offer. Raises ValueError."""
        decision = decision_of(self.row.kind, self.row.ref, self.row.data)
        if not isinstance(decision, OfferInteraction):
            raise ValueError(f"row {self.row.seq} is {self.row.kind}, not an offer")
        return decision

    @property
    def interaction(self) -> InteractionState:
        """What was offered, as it was just before. Raises LookupError."""
        for interaction in self.state.interactions:
            if interaction.interaction_id == self.row.ref:
                return interaction
        raise LookupError(f"{self.row.ref} was not open at row {self.row.seq}")


def offers_of(db: Connection, ref: str) -> list[Row]:
    """Rows of all offers of an interaction, or of the one offer with this id, in order."""
    interaction_id = ref.rpartition("/")[0] or ref
    rows = stream.rows_of(
        db.rows(
            f"""SELECT {stream.COLUMNS} FROM journal
                WHERE {stream.OWN_ROWS} AND kind = 'offered' AND ref IN (:ref, :interaction_id)
                ORDER BY seq""",
            ref=ref,
            interaction_id=interaction_id,
        )
    )
    offers = [(row, decision_of(row.kind, row.ref, row.data)) for row in rows]
    named = [row for row, each in offers if isinstance(each, OfferInteraction) and each.offer_id == ref]
    return named or [row for row in rows if row.ref == ref]


def interactions_beginning(db: Connection, beginning: str) -> list[str]:
    """Ids of interactions that begin like this, BEGINNING_MAX at most, the newest first.

    Pages show people four characters of an id, in capitals. Shape: fewer are nobody's beginning.
    """
    wanted = beginning.lower()
    if not _BEGINNING.fullmatch(wanted):
        return []
    rows = db.rows(
        "SELECT interaction_id FROM interaction WHERE interaction_id LIKE :wanted"
        " ORDER BY arrived_seq DESC LIMIT :most",
        wanted=f"{wanted}%",
        most=BEGINNING_MAX,
    )
    return [str(row[0]) for row in rows]


def moment_before(db: Connection, row: Row, progress: Callable[[int], None] = lambda seq: None) -> Moment:
    """The state just before this decision: every earlier row folded on an empty database."""
    with closing(empty_twin()) as twin:
        group = None
        after_seq = 0
        while page := stream.read_rows(db, after_seq=after_seq, limit=PAGE):
            for earlier in page:
                if earlier.seq >= row.seq:
                    break
                if earlier.kind == GROUP:
                    group = group_of(earlier)
                fold.apply(twin, earlier)
            after_seq = page[-1].seq
            progress(min(after_seq, row.seq))
            if after_seq >= row.seq:
                break
        if group is None:
            raise LookupError(f"row {row.seq} belongs to no group of decisions")
        set_position(twin, group.read_through, group.core_ms)
        _, state = load_state(twin)
        return Moment(row=row, release=group.release, plan=load_plan(twin, state.plan_version), state=state)


def passed_over(moment: Moment) -> dict[str, list[str]]:
    """Every agent who was signed in and did not get the offer: sorted ids by reason.


    Empty for what a person gave to a named agent: nobody else was a candidate.
    """
    offer = moment.offer
    centre = Core.restore(moment.plan, moment.state).centre
    found: dict[str, list[str]] = {reason: [] for reason in REASONS}
    if not moment.interaction.named_agent_id:
        for agent_id in sorted(centre.agents):
            agent = centre.agents[agent_id]
            if agent_id != offer.agent_id and agent.crew is not None and agent.signed_in:
                found[_reason(centre, agent, offer)].append(agent_id)
    return {reason: ids for reason, ids in found.items() if ids}


REASONS: Final = ("lacks_skill", "not_available", "no_desk", "no_capacity", "cooling_down", "ranked_lower")
"""In the order in which they are asked, as router/explain.py does."""


def _reason(centre: Centre, agent: Agent, offer: OfferInteraction) -> str:
    interaction = centre.interactions[offer.interaction_id]
    if agent.crew is None or centre.ask_of(interaction).audience not in agent.crew.serves:
        return "lacks_skill"
    if not agent.desk_ids:
        return "no_desk"
    if not agent.available:
        return "not_available"
    if interaction.kind not in agent.ready:
        return "no_capacity"
    return "cooling_down" if centre.blocked(interaction, agent, offer.at_ms) else "ranked_lower"
