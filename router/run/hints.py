"""Hints: "something is at seq n", sooner than polling would find it. Never the only way anything is noticed.

Inside one process a hint wakes waiters directly; between processes it travels over Redis. Redis may be
absent, dead, frozen or emptied at any moment: publish never blocks and never raises, wait returns by its
timeout, and the line to Redis mends itself. What the hint is about is read from the journal, by whoever woke.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from redis.asyncio import Redis

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
        self._line = _RedisLine(redis_url, f"muster:{site}:seq", self._heard) if redis_url else None

    def publish(self, seq: int) -> None:
        """Say that the journal has reached seq. From any thread; never blocks, never raises."""
        self._published = max(self._published, seq)
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
    """One thread with its own event loop that publishes to and listens on one channel, and reconnects.

    A thread of its own, so that a busy event loop delays no hint and a frozen Redis delays no event loop.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[int], None]) -> None:
        self._url = url
        self._channel = channel
        self._heard = heard
        self._latest = 0
        self._loop = asyncio.new_event_loop()
        self._pending = asyncio.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()

    def send(self, seq: int) -> None:
        self._latest = seq
        self._call(self._pending.set)

    def close(self) -> None:
        self._call(self._stopping.set)
        self._thread.join(timeout=2 * ANSWER_S)

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            return  # Closed already.

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        tasks = [asyncio.create_task(_for_ever(self._publish)), asyncio.create_task(_for_ever(self._listen))]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish(self) -> None:
        """Publish the latest seq whenever there is a new one. Several at once travel as one."""
        async with _connection(self._url) as redis:
            while True:
                await self._pending.wait()
                self._pending.clear()
                async with asyncio.timeout(ANSWER_S):
                    await redis.publish(self._channel, str(self._latest))

    async def _listen(self) -> None:
        async with _connection(self._url) as redis, redis.pubsub() as channel:
            async with asyncio.timeout(ANSWER_S):
                await channel.subscribe(self._channel)
            while True:
                message = await channel.get_message(timeout=SILENT_S)
                if message is None:
                    await channel.ping()
                    message = await channel.get_message(timeout=ANSWER_S)
                    if message is None:
                        return
                if message["type"] == "message" and message["data"].isdigit():
                    self._heard(int(message["data"]))


def _connection(url: str) -> "Redis":
    from redis.asyncio import Redis  # Half a second to load: in our thread, not before a role can serve.
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # No retries inside the library: they would sleep while holding a hint that is stale by then.
    return Redis.from_url(
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0)
    )


async def _for_ever(talk: Callable[[], Awaitable[None]]) -> None:
    """Talk to Redis; when that ends, try again: quickly at first, later every two seconds."""
    from redis.exceptions import RedisError

    first, longest = BACKOFF_S
    pause = first
    loop = asyncio.get_running_loop()
    while True:
        begun = loop.time()
        # Redis is gone, frozen, or talking nonsense. Readers poll meanwhile; there is nothing else to do.
        with suppress(RedisError, OSError, TimeoutError, ValueError):
            await talk()
        pause = first if loop.time() - begun > longest else min(2 * pause, longest)
        await asyncio.sleep(pause)
