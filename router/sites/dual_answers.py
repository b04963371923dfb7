"""Who has answered one interaction at both sites, as far as people here have not been told of it.

They are told again when it is other people than before: whoever took it over has to know as well. What both
streams say now is told whenever it differs from what was told last; what only the other site saw, once.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from router.journal.connection import Connection
from router.journal.fold_adoption import DUAL_ANSWERED, dual_detail
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.merging import Record, is_dual

Pair = tuple[str, str]
"""The agent of a database's own site, and that of the other one."""

_TOLD: Final = (
    "SELECT interaction_id, agent_id, other_agent_id FROM dual_answer WHERE interaction_id IN {wanted}"
)


def untold(
    ours: Connection, theirs: Connection, records: Mapping[str, Record], *, site: str, peer: str
) -> list[Fact]:
    """One fact for each of these of which people here have still to be told."""
    here, there = _told(ours, sorted(records)), _told(theirs, sorted(records))
    facts = []
    for ref, record in records.items():
        pair = _pair(ours, ref, record, here.get(ref), there.get(ref), site=site, peer=peer)
        if pair is not None:
            others = {"other_site": peer, "other_agent_id": pair[1]}
            facts.append(fact("kept_too", ref, site=site, agent_id=pair[0], **others))
    return facts


def _pair(
    db: Connection,
    ref: str,
    record: Record,
    told: Pair | None,
    told_there: Pair | None,
    *,
    site: str,
    peer: str,
) -> Pair | None:
    if is_dual(record):
        now = record.legs[site].agent_id, record.legs[peer].agent_id
        return None if now == told else now
    if told_there is None:
        return None
    seen = told_there[1], told_there[0]
    return None if told is not None and (told == seen or _was_told(db, ref, seen, peer)) else seen


def _was_told(db: Connection, ref: str, pair: Pair, peer: str) -> bool:
    """Whether there ever was an alarm about these two: what was told is not told back and forth."""
    found = db.row(
        "SELECT 1 FROM alarm WHERE code = :code AND ref = :ref AND detail = :detail",
        code=DUAL_ANSWERED,
        ref=ref,
        detail=dual_detail(pair[0], pair[1], peer),
    )
    return found is not None


def _told(db: Connection, ids: Sequence[str]) -> dict[str, Pair]:
    return {str(row[0]): (str(row[1]), str(row[2])) for row in rows_in(db, _TOLD, ids)}
