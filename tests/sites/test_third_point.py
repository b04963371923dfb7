"""The third point: any answer counts, silence counts, and an old answer does not."""

import asyncio

from router.sites.third_point import CALM_MS, KEPT_MS, ThirdPoint
from tests.contracts.twilio_api import twilio_api


async def test_any_answer_is_an_answer():
    """What is asked is the line: a page that is not found was found by somebody."""
    third = ThirdPoint()
    assert third.answers(0) is None
    async with twilio_api() as page:
        await third.ask(f"{page.url}/nothing-here", 1_000, urgent=True)
        assert third.answers(1_000) is True
        assert third.answers(1_000 + KEPT_MS + 1) is False
    await third.close()


async def test_a_closed_port_is_no_answer():
    """Nothing is inferred then."""
    third = ThirdPoint()
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    await third.ask(f"http://127.0.0.1:{port}", 1_000, urgent=True)
    assert third.answers(1_000) is False
    await third.close()


async def test_while_all_is_well_it_is_asked_now_and_then():
    """It belongs to somebody else."""
    third = ThirdPoint()
    async with twilio_api() as page:
        for mono_ms in range(1_000, 1_000 + CALM_MS, 1_000):
            await third.ask(page.url, mono_ms, urgent=False)
        assert len(page.asked) == 1
        await third.ask(page.url, 2_000, urgent=True)
        assert len(page.asked) == 2
    await third.close()


async def test_where_none_is_named_there_is_none():
    """A plan that drops it must not leave the last answer standing."""
    third = ThirdPoint()
    await third.ask("", 1_000, urgent=True)
    assert third.answers(1_000) is None
    await third.close()
