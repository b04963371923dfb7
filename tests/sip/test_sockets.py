"""The user agent on real sockets: datagrams of every size, streams in pieces, who may connect."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from router.channels.sdp import AUDIO, LocalStream, offer_sdp
from router.channels.sip_message import read_message, response_to, written
from router.run.sip_agent import CallEnded, SipAgent, SipCall

pytestmark = pytest.mark.system
HOST = "127.0.0.1"
WAIT_S = 30
SDP = offer_sdp(address=HOST, session_id=1, audio=LocalStream(port=4000, codecs=AUDIO))


class Here:
    """One agent on this machine and what came to it. `knows` says whose calls are taken."""

    def __init__(self) -> None:
        self.calls: list[SipCall] = []
        self.knows = True
        self.agent: SipAgent

    async def open(self) -> None:
        self.agent = await SipAgent.listen(
            HOST, 0, on_call=self.calls.append, may_call=lambda ip: "trunk" if self.knows else ""
        )

    @property
    def uri(self) -> str:
        return f"sip:112@{HOST}:{self.agent.port}"


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    """An agent that takes calls."""
    here = Here()
    await here.open()
    yield here
    await here.agent.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(here: Here) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A TCP connection to it."""
    reader, writer = await asyncio.open_connection(HOST, here.agent.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Wait until the other side has closed; whether it said nothing before."""
    async with asyncio.timeout(WAIT_S):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


def options(number: int, port: int, *, body: bytes = b"") -> bytes:
    """A request that is answered at once."""
    lines = (
        f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/TCP {HOST}:{port};branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@{HOST}>;tag=1\r\nTo: <sip:{HOST}>\r\nCall-ID: c{number}\r\nCSeq: {number} OPTIONS\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return lines.encode() + body


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_two_agents_call_each_other(here: Here, transport: str):
    """A whole call over the loopback: asked, queued, answered, held, hung up."""
    there = Here()
    await there.open()
    call = await there.agent.dial(f"{here.uri};transport={transport}", sdp=SDP, from_uri=there.uri)
    await until(lambda: bool(here.calls))
    (ours,) = here.calls
    ours.queued(1)
    ours.on_reoffer = lambda sdp: SDP
    ends: list[str] = []
    ours.on_end = ends.append
    await ours.answer(SDP)
    assert await call.answered() == SDP
    assert await call.reoffer(SDP) == SDP
    await call.hang_up()
    assert ends == ["caller_hung_up"]
    assert (here.agent.calls, there.agent.calls) == (0, 0)
    await there.agent.close()


async def test_a_call_to_nobody_fails_at_once_where_the_network_says_so(here: Here):
    """A trunk whose port is closed is known in a moment over TCP, not after half a minute."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as closed:
        closed.bind((HOST, 0))
        uri = f"sip:{HOST}:{closed.getsockname()[1]};transport=tcp"
        call = await here.agent.dial(uri, sdp=SDP, from_uri=here.uri)
        with pytest.raises(CallEnded) as end:
            await call.answered()
        assert end.value.why == "failed"
        assert await here.agent.probe(uri) == 503


async def test_a_name_that_nobody_has_fails(here: Here):
    """A trunk's name that cannot be resolved is a call that failed, not an error in our log."""
    call = await here.agent.dial("sip:1@trunk.invalid", sdp=SDP, from_uri=here.uri)
    with pytest.raises(CallEnded):
        await call.answered()
    with pytest.raises(ValueError, match="no address"):
        await here.agent.dial("tel:112", sdp=SDP, from_uri=here.uri)


async def test_a_name_is_looked_up(here: Here):
    """Trunks have names; localhost is one that every machine knows."""
    assert await here.agent.probe(f"sip:localhost:{here.agent.port}") == 200


async def test_datagrams_of_every_size_are_read(here: Here):
    """The largest one is a call like any other; rubbish of any size stops nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setblocking(False)
        peer.bind((HOST, 0))
        address = HOST, here.agent.port
        for size in (0, 1, 100, 65_507):
            peer.sendto(b"\xff" * size, address)
        via = f"Via: SIP/2.0/UDP {HOST};rport;branch=z9hG4bKbig\r\n"
        head = options(1, 0).replace(b"OPTIONS", b"INVITE").split(b"\r\n", 2)
        big = b"\r\n".join((head[0], via.encode() + b"Subject: " + b"x" * 60_000, head[2]))
        peer.sendto(big, address)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            assert (await loop.sock_recv(peer, 65_536)).startswith(b"SIP/2.0 100")
    assert here.calls[0].raw == big
    await here.calls[0].refuse(603)


async def test_a_stream_may_come_in_pieces_and_keep_itself_alive(here: Here):
    """TCP cuts where it likes, and trunks send empty lines to keep the connection open."""
    async with connected(here) as (reader, writer):
        data = b"\r\n\r\n" + options(1, 5, body=b"\r\n\r\nbody") + options(2, 5)
        for begin in range(0, len(data), 50):
            writer.write(data[begin : begin + 50])
            await writer.drain()
        got = b""
        async with asyncio.timeout(WAIT_S):
            while got.count(b"SIP/2.0 200") < 2:
                got += await reader.read(65_536)
        assert got.startswith(b"\r\nSIP/2.0 200")
        assert [b"CSeq: 1 OPTIONS" in got, b"CSeq: 2 OPTIONS" in got] == [True, True]


async def test_who_cannot_be_connected_to_is_reached_by_the_connection_that_came(here: Here):
    """A trunk behind a wall opens connections and takes none: BYE goes back the way that the call came."""
    async with connected(here) as (reader, writer):
        invite = options(1, 5).replace(b"OPTIONS", b"INVITE")
        writer.write(invite.replace(b"CSeq", b"Contact: <sip:a@nobody.invalid;transport=tcp>\r\nCSeq"))
        await until(lambda: bool(here.calls))
        answering = asyncio.ensure_future(here.calls[0].answer(SDP))
        async with asyncio.timeout(WAIT_S):
            while b"SIP/2.0 200" not in (got := await reader.read(65_536)):
                pass
            to = next(line for line in got.split(b"\r\n") if line.startswith(b"To:") and b"tag" in line)
            ack = options(1, 5).replace(b"OPTIONS", b"ACK").replace(b"To: <sip:127.0.0.1>", to)
            writer.write(ack.replace(b"z9hG4bK", b"z9hG4bKack"))
            await answering
            ending = asyncio.ensure_future(here.calls[0].hang_up())
            while b"BYE sip:a@nobody.invalid" not in got:
                got += await reader.read(65_536)
            writer.write(written(response_to(read_message(got[got.index(b"BYE sip") :]), 200)))
            await ending


async def test_a_stream_that_makes_no_sense_is_closed(here: Here):
    """Where a message ends is lost: the other side has to begin again."""
    async with connected(here) as (reader, writer):
        writer.write(b"INVITE sip:a@b SIP/2.0\r\nContent-Length: lots\r\n\r\n")
        assert await is_closed(reader)


async def test_strangers_are_not_connected_and_hear_nothing(here: Here):
    """Who is no trunk of ours learns not even that somebody listens."""
    here.knows = False
    async with connected(here) as (reader, _):
        assert await is_closed(reader)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind((HOST, 0))
        for number in range(50):
            stranger.sendto(options(number, 0), (HOST, here.agent.port))
        await until(lambda: here.agent.counts["stranger"] == 50)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
    assert here.agent.counts["refused"] == 1
    assert here.calls == []


async def test_a_process_that_ends_tells_its_calls():
    """An agent's machine is restarted: the caller hears the end of the call, not silence."""
    here, there = Here(), Here()
    await here.open()
    await there.open()
    call = await there.agent.dial(here.uri, sdp=SDP, from_uri=there.uri)
    await until(lambda: bool(here.calls))
    await here.calls[0].answer(SDP)
    await call.answered()
    await here.agent.close()
    assert call.ended == "caller_hung_up"
    await there.agent.close()


async def test_an_address_that_nobody_can_reach_is_refused_at_the_start():
    """0.0.0.0 in a Contact would send the caller's BYE to the caller itself."""
    with pytest.raises(ValueError, match="by which address"):
        await SipAgent.listen("0.0.0.0", 0, on_call=lambda call: None, may_call=lambda ip: "")
    with pytest.raises(OSError, match="in use"):
        first = Here()
        await first.open()
        try:
            await SipAgent.listen(HOST, first.agent.port, on_call=lambda call: None, may_call=lambda ip: "")
        finally:
            await first.agent.close()
