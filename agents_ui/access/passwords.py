"""Passwords: Argon2id in threads, at most two at a time, and the rules for new ones."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_BYTES_MAX: Final = 1024
"""Longer ones are refused before any hashing, so that nobody buys our CPU with a megabyte."""

PASSWORD_CHARACTERS_MIN: Final = 12
"""OWASP ASVS 5.0, 6.2.1 asks for 8, recommends 15; no composition rules (6.2.5), no renewal (6.2.10)."""

DIFFERENT_CHARACTERS_MIN: Final = 5

WAITING_MAX: Final = 100
"""People waiting for a hash; at 50 ms each and two at once the last waits 2.5 s. More try again later."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike on paper: 16 of them carry 79 bits."""


class TooBusy(Exception):
    """More people are signing in at once than hashes can be computed soon."""


class Passwords:
    """Hashes and compares passwords without holding up the event loop."""

    def __init__(self, *, memory_kib: int = 47_104, at_once: int = 2) -> None:
        # 46 MiB, one pass, one lane is the first of OWASP's equivalent choices for Argon2id: about 40 ms.
        self._hasher = PasswordHasher(time_cost=1, memory_cost=memory_kib, parallelism=1)
        self._slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._nobody = _hash_of_nothing(self._hasher)

    def hash(self, password: str) -> str:
        """The text to keep instead of the password. Blocks; call it in a thread."""
        return self._hasher.hash(password)

    async def hash_in_thread(self, password: str) -> str:
        """Like hash(), for the event loop. Raises TooBusy."""
        async with self._slot():
            return await asyncio.to_thread(self.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password; None (nobody of that name) takes the same time. Raises TooBusy."""
        async with self._slot():
            right = await asyncio.to_thread(self._verify, password_hash or self._nobody, password)
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the few places where a hash is computed."""
        if self._waiting >= WAITING_MAX:
            raise TooBusy
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """What a hash looks like, drawn instead of computed: a web process that starts has people waiting for it.

    To compare a password with it takes as long as with any other, and no password is known to match.
    """
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${_drawn(hasher.salt_len)}${_drawn(hasher.hash_len)}"


def _drawn(count: int) -> str:
    return base64.b64encode(secrets.token_bytes(count)).rstrip(b"=").decode()


def problem_with(password: str, *, agent_id: str) -> str | None:
    """The code of what is wrong with a new password, or None."""
    if len(password.encode()) > PASSWORD_BYTES_MAX:
        return "too_long"
    if len(password) < PASSWORD_CHARACTERS_MIN:
        return "too_short"
    if len(set(password)) < DIFFERENT_CHARACTERS_MIN or agent_id.lower() in password.lower():
        return "too_simple"
    return None


def one_time_password() -> str:
    """A password to hand over on paper, e.g. `k3fm-9xwa-ptq7-hz2c`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def digest_of(password_hash: str) -> str:
    """What the journal knows of a credential: enough to see that it changed, nothing to guess with."""
    return hashlib.sha256(password_hash.encode()).hexdigest()
