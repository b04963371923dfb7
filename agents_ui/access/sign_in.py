"""Signing in, choosing a password, fetching a ticket: what the routes do, without HTTP around it."""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Final

from agents_ui.access.backoff import Backoff
from agents_ui.access.credentials import Credential, find_credential
from agents_ui.access.passwords import Passwords, problem_with
from agents_ui.access.people import CredentialChanged, SetPassword
from agents_ui.access.person import Person
from agents_ui.access.sessions import SESSION_MS, BeginSession, EndSession, SessionRefused, hash_of, new_token
from agents_ui.access.tickets import IssueTicket
from agents_ui.permits import Permits
from router.journal.committer import Committer
from router.journal.database import Database

ATTEMPTS_BURST: Final = 500
ATTEMPTS_PER_S: Final = 10.0
"""Of one network. A centre's whole shift signs in behind one address; each attempt costs 40 ms of hashing."""

ATTEMPTS_PAUSE_MS: Final = 1_000

_log = logging.getLogger("muster.access")


class Refused(Exception):
    """Refused for an everyday reason: a code of words.py. retry_after_ms: 0 or how long to wait."""

    def __init__(self, code: str, retry_after_ms: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_ms = retry_after_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that has begun. The token goes into the cookie and nowhere else."""

    token: str
    credential: Credential


class Reception:
    """The counter where people show who they are."""

    def __init__(self, database: Database, committer: Committer, passwords: Passwords) -> None:
        self._database = database
        self._committer = committer
        self._passwords = passwords
        self._backoff = Backoff()
        self._permits = Permits(burst=ATTEMPTS_BURST, per_s=ATTEMPTS_PER_S)

    async def sign_in(self, *, agent_id: str, password: str, source: str) -> SignedIn:
        """Begin a session. Raises Refused (wrong, slow_down), TooBusy.

        An unknown name, an inactive person and a wrong password give one answer after one time.
        """
        credential = await self._prove(agent_id, password, source)
        token = new_token()
        begin = BeginSession(
            agent_id=credential.agent_id,
            role=credential.role,
            token_hash=hash_of(token),
            expires_at_ms=_now_ms() + SESSION_MS,
            password_hash=credential.password_hash,
        )
        try:
            await self._committer.append(begin)
        except SessionRefused:
            raise Refused("wrong") from None
        return SignedIn(token=token, credential=credential)

    async def choose_password(self, person: Person, *, old: str, new: str, source: str) -> None:
        """Replace one's own password; other sessions end. Raises Refused, TooBusy."""
        credential = await self._prove(person.agent_id, old, source)
        problem = "same" if new == old else problem_with(new, agent_id=person.agent_id)
        if problem is not None:
            raise Refused(problem)
        change = SetPassword(
            agent_id=person.agent_id,
            password_hash=await self._passwords.hash_in_thread(new),
            must_change=False,
            was_hash=credential.password_hash,
            keep_session=person.session_hash,
            by=person.agent_id,
        )
        try:
            await self._committer.append(change)
        except CredentialChanged:
            raise Refused("wrong") from None

    async def sign_out(self, person: Person) -> None:
        """End the session everywhere."""
        end = EndSession(agent_id=person.agent_id, role=person.role, token_hash=person.session_hash)
        await self._committer.append(end)

    async def ticket(self, person: Person) -> str:
        """A ticket for one socket."""
        ticket = secrets.token_urlsafe(32)
        await self._committer.append(IssueTicket(ticket=ticket, person=person, now_ms=_now_ms()))
        return ticket

    async def _prove(self, agent_id: str, password: str, source: str) -> Credential:
        """The credential this password belongs to. Raises Refused, TooBusy."""
        allowed = self._permits.allows(source)
        wait_ms = self._backoff.begin(agent_id, source, _now_ms()) if allowed else ATTEMPTS_PAUSE_MS
        if wait_ms:
            _log.info("sign-in slowed down source=%s wait_ms=%d", source, wait_ms)
            raise Refused("slow_down", wait_ms)
        credential = await asyncio.to_thread(self._credential, agent_id)
        right = await self._passwords.matches(credential.password_hash if credential else None, password)
        if credential is None or not right:
            # Not what was typed: people type their password into the field for the name.
            known = credential.agent_id if credential else "unknown"
            _log.info("sign-in refused agent=%s source=%s", known, source)
            raise Refused("wrong")
        self._backoff.succeeded(agent_id, source)
        return credential

    def _credential(self, agent_id: str) -> Credential | None:
        with self._database.reading() as db:
            return find_credential(db, agent_id)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
