"""What this site handed over, and the other one died before its copy showed that: taken up here again.

The other site took it and said so, and then its rows never came. Here it is over (`moved`), in the copy it is
not open, so neither a take-over of what is open there nor of replies would find it. All of it is here still.
It may have been answered there, which nobody can know now: whoever is asked twice was not forgotten.
So may its replies have left there: they leave here, and say that they may be there twice.
"""

import logging
from collections.abc import Sequence
from typing import Final

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS, read_head
from router.run.trouble import NoticeTrouble
from router.sites.adoptees import claims, read_adoptees
from router.sites.adopting import LEFT, NOT_ADOPTED, Adopt
from router.sites.copy_damage import chosen, stops
from router.sites.followed import taken_up
from router.sites.status import PEER, status_of

_log = logging.getLogger("muster.adopting")

BEFORE_MS: Final = 600_000
"""How long before the copy was whole last it can have been handed over: more than two clocks differ without a
doubt. A copy that began anew is of months ago, and everything that ever went there would come back."""

AT_ONCE: Final = 50

_HANDED: Final = f"""
    SELECT y.interaction_id, y.n, y.owner, i.follows FROM yielding y
    JOIN interaction i ON i.interaction_id = y.interaction_id
    JOIN journal j ON j.{OWN_ROWS} AND j.seq = y.seq
    WHERE y.at_ms > :since_ms AND y.owner = :peer AND i.closed_seq > 0 AND i.closed_why = 'moved'
        AND i.traffic NOT IN ('probe', 'rehearsal') AND j.data LIKE '%"why":"handed_over"%'
    ORDER BY i.urgency, i.accepted_at_ms, i.interaction_id
"""
_OPEN_THERE: Final = (
    "SELECT interaction_id FROM interaction WHERE closed_seq = 0 AND interaction_id IN {wanted}"
)


def handed_unseen(own: Connection, copy: Connection, *, peer: str) -> list[str]:
    """Ids of those, the most urgent and oldest first. What the copy has open comes from there; what is rotten
    in it, from here. Not a call-back whose customer is served here as one who did not give up."""
    said = status_of(own, PEER)  # its times are by the clock of that site
    heard_ms = max(read_head(copy).at_ms, said.number("whole_ms") or said.number("at_ms"))
    rows = own.rows(_HANDED, peer=peer, since_ms=heard_ms - BEFORE_MS)
    had = taken_up(own, {str(ref): str(follows) for ref, _, _, follows in rows})
    left_to = {str(ref): (int(n), str(owner)) for ref, n, owner, _ in rows if ref not in had}

    def unseen(part: Sequence[str]) -> list[str]:
        theirs = claims(copy, part, site=peer)
        there = {str(row[0]) for row in rows_in(copy, _OPEN_THERE, part)}
        return [ref for ref in part if ref not in there and (ref not in theirs or theirs[ref] < left_to[ref])]

    return chosen(copy, list(left_to), unseen)


def take_up(own: Committer, database: Database, copy: Database, *, site: str, peer: str) -> int:
    """Serves them here again, each at its old place; how many. Raises as committer and databases do: what was
    taken up before stays, and the same call goes on."""
    with database.reading() as db, copy.reading() as theirs:
        ids = handed_unseen(db, theirs, peer=peer)
    parts = [ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)]
    return sum(_take_up(own, database, copy, part, site=site, peer=peer) for part in parts)


def _take_up(
    own: Committer, database: Database, copy: Database, ids: Sequence[str], *, site: str, peer: str
) -> int:
    """One that cannot be taken up holds up no other: an alarm names it."""
    try:
        return _take_up_now(own, database, ids, site=site, peer=peer)
    except Exception as fault:  # one row that nobody foresaw
        if stops(fault, copy):
            raise
        if len(ids) == 1:
            _log.exception("not taken up interaction=%s", ids[0])
            own.submit(NoticeTrouble(code=NOT_ADOPTED, ref=ids[0], detail=type(fault).__name__)).result()
            return 0
    parts = (ids[: len(ids) // 2], ids[len(ids) // 2 :])
    return sum(_take_up(own, database, copy, part, site=site, peer=peer) for part in parts)


def _take_up_now(own: Committer, database: Database, ids: Sequence[str], *, site: str, peer: str) -> int:
    with database.reading() as db:
        found = read_adoptees(db, ids, from_site=peer)
    orders = [order for each in found.each for order in each.outbox]
    left = frozenset(str(order["message_id"]) for order in orders if order["status"] == LEFT)
    append = Adopt(found, site=site, again=True, doubtful=left)
    own.submit(append).result()
    return len(append.adopted)
