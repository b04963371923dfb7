"""How interactions stand, as the tables say: who holds a call, and at which place it waits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.plan import Plan, QueuePlan
from queues.order import score_of
from router.journal.connection import Connection
from router.journal.stream import last_seq

CHUNK: Final = 500

_COLUMNS: Final = (
    "interaction_id, channel, account, address_hash, state, queue_id, urgency, accepted_at_ms, agent_id,"
    " offer_id, wrap_up_since_ms, closed_seq, closed_why"
)
_LINE: Final = """
    SELECT interaction_id, queue_id, urgency, accepted_at_ms, state FROM interaction
    WHERE closed_seq = 0 AND state IN ('waiting', 'offered') AND channel = :channel
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One interaction, as far as its call has to know; array order is _COLUMNS'."""

    interaction_id: str
    channel: str
    account: str
    address_hash: str
    state: str
    queue_id: str
    urgency: int
    accepted_at_ms: int
    agent_id: str
    offer_id: str
    wrap_up_since_ms: int
    closed_seq: int
    closed_why: str
    seq: int
    """How far the journal had come when this was read."""

    @property
    def over(self) -> bool:
        """Whether the conversation has ended, or the whole."""
        return bool(self.closed_seq or self.wrap_up_since_ms)

    @property
    def gave_up(self) -> bool:
        """Whether the router took the customer for gone: then a call-back has the place in line."""
        return bool(self.closed_seq) and self.closed_why == "abandoned"

    @property
    def assigned(self) -> bool:
        """Whether somebody holds it and talks."""
        return self.state == "assigned" and not self.over


@dataclass(frozen=True, slots=True)
class Waiting:
    """One interaction in line."""

    interaction_id: str
    queue_id: str
    urgency: int
    accepted_at_ms: int
    state: str = "waiting"


def standings(db: Connection, interaction_ids: Iterable[str]) -> dict[str, Standing]:
    """Those of these interactions that there are."""
    ids, found = sorted(interaction_ids), {}
    seq = last_seq(db)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        values = {f"i{number}": each for number, each in enumerate(chunk)}
        names = ", ".join(f":{name}" for name in values)
        rows = db.rows(f"SELECT {_COLUMNS} FROM interaction WHERE interaction_id IN ({names})", **values)
        found.update({row[0]: Standing(*(*row, seq)) for row in rows})
    return found


def line_of(db: Connection, channel: str) -> list[Waiting]:
    """Everybody who waits on this channel, calls to be made included: an agent serves them as well."""
    return [Waiting(*row) for row in db.rows(_LINE, channel=channel)]


def positions(waiting: Sequence[Waiting], plan: Plan, now_ms: int) -> Mapping[str, int]:
    """The place of each in its queue, from 1, in the order in which they are served at this instant.

    The one order of queues/order.py; who is being offered to an agent is before all who are not.
    """
    queues = {queue.queue_id: queue for queue in plan.queues}
    ranked = sorted(waiting, key=lambda each: _rank(each, queues.get(each.queue_id), now_ms))
    counts: dict[str, int] = {}
    places: dict[str, int] = {}
    for each in ranked:
        counts[each.queue_id] = places[each.interaction_id] = counts.get(each.queue_id, 0) + 1
    return places


def _rank(each: Waiting, queue: QueuePlan | None, now_ms: int) -> tuple[bool, int, int, int, str]:
    wait_ms = max(0, now_ms - each.accepted_at_ms)
    score = 100 * wait_ms if queue is None else score_of(queue, wait_ms=wait_ms)
    return (each.state != "offered", each.urgency, -score, each.accepted_at_ms, each.interaction_id)
