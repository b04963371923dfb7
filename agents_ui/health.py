"""Whether this web process lives (/healthz), can keep things (/readyz), and what it counts (/metrics).

A failing database makes it not ready, never dead: restarting would not mend it. Figures come from one look
at the tables at most every ten seconds, however many ask.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents_ui.figures import Figures, load_figures
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import Connection, Database
from router.records import Fact
from router.sites.copy_gaps import SingleCopies
from router.sites.status import put_status

READY_KEPT_S: Final = 1.0
"""Probes of several watchers within this time share one commit."""

READY_S: Final = 2.0
"""A commit that takes longer is no readiness: a webhook's provider would have given up as well."""

FIGURES_KEPT_S: Final = 10.0
"""Counting a million waiting interactions takes some tenths of a second of the database."""


READY: Final = "ready"
"""Key in site_status of the row that is written. Not our lease: a commit that hangs would keep it locked."""


class CommitProbe:
    """Append that writes one row, by the real committer, and nothing to the journal."""

    def write_content(self, db: Connection) -> None:
        """A real write, so that the commit is a real one."""
        put_status(db, READY, wall_ms(), {})

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing."""
        return ()


class Health:
    """The three routes, and what they remember between two askers."""

    def __init__(self, database: Database, committer: Committer, figures: Figures) -> None:
        self._database = database
        self._committer = committer
        self._figures = figures
        self._singles = SingleCopies()
        self._probe = CommitProbe()
        self._ready = (False, -READY_KEPT_S)
        self._counted_at = -FIGURES_KEPT_S
        self._one_at_a_time = asyncio.Lock()
        self.serving = False
        """Set by the composition root once everything runs."""

    def routes(self) -> list[Route]:
        """Before the gate."""
        return [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]

    async def is_ready(self) -> bool:
        """Whether a commit went through within the last second."""
        async with self._one_at_a_time:
            known, at = self._ready
            if time.monotonic() - at >= READY_KEPT_S:
                known = self.serving and await self._can_commit()
                self._ready = (known, time.monotonic())
        return known

    async def _can_commit(self) -> bool:
        try:
            await asyncio.wait_for(self._committer.append(self._probe), READY_S)
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be kept now
            return False
        return True

    async def _healthz(self, request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def _readyz(self, request: Request) -> Response:
        ready = await self.is_ready()
        return JSONResponse({"ok": ready}, 200 if ready else 503, {} if ready else {"Retry-After": "1"})

    async def _metrics(self, request: Request) -> Response:
        await self._count()
        return Response(generate_latest(self._figures.registry), media_type=CONTENT_TYPE_LATEST)

    async def _count(self) -> None:
        """Figures of the tables; with the database gone the last ones stay and their age says so."""
        if time.monotonic() - self._counted_at < FIGURES_KEPT_S:
            return
        self._counted_at = time.monotonic()
        try:
            counts = await asyncio.wait_for(
                asyncio.to_thread(load_figures, self._database, self._singles), READY_S
            )
        except Exception:  # noqa: BLE001 - metrics must be there most of all when things fail
            return
        self._figures.take(counts)
