"""Bytes on a socket, as somebody hostile sends them; and WebSocket frames made by hand."""

import base64
import os
import socket
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, header lines in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One TCP connection with a deadline on everything."""

    def __init__(self, port: int, *, timeout_s: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._read = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_quietly(self, data: bytes) -> bool:
        """False when the other side no longer takes it."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self._read:
            more = self._socket.recv(65_536)
            if not more:
                raise EOFError(self._read)
            self._read += more
        before, _, self._read = self._read.partition(mark)
        return before + mark

    def read_exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            more = self._socket.recv(65_536)
            if not more:
                raise EOFError(self._read)
            self._read += more
        data, self._read = self._read[:count], self._read[count:]
        return data

    def answer(self) -> Answer:
        """The next HTTP answer."""
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = self.read_exactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split(" ")[1]), headers, body)

    def ending(self) -> int:
        """The status of the last answer; 0 when the other side just closes."""
        try:
            return self.answer().status
        except (EOFError, ConnectionError):
            return 0

    def is_closed(self) -> bool:
        """Waits until the other side closes (True) or says something (False)."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def ask(port: int, request: bytes) -> Answer:
    """One request on a connection of its own."""
    with Wire(port) as wire:
        wire.send(request)
        return wire.answer()


def get(path: str, port: int, *headers: str, method: str = "GET") -> bytes:
    """A plain request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def handshake(wire: Wire, path: str, port: int, *headers: str, origin: str | None = None) -> Answer:
    """Ask for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Origin: {origin or f'http://127.0.0.1:{port}'}",
        *headers,
    ]
    wire.send(get(path, port, *lines))
    return wire.answer()


def frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bool = True, reserved: int = 0) -> bytes:
    """One WebSocket frame of a client."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size = len(payload)
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (bytes(4) if mask else b"") + payload


def close_code(wire: Wire) -> int:
    """The code of the close frame that ends this socket; frames before it are read and forgotten."""
    while True:
        first, second = wire.read_exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", wire.read_exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", wire.read_exactly(8))
        payload = wire.read_exactly(size)
        if first & 0x0F == 8:
            return int(struct.unpack("!H", payload[:2])[0])
