"""A trunk that says exactly what a test wants it to say, byte for byte."""

from collections.abc import Iterable

from router.channels.sip_call import SipCall
from router.channels.sip_message import SipMessage, response_to, written
from router.channels.sip_transaction import Flow
from tests.sip.world import PORT, THEIRS, TRUNK, US, Story

SDP = ("content-type", "application/sdp")
Headers = Iterable[tuple[str, str]]


class Peer:
    """The trunk's side of calls, by hand. `got` is everything that it was sent."""

    def __init__(self, story: Story, host: str = TRUNK) -> None:
        self.story, self.host = story, host
        self.got: list[SipMessage] = story.world.listens(host)
        self._branches = 0

    def sends(self, message: SipMessage, *, transport: str = "udp", connection: int = 0) -> None:
        """One message of its own."""
        self.story.us.receive(written(message), Flow(transport, self.host, PORT, connection))

    def invite(
        self, *, headers: Headers = (), sdp: str = THEIRS, sender: str = "", **more: str
    ) -> SipMessage:
        """An INVITE that begins a call."""
        self._branches += 1
        via = f"SIP/2.0/UDP {self.host}:{PORT};branch=z9hG4bK-i{self._branches};rport"
        message = SipMessage(
            method="INVITE",
            uri=more.get("uri", f"sip:112@{US}"),
            headers=(
                ("via", via),
                ("from", sender or f"<sip:+15550100@{self.host}>;tag=peer"),
                ("to", f"<sip:112@{US}>"),
                ("call-id", more.get("call_id", "call-1")),
                ("cseq", f"{more.get('cseq', '1')} INVITE"),
                ("contact", f"<sip:caller@{self.host}>"),
                *headers,
                *((SDP,) if sdp else ()),
            ),
            body=sdp.encode(),
        )
        self.sends(message)
        return message

    async def talks(self, **more: object) -> SipCall:
        """A call that we answered and that was acknowledged."""
        self.invite(**more)  # type: ignore[arg-type]
        call = self.story.came[-1]
        self.story.world.timers.after(200, lambda: self.asks("ACK", 1))
        await self.story.sees(call.answer(self.story.ours))
        return call

    def asks(
        self,
        method: str,
        number: int,
        *,
        headers: Headers = (),
        body: bytes = b"",
        branch: str = "",
    ) -> SipMessage:
        """A request inside the call that was answered last."""
        answer = next(each for each in reversed(self.got) if each.to_tag and each.status)
        self._branches += 1
        via = f"SIP/2.0/UDP {self.host}:{PORT};branch=z9hG4bK-{branch or f'r{self._branches}'};rport"
        kept = tuple((name, answer.first(name)) for name in ("from", "to", "call-id"))
        cseq = ("cseq", f"{number} {method}")
        message = SipMessage(
            method=method,
            uri=f"sip:muster@{US}",
            headers=(("via", via), *kept, cseq, *headers),
            body=body,
        )
        self.sends(message)
        return message

    def answers(
        self,
        request: SipMessage,
        status: int,
        *,
        headers: Headers = (),
        sdp: str = "",
        tag: str = "peer",
    ) -> None:
        """A response to a request of ours."""
        told = (("contact", f"<sip:answerer@{self.host}>"), *headers, *((SDP,) if sdp else ()))
        self.sends(response_to(request, status, tag=tag, headers=told, body=sdp.encode()))

    def last(self, begins: str) -> SipMessage:
        """The newest of its messages with this method or status."""
        return next(each for each in reversed(self.got) if begins in (each.method, str(each.status)))

    def count(self, begins: str) -> int:
        """How many of these it got, repeats included."""
        return sum(begins in (each.method, str(each.status)) for each in self.got)
