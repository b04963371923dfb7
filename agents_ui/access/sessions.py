"""Sessions: a random token in the browser's cookie, its hash in the journal, an end that holds everywhere."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from agents_ui.access.origin import is_https
from agents_ui.access.passwords import digest_of
from agents_ui.access.table import DESK
from config.settings import Settings
from router.journal.database import Connection
from router.records import Fact, fact

SESSION_MS: Final = 12 * 3_600_000
"""A long shift. Absolute: no use of it makes it last longer."""

SIGNED_IN_REASON: Final = "signed in"
SIGNED_OUT_REASON: Final = "signed out"
"""Presence after sign-in and sign-out: explicit, so that nobody is offered work before saying *available*."""


class SessionRefused(Exception):
    """The person or the password changed while the password was being compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSession:
    """A sign-in whose password was right. Presence starts as not available unless a desk is already open."""

    agent_id: str
    role: str
    token_hash: str
    expires_at_ms: int
    password_hash: str

    def write_content(self, db: Connection) -> None:
        """Nothing: the token exists in the browser only."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The session, if the password that was compared is still this person's."""
        row = db.row("SELECT active, credential_digest FROM person WHERE agent_id = :a", a=self.agent_id)
        if row is None or not row[0] or row[1] != digest_of(self.password_hash):
            raise SessionRefused
        # Asked by the time of day at the gate and by the journal's at each command; a clock that was set back
        # or forward keeps them apart, and the session must hold by both.
        expires_at_ms = max(self.expires_at_ms, at_ms + SESSION_MS)
        begun = fact("session_begun", self.token_hash, agent_id=self.agent_id, expires_at_ms=expires_at_ms)
        if self.role not in DESK or has_desk(db, self.agent_id):
            return [begun]
        return [begun, _not_available(self.agent_id, SIGNED_IN_REASON)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """A sign-out. Repeating it changes nothing."""

    agent_id: str
    role: str
    token_hash: str

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The end of the session, and presence when it was the person's last one."""
        live = live_sessions(db, self.agent_id, at_ms)
        if self.token_hash not in live:
            return []
        ended = fact("session_ended", self.token_hash, agent_id=self.agent_id)
        if self.role not in DESK or len(live) > 1:
            return [ended]
        return [ended, _not_available(self.agent_id, SIGNED_OUT_REASON)]


def live_sessions(db: Connection, agent_id: str, now_ms: int) -> list[str]:
    """Token hashes of the person's sessions that still hold."""
    rows = db.rows(
        "SELECT token_hash FROM session WHERE agent_id = :a AND ended_at_ms = 0 AND expires_at_ms > :now_ms"
        " ORDER BY token_hash",
        a=agent_id,
        now_ms=now_ms,
    )
    return [row[0] for row in rows]


def is_live(db: Connection, session_hash: str, now_ms: int) -> bool:
    """Whether the session still holds and its person is active."""
    row = db.row(
        "SELECT 1 FROM session s JOIN person p ON p.agent_id = s.agent_id WHERE s.token_hash = :h"
        " AND s.ended_at_ms = 0 AND s.expires_at_ms > :now_ms AND p.active = 1",
        h=session_hash,
        now_ms=now_ms,
    )
    return row is not None


def has_desk(db: Connection, agent_id: str) -> bool:
    """Whether a desk of this person is open anywhere."""
    return (
        db.row("SELECT 1 FROM connection WHERE kind = 'desk' AND owner_id = :a LIMIT 1", a=agent_id)
        is not None
    )


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What SQL knows a token by. No salt: 256 random bits cannot be guessed from their hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_name(settings: Settings) -> str:
    """`__Host-` ties the cookie to this host and to https; browsers accept it with https only."""
    return "__Host-muster" if is_https(settings) else "muster"


def session_hash_of(connection: HTTPConnection, settings: Settings) -> str | None:
    """The hash of the token in the request's cookie, or None."""
    token = connection.cookies.get(cookie_name(settings), "")
    return hash_of(token) if 0 < len(token) <= 128 else None


def set_cookie(response: Response, token: str, settings: Settings) -> None:
    """Give the token to the browser, out of reach of scripts and of other sites."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=SESSION_MS // 1000,
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    """Take the token out of the browser."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=is_https(settings), httponly=True, samesite="strict"
    )


def _not_available(agent_id: str, reason: str) -> Fact:
    return fact("presence_declared", agent_id, available=False, reason=reason, command_id="", by=agent_id)
