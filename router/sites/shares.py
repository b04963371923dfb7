"""How much of what waits here is to wait at the other site, and since when that is asked for.

What came from the other site before it was asked for goes as everything else does; what came since stays: so
each order moves an interaction once, and two sites that both ask for it do not send it to and fro.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection
from router.sites.ownership import owner_of

ALL: Final = "all"
ALL_OF_IT: Final = 100
JUST_NOW: Final = 1 << 62
"""In place of a row that is not written yet: everything came before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many percent, asked for in the row since_seq of this site's journal."""

    share_pct: int
    since_seq: int


Shares = Mapping[str, Share]
"""By scope."""


def shares_of(db: Connection, *, site: str, peer: str) -> dict[str, Share]:
    """What people asked for."""
    stays = serves(db, peer, by=site)
    rows = db.rows("SELECT scope, share_pct, seq FROM reroute")
    return {
        str(scope): Share(share_pct=int(share), since_seq=0 if stays else int(seq))
        for scope, share, seq in rows
    }


def serves(db: Connection, domain: str, *, by: str) -> bool:
    """Whether this site serves that traffic. As long as one serves the other's, what came from there stays,
    whatever is asked for: the other one would bring it back."""
    return owner_of(db, domain).site == by


def in_force(db: Connection, *, site: str, peer: str) -> Shares:
    """What is moved now: everything, while the other site serves what is ours."""
    if serves(db, site, by=peer):
        since_seq = 0 if serves(db, peer, by=site) else claim_seq(db, site)
        return {ALL: Share(share_pct=ALL_OF_IT, since_seq=since_seq)}
    return shares_of(db, site=site, peer=peer)


def share_for(shares: Shares, *, channel: str, queue_id: str, urgency: int, came_seq: int) -> int:
    """Percent of what is like this. came_seq: the row by which it came from the other site; 0: it did not."""
    scopes = (ALL, f"urgency/{urgency}", f"channel/{channel}", f"queue/{queue_id}")
    asked = [shares[scope] for scope in scopes if scope in shares]
    return max((each.share_pct for each in asked if came_seq < each.since_seq or not came_seq), default=0)


def claim_seq(db: Connection, domain: str) -> int:
    """Row of the claim in force; 0: there is none."""
    (seq,) = db.row("SELECT seq FROM domain WHERE domain = :domain", domain=domain) or (0,)
    return int(seq)
