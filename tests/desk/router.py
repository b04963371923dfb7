"""The real router over a test's site: real core, real step, turned by hand or in the background."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from router.journal.appends import RouterAppend
from router.journal.committer import wall_ms
from router.journal.stream import last_seq
from router.records import Row, fact
from router.run.lease import lease_of
from router.run.router_step import RouterStep
from skills.requirement import Requirement
from tests.desk.small_site import Site

SETTLES_WITHIN_S = 5.0


class TestRouter:
    """One active router. Not itself a test."""

    __test__ = False

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lease = lease_of(site.database, "test")
        self._step = RouterStep(
            database=site.database,
            commit=self._commit,
            clock_ms=wall_ms,
            epoch=self._lease.acquire(),
            release="test",
        )

    async def settle(self) -> None:
        """Decide everything there is to decide now."""
        await asyncio.to_thread(self._settle)

    async def run(self) -> None:
        """Decide until cancelled."""
        while True:
            await self.settle()
            await self._site.services.hints.wait(20)

    def close(self) -> None:
        """Let go of the lease."""
        self._lease.release()

    def _settle(self) -> None:
        give_up_s = time.monotonic() + SETTLES_WITHIN_S
        while self._step.step() or self._step.position < self._end():
            assert time.monotonic() < give_up_s, f"the router stays at {self._step.position} of {self._end()}"

    def _end(self) -> int:
        with self._site.database.reading() as db:
            return last_seq(db)

    def _commit(self, append: RouterAppend) -> Sequence[Row]:
        return self._site.committer.submit(append).result()


@asynccontextmanager
async def routing(site: Site) -> AsyncIterator[TestRouter]:
    """The site with a router that runs."""
    router = TestRouter(site)
    turning = asyncio.create_task(router.run())
    try:
        yield router
    finally:
        turning.cancel()
        await asyncio.gather(turning, return_exceptions=True)
        router.close()


async def read(site: Site, interaction_id: str, *, urgency: int = 3) -> None:
    """Plays the intake loop: the newest message is read; the interaction waits in the first queue."""
    with site.database.reading() as db:
        row = db.row(
            "SELECT message_id FROM message WHERE interaction_id = :i ORDER BY seq DESC LIMIT 1",
            i=interaction_id,
        )
    assert row is not None
    await site.committer.append_facts(
        fact(
            "read",
            interaction_id,
            message_id=row[0],
            queue_id="first",
            urgency=urgency,
            requirement=msgspec.to_builtins(Requirement()),
            rule_id="all",
            language="en",
            reading="read",
            hits=[],
        )
    )
