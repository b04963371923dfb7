"""The ways by which an action reaches a provider: HTTP, and a program of this machine. One try each.

Addresses are the plan's own, so they may be inside our own network; redirects are not followed, and nothing
else is connected to (router/run/public_only.py).
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from router.channels.port import HttpReply, HttpRequest
from router.sites.action_requests import DONE, LATER, Outcome

if TYPE_CHECKING:
    from httpx2 import AsyncClient

BYTES_MAX: Final = 262_144
"""Of an answer; a longer one counts as empty."""

KILL_S: Final = 2.0
_PORTS: Final = {"https": 443}
_OTHER_PORT: Final = 80


class Ways:
    """Asks over HTTP. Close it at the end."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, int], AsyncClient] = {}
        """One for each host: only what the plan itself names may be inside our own network."""

    async def ask(self, request: HttpRequest, timeout_ms: int) -> HttpReply | Outcome:
        """The answer; or, where there was none, what to say of it. Never raises for what others do."""
        from httpx2 import InvalidURL, RequestError, UnsupportedProtocol

        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._answer(request)
        except TimeoutError:
            return Outcome(outcome=LATER, detail=f"no answer within {timeout_ms} ms")
        except (RequestError, InvalidURL, UnsupportedProtocol, ValueError) as problem:
            return Outcome(outcome=LATER, detail=f"not reached: {type(problem).__name__}")

    async def close(self) -> None:
        """Close the connections that were kept."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _answer(self, request: HttpRequest) -> HttpReply:
        client = self._client(request.url)
        headers = {**request.headers, "accept-encoding": "identity"}
        body = b""
        async with client.stream(
            request.method, request.url, headers=headers, content=request.body
        ) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > BYTES_MAX:
                    body = b""
                    break
            return HttpReply(status=response.status_code, headers={}, body=body)

    def _client(self, url: str) -> "AsyncClient":
        parts = urlsplit(url)
        there = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, _OTHER_PORT)
        if there not in self._clients:
            self._clients[there] = _new_client(there)
        return self._clients[there]


def _new_client(named: tuple[str, int]) -> "AsyncClient":
    """Where a proxy is set for this machine, it resolves names, and what it lets through is its business."""
    from httpx2 import AsyncClient, Limits

    from router.run.public_only import PublicOnly, PublicOnlyTransport

    if getproxies().get("https"):
        return AsyncClient(timeout=None, follow_redirects=False)
    limits = Limits(max_connections=8, max_keepalive_connections=2, keepalive_expiry=20)
    transport = PublicOnlyTransport(limits=limits, backend=PublicOnly(frozenset({named})))
    return AsyncClient(timeout=None, transport=transport, follow_redirects=False)


async def run_command(words: Sequence[str], *, timeout_s: float) -> Outcome:
    """A program of the plan, without a shell and our secrets; ended with its children when it takes long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(os.environ),
            start_new_session=True,
        )
    except OSError as problem:
        return Outcome(outcome=LATER, detail=f"{words[0]} cannot be run: {type(problem).__name__}")
    try:
        async with asyncio.timeout(timeout_s):
            said, _ = await process.communicate()
    except TimeoutError:
        return Outcome(outcome=LATER, detail=f"{words[0]} took longer than {timeout_s:g} s")
    finally:
        await _end(process)
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    told = f": {last[0]}" if last else ""
    outcome = DONE if process.returncode == 0 else LATER
    return Outcome(outcome=outcome, detail=f"exit {process.returncode}{told}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Also what it started: a shell script's child would hold its output open for ever."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), KILL_S)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in environ}
