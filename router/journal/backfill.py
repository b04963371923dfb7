"""What columns that came with this release hold in rows of before: what the fold makes of those rows' facts.

A column gets its default when it is added, and the older release, which goes on beside this one for a while,
leaves it at that. Where the fold would say something else, it is said here, once for all rows that lack it.
"""

from collections.abc import Mapping
from typing import Final

from router.journal.connection import Connection
from router.journal.stream import OWN_ROWS

_SITE: Final = "(SELECT site FROM stream WHERE own = 1)"

FILLED: Final[Mapping[str, tuple[str, str]]] = {
    # Since two sites tell each other of people and plans: when, and where, they were changed last.
    "person": (
        "SELECT 1 FROM person WHERE changed_site = '' LIMIT 1",
        f"""UPDATE person SET changed_site = {_SITE}, changed_at_ms = said.at_ms
            FROM (SELECT ref, max(at_ms) AS at_ms FROM journal
                  WHERE {OWN_ROWS} AND kind IN ('person_added', 'person_changed') GROUP BY ref) AS said
            WHERE said.ref = person.agent_id AND person.changed_site = ''""",
    ),
    "plan": (
        "SELECT 1 FROM plan WHERE changed_site = '' LIMIT 1",
        f"UPDATE plan SET changed_site = {_SITE}, changed_at_ms = activated_at_ms WHERE changed_site = ''",
    ),
    # Since an order moves what came from the other site before it: the row that asked for it.
    "reroute": (
        "SELECT 1 FROM reroute WHERE seq = 0 LIMIT 1",
        f"""UPDATE reroute SET seq = said.seq
            FROM (SELECT ref, max(seq) AS seq FROM journal
                  WHERE {OWN_ROWS} AND kind = 'reroute_set' GROUP BY ref) AS said
            WHERE said.ref = reroute.scope AND reroute.seq = 0""",
    ),
}
"""By table: whether some row lacks it, and what fills it in."""


def fill(db: Connection) -> None:
    """In a transaction of the caller's. At once where nothing is lacking."""
    for lacks, statement in FILLED.values():
        if db.row(lacks) is not None:
            db.run(statement)
