"""A webhook waits as long as the database goes on, and no longer."""

import asyncio

import pytest

from agents_ui.hooks.patience import STANDS_S, Patience

GUARD_S = 20


async def test_who_waits_for_a_database_that_stands_still_is_let_go() -> None:
    """The provider has to hear, so that it repeats or falls back; or the other site has to be asked."""
    standing = [0.0]
    patience = Patience(lambda: standing[0])
    given_up = asyncio.Event()

    async def waits() -> str:
        try:
            async with patience.within():
                await asyncio.sleep(GUARD_S)
        except TimeoutError:
            given_up.set()
            return "given up"
        return "waited"

    waiting = [asyncio.create_task(waits()) for _ in range(3)]
    await asyncio.sleep(0)
    standing[0] = STANDS_S
    assert await asyncio.wait_for(asyncio.gather(*waiting), GUARD_S) == ["given up"] * 3
    standing[0] = 0.0
    async with patience.within():
        await asyncio.sleep(0)


async def test_a_database_that_goes_on_is_waited_for_however_long_the_line_is() -> None:
    """Nothing is refused for load: only that it does not go on ends a wait."""
    looked = 0

    def standing_s() -> float:
        nonlocal looked
        looked += 1
        return STANDS_S / 2

    patience, done = Patience(standing_s), asyncio.Event()

    async def waits() -> None:
        async with patience.within():
            await done.wait()

    waiting = asyncio.create_task(waits())
    while looked < 3:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    done.set()
    await asyncio.wait_for(waiting, GUARD_S)


async def test_where_somebody_else_can_keep_it_the_wait_has_an_end_of_its_own() -> None:
    """While it is known that nothing is kept here, the other site is asked soon."""
    with pytest.raises(TimeoutError):
        async with Patience(lambda: 0.0).within(0.01):
            await asyncio.sleep(GUARD_S)


async def test_one_that_is_on_its_way_out_does_not_keep_the_others_waiting() -> None:
    """What it had begun takes its time to end; they all wait for the same database."""
    standing = [0.0]
    patience, leaving, left = Patience(lambda: standing[0]), asyncio.Event(), asyncio.Event()

    async def leaves_slowly() -> None:
        async with patience.within(0.0):
            try:
                await asyncio.sleep(GUARD_S)
            finally:
                leaving.set()
                await left.wait()

    async def waits() -> None:
        async with patience.within():
            await asyncio.sleep(GUARD_S)

    slow, other = asyncio.create_task(leaves_slowly()), asyncio.create_task(waits())
    await asyncio.wait_for(leaving.wait(), GUARD_S)
    standing[0] = STANDS_S
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(other), GUARD_S)
    assert other.done()
    left.set()
    await asyncio.gather(slow, return_exceptions=True)
