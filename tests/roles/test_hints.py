"""Hints: sooner than polling when Redis is well, and never in anybody's way when it is not."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.run.hints import Hints
from tests.roles.redis_process import RedisProcess

pytestmark = pytest.mark.system


@pytest.fixture
def redis(data_dir: Path) -> Iterator[RedisProcess]:
    server = RedisProcess(folder=data_dir)
    server.start()
    yield server
    server.kill()


async def waited_ms(hints: Hints, timeout_ms: int) -> float:
    began = time.monotonic()
    await hints.wait(timeout_ms)
    return (time.monotonic() - began) * 1000


async def heard_within(sender: Hints, listener: Hints, *, seconds: float) -> bool:
    """Whether a hint gets through before the deadline; a line may still be mending."""
    deadline = time.monotonic() + seconds
    seq = 1_000
    while time.monotonic() < deadline:
        waiting = asyncio.create_task(waited_ms(listener, 100))
        await asyncio.sleep(0.01)
        sender.publish(seq := seq + 1)
        if await waiting < 90:
            return True
    return False


async def test_a_hint_wakes_a_reader_in_another_process_within_milliseconds(redis: RedisProcess):
    """Readers poll four times a second anyway; the hint is what makes an offer appear at once."""
    sender, listener = Hints(redis.url, "centre"), Hints(redis.url, "centre")
    assert await heard_within(sender, listener, seconds=5)
    waiting = asyncio.create_task(waited_ms(listener, 2_000))
    await asyncio.sleep(0.05)
    sender.publish(5_000)
    assert await waiting < 500
    await sender.close()
    await listener.close()


async def test_a_hint_of_another_site_wakes_nobody(redis: RedisProcess):
    """Two sites may share one Redis in a test installation; their journals have nothing in common."""
    sender, listener = Hints(redis.url, "north"), Hints(redis.url, "south")
    assert not await heard_within(sender, listener, seconds=0.5)
    await sender.close()
    await listener.close()


async def test_without_redis_a_hint_wakes_the_readers_of_the_same_process():
    """A centre without Redis still reacts at once to what its own process appended."""
    hints = Hints("", "centre")
    waiting = asyncio.create_task(waited_ms(hints, 2_000))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(hints.publish, 1)
    assert await waiting < 500
    await hints.close()


async def test_a_hint_between_reading_and_waiting_is_not_missed():
    """The reader has just looked and not yet begun to wait when the row arrives: the usual lost wake-up."""
    hints = Hints("", "centre")
    await hints.wait(1)
    hints.publish(1)
    assert await waited_ms(hints, 2_000) < 500
    assert await waited_ms(hints, 50) >= 45
    await hints.close()


async def test_each_reader_of_a_process_hears_every_hint():
    """One reader's wake-up must not use up the other's."""
    hints = Hints("", "centre")
    readers = [asyncio.create_task(waited_ms(hints, 2_000)) for _ in range(3)]
    await asyncio.sleep(0.01)
    hints.publish(1)
    assert max(await asyncio.gather(*readers)) < 500
    await hints.close()


async def test_a_redis_that_was_never_there_costs_nothing(data_dir: Path):
    """Publish runs in the thread that commits: it must neither block nor raise, whatever the address."""
    for url in (f"unix://{data_dir}/nothing.sock", "redis://127.0.0.1:1/0", "nonsense://"):
        hints = Hints(url, "centre")
        began = time.monotonic()
        for seq in range(1_000):
            hints.publish(seq)
        assert time.monotonic() - began < 0.5
        await hints.wait(0)
        assert 15 <= await waited_ms(hints, 20) < 500
        await hints.close()


async def test_hints_come_back_after_redis_was_killed_and_started_again(redis: RedisProcess):
    """Nobody restarts a role because Redis was restarted."""
    sender, listener = Hints(redis.url, "centre"), Hints(redis.url, "centre")
    assert await heard_within(sender, listener, seconds=5)
    await asyncio.to_thread(redis.kill)
    sender.publish(7)
    assert 15 <= await waited_ms(listener, 20) < 500
    await asyncio.to_thread(redis.start)
    assert await heard_within(sender, listener, seconds=8)
    await sender.close()
    await listener.close()


async def test_a_frozen_redis_delays_nobody(redis: RedisProcess):
    """A stopped server accepts and never answers: the worst kind of dead."""
    sender, listener = Hints(redis.url, "centre"), Hints(redis.url, "centre")
    assert await heard_within(sender, listener, seconds=5)
    redis.signal(signal.SIGSTOP)
    began = time.monotonic()
    for seq in range(100):
        sender.publish(seq)
        await listener.wait(1)
    assert time.monotonic() - began < 2
    redis.signal(signal.SIGCONT)
    assert await heard_within(sender, listener, seconds=8)
    await sender.close()
    await listener.close()


async def test_emptying_redis_changes_nothing(redis: RedisProcess):
    """FLUSHALL is the commonest accident with Redis; hints keep no data there."""
    sender, listener = Hints(redis.url, "centre"), Hints(redis.url, "centre")
    assert await heard_within(sender, listener, seconds=5)
    assert redis.say("FLUSHALL").startswith("+OK")
    assert await heard_within(sender, listener, seconds=5)
    await sender.close()
    await listener.close()
