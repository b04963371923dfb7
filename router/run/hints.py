"""Hints: "something is at seq n", sooner than polling would find it. Never the only way anything is noticed.

Inside one process a hint wakes waiters directly; between processes it travels over Redis. Redis may be
absent, dead, frozen or emptied at any moment: publish never blocks and never raises, wait returns by its
timeout, and the line to Redis mends itself. What the hint is about is read from the journal, by whoever woke.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from router.run.redis_client import redis_at

if TYPE_CHECKING:
    from redis.connection import ConnectionInterface as Connection

ANSWER_S: Final = 0.5
"""Redis answers in well under a millisecond; one that needs this long is treated as gone."""

SILENT_S: Final = 15.0
"""After this long without a hint the line is tested, so that a half-open connection is noticed."""

BACKOFF_S: Final = (0.05, 2.0)
"""First and longest pause between attempts to reach Redis."""


class Hints:
    """Tells readers of the journal of one site that it has grown.

    Shape: one object per process, shared by all its readers and its committer. With redis_url "" hints reach
           only the waiters of this process.
    """

    def __init__(self, redis_url: str, site: str) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._seen: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()
        self._waiters: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._published = 0
        self.latest = 0
        """The highest seq that was heard of or published here. Other processes' come by Redis only."""
        self._line = _RedisLine(redis_url, f"muster:{site}:seq", self._heard) if redis_url else None

    def publish(self, seq: int) -> None:
        """Say that the journal has reached seq. From any thread; never blocks, never raises."""
        self._published = max(self._published, seq)
        self.latest = max(self.latest, seq)
        self._wake()
        if self._line is not None:
            self._line.send(seq)

    async def wait(self, timeout_ms: int) -> None:
        """Return on a hint, or after the timeout; never raises.

        A hint that came since this task's last wait returned counts: none slips between reading and waiting.
        """
        task = asyncio.current_task()
        if task is None:
            return  # Not reachable: a coroutine runs in a task.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            fresh = self._seen.get(task, self._count) == self._count
            if fresh:
                self._waiters[future] = loop
        if fresh:
            try:
                await asyncio.wait((future,), timeout=max(timeout_ms, 0) / 1000)
            finally:
                with self._lock:
                    self._waiters.pop(future, None)
        self._seen[task] = self._count

    async def close(self) -> None:
        """Stop listening to Redis. Waiters still return by their timeout."""
        if self._line is not None:
            await asyncio.to_thread(self._line.close)

    def _heard(self, seq: int) -> None:
        # What this process published comes back from Redis as well; its waiters know already.
        self.latest = max(self.latest, seq)
        if seq > self._published:
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            self._count += 1
            waiters, self._waiters = self._waiters, {}
        for future, loop in waiters.items():
            try:
                loop.call_soon_threadsafe(_finish, future)
            except RuntimeError:
                continue  # That loop is closed; whoever waited there is gone.


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _RedisLine:
    """Two threads, one that publishes on a channel and one that listens to it; each mends its own connection.

    Threads of their own, so that a busy event loop delays no hint and a frozen Redis delays no event loop.
    They block in the system and not in an event loop: with asyncio in here, hints took a tenth of the time in
    which a busy process can run Python.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[int], None]) -> None:
        self._url = url
        self._channel = channel
        self._heard = heard
        self._latest = 0
        self._pending = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._for_ever, args=(talk,), name=f"hints-{talk.__name__}", daemon=True)
            for talk in (self._publish, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, seq: int) -> None:
        self._latest = seq
        self._pending.set()

    def close(self) -> None:
        self._stopping.set()
        self._pending.set()
        for thread in self._threads:
            thread.join(timeout=2 * ANSWER_S)

    def _for_ever(self, talk: "Callable[[Connection], None]") -> None:
        """Talk to Redis; when that ends, try again: quickly at first, later every two seconds."""
        from redis.exceptions import RedisError

        first, longest = BACKOFF_S
        pause = first
        while not self._stopping.is_set():
            begun = time.monotonic()
            # Redis is gone, frozen, or talking nonsense. Readers poll meanwhile; there is nothing else to do.
            with suppress(RedisError, OSError, ValueError):
                connection = _connection(self._url)
                try:
                    connection.connect()
                    talk(connection)
                finally:
                    connection.disconnect()
            pause = first if time.monotonic() - begun > longest else min(2 * pause, longest)
            self._stopping.wait(pause)

    def _publish(self, connection: "Connection") -> None:
        """Publish the latest seq whenever there is a new one. Several at once travel as one."""
        while not self._stopping.is_set():
            self._pending.wait()
            self._pending.clear()
            connection.send_command("PUBLISH", self._channel, str(self._latest))
            connection.read_response()

    def _listen(self, connection: "Connection") -> None:
        connection.send_command("SUBSCRIBE", self._channel)
        heard_at = time.monotonic()
        while not self._stopping.is_set():
            if connection.can_read(ANSWER_S):
                heard_at = time.monotonic()
                match connection.read_response():
                    case [b"message", _, bytes(seq)] if seq.isdigit():
                        self._heard(int(seq))
            elif time.monotonic() - heard_at > SILENT_S + ANSWER_S:
                return
            elif time.monotonic() - heard_at > SILENT_S:
                connection.send_command("PING")


def _connection(url: str) -> "Connection":
    # A third of a second to load: in our threads, not before a role can serve.
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # No retries inside the library: they would sleep while holding a hint that is stale by then.
    client = redis_at(
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0), protocol=2
    )
    return client.connection_pool.make_connection()
