"""Orders to a provider's API over a real socket: what comes of them when the other side has a bad day."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.channels import twilio_voice
from router.run.voice import orders
from router.run.voice.orders import HttpOrders
from tests.contracts.twilio import SID
from tests.contracts.twilio_voice import CALL, TwilioVoice

IN_PROGRESS = b'{"sid": "CA1", "status": "in-progress"}'


class Api:
    """Answers every request with the same bytes, or with none."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.asked: list[bytes] = []
        self.endpoint = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if self.answer is not None:
                writer.write(self.answer)
                await writer.drain()
            else:
                await reader.read()  # until the other side gives up
        finally:
            writer.close()

    def says(self, status: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]
        self.answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    await server.wait_closed()


async def order(api: Api) -> str:
    asking = HttpOrders()
    account = TwilioVoice(endpoint=api.endpoint).account
    try:
        request = twilio_voice.connect_request(CALL, "sip:+1555@192.0.2.1?X-Muster-Interaction=a", account)
        return await asking.ask(twilio_voice, request)
    finally:
        await asking.close()


async def test_a_provider_that_says_yes_is_believed(api: Api) -> None:
    """With our credentials, at the address that the plan names."""
    api.says("200 OK", IN_PROGRESS)
    assert await order(api) == "done"
    assert api.asked[0].startswith(f"POST /2010-04-01/Accounts/{SID}/Calls/{CALL}.json ".encode())
    assert b"authorization: basic" in api.asked[0].lower()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        ("400 Bad Request", b'{"code": 21220}', "gone"),
        ("401 Unauthorized", b"", "refused"),
        ("503 Service Unavailable", b"<html>", "unsure"),
        ("200 OK", b"<html>Sign in to the wireless network</html>", "unsure"),
        ("200 OK", IN_PROGRESS + b" " * 70_000, "unsure"),
    ],
)
async def test_what_is_no_plain_yes_is_none(api: Api, status: str, body: bytes, outcome: str) -> None:
    """Whatever stands in between: nobody is taken for connected, and nobody for gone, because of it."""
    api.says(status, body)
    assert await order(api) == outcome


async def test_nobody_is_sent_elsewhere_with_our_credentials(api: Api) -> None:
    """A redirect is an answer like any other that is no yes."""
    api.says("302 Found", b"", f"location: {api.endpoint}/elsewhere")
    assert await order(api) == "unsure"
    assert len(api.asked) == 1


async def test_a_provider_that_does_not_answer_is_not_waited_for_for_ever(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have heard us; or it hangs up in the middle of its answer."""
    monkeypatch.setattr(orders, "ASK_S", 0.2)
    api.answer = None
    assert await order(api) == "unsure"
    api.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"
    assert await order(api) == "unsure"


async def test_a_provider_that_is_not_there_has_heard_nothing(api: Api) -> None:
    """So it can be asked again at once."""
    api.endpoint = "http://127.0.0.1:1"
    assert await order(api) == "refused"
    api.endpoint = "http://["
    assert await order(api) in ("refused", "unsure")
