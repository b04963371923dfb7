"""Moving tickets: how a page that has lost its site is let in by the other one. Bytes in, bytes out; no I/O.

A ticket is the session itself, sealed so that only the two sites can open it: the token of the cookie, whose
it is and until when. A page holds one, can neither read nor change it, and hands it to the other site, which
gives the same cookie. So there is one session at both sites, and its end anywhere is its end.

Whether the session still holds is asked of the tables where it arrives (agents_ui/elsewhere).
"""

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TICKET_MS: Final = 12 * 3_600_000
"""As long as a session: a site may be silent for hours before somebody decides that the other takes over."""

CLOCKS_APART_MS: Final = 300_000
"""How far the other site's clock may be ahead of ours, before its ticket is of a time still to come."""

TICKET_CHARACTERS_MAX: Final = 2_048

_VERSION: Final = "m1."
_PURPOSE: Final = b"muster moving ticket 1"
"""The peer key signs other things as well: what is sealed for one purpose opens for no other."""

_NONCE_BYTES: Final = 12


class TicketRefused(Exception):
    """The ticket opens nothing here; `code` says why: forged, expired or other_site."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Ticket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a ticket says.

    Shape: kind is desk (desk, wall and admin) or chat. site is who issued it, to_site who may open it.
           agent_id is empty of a chat. session_until_ms: when the session ends by itself.
    """

    kind: str
    site: str
    to_site: str
    token: str
    agent_id: str
    session_until_ms: int
    issued_at_ms: int
    expires_at_ms: int


DESK: Final = "desk"
CHAT: Final = "chat"


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens tickets with the key that the pair shares."""

    peer_key: bytes

    def close(self, ticket: Ticket) -> str:
        """The ticket as a page gets it."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, msgspec.json.encode(ticket), _PURPOSE)
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str, *, here: str, now_ms: int) -> Ticket:
        """What the ticket says, if it is for this site and of now. Raises TicketRefused."""
        ticket = self._opened(text)
        if ticket.to_site != here or ticket.site == here:
            raise TicketRefused("other_site")
        if not ticket.issued_at_ms - CLOCKS_APART_MS <= now_ms < ticket.expires_at_ms:
            raise TicketRefused("expired")
        return ticket

    def _opened(self, text: str) -> Ticket:
        if len(text) > TICKET_CHARACTERS_MAX or not text.startswith(_VERSION):
            raise TicketRefused("forged")
        try:
            letters = text.removeprefix(_VERSION).encode("ascii")
            sealed = base64.b64decode(letters + b"=" * (-len(letters) % 4), b"-_", validate=True)
            said = self._cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
            return msgspec.json.decode(said, type=Ticket)
        except (binascii.Error, InvalidTag, UnicodeError, msgspec.MsgspecError, ValueError):
            raise TicketRefused("forged") from None

    def _cipher(self) -> AESGCM:
        return AESGCM(hmac.digest(self.peer_key, _PURPOSE, "sha256"))
