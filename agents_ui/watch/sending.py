"""Sends one probe by one way: what a customer's contact would be, over the same front and the same port.

A probe that is taken is not yet through: that it came to the router, the journal says (arrivals.py). Here
only why it was not even taken, as a stable code.
"""

import asyncio
import contextlib
import importlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import msgspec

from agents_ui.watch.judgement import NO_SECRET, Way
from router.channels.port import Account
from router.channels.probes import (
    CHAT_PAGE,
    HEADER,
    LIVES_MS,
    PROBES,
    TEXT,
    hash_of,
    new_name,
    webhook_of,
)
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database

STEP_S: Final = 15.0
"""A way that takes longer is closed to people as well."""

SMTP: Final = "smtp"
SIP: Final = "sip"
SIP_AGAIN_S: Final = 0.5
"""RFC 3261 §17.1.2.2: T1, doubled each time: a datagram may be lost."""

NO_CONNECTION: Final = "no_connection"
TIMEOUT: Final = "timeout"
NOT_KEPT: Final = "not_kept"

CLIENTS: Final = ("httpx2", "websockets.asyncio.client", "aiosmtplib")

_PRUNE: Final = "DELETE FROM probe WHERE until_ms < :now_ms"
_EXPECT: Final = "INSERT INTO probe (probe_hash, watched, until_ms) VALUES (:hash, :watched, :until_ms)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where our own front, mail and calls are reached: as public as the settings say.

    Shape: ports are 0 where nothing is listened on; checked says that the front's certificate must be right
           for the name it is asked by, as it must be for everybody outside.
    """

    web: str
    checked: bool
    smtp: tuple[str, int]
    sip: tuple[str, int]


def can_probe(way: Way) -> bool:
    """Whether there is a way to try this way."""
    return way.watched == CHAT_PAGE or way.provider in (*PROBES, SMTP, SIP)


class Sender:
    """Sends probes. Shape: account(id) is None while it has no secret; address(id) is ours."""

    def __init__(
        self,
        database: Database,
        doors: Callable[[], Doors],
        account: Callable[[str], Account | None],
        address: Callable[[str], str],
    ) -> None:
        self._address = address
        self._database = database
        self._doors = doors
        self._account = account

    async def send(self, way: Way, *, rehearsal: bool = False) -> str:
        """Why the probe was not taken; empty where it was. Never raises."""
        name = new_name(rehearsal=rehearsal)
        try:
            await asyncio.to_thread(self._prepare, name, way.watched)
            async with asyncio.timeout(STEP_S):
                return await self._sent(way, name)
        except TimeoutError:
            return TIMEOUT
        except (DatabaseBusy, DatabaseGone):
            return NOT_KEPT
        except OSError:
            return NO_CONNECTION

    def _prepare(self, name: str, watched: str) -> None:
        """In a thread: what is loaded for the first time takes a tenth of a second, which is everybody's."""
        for module in CLIENTS:
            importlib.import_module(module)
        self.expect(name, watched)

    def expect(self, name: str, watched: str) -> None:
        """Let what comes by this name this way be a probe, for five minutes."""
        now_ms = _now_ms()
        with self._database.writing() as db:
            db.run(_PRUNE, now_ms=now_ms)
            db.run(_EXPECT, hash=hash_of(name), watched=watched, until_ms=now_ms + LIVES_MS)

    async def _sent(self, way: Way, name: str) -> str:
        doors = self._doors()
        if way.watched == CHAT_PAGE:
            return await _by_chat(doors, name)
        if way.provider == SMTP:  # Mail is taken without a secret as well.
            return await _by_mail(*doors.smtp, self._address(way.watched), name)
        if way.provider == SIP:
            return await _by_sip(*doors.sip, name)
        account = await asyncio.to_thread(self._account, way.watched)
        if account is None:
            return NO_SECRET
        return await _by_webhook(doors, account, name)


async def _by_webhook(doors: Doors, account: Account, name: str) -> str:
    from httpx2 import AsyncClient, HTTPError

    webhook = webhook_of(account, name, _now_ms())
    if webhook is None:
        return "not_known"
    secure = await _context(doors) if doors.web.startswith("https") else False
    async with AsyncClient(verify=secure, timeout=STEP_S) as client:
        try:
            answer = await client.post(
                f"{doors.web}/hooks/{account.account_id}", headers=dict(webhook.headers), content=webhook.body
            )
        except HTTPError:
            return NO_CONNECTION
    return "" if answer.is_success else f"http_{answer.status_code}"


async def _by_chat(doors: Doors, name: str) -> str:
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    address = f"ws{doors.web.removeprefix('http')}/chat/socket"
    context = await _context(doors) if doors.web.startswith("https") else None
    try:
        async with connect(
            address, additional_headers={HEADER: name}, ssl=context, proxy=None, open_timeout=STEP_S
        ) as page:
            said = {"kind": "say", "client_id": str(uuid4()), "text": TEXT}
            await page.send(msgspec.json.encode(said).decode())
            async for message in page:
                kind = msgspec.json.decode(message).get("kind")
                if kind in ("kept", "refused"):
                    return "" if kind == "kept" else "refused"
    except WebSocketException:
        return NO_CONNECTION
    return NOT_KEPT


async def _by_mail(host: str, port: int, address: str, name: str) -> str:
    from aiosmtplib import SMTP as Client
    from aiosmtplib import SMTPException, SMTPResponseException

    mail = (
        f"{HEADER.title()}: {name}\r\nFrom: Muster <watch@muster.invalid>\r\nTo: {address}\r\n"
        f"Subject: Probe\r\nMessage-ID: <{hash_of(name)[:32]}@muster.invalid>\r\n\r\n{TEXT}\r\n"
    )
    client = Client(hostname=host, port=port, timeout=STEP_S, start_tls=False, use_tls=False)
    try:
        await client.connect()
        await client.sendmail("watch@muster.invalid", [address], mail.encode())
    except SMTPResponseException as no:
        return f"smtp_{no.code}"
    except SMTPException:
        return NO_CONNECTION
    finally:
        client.close()
    return ""


async def _by_sip(host: str, port: int, name: str) -> str:
    """OPTIONS to ourselves: whether somebody answers calls there at all."""
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(_family(host), socket.SOCK_DGRAM)) as own:
        own.setblocking(False)
        await loop.sock_connect(own, (host, port))
        pause_s, mine = SIP_AGAIN_S, own.getsockname()
        asked = _options(host, port, str(mine[0]), int(mine[1]), hash_of(name)[:16])
        while True:
            await loop.sock_sendall(own, asked)
            try:
                async with asyncio.timeout(pause_s):
                    answer = await loop.sock_recv(own, 65_536)
            except TimeoutError:
                pause_s *= 2
                continue
            status = answer[8:11].decode("ascii", "replace")
            return "" if answer.startswith(b"SIP/2.0 ") and status == "200" else f"sip_{status}"


def _options(host: str, port: int, own: str, own_port: int, ref: str) -> bytes:
    there, here = _literal(host), _literal(own)
    lines = (
        f"OPTIONS sip:{there}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {here}:{own_port};branch=z9hG4bK{ref};rport",
        "Max-Forwards: 70",
        f"From: <sip:watch@{here}>;tag={ref}",
        f"To: <sip:{there}:{port}>",
        f"Call-ID: {ref}@muster",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:watch@{here}:{own_port}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _literal(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def _context(doors: Doors) -> ssl.SSLContext:
    """Asked by the address it is bound to, the front shows a certificate for another name."""
    if doors.checked:
        return await asyncio.to_thread(ssl.create_default_context)  # reads all authorities there are
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
