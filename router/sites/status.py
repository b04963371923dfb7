"""What the peer role knows at this moment, for console and command line: rows of `site_status` (LOCAL).

Keys: `peer` (the last beat of the other site, and until when its copy here was whole), `copy` (how far it has
our rows), `watch` (watcher.py), `readiness/<site>` (readiness.py), `verified` (the last whole check of
our journal), `content` (that of all content, here and in the copy).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON, looked at before use

import msgspec

from router.journal.connection import Connection
from router.records import canonical

PEER: Final = "peer"
COPY: Final = "copy"
WATCH: Final = "watch"
VERIFIED: Final = "verified"
CONTENT: Final = "content"

STALE_MS: Final = 10_000
"""Older than this, and nobody keeps it up: it says how things were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One row. at_ms is 0 where there never was one."""

    at_ms: int = 0
    data: Mapping[str, Any]

    def fresh(self, now_ms: int, within_ms: int = STALE_MS) -> bool:
        """Whether it says how things are."""
        return bool(self.at_ms) and abs(now_ms - self.at_ms) <= within_ms

    def number(self, name: str, default: int = 0) -> int:
        """A whole number of it."""
        value = self.data.get(name)
        return value if isinstance(value, int) else default

    def text(self, name: str) -> str:
        """A text of it."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""


def readiness_key(site: str) -> str:
    """The key of what a site says of its own readiness."""
    return f"readiness/{site}"


def status_of(db: Connection, key: str) -> Status:
    """What is known under this key."""
    found = db.row("SELECT at_ms, data FROM site_status WHERE key = :key", key=key)
    if found is None:
        return Status(data={})
    data = msgspec.json.decode(found[1])
    return Status(at_ms=found[0], data=data if isinstance(data, dict) else {})


def put_status(db: Connection, key: str, at_ms: int, data: Mapping[str, Any]) -> None:
    """Keep this instead of what was known. In a transaction of Database.writing."""
    db.run(
        """INSERT INTO site_status (key, at_ms, data) VALUES (:key, :at_ms, :data)
           ON CONFLICT (key) DO UPDATE SET at_ms = excluded.at_ms, data = excluded.data""",
        key=key,
        at_ms=at_ms,
        data=canonical(data),
    )


def put_beat(db: Connection, at_ms: int, said: Mapping[str, Any], *, copy_seq: int) -> None:
    """Keep what the other site said, and until when, by its clock, all of it was in the copy (whole_through).

    Shape: copy_seq is its row with which the copy here ended, at the latest now.
    """
    before, beat = status_of(db, PEER), Status(data=said)
    whole_ms, whole_seq = before.number("whole_ms"), before.number("whole_seq")
    if 0 < beat.number("last_seq") <= copy_seq:
        whole_ms = beat.number("looked_ms", beat.number("at_ms", at_ms))
        whole_seq = beat.number("last_seq")
    put_status(db, PEER, at_ms, {**said, "whole_ms": whole_ms, "whole_seq": whole_seq})


def whole_through(beat: Status, *, copy_seq: int) -> int:
    """When, by the other site's clock, it had written no more than is here; 0: not known.

    A copy that was begun anew since is not whole before it has come as far again.
    """
    return beat.number("whole_ms") if copy_seq >= beat.number("whole_seq") else 0
