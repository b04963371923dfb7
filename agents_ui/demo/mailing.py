"""Mail of demo people: out to the centre's listener as their provider would, and in as their mailbox.

The mailbox is an SMTP server of its own on loopback, which the centre is told to send by. A person answers
what came as a mail program does: to the Reply-To, with In-Reply-To, so that the centre can join it.
"""

import asyncio
import smtplib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from random import Random
from typing import Any, Final  # Any: what aiosmtpd hands its handlers

from aiosmtpd.smtp import SMTP, Envelope

from agents_ui.demo.inbox import Inbox
from agents_ui.demo.people import Person

AGAIN_S: Final = 5.0
PATIENCE_S: Final = 15


@dataclass(slots=True, kw_only=True)
class Mailboxes:
    """The mailboxes of everybody in the demo: takes what the centre sends, and remembers how to answer it."""

    inbox: Inbox
    _newest: defaultdict[str, EmailMessage | None] = field(default_factory=lambda: defaultdict(lambda: None))

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Start taking mail."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: SMTP(self, hostname="mailboxes.demo"), host, port)

    def newest(self, address: str) -> EmailMessage | None:
        """What came last to this address."""
        return self._newest[address.lower()]

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        """One mail of the centre."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        mail = message_from_bytes(raw, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self._newest[recipient.lower()] = mail
            body = mail.get_body(("plain",))
            await self.inbox.put(recipient.lower(), body.get_content() if body else "")
        return "250 2.0.0 taken"


@dataclass(slots=True, kw_only=True)
class MailPost:
    """One person's mail program. host and port are the centre's listener, `to` its address."""

    person: Person
    to: str
    host: str
    port: int
    mailboxes: Mailboxes
    random: Random
    exchanger: str = ""
    """The mail exchanger before the listener, which vouches for the sender; empty: nobody does."""

    async def say(self, text: str) -> None:
        """Hand over one mail, again and again with the same Message-ID until the centre has taken it."""
        mail = self._mail(text)
        while True:
            if await asyncio.to_thread(self._handed_over, mail):
                return
            await asyncio.sleep(AGAIN_S)

    def _mail(self, text: str) -> EmailMessage:
        answers = self.mailboxes.newest(self.person.mail)
        mail = EmailMessage()
        if self.exchanger:
            domain = self.person.mail.partition("@")[2]
            mail["Authentication-Results"] = f"{self.exchanger}; dmarc=pass header.from={domain}"
        mail["From"] = formataddr((self.person.name, self.person.mail))
        mail["To"] = (answers and (answers["Reply-To"] or answers["From"])) or self.to
        mail["Subject"] = f"Re: {answers['Subject']}" if answers else text.splitlines()[0][:60]
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{self.random.getrandbits(96):024x}@{self.person.mail.partition('@')[2]}>"
        if answers and answers["Message-ID"]:
            mail["In-Reply-To"] = answers["Message-ID"]
            mail["References"] = answers["Message-ID"]
        mail.set_content(text)
        return mail

    def _handed_over(self, mail: EmailMessage) -> bool:
        try:
            with smtplib.SMTP(self.host, self.port, timeout=PATIENCE_S) as smtp:
                smtp.send_message(mail, from_addr=self.person.mail, to_addrs=[parseaddr(str(mail["To"]))[1]])
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code >= 500  # Refused for good: saying it again would not help.
        except (OSError, smtplib.SMTPException):
            return False
        return True
