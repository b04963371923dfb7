"""Asks the voice process, over its Unix socket (docs/architecture.md 11.2). Knows no rights and no calls.

The socket is named in ports.json, which is read each time: a plan may bring the role, and a restart may move
it. Whatever keeps it from answering is one refusal, `voice_away`, so that no page waits for nothing.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol  # Any: JSON of the voice process

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

CONNECT_S: Final = 1.0
ANSWER_S: Final = 6.0
"""A page gives up after 10 s; before that it should hear why."""

AWAY: Final = "voice_away"
AWAY_STATUS: Final = 503

CODES: Final = frozenset(
    {
        "no_call",
        "wrong_state",
        "elsewhere",
        "bad_sdp",
        "bad_digits",
        "not_dialable",
        "no_ports",
        "no_trunk",
        "not_kept",
    }
)
"""Refusals that pages have words for; any other is our own mistake, and told as such."""

_log = logging.getLogger("muster.voice")

Values = dict[str, Any]


class VoiceRefused(Exception):
    """The voice process does not do it, or does not answer."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class Door(Protocol):
    """What the web process needs of the voice process."""

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Values:
        """The answer's values. Raises VoiceRefused."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class NoDoor:
    """Where no voice process can be: every question is refused."""

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Values:
        """Raises VoiceRefused."""
        raise VoiceRefused(AWAY, AWAY_STATUS)

    async def close(self) -> None:
        """Nothing."""


class VoiceDoor:
    """The voice process of this site. One per web process."""

    def __init__(self, ports_file: Path) -> None:
        self._ports_file = ports_file
        self._path = ""
        self._client: AsyncClient | None = None

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Values:
        """One request. Raises VoiceRefused; what a time-out leaves undone is seen in the call's own facts."""
        from httpx2 import InvalidURL, RequestError

        client = await self._ready()
        try:
            async with asyncio.timeout(CONNECT_S + ANSWER_S):
                response = await client.request(method, f"http://voice{path}", json=body)
        except (RequestError, InvalidURL, TimeoutError) as problem:
            _log.warning("the voice process does not answer error=%s", type(problem).__name__)
            raise VoiceRefused(AWAY, AWAY_STATUS) from None
        return _values(response)

    async def close(self) -> None:
        """Let go of the client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ready(self) -> "AsyncClient":
        path = await asyncio.to_thread(self._where)
        if not path:
            raise VoiceRefused(AWAY, AWAY_STATUS)
        if self._client is None or path != self._path:
            old, self._client, self._path = self._client, _new_client(path), path
            if old is not None:
                await old.aclose()
        return self._client

    def _where(self) -> str:
        """The socket's path; empty where there is none."""
        try:
            listeners = json.loads(self._ports_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        found = listeners.get("voice") if isinstance(listeners, dict) else None
        path = found.get("path", "") if isinstance(found, dict) else found
        return path if isinstance(path, str) else ""


def _new_client(path: str) -> "AsyncClient":
    """Connections are not kept: one to a process that was restarted would fail the next caller."""
    from httpx2 import AsyncClient, AsyncHTTPTransport, Limits, Timeout

    transport = AsyncHTTPTransport(uds=path, limits=Limits(max_keepalive_connections=0))
    return AsyncClient(transport=transport, timeout=Timeout(ANSWER_S, connect=CONNECT_S), trust_env=False)


def _values(response: "Response") -> Values:
    try:
        values = response.json()
    except ValueError:
        values = None
    if not isinstance(values, dict):
        _log.error("the voice process answered what is no answer status=%d", response.status_code)
        raise VoiceRefused(AWAY, AWAY_STATUS)
    if response.status_code == 200:
        return values
    code = values.get("code")
    if code not in CODES:
        _log.error("the voice process refused code=%s status=%d", code, response.status_code)
        raise VoiceRefused(AWAY, AWAY_STATUS)
    raise VoiceRefused(code, response.status_code)
