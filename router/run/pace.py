"""How many messages of one account may leave now: the plan's rate, over all workers, and slower after a 429.

A provider that is asked for more than it takes refuses, and then what is urgent waits behind refusals. Kept
in SQL (LOCAL) in the transaction that claims the messages; accounts know nothing of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from router.journal.connection import Connection
from router.run.lease import NOW_MS

BUCKET_MS: Final = 100
SECOND_MS: Final = 1_000
SLOWER_MAX: Final = 5
"""How often the rate is halved at most: of eighty a second two or three are left."""

FASTER_MS: Final = 30_000
"""After this long without another 429 it is doubled again."""

Bucket = tuple[int, int]
"""(when it began, how many left in it)."""

_FIND: Final = "SELECT recent, slower, slowed_at_ms FROM pace WHERE account = :account {lock}"
_LOCK: Final = {"postgresql": "FOR UPDATE", "sqlite": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """`count` may leave now; where that is fewer than were wanted, the next one may in wait_ms."""

    count: int
    wait_ms: int = 0


def permits(
    recent: Sequence[Bucket], *, now_ms: int, per_second: int, wanted: int
) -> tuple[Permits, list[Bucket]]:
    """How many of the wanted may leave, and the buckets after that. In no second leave more than per_second.

    Buckets of the future are of a clock that was set back: they count as of now.
    """
    held = [(min(began, now_ms), count) for began, count in recent]
    kept = [each for each in held if each[0] > now_ms - SECOND_MS - BUCKET_MS]
    count = max(0, min(wanted, per_second - sum(left for _, left in kept)))
    if count:
        kept = _added(kept, now_ms - now_ms % BUCKET_MS, count)
    if count == wanted:
        return Permits(count=count), kept
    oldest = min((began for began, _ in kept), default=now_ms)
    return Permits(count=count, wait_ms=max(1, oldest + SECOND_MS + BUCKET_MS - now_ms)), kept


def slowed(per_second: int, slower: int, *, since_ms: int) -> int:
    """The rate after so many 429s, the last of them this long ago. Never none at all."""
    left = max(0, min(slower, SLOWER_MAX) - max(0, since_ms) // FASTER_MS)
    return max(1, per_second >> left)


def take(db: Connection, account: str, *, per_second: int, wanted: int) -> Permits:
    """The same for this account now, and noted. In a writing transaction."""
    if not per_second or not wanted:
        return Permits(count=wanted)
    now_ms = _now_ms(db)
    db.run(
        "INSERT INTO pace (account, recent, slower, slowed_at_ms) VALUES (:account, '[]', 0, 0)"
        " ON CONFLICT (account) DO NOTHING",
        account=account,
    )
    row = db.row(_FIND.format(lock=_LOCK[db.dialect]), account=account) or ("[]", 0, 0)
    recent = msgspec.json.decode(row[0], type=list[Bucket])
    rate = slowed(per_second, row[1], since_ms=now_ms - row[2])
    given, kept = permits(recent, now_ms=now_ms, per_second=rate, wanted=wanted)
    db.run(
        "UPDATE pace SET recent = :recent WHERE account = :account",
        recent=msgspec.json.encode(kept).decode(),
        account=account,
    )
    return given


def rate_now(db: Connection, account: str, per_second: int) -> int:
    """The rate of this account at this moment; 0: it has none."""
    row = db.row("SELECT slower, slowed_at_ms FROM pace WHERE account = :account", account=account)
    if not per_second or row is None:
        return per_second
    return slowed(per_second, row[0], since_ms=_now_ms(db) - row[1])


def slow_down(db: Connection, account: str) -> None:
    """The provider said that it was too much. In a writing transaction."""
    now_ms = _now_ms(db)
    row = db.row(_FIND.format(lock=_LOCK[db.dialect]), account=account) or ("[]", 0, 0)
    before = max(0, row[1] - max(0, now_ms - row[2]) // FASTER_MS)
    db.run(
        "INSERT INTO pace (account, recent, slower, slowed_at_ms) VALUES (:account, '[]', :slower, :now_ms)"
        " ON CONFLICT (account) DO UPDATE SET slower = excluded.slower, slowed_at_ms = excluded.slowed_at_ms",
        account=account,
        slower=min(before + 1, SLOWER_MAX),
        now_ms=now_ms,
    )


def _added(buckets: Sequence[Bucket], began: int, count: int) -> list[Bucket]:
    others = [each for each in buckets if each[0] != began]
    return [*others, (began, count + sum(left for at, left in buckets if at == began))]


def _now_ms(db: Connection) -> int:
    row = db.row(f"SELECT {NOW_MS[db.dialect]}")
    return int(row[0]) if row else 0
