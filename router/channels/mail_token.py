"""Reply tokens: signed names of our interactions and mails, which come back with the answers. Pure.

The subject of a mail, its References and In-Reply-To are anybody's to write; only what we signed joins a
conversation. A token is 26 bytes in base32 (42 letters and digits), because mail systems change capitals:
the id and the first 80 bits of HMAC-SHA256 by a key of the account. Another account's tokens join nothing.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

REPLY: Final = "r"
"""What stands before the token of an interaction, in addresses and Message-IDs."""

SENT: Final = "m"
"""... and before that of one mail of ours (an outbox row), in its Message-ID."""

MAC_BYTES: Final = 10
"""2^80 tries by mail to hit one; longer would not fit into the 64 bytes of a mailbox name."""

LOCAL_BYTES_MAX: Final = 64
CANDIDATES_MAX: Final = 60

_TOKEN: Final = re.compile(r"(?<![a-z0-9])([rm])\.([a-z2-7]{42})(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class TokenKey:
    """The key of one account."""

    key: bytes

    @staticmethod
    def of(secret: bytes) -> "TokenKey":
        """Not the secret itself, which is also a password. An empty secret signs and believes nothing."""
        return TokenKey(b"" if not secret else hmac.digest(secret, b"muster reply token 1", hashlib.sha256))

    def token(self, purpose: str, ref: str) -> str:
        """`r.…` or `m.…` for this id; empty for an id that is no UUID, or without a key."""
        try:
            named = UUID(ref).bytes
        except ValueError:
            return ""
        if not self.key:
            return ""
        signed = base64.b32encode(named + self._mac(purpose, named)).decode("ascii")
        return f"{purpose}.{signed.rstrip('=').lower()}"

    def ref_of(self, purpose: str, token: str) -> str:
        """The id behind a token that we signed for this purpose; empty for every other text."""
        found = _TOKEN.fullmatch(token.lower())
        if found is None or found[1] != purpose or not self.key:
            return ""
        try:
            plain = base64.b32decode(found[2].upper() + "=" * (-len(found[2]) % 8))
        except binascii.Error:
            return ""
        ref = str(UUID(bytes=plain[:16]))
        return ref if hmac.compare_digest(self.token(purpose, ref), found[0]) else ""

    def first_ref(self, purpose: str, texts: Iterable[str]) -> str:
        """The id of the first of our tokens anywhere in these texts; empty when there is none."""
        candidates = [f"{found[1]}.{found[2]}" for text in texts for found in _TOKEN.finditer(text.lower())]
        return next((ref for each in candidates[:CANDIDATES_MAX] if (ref := self.ref_of(purpose, each))), "")

    def _mac(self, purpose: str, named: bytes) -> bytes:
        return hmac.digest(self.key, purpose.encode("ascii") + b"/" + named, hashlib.sha256)[:MAC_BYTES]


def tagged(address: str, token: str) -> str:
    """The address with the token as its tag, help+r.…@example.org; the plain one where that is too long."""
    local, _, domain = address.rpartition("@")
    tagged_local = f"{local}+{token}"
    if not token or len(tagged_local.encode()) > LOCAL_BYTES_MAX:
        return address
    return f"{tagged_local}@{domain}"


def untagged(address: str) -> str:
    """The address in small letters without its tag."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
