"""WebSocket frames nobody nice would send (ids: the catalogue of bad input)."""

import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from agents_ui.permits import Permits
from tests.web.fronts import LIMITS, Front
from tests.web.raw import Wire, ask, close_code, frame, get, handshake

pytestmark = pytest.mark.system

TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9


@pytest.fixture
def wire(front: Front) -> Iterator[Wire]:
    with Wire(front.port) as connected:
        assert handshake(connected, "/socket", front.port).status == 101
        yield connected


def test_compression_is_not_negotiated(front: Front) -> None:
    """B-44. 15 MB of zeros are 15 KB on the wire; and it costs 40 KB a connection."""
    with Wire(front.port) as wire:
        answer = handshake(wire, "/socket", front.port, "Sec-WebSocket-Extensions: permessage-deflate")
        assert answer.status == 101
        assert "sec-websocket-extensions" not in answer.headers


@pytest.mark.parametrize("size", [65_537, 16_000_000])
def test_a_message_over_64_kilobytes_closes_with_1009(wire: Wire, size: int) -> None:
    """B-44. Its length is announced, so it is refused before it is read."""
    wire.send_quietly(frame(TEXT, b"x" * size))
    assert close_code(wire) == 1009


def test_a_message_over_64_kilobytes_in_pieces_closes_with_1009(wire: Wire) -> None:
    """B-44. Pieces are added up."""
    wire.send_quietly(frame(TEXT, b"x" * 40_000, fin=False) + frame(CONTINUATION, b"x" * 40_000))
    assert close_code(wire) == 1009


def test_a_message_of_very_many_empty_pieces_is_cut_off(wire: Wire) -> None:
    """B-45. Empty pieces never reach the size limit."""
    wire.send(frame(TEXT, b"x", fin=False))
    wire.send_quietly(frame(CONTINUATION, b"", fin=False) * 10_000)
    assert close_code(wire) == 1008


def test_a_flood_of_pings_is_cut_off(wire: Wire) -> None:
    """B-45. Each asks for an answer."""
    wire.send_quietly(frame(PING, b"x" * 100) * 1_000)
    assert close_code(wire) == 1008


@pytest.mark.parametrize(
    "bad",
    [frame(TEXT, b"x", reserved=4), frame(TEXT, b"x", mask=False), frame(3, b"x"), frame(CONTINUATION, b"x")],
)
def test_frames_against_the_protocol_close_with_1002(wire: Wire, bad: bytes) -> None:
    """B-45. Reserved bits, no mask, unknown kinds, a continuation of nothing."""
    wire.send(bad)
    assert close_code(wire) == 1002


def test_invalid_utf8_closes_with_1007(wire: Wire) -> None:
    """B-46."""
    wire.send(frame(TEXT, b"\xff\xfe"))
    assert close_code(wire) == 1007


def test_an_honest_message_in_pieces_arrives(wire: Wire) -> None:
    """The limits must not hit those who split a message."""
    wire.send(frame(TEXT, b"he", fin=False) + frame(CONTINUATION, b"llo"))
    assert wire.read_exactly(7) == b"\x81\x05hello"


def test_a_handshake_with_a_body_is_refused(front: Front) -> None:
    """What follows the handshake would be read as frames by one program and as a body by another."""
    headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Content-Length: 3"]
    assert ask(front.port, get("/socket", front.port, *headers)).status == 400


def test_a_handshake_for_a_foreign_host_is_refused(front: Front) -> None:
    """B-41. DNS rebinding makes a foreign page reach us under its own name."""
    lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    request = (
        f"GET /socket HTTP/1.1\r\nHost: evil.example\r\n{lines}\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n"
    )
    assert ask(front.port, request.encode()).status == 400


def test_a_mistake_of_ours_closes_the_socket_with_1011(front: Front) -> None:
    """The page then comes back; what it is told is a number."""
    with Wire(front.port) as wire:
        assert handshake(wire, "/socket-mistake", front.port).status == 101
        assert close_code(wire) == 1011


def test_stopping_closes_sockets_with_1012() -> None:
    """1012 tells pages to come back at once, to another process."""
    front = Front()
    with Wire(front.port) as wire:
        assert handshake(wire, "/socket", front.port).status == 101
        wire.send(frame(TEXT, b"hello"))
        assert wire.read_exactly(7) == b"\x81\x05hello"
        front.stop()
        assert struct.unpack("!BBH", wire.read_exactly(4)) == (0x88, 2, 1012)


def test_a_flood_of_chat_handshakes_is_slowed_and_desks_are_not() -> None:
    """B-50. Agents must stay connected while somebody floods the customers' door."""
    front = Front(handshakes=Permits(burst=3, per_s=0))
    statuses = []
    for _ in range(5):
        with Wire(front.port) as wire:
            statuses.append(handshake(wire, "/chat/socket", front.port).status)
    with Wire(front.port) as wire:
        assert handshake(wire, "/socket", front.port).status == 101
    front.stop()
    assert statuses == [101, 101, 101, 429, 429]


def test_one_network_cannot_fill_the_site_with_open_chats() -> None:
    """Slowly opened and held for ever, one machine's sockets would leave nobody else a place."""
    front = Front(chats_max=2)
    with Wire(front.port) as first, Wire(front.port) as second, Wire(front.port) as third:
        assert handshake(first, "/chat/socket", front.port).status == 101
        assert handshake(second, "/chat/socket", front.port).status == 101
        assert handshake(third, "/chat/socket", front.port).status == 429
    for _ in range(100):  # a place is free again as soon as the server has noticed
        with Wire(front.port) as wire:
            status = handshake(wire, "/chat/socket", front.port).status
        if status == 101:
            break
        time.sleep(0.05)
    front.stop()
    assert status == 101


def test_desks_get_in_and_chats_go_on_when_chats_have_filled_the_site() -> None:
    """Promise 10. Only who has not come in yet is asked to wait: more customers must not cost an agent."""
    front = Front(limits=replace(LIMITS, connections=20))
    with ExitStack() as open_now:

        def connects(path: str) -> tuple[int, Wire]:
            wire = open_now.enter_context(Wire(front.port))
            return handshake(wire, path, front.port).status, wire

        chats = [connects("/chat/socket") for _ in range(18)]
        assert {status for status, _ in chats} == {101}
        assert {connects("/chat/socket")[0] for _ in range(5)} == {503}
        for _ in range(5):
            looking = open_now.enter_context(Wire(front.port))
            looking.send(get("/", front.port))
            assert looking.answer().headers["connection"] == "close"
        desks = [connects("/socket") for _ in range(2)]
        assert [status for status, _ in desks] == [101, 101]
        for _, wire in (*chats, *desks):
            wire.send(frame(TEXT, b"hello"))
            assert wire.read_exactly(7) == b"\x81\x05hello"
    front.stop()
