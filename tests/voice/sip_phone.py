"""A telephone at the other end of a trunk: SIP over UDP in a few lines, no timers but one, sound as bytes."""

import socket
import time
from typing import Final

WITHIN_S: Final = 30.0
REPEAT_S: Final = 0.5


class Phone:
    """One call at a time, to one address. Everything is done by hand, so a test says what happens when."""

    def __init__(self, port: int, *, number: str = "+15550100123", to: str = "+15550100911") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sound.bind(("127.0.0.1", 0))
        self.sound.setblocking(False)
        self.to = ("127.0.0.1", port)
        self.own = self.socket.getsockname()[1]
        self.number, self.called = number, to
        self.call_id = f"{time.time_ns()}-{self.own}@phone"
        self.tag = f"t{self.own}"
        self.their_tag = ""
        self.headers: list[str] = []
        """More of them, for each request."""
        self.heard: list[str] = []
        """First lines of what came, in order."""
        self.answers: list[str] = []
        """Their whole answers to our INVITE."""
        self.asked: list[str] = []
        """Requests of theirs, whole."""

    def invite(self) -> None:
        """Call; sent again by wait_for as long as nothing comes."""
        host = f"127.0.0.1:{self.sound.getsockname()[1]}"
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {host.rpartition(':')[2]} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        )
        self._send("INVITE", 1, sdp)

    def ring(self) -> int:
        """Call until something final or 18x is heard; its status."""
        self.invite()
        return self.wait_for(lambda: self.status() > 100, again=self.invite)

    def status(self) -> int:
        """The newest status of an answer to our INVITE; 0: none."""
        return int(self.answers[-1].split(" ")[1]) if self.answers else 0

    def header(self, name: str) -> str:
        """Of the newest answer."""
        for line in self.answers[-1].split("\r\n"):
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""

    def until_answered(self) -> None:
        """Wait for 200, and acknowledge it."""
        self.wait_for(lambda: self.status() >= 200)
        self._send("ACK", 1, branch="ack")

    def hang_up(self) -> None:
        """BYE."""
        self._send("BYE", 2)

    def cancel(self) -> None:
        """CANCEL of the INVITE."""
        self._send("CANCEL", 1)

    def wait_for(self, true: object, *, again: object = None) -> int:
        """Take what comes until it is true; the newest status."""
        deadline, repeat = time.monotonic() + WITHIN_S, time.monotonic() + REPEAT_S
        assert callable(true)
        while not true():
            now = time.monotonic()
            assert now < deadline, f"heard only {self.heard}"
            if again is not None and now > repeat and not self.answers:
                assert callable(again)
                again()
                repeat = now + REPEAT_S
            self.take(0.05)
        return self.status()

    def take(self, wait_s: float) -> None:
        """Whatever comes in so long; requests are answered by 200."""
        self.socket.settimeout(wait_s)
        try:
            data, peer = self.socket.recvfrom(65_536)
        except TimeoutError:
            return
        text = data.decode()
        line = text.split("\r\n", 1)[0]
        self.heard.append(line)
        if not line.startswith("SIP/2.0"):
            self.asked.append(text)
            self._agree(text, peer)
            return
        lines = [each.partition(":") for each in text.split("\r\n")[1:]]
        values = {key.strip().lower(): value.strip() for key, _, value in lines if key}
        if values.get("cseq", "").endswith("INVITE"):
            self.answers.append(text)
            tag = values.get("to", "").partition(";tag=")[2]
            self.their_tag = tag.split(";")[0] or self.their_tag
            if int(line.split(" ")[1]) >= 300:
                self._send("ACK", 1)

    def say(self, seconds: float = 0.2, *, to: "tuple[str, int] | None" = None) -> None:
        """Send a loud tone to where their answer says; nothing waits for it."""
        port = int(self.answers[-1].partition("m=audio ")[2].split(" ")[0])
        for number in range(int(seconds * 50)):
            header = (
                bytes((0x80, 0)) + number.to_bytes(2, "big") + (number * 160).to_bytes(4, "big") + b"ABCD"
            )
            self.sound.sendto(header + bytes((0x80, 0x00)) * 80, to or ("127.0.0.1", port))
            time.sleep(0.02)

    def hears(self) -> int:
        """How many packets of sound have come."""
        count = 0
        while True:
            try:
                self.sound.recv(4_096)
                count += 1
            except BlockingIOError:
                return count

    def close(self) -> None:
        self.socket.close()
        self.sound.close()

    def _send(self, method: str, cseq: int, sdp: str = "", *, branch: str = "") -> None:
        to = f"<sip:{self.called}@127.0.0.1>" + (f";tag={self.their_tag}" if self.their_tag else "")
        if method == "CANCEL":
            to = f"<sip:{self.called}@127.0.0.1>"
        lines = [
            f"{method} sip:{self.called}@127.0.0.1:{self.to[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.own};branch=z9hG4bK{self.call_id[:15]}{cseq}{branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.number}@127.0.0.1>;tag={self.tag}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.number}@127.0.0.1:{self.own}>",
            f"P-Asserted-Identity: <sip:{self.number}@127.0.0.1>",
            *self.headers,
        ]
        if sdp:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(sdp)}")
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + sdp).encode(), self.to)

    def _agree(self, text: str, peer: "tuple[str, int]") -> None:
        kept = [
            line
            for line in text.split("\r\n")
            if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")
        ]
        self.socket.sendto(
            ("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode(), peer
        )
