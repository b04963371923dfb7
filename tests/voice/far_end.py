"""Where calls out arrive: a telephone network's end, in a thread, that answers, is busy or only rings."""

import socket
import threading
import time
from typing import Final

from tests.voice.singing_ear import HOST, Ear

HERTZ: Final = 660
_KEPT: Final = ("via", "from", "call-id", "cseq")


class FarEnd:
    """One SIP endpoint over UDP. `does` says what happens to who is called: answers, busy, or rings.

    Answers to OPTIONS, so that the trunk is there. Its answers come again only when the question does.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.does = "answers"
        self.asked: list[str] = []
        """Method and address of every request, in order, repeats included."""
        self.ear = Ear(hertz=HERTZ)
        self._invite = ""
        self._sings = False
        self._us = (HOST, 0)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def heard(self, method: str, number: str = "") -> bool:
        """Whether this was asked of it."""
        return any(each.startswith(f"{method} ") and number in each for each in self.asked)

    def picks_up(self) -> None:
        """200, to who rings."""
        self.does = "answers"
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self.ear.port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        self._answer(self._invite, "200 OK", sdp)

    def hangs_up(self) -> None:
        """BYE."""
        kept = _headers(self._invite)
        lines = [
            f"BYE {kept['contact'].strip('<>')} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bK{time.time_ns()}",
            f"From: {kept['to']};tag=far",
            f"To: {kept['from']}",
            f"Call-ID: {kept['call-id']}",
            "CSeq: 1 BYE",
            "Max-Forwards: 70",
        ]
        self._send(lines)

    def close(self) -> None:
        """The line is dead."""
        self._closed.set()
        self._thread.join()
        self._socket.close()
        self.ear.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                data, self._us = self._socket.recvfrom(65_536)
            except TimeoutError:
                continue
            text = data.decode()
            method, _, rest = text.partition(" ")
            if method == "SIP/2.0":
                continue
            self.asked.append(f"{method} {rest.split(' ')[0]}")
            if method == "INVITE":
                self._called(text)
            elif method == "CANCEL":
                self._answer(text, "200 OK")
                self._answer(self._invite, "487 Request Terminated")
            elif method == "ACK":
                self._sing()
            else:
                self._answer(text, "200 OK")

    def _called(self, text: str) -> None:
        self._invite = text
        self._answer(text, "180 Ringing")
        if self.does == "busy":
            self._answer(text, "486 Busy Here")
        elif self.does == "answers":
            self.picks_up()

    def _sing(self) -> None:
        if self.does == "answers" and not self._sings:
            self._sings = True
            self.ear.sings((HOST, int(self._invite.partition("m=audio ")[2].split(" ")[0])))

    def _answer(self, request: str, status: str, sdp: str = "") -> None:
        lines = [f"SIP/2.0 {status}"]
        for line in request.partition("\r\n\r\n")[0].split("\r\n")[1:]:
            name = line.partition(":")[0].lower()
            if name in _KEPT:
                lines.append(line)
            elif name == "to":
                lines.append(line if ";tag=" in line else line + ";tag=far")
        lines.append(f"Contact: <sip:far@{HOST}:{self.port}>")
        if sdp:
            lines.append("Content-Type: application/sdp")
        self._send(lines, sdp)

    def _send(self, lines: list[str], body: str = "") -> None:
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self._socket.sendto(text.encode(), self._us)


def _headers(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
