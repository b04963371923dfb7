"""The active router's life when the database takes nothing, as on a full disk."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from router.journal.appends import RouterAppend
from router.journal.committer import CommitUnknown
from router.records import Row
from router.run.router_loop import RETRY_S, RouterLoop
from tests.roles.hand_stepped import Site, new_site

pytestmark = pytest.mark.system

WATCHED_S = 4 * RETRY_S


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    site = new_site(data_dir)
    yield site
    site.close()


class Held:
    """A lease that lasts."""

    epoch = 1

    def held(self) -> bool:
        return True


class NoHints:
    """A site without Redis."""

    async def wait(self, timeout_ms: int) -> None:
        await asyncio.sleep(timeout_ms / 1000)


async def test_a_disk_that_takes_nothing_does_not_make_the_router_spin(site: Site):
    """It rebuilt 250 times a second, and wrote as often why, onto the disk that was full."""
    tries: list[int] = []

    def unknown(append: RouterAppend) -> Sequence[Row]:
        tries.append(append.read_through)
        raise CommitUnknown("disk I/O error")

    site.arrives("call-1")
    site.broken += [unknown] * 1_000
    hints: Any = NoHints()
    tenure: Any = Held()
    life = asyncio.create_task(RouterLoop(site.router, tenure, hints).run())
    await asyncio.sleep(WATCHED_S)
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    assert 2 <= len(tries) <= 1 + WATCHED_S / RETRY_S
