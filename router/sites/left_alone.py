"""What came to this site because it served the other one's traffic too, and waits since its people went home.

Agents here serve it: they may be this site's own. But where one crew serves both buildings it follows the
traffic, and nobody would. What is this site's own work stays, also all night: nobody asked to move that.
"""

from typing import Final

from router.journal.connection import Connection
from router.journal.stream import OWN_ROWS
from router.sites.ownership import RETURN, TAKE_OVER, Owner, owner_of
from router.sites.service_states import UNSTAFFED, effective

ALONE_MS: Final = 60_000
"""So long nobody must have been signed in: desks are gone for seconds when a web role starts anew."""

TRICKLES_MS: Final = 600_000
"""So long after a return some of the other site's still comes here: until its providers have switched."""

AFTER_RETURN_MS: Final = 86_400_000
"""For so long after a return. Actions are tried for four hours, names in the DNS are believed for a day."""

_SERVED: Final = f"""
    SELECT min(d.seq) FROM act_done d JOIN journal j ON j.seq = d.seq AND j.{OWN_ROWS}
    WHERE d.ref = :act AND d.kind = 'domain_claimed' AND j.data LIKE :claim
"""
_CAME: Final = f"""
    SELECT i.interaction_id FROM interaction i
    WHERE i.closed_seq = 0 AND i.state = 'waiting' AND i.named_agent_id = ''
        AND i.traffic NOT IN ('probe', 'rehearsal')
        AND NOT (i.channel = 'voice' AND i.connection_ids <> '[]')
        AND i.arrived_seq > :after_seq AND EXISTS (
            SELECT 1 FROM journal j WHERE j.{OWN_ROWS} AND j.seq = i.arrived_seq AND j.at_ms <= :until_ms
        )
    ORDER BY i.urgency, i.accepted_at_ms, i.interaction_id
"""
"""Not a join: SQLite would walk over every row since."""


def left_alone(db: Connection, *, site: str, peer: str, now_ms: int) -> list[str]:
    """Its ids, most urgent first; none as long as somebody is signed in here.

    The other site takes what waits here only where somebody is signed in there: so nothing goes to and fro.
    """
    known = owner_of(db, peer)
    if known.site != peer or known.mode != RETURN or known.since_ms <= now_ms - AFTER_RETURN_MS:
        return []
    after_seq = _served_seq(db, peer, known) if _is_empty(db, site, now_ms) else 0
    if not after_seq:
        return []
    found = db.rows(_CAME, after_seq=after_seq, until_ms=known.since_ms + TRICKLES_MS)
    return [str(row[0]) for row in found]


def _is_empty(db: Connection, site: str, now_ms: int) -> bool:
    """Whether nobody is here, by what is seen or by a person's word, and that for a while."""
    sql = "SELECT observed, override, observed_ms, override_ms FROM site_state WHERE site = :site"
    observed, override, observed_ms, override_ms = db.row(sql, site=site) or ("", "", 0, 0)
    since_ms = int(override_ms if override else observed_ms)
    return effective(observed, override) == UNSTAFFED and since_ms <= now_ms - ALONE_MS


def _served_seq(db: Connection, domain: str, given_back: Owner) -> int:
    """Row of the claim by which this site served that domain until it gave it back; 0: it is not known.

    A return is the claim right above it. It may have been made twice: then with what agents held.
    """
    claim = f'%"n":{given_back.n - 1},%'
    (seq,) = db.row(_SERVED, act=f"{domain}/{TAKE_OVER}", claim=claim) or (0,)
    return int(seq or 0)
