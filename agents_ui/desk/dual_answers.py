"""That somebody at the other site answered an agent's conversation as well: who, and where.

Told while the agent has it, and of what is over as long as a shift, so that whoever finished theirs in the
split learns it too. It says nothing about who goes on: the two people agree about that.
"""

from collections.abc import Iterable
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.desk.entities import label_of_ids
from agents_ui.desk.messages import chunks
from config.plan import Plan
from router.journal.database import Connection
from router.journal.stream import read_head

Value = dict[str, Any]

TOLD_MS: Final = 12 * 3_600_000
"""As long as a shift: what is over is not told to somebody who comes the next day."""

EACH_MAX: Final = 20
"""The newest of one agent that a page is told; a longer list would be read by nobody."""

_COLUMNS: Final = """
    SELECT d.interaction_id, d.agent_id, d.other_site, d.other_agent_id,
        coalesce(p.name, d.other_agent_id), d.at_ms, i.channel, i.customer_id
    FROM dual_answer d JOIN interaction i ON i.interaction_id = d.interaction_id
        LEFT JOIN person p ON p.agent_id = d.other_agent_id
    WHERE (i.closed_seq = 0 OR d.at_ms > :since_ms)
"""


def dual_answers(
    db: Connection, plan: Plan, ids: Iterable[str], customer_ids: Iterable[str] = ()
) -> dict[str, Value]:
    """Of these interactions, and of those of these customers, what its agent here is told, by interaction_id.

    agent_id says whom.
    """
    found: dict[str, Value] = {}
    for column, wanted in (("d.interaction_id", ids), ("i.customer_id", customer_ids)):
        for names, values in chunks(wanted):
            rows = db.rows(f"{_COLUMNS} AND {column} IN ({names})", since_ms=_since_ms(db), **values)
            found |= {row[0]: _value(plan, row) for row in rows}
    return found


def dual_answers_of(db: Connection, plan: Plan, agent_id: str) -> dict[str, Value]:
    """What this agent is told, newest first."""
    rows = db.rows(
        f"{_COLUMNS} AND d.agent_id = :a ORDER BY d.at_ms DESC, d.interaction_id LIMIT :n",
        since_ms=_since_ms(db),
        a=agent_id,
        n=EACH_MAX,
    )
    return {row[0]: _value(plan, row) for row in rows}


def _since_ms(db: Connection) -> int:
    return read_head(db).at_ms - TOLD_MS


def _value(plan: Plan, row: tuple[Any, ...]) -> Value:  # Any: columns of _COLUMNS
    interaction_id, agent_id, other_site, other_agent_id, other_name, at_ms, channel, customer_id = row
    sites = {each.site_id: each.name for each in plan.pair.sites} if plan.pair else {}
    return {
        "interaction_id": interaction_id,
        "agent_id": agent_id,
        "other_agent_id": other_agent_id,
        "other_name": other_name,
        "other_site": sites.get(other_site, other_site),
        "at_ms": at_ms,
        "channel": channel,
        "customer_label": label_of_ids(customer_id, interaction_id),
    }
