"""Who is typing, passed between chat pages and desks, in this process and through Redis in the others.

A hint and nothing more: never stored, never retried, lost without harm. With Redis gone it works within one
process.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from router.run.redis_client import async_redis_at

CUSTOMER: Final = "customer"
AGENT: Final = "agent"

Listener = Callable[[str, str], None]
"""Called with (interaction_id, who), who being CUSTOMER or AGENT. On the event loop; must be quick."""

WAITING_MAX: Final = 1000
"""Marks waiting for Redis; more are dropped, because a late mark is worth nothing."""

RETRY_S: Final = 2.0
"""Pause before Redis is asked again after it failed."""

_log = logging.getLogger("muster.typing")


class _Mark(msgspec.Struct, array_like=True):
    web_id: str
    interaction_id: str
    who: str


class TypingMarks:
    """Publishes and hears typing marks of one site. With redis_url empty, of this process only."""

    def __init__(self, redis_url: str, site: str, web_id: str) -> None:
        self._url = redis_url
        self._channel = f"muster:{site}:typing"
        self._web_id = web_id
        self._listeners: list[Listener] = []
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)

    def subscribe(self, listener: Listener) -> None:
        """Hear every mark of the site from now on."""
        self._listeners.append(listener)

    def publish(self, interaction_id: str, who: str) -> None:
        """Somebody types. Never blocks, never raises."""
        self._tell(interaction_id, who)
        if self._url and not self._outgoing.full():
            self._outgoing.put_nowait(msgspec.json.encode(_Mark(self._web_id, interaction_id, who)))

    async def run(self) -> None:
        """Exchange marks with the other web processes until cancelled."""
        while self._url:
            client = async_redis_at(self._url, socket_connect_timeout=RETRY_S)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._send(client))
                    both.create_task(self._hear(client))
            except* (RedisError, OSError) as problem:
                _log.debug("redis away error=%s", type(problem.exceptions[0]).__name__)
            finally:
                await client.aclose()
            await asyncio.sleep(RETRY_S)
        await asyncio.Event().wait()

    async def _send(self, client: redis.asyncio.Redis) -> None:
        while True:
            await client.publish(self._channel, await self._outgoing.get())

    async def _hear(self, client: redis.asyncio.Redis) -> None:
        async with client.pubsub() as channel:
            await channel.subscribe(self._channel)
            async for message in channel.listen():
                if message["type"] == "message":
                    self._take(message["data"])

    def _take(self, data: bytes) -> None:
        """Redis is not trusted: what is not a short mark of another web process is ignored."""
        if len(data) > 1000:
            return
        try:
            mark = msgspec.json.decode(data, type=_Mark)
        except msgspec.MsgspecError:
            return
        if mark.web_id != self._web_id and mark.who in (CUSTOMER, AGENT):
            self._tell(mark.interaction_id, mark.who)

    def _tell(self, interaction_id: str, who: str) -> None:
        for listener in self._listeners:
            listener(interaction_id, who)
