"""Which web processes live. Each renews its row `web/<web_id>` every second; the router notices who stopped.

All times are the database's own clock, so machines need not agree. What follows from a dead web is in
dead_webs.py.
"""

from typing import Final

from router.journal.database import Connection
from router.run.lease import NOW_MS

RENEW_S: Final = 1.0
WEB_DEAD_MS: Final = 3_000
"""A web that has not renewed for this long is dead: its desks and customers are gone with it."""

FORGET_MS: Final = 3_600_000
"""Rows of webs that ended are removed after this long; until then they help to read what happened."""

ELSEWHERE: Final = "provider/"
"""Beginning of what stands for the process where a customer's line is held by a provider: it dies with none
of ours."""

_RENEW: Final = """
    INSERT INTO lease (name, owner, epoch, until_ms) VALUES (:name, :owner, 0, {now} + :ttl)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
"""
_NO_LONGER: Final = """
    UPDATE lease SET until_ms = {now} + :ttl WHERE name LIKE 'web/%' AND until_ms > {now} + :ttl
"""
"""After the clock was set back by an hour, a web that had died before would seem to live for that hour."""
_DEAD: Final = """
    SELECT DISTINCT connection.web_id FROM connection
    LEFT JOIN lease ON lease.name = 'web/' || connection.web_id
    WHERE (lease.name IS NULL OR lease.until_ms < {now}) AND connection.web_id NOT LIKE 'provider/%'
    ORDER BY connection.web_id
"""
_END: Final = "UPDATE lease SET until_ms = {now} - 1 WHERE name = :name"
_FORGET: Final = "DELETE FROM lease WHERE name LIKE 'web/%' AND until_ms < {now} - :age"


def renew_web(db: Connection, *, web_id: str, owner: str = "") -> None:
    """This web lives, for the next three seconds. Before its first connection, then every second."""
    now = NOW_MS[db.dialect]
    db.run(_RENEW.format(now=now), name=f"web/{web_id}", owner=owner, ttl=WEB_DEAD_MS)
    db.run(_NO_LONGER.format(now=now), ttl=WEB_DEAD_MS)


def end_web(db: Connection, *, web_id: str) -> None:
    """This web has closed everything it held and ends."""
    db.run(_END.format(now=NOW_MS[db.dialect]), name=f"web/{web_id}")


def silent_webs(db: Connection) -> list[str]:
    """Ids of webs that hold connections in the tables and have not renewed for three seconds."""
    return [web_id for (web_id,) in db.rows(_DEAD.format(now=NOW_MS[db.dialect]))]


def forget_webs(db: Connection) -> int:
    """Removes rows of webs that ended long ago; how many."""
    return db.run(_FORGET.format(now=NOW_MS[db.dialect]), age=FORGET_MS)
