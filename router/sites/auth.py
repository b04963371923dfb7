"""How two sites know each other: every request and every answer is signed with the key that both have.

The signature covers who, to whom, when, a number used once, the request line and the hash of the body, so
that who may send is known before a body is read. Clocks may differ: a request that seems to come at another
time is refused by a signed answer that tells the time here, and the other site goes by that from then on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

WINDOW_MS: Final = 300_000
"""A request counts as new for this long, before and after our time."""

NONCE_BYTES: Final = 16
KEY_BYTES: Final = 32
KEY_BYTES_MIN: Final = 16
NONCES_MAX: Final = 1_000_000
"""Ten minutes of a thousand requests a second, and more memory than that (100 MB) they never get."""

SITE: Final = "x-muster-site"
TO: Final = "x-muster-to"
TIME: Final = "x-muster-time"
NONCE: Final = "x-muster-nonce"
BODY: Final = "x-muster-body"
SIGNATURE: Final = "x-muster-signature"

_REQUEST: Final = "muster peer request 1"
_ANSWER: Final = "muster peer answer 1"


class NotThePeer(Exception):
    """A request is not taken. Shape: code says why; nothing but `time` is ever told to the other side."""

    def __init__(self, code: str) -> None:
        super().__init__(WHY[code])
        self.code = code


WHY: Final = {
    "unsigned": "it is not signed",
    "site": "it is not from the other site of this pair, or not for this one",
    "signature": "its signature is wrong: do both sites have the same peer-key?",
    "time": "it is of another time: do the clocks of both sites agree?",
    "repeat": "it came before",
    "body": "its body is not the one that was signed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Whose requests go where."""

    site: str
    to: str


def sign(
    key: bytes, ends: Ends, *, method: str, target: str, body: bytes, time_ms: int, nonce: str
) -> dict[str, str]:
    """Headers of a request. Shape: target is path and query as they are sent."""
    digest = hashlib.sha256(body).hexdigest()
    return {
        SITE: ends.site,
        TO: ends.to,
        TIME: str(time_ms),
        NONCE: nonce,
        BODY: digest,
        SIGNATURE: _seal(key, _REQUEST, method, target, ends.site, ends.to, str(time_ms), nonce, digest),
    }


def sign_answer(key: bytes, ends: Ends, *, nonce: str, status: int, body: bytes) -> str:
    """The signature of an answer; ends are those of the answer, so the other way round."""
    digest = hashlib.sha256(body).hexdigest()
    return _seal(key, _ANSWER, ends.site, ends.to, nonce, str(status), digest)


def answer_is_genuine(
    key: bytes, ends: Ends, *, nonce: str, status: int, body: bytes, signature: str
) -> bool:
    """Whether the other site gave this answer to the request with that nonce."""
    expected = sign_answer(key, ends, nonce=nonce, status=status, body=body)
    return hmac.compare_digest(expected.encode(), signature.encode())


def new_nonce() -> str:
    """A number used once."""
    return secrets.token_hex(NONCE_BYTES)


class Door:
    """Who may come in: one object per listener, which remembers what came.

    Shape: ends are those of requests that come here: site is the other one, to is this one. What was sent
           before this began is refused as of another time: nothing is remembered of it.
    """

    def __init__(self, key: bytes, ends: Ends, *, clock_ms: Callable[[], int]) -> None:
        self._key = key
        self._ends = ends
        self._clock_ms = clock_ms
        self._begun_ms = clock_ms()
        self._nonces: dict[str, int] = {}

    def check(self, method: str, target: str, headers: Mapping[str, str]) -> str:
        """The nonce of a request that may come in, before its body is read. Raises NotThePeer."""
        values = {name: headers.get(name, "") for name in (SITE, TO, TIME, NONCE, BODY, SIGNATURE)}
        if not all(values.values()):
            raise NotThePeer("unsigned")
        sealed = (values[SITE], values[TO], values[TIME], values[NONCE], values[BODY])
        expected = _seal(self._key, _REQUEST, method, target, *sealed)
        if not hmac.compare_digest(expected.encode(), values[SIGNATURE].encode()):
            raise NotThePeer("signature")
        if (values[SITE], values[TO]) != (self._ends.site, self._ends.to):
            raise NotThePeer("site")
        self._check_time(values[TIME])
        self._check_new(values[NONCE])
        return values[NONCE]

    def check_body(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises NotThePeer where the body is another one."""
        digest = hashlib.sha256(body).hexdigest()
        if not hmac.compare_digest(digest.encode(), headers.get(BODY, "").encode()):
            raise NotThePeer("body")

    def sealed(self, nonce: str, status: int, body: bytes) -> str:
        """The signature of our answer."""
        ends = Ends(site=self._ends.to, to=self._ends.site)
        return sign_answer(self._key, ends, nonce=nonce, status=status, body=body)

    def _check_time(self, text: str) -> None:
        now_ms = self._clock_ms()
        earliest = max(now_ms - WINDOW_MS, self._begun_ms)
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise NotThePeer("time")
        if not earliest <= int(text) <= now_ms + WINDOW_MS:
            raise NotThePeer("time")

    def _check_new(self, nonce: str) -> None:
        now_ms = self._clock_ms()
        while self._nonces:
            oldest = next(iter(self._nonces))
            if self._nonces[oldest] > now_ms and len(self._nonces) < NONCES_MAX:
                break
            del self._nonces[oldest]
        if nonce in self._nonces:
            raise NotThePeer("repeat")
        self._nonces[nonce] = now_ms + 2 * WINDOW_MS


def _seal(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 over the parts, each with its length before it: no two lists of parts are alike."""
    text = "".join(f"{len(part.encode())}:{part}\n" for part in parts)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
