"""Mail coming in by SMTP: aiosmtpd speaks the protocol; here is what it does not do, or is not allowed to.

- A mail is acknowledged (250) after `keep` has it on disk, and refused for good only for what its sender can
  see: no such address, too large, an end of data that could be read in two ways (SMTP smuggling).
- Everything has a limit: connections, mails a minute, silence, time and size of a mail, bytes in memory. At a
  limit the answer is 4xx: the sender's mail server keeps the mail and comes again. Nothing is lost.
- No relay, no AUTH, nobody's address in a log.
"""

import asyncio
import logging
import re
import ssl
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final  # Any: what aiosmtpd hands its handlers

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from config.networks import Network
from router.channels.mail_contact import Envelope as Handed
from router.channels.mail_token import untagged

_AROUND_DOT: Final = re.compile(rb"[\r\n]\.[\r\n]")
"""Some server takes each of these for the end of a mail; only CRLF . CRLF is (postfix.org/smtp-smuggling)."""

_END: Final = b"\r\n.\r\n"
READ_BYTES: Final = 65_536
WRONG_ADDRESSES_MAX: Final = 10
"""Somebody who tries so many addresses that are not ours is looking for one that is."""

PEERS_MAX: Final = 10_000
"""Peers of this minute that are remembered before those of earlier ones are looked for and forgotten."""

TOO_MANY: Final = "421 4.7.0 too many connections, come back in a minute"
TOO_FAST: Final = "451 4.7.1 too many mails, come back in a minute"
LATER: Final = "451 4.3.0 cannot keep it now, come back in a minute"
NO_MEMORY: Final = "452 4.3.1 busy with other mail, come back in a minute"
SILENT: Final = "421 4.4.2 nothing came for too long"
TOO_LARGE: Final = "552 5.3.4 too large"
TWO_WAYS: Final = "550 5.6.0 the end of this mail could be read in two ways (a dot between bare CR or LF)"
UNASKED: Final = "421 5.5.0 more came than was asked for, not read"

_log = logging.getLogger("muster.smtp")
for _chatty in ("mail.log", "mail.debug"):
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)  # Addresses, and every line that is received.


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one listener takes. Units: seconds; mails a minute and connections are of one peer."""

    mail_bytes: int
    connections: int = 400
    connections_per_peer: int = 20
    mails_per_minute: int = 60
    recipients: int = 20
    silent_s: float = 60.0
    mail_s: float = 600.0
    waiting_bytes: int = 100_663_296
    """Of all mails that are arriving at one moment; each is in memory up to five times while it is kept."""

    @property
    def waiting_bytes_per_peer(self) -> int:
        """So that no single sender keeps everybody else's mail out by never ending its own."""
        return max(self.waiting_bytes // 4, 2 * self.mail_bytes)


class MailTaker:
    """Who takes mail: one for all connections of a listener.

    Shape: accounts are addresses in small letters and their account ids; keep takes the account id and the
           mail and answers True once it is on disk; upstream are the servers of an account that we believe:
           the limits of a peer are not for them, because all the mail of the world may come from one.
    """

    def __init__(
        self,
        *,
        accounts: Callable[[], Mapping[str, str]],
        keep: Callable[[str, Handed], Awaitable[bool]],
        limits: Limits,
        upstream: Callable[[str], tuple[Network, ...]],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.accounts = accounts
        self.keep = keep
        self.limits = limits
        self.upstream = upstream
        self.clock_ms = clock_ms
        self.connections: Counter[str] = Counter()
        self.waiting_bytes = 0
        self._waiting: Counter[str] = Counter()
        self._minutes: dict[str, deque[int]] = {}

    def is_upstream(self, peer: str, account_id: str) -> bool:
        """Whether this peer is a server that the account's plan names."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.upstream(account_id))

    def trusted(self, peer: str) -> bool:
        """Whether it is one for any account."""
        return any(self.is_upstream(peer, account_id) for account_id in set(self.accounts().values()))

    def enter(self, peer: str) -> bool:
        """Count a connection, unless there are too many. However many others come, our own servers get in."""
        limits, trusted, mine = self.limits, self.trusted(peer), counted(peer)
        if self.connections.total() >= limits.connections * (1 + trusted):
            return False
        if self.connections[mine] >= limits.connections_per_peer and not trusted:
            return False
        self.connections[mine] += 1
        return True

    def leave(self, peer: str) -> None:
        """Forget a connection."""
        peer = counted(peer)
        self.connections[peer] -= 1
        if self.connections[peer] <= 0:
            del self.connections[peer]
            self._forget_old(peer)

    def may_begin(self, peer: str) -> bool:
        """Whether this peer may hand over one more mail in this minute."""
        if self.trusted(peer):
            return True
        peer = counted(peer)
        if len(self._minutes) > PEERS_MAX:
            for each in list(self._minutes):
                self._forget_old(each)
        self._forget_old(peer)
        begun = self._minutes.setdefault(peer, deque())
        if len(begun) >= self.limits.mails_per_minute:
            return False
        begun.append(self.clock_ms())
        return True

    def hold(self, peer: str, more: int) -> bool:
        """Count bytes that are waiting (fewer, where negative); whether there is room for them."""
        limits, trusted, mine = self.limits, self.trusted(peer), counted(peer)
        self.waiting_bytes += more
        self._waiting[mine] += more
        fits = trusted or self._waiting[mine] <= limits.waiting_bytes_per_peer
        if self._waiting[mine] <= 0:
            del self._waiting[mine]
        return fits and self.waiting_bytes <= limits.waiting_bytes * (1 + trusted)

    def _forget_old(self, peer: str) -> None:
        begun = self._minutes.get(peer)
        while begun and begun[0] < self.clock_ms() - 60_000:
            begun.popleft()
        if not begun:
            self._minutes.pop(peer, None)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What we can; there is nothing to sign in to."""
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Any sender; at a pace."""
        if not self.may_begin(_host(session.peer)):
            return TOO_FAST
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Our accounts only."""
        if untagged(address) not in self.accounts():
            if isinstance(server, MailSession):
                server.note_wrong_address()
            return "550 5.1.1 no such address here"
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            return "452 4.5.3 too many recipients, send another mail for the others"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep it, once for each account; acknowledged when all have it."""
        peer, now_ms = _host(session.peer), self.clock_ms()
        recipients: dict[str, list[str]] = {}
        for address in envelope.rcpt_tos:
            account_id = self.accounts().get(untagged(address))
            if account_id is None:
                return LATER  # The plan changed a moment ago.
            recipients.setdefault(account_id, []).append(address)
        for account_id, addresses in sorted(recipients.items()):
            handed = Handed(
                sender="" if envelope.mail_from in (None, "<>") else str(envelope.mail_from),
                recipients=tuple(addresses),
                upstream=self.is_upstream(peer, account_id),
                body=envelope.content if isinstance(envelope.content, bytes) else b"",
                received_at_ms=now_ms,
            )
            if not await self.keep(account_id, handed):
                return LATER
        return "250 2.0.0 kept"

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours, or something that aiosmtpd did not foresee: nothing was acknowledged."""
        _log.error("session failed error=%s", type(error).__name__)
        return LATER


class MailSession(SMTP):
    """One connection: aiosmtpd's, with our own reading of DATA, which is bounded and strict about its end."""

    def __init__(self, taker: MailTaker, *, hostname: str, tls: ssl.SSLContext | None) -> None:
        limits = taker.limits
        super().__init__(
            taker,
            data_size_limit=limits.mail_bytes,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP Muster",
            tls_context=tls,
            timeout=limits.silent_s,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit={"*": 20, "MAIL": 1_000, "DATA": 1_000, "RSET": 1_000, "RCPT": 10_000},
            loop=asyncio.get_running_loop(),
        )
        self._taker = taker
        self._entered = ""
        self._wrong_addresses = 0

    async def _handle_client(self) -> None:
        peer = _host(self.session.peer if self.session is not None else None)
        if not self._taker.enter(peer):
            await self.push(TOO_MANY)
            self._close()
            return
        self._entered = peer
        await super()._handle_client()

    def connection_lost(self, error: Exception | None) -> None:
        """Count it out; once, however often this is called."""
        self._leave()
        super().connection_lost(error)

    def _leave(self) -> None:
        if self._entered:
            self._taker.leave(self._entered)
            self._entered = ""

    def note_wrong_address(self) -> None:
        """End the connection of somebody who guesses."""
        self._wrong_addresses += 1
        if self._wrong_addresses > WRONG_ADDRESSES_MAX:
            self._close()

    async def smtp_STARTTLS(self, arg: str) -> None:
        """As aiosmtpd's, but not for ever: asyncio tells nobody of a connection lost during a handshake."""
        limit_s = self._taker.limits.silent_s
        self._reset_timeout(2 * limit_s)
        try:
            async with asyncio.timeout(limit_s):
                await super().smtp_STARTTLS(arg)
        except (TimeoutError, TLSSetupException, OSError) as problem:
            _log.info("no encryption error=%s", type(problem).__name__)
            if isinstance(self._original_transport, asyncio.WriteTransport):
                self._original_transport.abort()
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()
            self.transport = None
            self._leave()
            raise asyncio.CancelledError from problem

    async def smtp_AUTH(self, arg: str) -> None:
        """Mail is taken from everybody, and sent on for nobody."""
        await self.push("502 5.5.1 there is nothing to sign in to")

    async def smtp_DATA(self, arg: str) -> None:
        """Read one mail, and say what became of it."""
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 no recipients yet")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 end with CRLF . CRLF")
        self._reset_timeout(self._taker.limits.mail_s)
        reading = _Reading(self._taker, self._entered)
        try:
            answer = await self._received(reading)
        finally:
            reading.let_go()
        self.envelope = self._create_envelope()
        self._reset_timeout()
        await self.push(answer)
        if answer in (TWO_WAYS, SILENT, TOO_LARGE):
            self._close()
        elif reading.unasked:
            # Taken, but what follows was sent before the answer was read: perhaps words that became commands.
            await self.push(UNASKED)
            self._close()

    async def _received(self, reading: "_Reading") -> str:
        while not reading.ended:
            try:
                async with asyncio.timeout(self._taker.limits.silent_s):
                    reading.take(await self._reader.read(READ_BYTES))
            except TimeoutError:
                return SILENT
            if reading.hopeless:
                return TOO_LARGE
        if reading.trouble:
            return reading.trouble
        if self.envelope is None or self.session is None:
            return LATER  # The connection is gone.
        self.envelope.content = reading.body()
        return await self._taker.handle_DATA(self, self.session, self.envelope)

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Reading:
    """One mail as it arrives. trouble is the answer where it is not kept."""

    def __init__(self, taker: MailTaker, peer: str) -> None:
        self._taker = taker
        self._peer = peer
        self._held = 0
        self._wire = bytearray(b"\r\n")  # So that a mail of only a dot ends like any other.
        self._seen = 0
        self._end = -1
        self.unasked = False
        self.trouble = ""

    @property
    def ended(self) -> bool:
        return self._end >= 0

    @property
    def hopeless(self) -> bool:
        """Far beyond the limit, and still no end: not worth waiting for, to say so politely."""
        return self._seen > 2 * self._taker.limits.mail_bytes + 1_000_000

    def take(self, chunk: bytes) -> None:
        """The next bytes of the connection."""
        searched = max(0, len(self._wire) - len(_END))
        self._wire += chunk
        self._seen += len(chunk)
        self._end = self._wire.find(_END, searched)
        if self.ended:
            self.unasked = len(self._wire) > self._end + len(_END)
        self._check(len(chunk))

    def body(self) -> bytes:
        """The mail as it was before dots were doubled for the wire."""
        return bytes(self._wire[: self._end + 2]).replace(b"\r\n.", b"\r\n")[2:]

    def let_go(self) -> None:
        """The bytes are no longer waiting."""
        self._taker.hold(self._peer, -self._held)
        self._held = 0

    def _check(self, more: int) -> None:
        fits = True
        if not self.trouble:
            self._held += more
            fits = self._taker.hold(self._peer, more)
        if self._seen > self._taker.limits.mail_bytes + len(_END):
            self.trouble = TOO_LARGE
        elif not fits:
            self.trouble = NO_MEMORY
        elif self.ended and _AROUND_DOT.search(self._wire, 0, self._end + 2):
            self.trouble = self.trouble or TWO_WAYS
        if self.trouble and not self.ended:
            del self._wire[: -len(_END)]
            self.let_go()


def _host(peer: Any) -> str:
    """The address of the other side, without its port."""
    host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
    return host.removeprefix("::ffff:")


def counted(peer: str) -> str:
    """Whom limits count a peer as: of IPv6 its network, because one machine has all addresses of that."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else peer
