"""Requests that were refused as not genuine: counted, and kept whole for a while.

The mistake may be ours: a secret that was changed at the provider and not here makes every call for help look
forged, and most providers do not send again what was refused. So it goes here, within limits, and an
administrator may have it looked at once more when the secret is right (replaying.py). Nothing in here is
believed, shown or routed. At a limit first goes what is least like genuine requests of the account were
(genuine.py), and of that the oldest of whoever sent most: a flood pushes out itself, whatever it comes from.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: the answer is a JSON value

import msgspec

from agents_ui.hooks.genuine import Genuine, likeness_of, marks_of, write_marks
from agents_ui.permits import network_of
from router.channels.port import Webhook
from router.journal.appends import storable
from router.journal.database import Connection, Database

ROWS_MAX: Final = 1_000
BYTES_MAX: Final = 33_554_432
"""Of one account. Ten accounts under attack at once stay below what one full channel keeps in an hour."""

BODY_MAX: Final = 4_194_304
"""A larger request is counted and not kept; the largest that a provider makes has 3 MB."""

PENDING_MAX: Final = 200
PENDING_BYTES_MAX: Final = 16_777_216
"""Waiting to be written, of all accounts. What comes on top is counted and not kept."""

EVERY_S: Final = 0.2
"""One short transaction in this time, however many are refused: who is genuine needs the disk as well."""

KEPT_MS: Final = 7 * 86_400_000
COUNTED_MS: Final = 86_400_000
"""Words of customers may be in it: a week is long enough to mend a secret."""

REASON_MAX: Final = 200

_PUT: Final = """
    INSERT INTO quarantine (quarantine_id, account, received_at_ms, peer, path, query, headers, body, size,
        reason, likeness)
    VALUES (:quarantine_id, :account, :received_at_ms, :peer, :path, :query, :headers, :body, :size, :reason,
        :likeness)
    ON CONFLICT (quarantine_id) DO UPDATE SET received_at_ms = excluded.received_at_ms,
        headers = excluded.headers, reason = excluded.reason,
        likeness = CASE WHEN quarantine.likeness > excluded.likeness
            THEN quarantine.likeness ELSE excluded.likeness END
"""
_COUNT: Final = """
    INSERT INTO refused (account, minute_ms, count) VALUES (:account, :minute_ms, :count)
    ON CONFLICT (account, minute_ms) DO UPDATE SET count = refused.count + excluded.count
"""
_SIZE: Final = "SELECT count(*), coalesce(sum(size), 0) FROM quarantine WHERE account = :account"
_MOST: Final = """
    SELECT peer, likeness FROM quarantine WHERE account = :account
    GROUP BY likeness, peer ORDER BY likeness, {most} DESC, peer LIMIT 1
"""
_FORGET: Final = """
    DELETE FROM quarantine WHERE quarantine_id = (SELECT quarantine_id FROM quarantine
        WHERE account = :account AND peer = :peer AND likeness = :likeness
        ORDER BY received_at_ms, quarantine_id LIMIT 1)
"""
_BY_ACCOUNT: Final = """
    SELECT account, count(*), sum(size), min(received_at_ms), max(received_at_ms), max(reason)
    FROM quarantine GROUP BY account ORDER BY account
"""

_log = logging.getLogger("muster.hooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One request that was refused, as it came."""

    account: str
    peer: str
    reason: str
    webhook: Webhook

    @property
    def quarantine_id(self) -> str:
        """The same for the same request sent again: a provider that tries for days takes one place."""
        told = (self.account, self.webhook.path, self.webhook.query)
        return hashlib.sha256("\0".join(told).encode() + b"\0" + self.webhook.body).hexdigest()


class Quarantine:
    """The quarantine as one web process fills it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: list[tuple[Refused, asyncio.Future[bool]]] = []
        self._pending_bytes = 0
        self._counts: Counter[tuple[str, int]] = Counter()
        self._genuine = Genuine()
        self._writing: asyncio.Task[None] | None = None

    def genuine(self, account: str, peer: str, webhook: Webhook) -> None:
        """A request of this account was genuine: what is like it is kept longest when it is refused."""
        if self._genuine.note(account, marks_of(peer, webhook.headers), webhook.received_at_ms):
            self._begin_writing()

    async def put(self, refused: Refused) -> bool:
        """Count it and keep it; whether it is on disk. Never raises, never refuses for long."""
        size = len(refused.webhook.body)
        self._counts[refused.account, refused.webhook.received_at_ms // 60_000 * 60_000] += 1
        full = len(self._pending) >= PENDING_MAX or self._pending_bytes + size > PENDING_BYTES_MAX
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if full or size > BODY_MAX:
            kept.set_result(False)
        else:
            self._pending.append((refused, kept))
            self._pending_bytes += size
        self._begin_writing()
        return await kept

    def _begin_writing(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        while (fresh := self._genuine.taken()) or self._pending or self._counts:
            pending, self._pending, self._pending_bytes = self._pending, [], 0
            counts, self._counts = self._counts, Counter()
            written = False
            try:
                await asyncio.to_thread(self._write, [each for each, _ in pending], counts, fresh)
                written = True
            except Exception as problem:  # noqa: BLE001 - nobody is told that what is lost was kept
                self._genuine.forgotten(fresh)
                _log.warning("not in quarantine count=%d error=%s", len(pending), type(problem).__name__)
            finally:
                for _, kept in pending:
                    if not kept.done():
                        kept.set_result(written)
            await asyncio.sleep(EVERY_S)

    def _write(
        self,
        refused: Sequence[Refused],
        counts: Counter[tuple[str, int]],
        fresh: dict[tuple[str, str], int],
    ) -> None:
        with self._database.writing() as db:
            write_marks(db, fresh)
            for (account, minute_ms), count in sorted(counts.items()):
                db.run(_COUNT, account=account, minute_ms=minute_ms, count=count)
            for each in refused:
                _put(db, each)
            for account in sorted({each.account for each in refused}):
                _make_room(db, account)


def _put(db: Connection, refused: Refused) -> None:
    webhook = refused.webhook
    headers = {name: value for name, value in webhook.headers.items() if name != "cookie"}
    db.run(
        _PUT,
        quarantine_id=refused.quarantine_id,
        account=refused.account,
        received_at_ms=webhook.received_at_ms,
        peer=network_of(refused.peer),
        path=storable(webhook.path),
        query=storable(webhook.query),
        headers=storable(msgspec.json.encode(headers).decode()),
        body=webhook.body,
        size=len(webhook.body),
        reason=storable(refused.reason[:REASON_MAX]),
        likeness=likeness_of(db, refused.account, marks_of(refused.peer, webhook.headers)),
    )


def _make_room(db: Connection, account: str) -> None:
    while True:
        rows, size = db.row(_SIZE, account=account) or (0, 0)
        if rows <= ROWS_MAX and size <= BYTES_MAX:
            return
        most = "count(*)" if rows > ROWS_MAX else "sum(size)"
        found = db.row(_MOST.format(most=most), account=account)
        if found is None or not db.run(_FORGET, account=account, peer=found[0], likeness=found[1]):
            return


def forget_old(db: Connection, now_ms: int) -> int:
    """Remove what nobody looked at in time. How many requests."""
    db.run("DELETE FROM refused WHERE minute_ms < :before_ms", before_ms=now_ms - COUNTED_MS)
    return db.run("DELETE FROM quarantine WHERE received_at_ms < :before_ms", before_ms=now_ms - KEPT_MS)


def quarantined(db: Connection) -> list[dict[str, Any]]:
    """What is in quarantine, by account: how much, since when, and the reason of the refusals."""
    names = ("account", "count", "bytes", "oldest_ms", "newest_ms", "reason")
    return [dict(zip(names, map(_plain, row), strict=True)) for row in db.rows(_BY_ACCOUNT)]


def _plain(value: Any) -> Any:
    """PostgreSQL sums whole numbers as decimals."""
    return value if isinstance(value, str) else int(value)


def refused_since(db: Connection, since_ms: int) -> dict[str, int]:
    """How many requests of each account were refused in the minutes that began after this."""
    rows = db.rows(
        "SELECT account, sum(count) FROM refused WHERE minute_ms > :since_ms GROUP BY account",
        since_ms=since_ms,
    )
    return {row[0]: int(row[1]) for row in rows}


def webhook_in(db: Connection, quarantine_id: str) -> Webhook | None:
    """One request as it came; None when it is gone."""
    row = db.row(
        "SELECT path, query, headers, body, received_at_ms FROM quarantine WHERE quarantine_id = :id",
        id=quarantine_id,
    )
    if row is None:
        return None
    return Webhook(
        method="POST",
        path=row[0],
        query=row[1],
        headers=msgspec.json.decode(row[2], type=dict[str, str]),
        body=bytes(row[3]),
        received_at_ms=row[4],
    )
