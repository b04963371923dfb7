"""Web chat as a channel: a session cookie authenticates, the page's own message ids make repeats harmless.

The page and its socket are agents_ui/chat; here is only the translation into a contact.
"""

import hashlib
import secrets
from typing import Final

from router.channels.port import TEXT, Capabilities, Contact
from router.channels.text import kept

CHAT: Final = Capabilities(
    channel="chat", joins_by="session", connections=True, attachments=True, receipts=True
)


def new_token() -> str:
    """A fresh session token, 256 random bits. Only its hash is ever stored."""
    return secrets.token_urlsafe(32)


def session_of(token: str) -> str:
    """The session a token stands for. Unsalted: 256 random bits cannot be guessed from their hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def contact_of(
    *,
    session: str,
    client_id: str,
    body: str | bytes,
    received_at_ms: int,
    media_type: str = TEXT,
    file_name: str = "",
) -> Contact:
    """What a customer typed (text) or attached (bytes), as a contact of this session."""
    return Contact(
        channel=CHAT.channel,
        provider_id=f"{session}/{client_id}",
        thread=session,
        address_hash=session,
        verified=True,
        client_id=client_id,
        kind="text" if isinstance(body, str) else "attachment",
        media_type=media_type,
        file_name=file_name,
        body=kept(body) if isinstance(body, str) else body,
        received_at_ms=received_at_ms,
    )
