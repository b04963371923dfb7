"""Redis by Sentinel: what goes over it goes over the one that took the other's place."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from agents_ui.typing_marks import CUSTOMER
from router.run.chore_worker import ChoreWorker
from router.run.delivery_orders import DELIVER_DUE, QUEUE, DeliveryOrders
from router.run.hints import Hints
from router.run.redis_client import async_redis_at, redis_at
from tests.roles.redis_process import wait_until
from tests.roles.sentinels import Servers, by_sentinel
from tests.web.test_typing import Process
from tests.web.threads import LoopThread

pytestmark = pytest.mark.system


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Servers]:
    with by_sentinel(data_dir) as servers:
        yield servers


class Listener:
    """A role that waits for hints."""

    def __init__(self, url: str) -> None:
        self.heard = 0
        self._over = False
        self._hints = Hints(url, "site")
        self._thread = LoopThread(self._run)

    def stop(self) -> None:
        self._over = True
        self._thread.join()

    async def _run(self) -> None:
        while not self._over:
            before = self._hints._count
            await self._hints.wait(200)
            self.heard += self._hints._count > before
        await self._hints.close()


class Woken:
    """What a worker does when it is told that something is due."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.times += 1


def _again_until(do: Callable[[], None], true: Callable[[], bool], what: str) -> None:
    """A hint may be lost, a mark too: they are given until one is heard."""

    def look() -> bool:
        do()
        return true()

    wait_until(look, what, within_s=40)


class Everything:
    """All that goes over Redis, each with who gives and who gets it."""

    def __init__(self, url: str) -> None:
        self._listener, self._speaker = Listener(url), Hints(url, "site")
        self._woken, self._orders = Woken(), DeliveryOrders(url)
        self._worker = ChoreWorker(url, queue=QUEUE, chores={DELIVER_DUE: self._woken})
        self._worker.start()
        self._one, self._two = Process(url, "one"), Process(url, "two")
        self._seqs = count(1)

    def arrives(self, name: str) -> None:
        """Returns when a hint, an order and a mark have arrived."""
        heard, times = self._listener.heard, self._woken.times
        _again_until(
            lambda: self._speaker.publish(next(self._seqs)),
            lambda: self._listener.heard > heard,
            f"hint {name}",
        )
        _again_until(self._orders.order, lambda: self._woken.times > times, f"order {name}")
        _again_until(
            lambda: self._one.publish(name, CUSTOMER),
            lambda: (name, CUSTOMER) in self._two.heard,
            f"mark {name}",
        )

    def close(self) -> None:
        self._listener.stop()
        asyncio.run(self._speaker.close())
        self._orders.close()
        self._worker.stop()
        self._one.stop()
        self._two.stop()


@pytest.mark.timeout(180)
def test_hints_orders_and_marks_follow_a_failover(servers: Servers):
    """Without Redis everything still works, slower; nobody should have to restart roles to get it back."""
    everything = Everything(servers.url)
    try:
        everything.arrives("before")
        servers.kill_primary()
        everything.arrives("after")
    finally:
        everything.close()


def test_the_console_sees_whether_the_one_in_charge_answers(servers: Servers):
    """`/admin` asks the server that the Sentinels name, not one that is written down somewhere."""

    async def ask() -> object:
        client = async_redis_at(servers.url, socket_timeout=5, socket_connect_timeout=5)
        try:
            return await client.ping()
        finally:
            await client.aclose()

    assert asyncio.run(ask()) is True
    with redis_at(servers.url, socket_timeout=5) as client:
        assert client.info("replication")["role"] == "master"
