"""Looks once more at what was refused: with the secret of now, by the same way as everything that comes.

Kept first, then forgotten here: what a crash leaves in quarantine is found again and known as a repeat.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents_ui.hooks.accounts import Hooked
from agents_ui.hooks.keeping import Keeping
from agents_ui.hooks.quarantine import REASON_MAX, webhook_in
from router.channels.ingest import NotKept
from router.channels.port import NotAuthentic, Webhook
from router.journal.appends import storable
from router.journal.database import Connection, Database
from router.records import Fact, fact

TOGETHER: Final = 20
"""Kept at one time: as many as a busy second brings, so that nobody who writes now waits for the old."""

GENUINE: Final = "genuine"
REFUSED: Final = "refused"
LEFT: Final = "left"
"""It could not be kept now, or its account cannot be used: it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of those of one account."""

    genuine: int
    refused: int
    left: int


class Replaying:
    """Replays one account's quarantine. Shape: accounts are those of the plan, with the secrets of now."""

    def __init__(self, database: Database, keeping: Keeping, accounts: Mapping[str, Hooked]) -> None:
        self._database = database
        self._keeping = keeping
        self._accounts = accounts

    async def replay(self, account_id: str, *, by: str = "") -> Replayed:
        """Oldest first. `by` is who wants it; recorded. May be done again at any time, and by two at once."""
        ids = await asyncio.to_thread(self._ids, account_id)
        found = {GENUINE: 0, REFUSED: 0, LEFT: 0}
        for start in range(0, len(ids), TOGETHER):
            some = ids[start : start + TOGETHER]
            loaded = await asyncio.to_thread(self._load, some)
            # Submitted in this order: nothing is awaited before each is.
            for result in await asyncio.gather(*(self._one(account_id, *each) for each in loaded)):
                found[result] += 1
        replayed = Replayed(genuine=found[GENUINE], refused=found[REFUSED], left=found[LEFT])
        if ids:
            told = Record(account_id=account_id, by=by, replayed=replayed)
            await self._keeping.committer.append(told)
        return replayed

    def _ids(self, account_id: str) -> list[str]:
        with self._database.reading() as db:
            rows = db.rows(
                "SELECT quarantine_id FROM quarantine WHERE account = :a"
                " ORDER BY received_at_ms, quarantine_id",
                a=account_id,
            )
        return [row[0] for row in rows]

    async def _one(self, account_id: str, quarantine_id: str, webhook: Webhook | None) -> str:
        hooked = self._accounts.get(account_id)
        if hooked is None or hooked.account is None:
            return LEFT
        if webhook is None:
            return GENUINE  # Somebody else has just done it.
        try:
            received = hooked.provider.receive(webhook, hooked.account)
        except NotAuthentic as reason:
            await asyncio.to_thread(self._note, quarantine_id, str(reason))
            return REFUSED
        except Exception as mistake:  # noqa: BLE001 - ours: it stays, and the others go on
            await asyncio.to_thread(self._note, quarantine_id, type(mistake).__name__)
            return LEFT
        try:
            await self._keeping.keep(hooked.account, received)
        except NotKept:
            return LEFT
        except Exception as mistake:  # noqa: BLE001 - as above
            await asyncio.to_thread(self._note, quarantine_id, type(mistake).__name__)
            return LEFT
        await asyncio.to_thread(self._forget, quarantine_id)
        return GENUINE

    def _load(self, quarantine_ids: Sequence[str]) -> list[tuple[str, Webhook | None]]:
        with self._database.reading() as db:
            return [(each, webhook_in(db, each)) for each in quarantine_ids]

    def _note(self, quarantine_id: str, reason: str) -> None:
        with self._database.writing() as db:
            db.run(
                "UPDATE quarantine SET reason = :reason WHERE quarantine_id = :id",
                reason=storable(reason[:REASON_MAX]),
                id=quarantine_id,
            )

    def _forget(self, quarantine_id: str) -> None:
        with self._database.writing() as db:
            db.run("DELETE FROM quarantine WHERE quarantine_id = :id", id=quarantine_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Append: who replayed what."""

    account_id: str
    by: str
    replayed: Replayed

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact, which changes nothing."""
        told = self.replayed
        return [
            fact(
                "quarantine_replayed",
                self.account_id,
                agent_id=self.by,
                genuine=told.genuine,
                refused=told.refused,
            )
        ]
