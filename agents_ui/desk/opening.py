"""A page's socket from the handshake to its end, as desks and walls have it: hello, then what it is for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.desk.desk import Desk
from agents_ui.desk.shapes import HELLO

HELLO_WITHIN_S: Final = 5.0
NO_HELLO: Final = 1008


async def serve_page(
    page: WebSocket,
    *,
    admit: Callable[[WebSocket, str], Awaitable[Desk | None]],
    use: Callable[[WebSocket, Desk], Awaitable[None]],
    end: Callable[[Desk], Awaitable[None]],
) -> None:
    """Accept, take the ticket of the first message, use what it opens until the page ends.

    Shape: admit gives what the ticket opens, or None when it has closed the socket; use runs until the page
           or the desk ends; end is called for everything that was admitted, however it ends.
    """
    await page.accept()
    try:
        ticket = await _hello(page)
        desk = await admit(page, ticket) if ticket is not None else None
    except WebSocketDisconnect:
        return
    if desk is None:
        return
    try:
        await use(page, desk)
    except WebSocketDisconnect:
        pass  # The page is gone: what is left to do is below.
    except asyncio.CancelledError:
        # A page that does not read is cut off by its own desk; anything else that cancels us means it.
        if not desk.closing:
            raise
    finally:
        await end(desk)


async def _hello(page: WebSocket) -> str | None:
    """The ticket in the first message; None when there was no such message, and the socket is closed."""
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            return HELLO.decode(await page.receive_text()).ticket
    except (TimeoutError, KeyError, msgspec.MsgspecError, RecursionError):
        await page.close(NO_HELLO)
        return None
