"""Asks the other site: one kept connection, every request signed, every answer checked. For one thread.

Nothing is held while it waits: whoever asks has closed its reading first.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values at the edge of the type system
from urllib.parse import urlsplit

import msgspec

from router.sites.auth import SIGNATURE, answer_is_genuine, new_nonce, sign
from router.sites.credentials import PeerAccess, host_name

CONNECT_S: Final = 3.0
ANSWER_S: Final = 15.0
"""Until the other site has said something: taking a large batch on a slow disk takes seconds."""

ANSWER_BYTES_MAX: Final = 24 << 20


class PeerUnreachable(Exception):
    """There is no answer, or none that is the other site's. Shape: code is one of UNREACHABLE."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{UNREACHABLE[code]}{f': {detail}' if detail else ''}")
        self.code = code


UNREACHABLE: Final = {
    "no_answer": "the other site does not answer",
    "not_genuine": "what answers is not the other site: do both have the same peer-key?",
    "refused": "the other site does not take us for its peer: do both have the same peer-key and plan?",
    "certificate": "the certificates of both sites do not belong together: `muster site keys` makes them",
    "too_large": "the answer is larger than any should be",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAnswer:
    """What the other site said, genuinely."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a table; empty where it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            return {}
        return found if isinstance(found, dict) else {}


class PeerClient:
    """One thread's line to the other site."""

    def __init__(
        self, access: PeerAccess, *, clock_ms: Callable[[], int], answer_s: float = ANSWER_S
    ) -> None:
        self._access = access
        self._clock_ms = clock_ms
        self._answer_s = answer_s
        self._connection: http.client.HTTPConnection | None = None
        self._ahead_ms = 0
        """How far the other site's clock is ahead of ours, where that is too far for its door."""

    def ask(self, method: str, target: str, body: bytes = b"") -> PeerAnswer:
        """Its answer. Raises PeerUnreachable.

        What went out on a kept connection that had ended meanwhile is asked once more: every request to the
        other site may come twice.
        """
        answer = self._asked(method, target, body)
        if answer.status == 403 and answer.json().get("code") == "time":
            self._ahead_ms = int(answer.json().get("now_ms", 0)) - self._clock_ms()
            answer = self._asked(method, target, body)
        if answer.status == 403:
            raise PeerUnreachable("refused", str(answer.json().get("code", "")))
        return answer

    def ask_json(self, method: str, target: str, values: object) -> PeerAnswer:
        """The same with a JSON body."""
        return self.ask(method, target, msgspec.json.encode(values))

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, method: str, target: str, body: bytes) -> PeerAnswer:
        kept = self._connection is not None
        try:
            return self._exchange(method, target, body)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            if not kept or isinstance(problem, TimeoutError):
                raise _unreachable(problem) from problem
        try:
            return self._exchange(method, target, body)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise _unreachable(problem) from problem

    def _exchange(self, method: str, target: str, body: bytes) -> PeerAnswer:
        if self._connection is None:
            self._connection = _connect(self._access, self._answer_s)
        nonce = new_nonce()
        time_ms = self._clock_ms() + self._ahead_ms
        headers = sign(
            self._access.key, self._access.outgoing, method=method, target=target, body=body,
            time_ms=time_ms, nonce=nonce,
        )  # fmt: skip
        self._connection.request(method, target, body=body, headers=headers)
        response = self._connection.getresponse()
        found = response.read(ANSWER_BYTES_MAX + 1)
        if len(found) > ANSWER_BYTES_MAX:
            self.close()
            raise PeerUnreachable("too_large")
        genuine = answer_is_genuine(
            self._access.key, self._access.incoming, nonce=nonce, status=response.status, body=found,
            signature=response.headers.get(SIGNATURE, ""),
        )  # fmt: skip
        if not genuine:
            self.close()  # what a stranger answers leaves nothing on our line
            raise PeerUnreachable("refused" if response.status == 403 else "not_genuine")
        return PeerAnswer(status=response.status, body=found)


class _TlsConnection(http.client.HTTPSConnection):
    """Checks the name of the site in the certificate, and not its address."""

    def __init__(self, host: str, port: int, *, context: ssl.SSLContext, name: str, answer_s: float) -> None:
        super().__init__(host, port, timeout=CONNECT_S, context=context)
        self._tls = context
        self._name = name
        self._answer_s = answer_s

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), CONNECT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)
        self.sock.settimeout(self._answer_s)


def _connect(access: PeerAccess, answer_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(access.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if access.tls is not None:
        connection: http.client.HTTPConnection = _TlsConnection(
            host, port, context=access.tls.client(), name=host_name(access.peer), answer_s=answer_s
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
    connection.connect()
    if connection.sock is not None:
        connection.sock.settimeout(answer_s)
    return connection


def _unreachable(problem: Exception) -> PeerUnreachable:
    if isinstance(problem, ssl.SSLError):
        return PeerUnreachable("certificate", problem.reason or type(problem).__name__)
    return PeerUnreachable("no_answer", str(problem) or type(problem).__name__)
