"""Whether the other site takes work now: by its own word, and by what somebody here said of it.

What is said here makes it less than it says of itself, never more: what it takes is its own decision. As long
as it is said to take no work, nothing is sent there. Taking over and watching do not ask that: a site that
lives is not given up for a word, and one that is gone is gone.
"""

from typing import Final

from router.journal.connection import Connection
from router.journal.stream import read_head
from router.sites.overflow import refusal_of
from router.sites.service_states import NORMAL, takes_work
from router.sites.status import PEER, status_of

HERE_MS: Final = 4_000
"""Without a beat for this long, the other site is not asked to take anything."""


def out_of_use(db: Connection, peer: str) -> str:
    """The state by which somebody here said that it takes no work; empty: nobody did."""
    row = db.row("SELECT override FROM site_state WHERE site = :site", site=peer)
    return str(row[0]) if row is not None and row[0] and not takes_work(row[0]) else ""


def takes(db: Connection, peer: str, now_ms: int) -> bool:
    """Whether it was there a moment ago, and takes work."""
    beat = status_of(db, PEER)
    willing = beat.fresh(now_ms, HERE_MS) and beat.data.get("accepts") is not False
    return willing and not out_of_use(db, peer)


def refuses(db: Connection, peer: str, now_ms: int) -> str:
    """Why it takes nothing; empty: it does, or it is not there, and nobody knows."""
    return out_of_use(db, peer).lower() or refusal_of(status_of(db, PEER), now_ms)


def is_silent(db: Connection, copy: Connection, now_ms: int) -> bool:
    """Whether it was heard of once, and now is not: it answers no beat, and none of its rows come.

    Rows alone are enough: over a line that carries one way they say what its agents do.
    """
    beat, rows_ms = status_of(db, PEER), read_head(copy).at_ms
    return bool(beat.at_ms) and not beat.fresh(now_ms, HERE_MS) and abs(now_ms - rows_ms) > HERE_MS


def is_well(db: Connection, peer: str, now_ms: int) -> bool:
    """Whether a rehearsal that nobody asked for may begin now."""
    beat = status_of(db, PEER)
    return beat.fresh(now_ms) and beat.text("state") == NORMAL and not out_of_use(db, peer)
