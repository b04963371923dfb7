"""Sends what a drill needs: contacts of our own, by every way in that can be tried, over the public front.

One web process does it, whichever is first: it claims the drill in the database. What becomes of what was
taken is router/sites/drills.py.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from agents_ui.services import Services
from agents_ui.watch.judgement import Way
from agents_ui.watch.sending import SIP, Sender, can_probe
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.records import canonical
from router.sites.drills import sent_fact

AT_ONCE: Final = 8
CLAIMED_MS: Final = 600_000
"""Longer than any drill: who claimed one that died with it is not followed, the report says that."""

_OPEN: Final = "SELECT drill_id, count FROM drill WHERE ended_ms = 0 AND report = '{}'"
_CLAIM: Final = """
    INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, :until_ms) ON CONFLICT (ref) DO NOTHING
"""

_log = logging.getLogger("muster.drill")


class Rehearsal:
    """Looks for drills that have just begun; call turn() every second."""

    def __init__(self, services: Services, sender: Sender) -> None:
        self._services = services
        self._sender = sender
        self._sending: asyncio.Task[None] | None = None

    async def turn(self, ways: Sequence[Way]) -> None:
        """Begin to send where a drill waits for it. Raises DatabaseBusy, DatabaseGone."""
        if self._sending is not None and not self._sending.done():
            return
        found = await asyncio.to_thread(self._claimed)
        if found is not None:
            self._sending = asyncio.create_task(self._send(*found, ways))

    def cancel(self) -> None:
        """The process stops."""
        if self._sending is not None:
            self._sending.cancel()

    def _claimed(self) -> tuple[str, int] | None:
        database = self._services.database
        with database.reading() as db:
            row = db.row(_OPEN)
        if row is None:
            return None
        until_ms = time.time_ns() // 1_000_000 + CLAIMED_MS
        with database.writing() as db:
            ref = f"drill/{row[0]}"
            mine = db.run(_CLAIM, ref=ref, owner=self._services.web_id, until_ms=until_ms)
        return (str(row[0]), int(row[1])) if mine else None

    async def _send(self, drill_id: str, count: int, ways: Sequence[Way]) -> None:
        """One after another by each way in turn; a way that takes nothing is tried once and named."""
        usable = [way for way in ways if can_probe(way) and way.provider != SIP]
        kept_ms: list[int] = []
        problems: dict[str, str] = {} if usable else {"": "no way in can be tried"}
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(way: Way) -> None:
            async with slots:
                if way.watched in problems:
                    return
                began = time.monotonic()
                problem = await self._sender.send(way, rehearsal=True)
                if problem:
                    problems[way.watched] = problem
                else:
                    kept_ms.append(round((time.monotonic() - began) * 1_000))

        chosen = [usable[number % len(usable)] for number in range(count)] if usable else []
        await asyncio.gather(*(one(way) for way in chosen))
        said = sent_fact(drill_id, sent=len(chosen), kept_ms=kept_ms, problems=problems)
        try:
            await self._services.committer.append_facts(said)
        except (CommitUnknown, DatabaseBusy, DatabaseGone):
            _log.warning("what was sent is not on record drill=%s %s", drill_id, canonical(problems))
