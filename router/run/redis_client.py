"""A client of Redis at REDIS_URL, whether that names a server or Sentinels that know which it is now.

By Sentinel each new connection asks first, so whoever connects anew after a failure finds the server that
took over. Nothing waits for that: what Redis does for us can be done without it (hints.py).
"""

from typing import TYPE_CHECKING, Any, Final  # Any: options are those of redis, which are not typed

from config.redis_url import SentinelAddress, sentinel_address

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

ASK_S: Final = 0.5
"""A Sentinel answers in well under a millisecond; after this the next one is asked."""


def redis_at(url: str, **options: Any) -> "Redis":
    """A client that connects when it is first used. Raises ValueError where the URL makes no sense."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
    from redis.sentinel import Sentinel

    address = sentinel_address(url)
    if address is None:
        return Redis.from_url(url, **options)

    class Client(Redis):
        """Closes the connections to Sentinels with its own."""

        def close(self) -> None:
            super().close()
            sentinels.close()

    sentinels = Sentinel(
        address.nodes, sentinel_kwargs={**_to_sentinel(address), "retry": Retry(NoBackoff(), 0)}
    )
    found: Redis = sentinels.master_for(
        address.name, redis_class=Client, **{**_to_server(address), **options}
    )
    return found


def async_redis_at(url: str, **options: Any) -> "AsyncRedis":
    """The same for an event loop."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import Sentinel
    from redis.backoff import NoBackoff

    address = sentinel_address(url)
    if address is None:
        return Redis.from_url(url, **options)

    class Client(Redis):
        """Closes the connections to Sentinels with its own."""

        async def aclose(self, close_connection_pool: bool | None = None) -> None:
            await super().aclose(close_connection_pool)
            for each in sentinels.sentinels:
                await each.aclose()

    sentinels = Sentinel(
        address.nodes, sentinel_kwargs={**_to_sentinel(address), "retry": Retry(NoBackoff(), 0)}
    )
    found: Redis = sentinels.master_for(
        address.name, redis_class=Client, **{**_to_server(address), **options}
    )
    return found


def _to_sentinel(address: SentinelAddress) -> dict[str, object]:
    return {
        "socket_timeout": ASK_S,
        "socket_connect_timeout": ASK_S,
        "username": address.sentinel_user or None,
        "password": address.sentinel_password or None,
        "ssl": address.encrypted,
    }


def _to_server(address: SentinelAddress) -> dict[str, object]:
    return {
        "db": address.number,
        "username": address.user or None,
        "password": address.password or None,
        "ssl": address.encrypted,
    }
