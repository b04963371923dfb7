"""One try over HTTP: what may have been sent is told from what was certainly not, whatever happens."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.channels import twilio_sms
from router.channels.port import Account, Outcome, Outgoing
from router.run.delivery_senders import ANSWER_BYTES_MAX, HttpSender
from tests.mail.certificates import certificate

pytestmark = pytest.mark.system

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GOOD = b'{"sid": "SM1", "status": "queued"}'


@asynccontextmanager
async def server(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that does this with each connection; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def answers(body: bytes, status: str = "201 Created", headers: str = "") -> Talk:
    """Reads the request and answers this."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return talk


async def tried(port: int, *, scheme: str = "http") -> Outcome:
    """One try at this port."""
    account = Account(
        account_id="line",
        channel="sms",
        provider="twilio",
        address="+15550100100",
        secret=b"token",
        endpoint=f"{scheme}://127.0.0.1:{port}",
        public_url="",
        options={"account_sid": "AC1"},
    )
    outgoing = Outgoing(outbox_id="m-1", attempt=1, to_address="+15550000001", text="we are coming")
    sender = HttpSender(twilio_sms)
    try:
        return await sender.send(outgoing, account)
    finally:
        await sender.close()


async def test_a_provider_that_takes_it():
    """The way it should be."""
    async with server(answers(GOOD)) as port:
        assert await tried(port) == Outcome(kind="sent", provider_id="SM1")


async def test_nobody_listens():
    """Not connected means certainly not sent: a repeat is no repeat."""
    async with server(answers(GOOD)) as port:
        pass
    assert await tried(port) == Outcome(kind="later", detail="no_connection")


async def test_a_certificate_that_nobody_signed(tmp_path: Path):
    """Words and credentials go to nobody who cannot show who they are."""
    asked = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    async with server(talk, tls=context) as port:
        assert await tried(port, scheme="https") == Outcome(kind="later", detail="tls_refused")
    assert asked == []


async def test_a_connection_that_breaks_after_the_words_were_sent():
    """It may have taken them: the next try is flagged."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{")
        await writer.drain()

    async with server(talk) as port:
        assert await tried(port) == Outcome(kind="later", detail="no_answer", certain=False)


async def test_something_that_is_no_http():
    """Whatever answers there is not the provider; whether it took the words nobody knows."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff SMTP 220 hello\r\n\r\n")
        await writer.drain()

    async with server(talk) as port:
        assert await tried(port) == Outcome(kind="later", detail="no_answer", certain=False)


async def test_an_answer_without_end_is_not_read():
    """A provider gone mad must not fill the worker's memory; what was not read is not believed."""
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 100 * ANSWER_BYTES_MAX:
            writer.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
            await writer.drain()
            sent += 0x4000

    async with server(talk) as port:
        outcome = await tried(port)
    assert (outcome.kind, outcome.certain) == ("later", False)
    assert sent < 100 * ANSWER_BYTES_MAX


async def test_a_redirect_is_not_followed():
    """Credentials and a customer's number go where the plan says, and nowhere else."""
    elsewhere = []

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        elsewhere.append(await reader.readuntil(b"\r\n\r\n"))

    async with server(other) as far:
        moved = answers(b"", "307 Temporary Redirect", f"Location: http://127.0.0.1:{far}/\r\n")
        async with server(moved) as port:
            outcome = await tried(port)
    assert outcome.kind == "later"
    assert elsewhere == []


async def test_an_answer_that_was_packed_is_not_unpacked():
    """A few bytes that unpack to gigabytes are an old trick; we asked for none."""
    asked = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await answers(GOOD, headers="Content-Encoding: gzip\r\n")(_again(asked[-1]), writer)

    async with server(talk) as port:
        assert (await tried(port)).kind == "sent"  # read as it came
    assert b"accept-encoding: identity" in asked[0].lower()


def _again(request: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(request)
    return reader
