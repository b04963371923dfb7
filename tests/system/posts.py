"""How people outside write besides the chat page: signed webhooks of texts, and mail by SMTP.

A letter is what crosses the wire, byte for byte: handed over again it is the same, as providers and mail
servers do it.
"""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from random import Random
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiosmtplib

from agents_ui.demo.texting import signature
from tests.system.far_side import ACCOUNT_SID, EXCHANGER, MAILBOX, NUMBER, TEXT_SECRET, TEXTS, FarSide

PATIENCE_S: Final = 15.0
"""So long providers wait for the answer to a webhook."""

ANSWERS: Final = 0.5
"""Share of mails that answer what came last, where something came: those carry our reply token."""


class NotTaken(Exception):
    """The centre did not acknowledge it: it is handed over again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One text or mail. Shape: wire_id names it for its sender; recipient and answer are of mail only."""

    wire_id: str
    body: bytes
    recipient: str = ""


class Post(Protocol):
    """One person's telephone or mailbox."""

    address: str

    def write(self, text: str, random: Random) -> Letter:
        """The letter that says this."""
        ...

    async def hand_over(self, letter: Letter) -> None:
        """Returns once the centre has it. Raises NotTaken, OSError, TimeoutError."""
        ...


@dataclass(slots=True, kw_only=True)
class Telephone:
    """A telephone, behind the provider that signs what it hands over."""

    address: str
    url: str

    def write(self, text: str, random: Random) -> Letter:
        """A webhook's body, as the provider fills it."""
        message_sid = f"SM{random.getrandbits(128):032x}"
        fields = {
            "MessageSid": message_sid,
            "SmsSid": message_sid,
            "SmsStatus": "received",
            "AccountSid": ACCOUNT_SID,
            "From": self.address,
            "To": NUMBER,
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
            "ApiVersion": "2010-04-01",
        }
        hook = f"{self.url}/hooks/{TEXTS}"
        signed = signature(TEXT_SECRET.encode(), hook, fields)
        body = urlencode(fields).encode()
        parts = urlsplit(hook)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"X-Twilio-Signature: {signed}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return Letter(wire_id=message_sid, body=head.encode() + body)

    async def hand_over(self, letter: Letter) -> None:
        """One request."""
        parts = urlsplit(self.url)
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(letter.body)
                answer = (await reader.readline()).split()
            finally:
                writer.close()
        if answer[1:2] != [b"200"]:
            raise NotTaken(answer)


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """A mailbox, behind the mail exchanger that vouches for it, or behind none."""

    address: str
    port: int
    far: FarSide
    vouched_for: bool

    def write(self, text: str, random: Random) -> Letter:
        """A mail; where an answer came, now and then an answer to it."""
        newest = self.far.newest_mail(self.address) if random.random() < ANSWERS else None
        mail = EmailMessage()
        domain = self.address.partition("@")[2]
        if self.vouched_for:
            mail["Authentication-Results"] = f"{EXCHANGER}; dmarc=pass header.from={domain}"
        mail["From"] = self.address
        mail["To"] = str(newest["Reply-To"]) if newest else MAILBOX
        mail["Subject"] = "Something has happened"
        mail["Message-ID"] = f"<{random.getrandbits(96):024x}@{domain}>"
        if newest:
            mail["In-Reply-To"] = mail["References"] = str(newest["Message-ID"])
        mail.set_content(text)
        recipient = parseaddr(str(mail["To"]))[1]
        return Letter(wire_id=str(mail["Message-ID"]), body=mail.as_bytes(), recipient=recipient)

    async def hand_over(self, letter: Letter) -> None:
        """One connection, one mail."""
        try:
            await aiosmtplib.send(
                letter.body,
                sender=self.address,
                recipients=[letter.recipient],
                hostname="127.0.0.1",
                port=self.port,
                start_tls=False,
                timeout=PATIENCE_S,
            )
        except aiosmtplib.SMTPException as refused:
            raise NotTaken(type(refused).__name__) from refused
