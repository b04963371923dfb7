"""What the centre sends arrives here: the provider of its text messages, and everybody's mail server.

Both live in threads of the test's own process, so that the moment of every arrival is on the test's clock.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final  # Any: what aiosmtpd hands its handlers

from aiosmtpd.smtp import SMTP, Envelope

from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from router.channels.mail_token import SENT, TokenKey

TEXTS: Final = "texts"
POST: Final = "post"
NUMBER: Final = "+15550100100"
MAILBOX: Final = "help@here.example"
ACCOUNT_SID: Final = "AC00000000000000000000000000000100"
TEXT_SECRET: Final = "0123456789abcdef"
MAIL_SECRET: Final = "kept-in-a-safe"
EXCHANGER: Final = "mx.here.example"
"""Who vouches for senders of mail."""

ACCOUNTS: Final = f"""
[[accounts]]
id = "{TEXTS}"
channel = "sms"
provider = "twilio"
address = "{NUMBER}"
secret = "{TEXTS}"
options = {{ account_sid = "{ACCOUNT_SID}" }}

[[accounts]]
id = "{POST}"
channel = "mail"
provider = "smtp"
address = "{MAILBOX}"
secret = "{POST}"
options = {{ trusted_authserv = "{EXCHANGER}", upstream = "127.0.0.1" }}
"""

START_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One answer on a customer's telephone or in a mailbox. `at` is of time.monotonic()."""

    outbox_id: str
    to: str
    text: str
    at: float


@dataclass(slots=True)
class MailServer:
    """The mail server of everybody outside. `drops`: so many mails are taken and the connection is cut."""

    secret: str = MAIL_SECRET
    arrived: list[Arrival] = field(default_factory=list)
    newest: dict[str, EmailMessage] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    drops: int = 0
    port: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Take mail from now on."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="mail-server", daemon=True
        )
        self._thread.start()
        assert ready.wait(START_S), "the mail server does not start"

    def drop(self, count: int) -> None:
        """Take so many mails and cut the connection before it is said."""
        self.drops = count

    def stop(self) -> None:
        """Cut every connection and end."""
        assert self._thread is not None and self._loop is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(START_S)

    async def _serve(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="outside", loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        """One mail of the centre; which answer it is, it says in its signed Message-ID."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain",))
        assert isinstance(mail, EmailMessage) and body is not None
        key = TokenKey.of(self.secret.encode())
        for to in envelope.rcpt_tos:
            self.newest[to] = mail
            self.counts[to] += 1
            outbox_id = key.first_ref(SENT, [str(mail["Message-ID"])])
            text = str(body.get_content()).strip()
            self.arrived.append(Arrival(outbox_id=outbox_id, to=to, text=text, at=time.monotonic()))
        if self.drops > 0:
            self.drops -= 1
            assert server.transport is not None
            server.transport.abort()
        return "250 2.0.0 taken"


@dataclass(slots=True)
class FarSide:
    """Everybody's telephones and mailboxes."""

    texts: DoubleServer
    mails: MailServer
    _heard: Counter[str] = field(default_factory=Counter)

    @property
    def environ(self) -> dict[str, str]:
        """With this a centre sends here."""
        return {
            "MUSTER_ENDPOINTS": f"{TEXTS}={self.texts.url},{POST}=smtp://127.0.0.1:{self.mails.port}",
            "MUSTER_SECRET_TEXTS": TEXT_SECRET,
            "MUSTER_SECRET_POST": MAIL_SECRET,
        }

    def arrivals(self) -> list[Arrival]:
        """Every answer that reached a customer, each time it did; of one channel in order."""
        texts = [
            Arrival(
                outbox_id=each.status_url.partition("outbox_id=")[2], to=each.to, text=each.body, at=each.at
            )
            for each in self.texts.double.taken()
        ]
        return [*texts, *self.mails.arrived]

    def count(self, address: str) -> int:
        """How many answers have come to this number or mail address."""
        return self._heard[address] + self.mails.counts[address]

    def newest_mail(self, address: str) -> EmailMessage | None:
        """What came last to this mailbox."""
        return self.mails.newest.get(address)

    async def heard(self, number: str, text: str) -> None:
        """One more on this telephone."""
        self._heard[number] += 1


@contextmanager
def far_side() -> Iterator[FarSide]:
    """Both, until the end of the block."""
    account = DoubleAccount(account_sid=ACCOUNT_SID, token=TEXT_SECRET, number=NUMBER)
    double = ProviderDouble(account)
    there = FarSide(DoubleServer(double), MailServer())
    double.heard = there.heard
    there.mails.start()
    there.texts.start()
    try:
        yield there
    finally:
        there.texts.stop()
        there.mails.stop()
