"""The one thread over which a worker's delivery asks the database: a slow one must delay no try under way."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from config.plan import Plan
from router.journal.clock import SteadyClock
from router.journal.connection import Connection
from router.journal.database import Database
from router.run import delivery_book as book
from router.run import pace
from router.run.delivery_book import Claimed
from router.run.plan_activation import plan_in_force

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one look found: accounts with something to send and when the first of it is due; a newer plan."""

    first_due: list[tuple[str, int]]
    plan: Plan | None


class Reader:
    """Asks in the background. Everything may raise DatabaseGone, DatabaseBusy. `owner` names this process."""

    def __init__(self, database: Database, clock: SteadyClock, *, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._owner = owner
        self._claims = 0
        self._plan_version = 0
        self._db: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="delivery")

    async def look(self) -> Found:
        """What there is to do. Afterwards the clock is not behind the journal: what was said is due."""
        return await self._ask(self._look)

    async def claim(
        self, *, account: str, until_ms: int, room: int, per_second: int = 0
    ) -> tuple[list[Claimed], int]:
        """At most so many messages of the account, now ours to send; and in how many ms more may leave.

        0 where nothing is held back by the account's rate (per_second; 0: it has none).
        """
        return await self._ask(
            lambda: self._claim(
                lambda db: book.candidates(db, account=account, until_ms=until_ms, room=room),
                account=account,
                per_second=per_second,
            )
        )

    async def slow_down(self, account: str) -> None:
        """The provider said that it was too much."""
        await self._ask(lambda: self._write(lambda db: pace.slow_down(db, account)))

    async def claim_old(self, *, before_ms: int, room: int) -> list[Claimed]:
        """At most so many messages that were ordered before this moment, of any account and in no order."""
        claimed, _ = await self._ask(
            lambda: self._claim(lambda db: book.too_old(db, before_ms=before_ms, room=room))
        )
        return claimed

    async def renew(self, claims: Sequence[tuple[str, str]]) -> None:
        """Keep these claims (message, owner) for as long again."""
        await self._ask(lambda: self._write(lambda db: book.renew(db, claims)))

    async def close(self) -> None:
        """Let go of the connection and the thread."""
        await self._ask(self._disconnect)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    def _look(self) -> Found:
        with self._database.reading() as db:
            stream = db.row("SELECT last_at_ms FROM stream WHERE own = 1")
            version = db.row("SELECT max(version) FROM plan")
            newer = plan_in_force(db) if version and version[0] != self._plan_version else None
            found = Found(first_due=book.first_due(db), plan=newer[1] if newer else None)
        self._clock.at_least(stream[0] if stream else 0)
        self._plan_version = version[0] if version else 0
        return found

    def _claim(
        self, find: Callable[[Connection], list[str]], *, account: str = "", per_second: int = 0
    ) -> tuple[list[Claimed], int]:
        """Looked for without a lock first: most looks find nothing, and writers take turns."""
        with self._database.reading() as db:
            wanted = find(db)
        if not wanted:
            return [], 0
        self._claims += 1
        owner = f"{self._owner}/{self._claims}"

        def claim(db: Connection) -> tuple[list[Claimed], int]:
            given = pace.take(db, account, per_second=per_second, wanted=len(wanted))
            return book.claim(db, wanted[: given.count], owner=owner), given.wait_ms

        return self._write(claim)

    def _write(self, work: Callable[[Connection], _Answer]) -> _Answer:
        db = self._db = self._db if self._db is not None and self._db.usable else self._database.connect()
        db.begin()
        try:
            answer = work(db)
            db.commit()
        finally:
            db.rollback()
        return answer

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
