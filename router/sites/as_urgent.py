"""How urgent it is, what both sites had ended and one takes up again: as urgent as either found it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS, last_seq
from router.sites.adoptees import Adoptee

LOOK_BACK: Final = 5_000
"""Rows of the own stream in which it is looked for what was read of it while it was over here."""

_HERE: Final = """
    SELECT interaction_id, closed_seq, queue_id, urgency, requirement, rule_id FROM interaction
    WHERE closed_seq > 0 AND interaction_id IN {wanted}
"""
_READ: Final = f"SELECT seq, ref, data FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind = 'read'"


def most_urgent(db: Connection, coming: Sequence[Adoptee]) -> None:
    """Each asks for what it asked for here where that is more urgent: so were its last words read."""
    by_ref = {each.interaction_id: each for each in coming}
    rows = rows_in(db, _HERE, sorted(by_ref))
    for ref, _, queue_id, urgency, requirement, rule_id in rows:
        _ask(by_ref[ref], queue_id=queue_id, urgency=urgency, requirement=requirement, rule_id=rule_id)
    closed = {str(row[0]): int(row[1]) for row in rows}
    if not closed:
        return
    after = max(min(closed.values()), last_seq(db) - LOOK_BACK)
    for seq, ref, data in db.rows(_READ, after=after):
        if seq > closed.get(ref, seq):
            said = msgspec.json.decode(data)
            requirement = msgspec.json.encode(said["requirement"]).decode()
            _ask(
                by_ref[ref],
                queue_id=said["queue_id"],
                urgency=said["urgency"],
                requirement=requirement,
                rule_id=said["rule_id"],
            )


def _ask(adoptee: Adoptee, **wanted: str | int) -> None:
    if wanted["queue_id"] and 0 < int(wanted["urgency"]) < (adoptee.row["urgency"] or 1 << 30):
        adoptee.row |= wanted
