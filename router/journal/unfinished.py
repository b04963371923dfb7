"""What a database says of itself while it is made again. Asked at each start: no definitions are loaded.

What makes it is restoring.py and router/sites/recovering.py.
"""

from typing import Final

import msgspec

from router.journal import stream
from router.journal.connection import Connection
from router.records import canonical

UNFINISHED: Final = "restoring"
"""Key of the row of site_status that is there while a database is being made again."""

BACKUP: Final = "backup"
PEER: Final = "peer"
"""What it is made of: what a backup half filled is filled anew, what the other site half filled goes on."""


def mark(db: Connection, made_of: str, now_ms: int) -> None:
    """Says in the database that it is not whole yet, in the caller's transaction; made_of: backup | peer."""
    db.run(
        """INSERT INTO site_status (key, at_ms, data) VALUES (:key, :at_ms, :data)
           ON CONFLICT (key) DO UPDATE SET at_ms = excluded.at_ms, data = excluded.data""",
        key=UNFINISHED,
        at_ms=now_ms,
        data=canonical({"made_of": made_of}),
    )


def unfinished(db: Connection) -> str:
    """What this database is being made of, or was when somebody stopped it; empty: it is whole."""
    found = db.row("SELECT data FROM site_status WHERE key = :key", key=UNFINISHED)
    return str(msgspec.json.decode(found[0])["made_of"]) if found else ""


def take_back_begin(db: Connection) -> bool:
    """Undoes the beginning of a life in which nothing was written yet; whether the last row was one.

    In the caller's transaction. Nobody can have seen a number of it but the command that began it.
    """
    head = stream.lock_head(db, 0)
    found = stream.read_rows(db, after_seq=head.seq - 1, limit=1) if head.seq else []
    if not found or found[0].kind != stream.BEGUN:
        return False
    before = msgspec.json.decode(found[0].data)["from_incarnation"]
    db.run("DELETE FROM journal WHERE site = :site AND seq = :seq", site=head.site, seq=head.seq)
    db.run("DELETE FROM stream WHERE own = 1")
    changed = db.run(
        "UPDATE stream SET own = 1 WHERE site = :site AND incarnation = :before",
        site=head.site,
        before=before,
    )
    if changed != 1:
        raise stream.NoStream(f"the life {before} before the last one is not known here")
    return True
