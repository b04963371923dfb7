"""One telephone call by SIP, either way, as the voice role holds it: who it is, what can be done with it.

Opens nothing: it lives in a `UserAgent`, which is given bytes and time. Methods that wait for the other side
are awaited, everything else is told by the `on_…` functions, which whoever holds the call puts in place.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from router.channels.sip_asking import Done, nobody_waits
from router.channels.sip_caller import Caller, clean
from router.channels.sip_incoming import Incoming, queue_headers
from router.channels.sip_message import SipMessage, name_written
from router.channels.sip_outgoing import Outgoing
from router.channels.sip_session import Session

HANG_UP_WAIT_S: Final = 2.0
"""So long hang_up waits to hear that it was heard; its repeats go on in the background."""

_log = logging.getLogger("muster.sip")


class CallEnded(Exception):
    """The call was over before this could be done. `why` is one of those of on_end, or hung_up when by us."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Refused(Exception):
    """The other side does not do this; the call goes on as it was."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class SipCall:
    """One call. Fields are those of its INVITE; of a call out, from_… are ours and to_number is whom we call.

    Shape: ended is empty while it lives. problem says what was wrong with the INVITE; one that could not be
           answered at all is handed up with ended set (refused), so that somebody calls back.
    """

    def __init__(
        self,
        *,
        call_id: str,
        account_id: str,
        raw: bytes = b"",
        invite: SipMessage | None = None,
        caller: Caller,
        problem: str = "",
    ) -> None:
        self.call_id, self.account_id, self.raw, self.problem = call_id, account_id, raw, problem
        self.from_number, self.from_name = caller.number, caller.name
        self.to_number, self.withheld, self.asserted = caller.to_number, caller.withheld, caller.asserted
        self.verstat, self.diverted_from = caller.verstat, caller.diverted_from
        told = invite.headers if invite is not None else ()
        self.headers: Sequence[tuple[str, str]] = [
            (name_written(each), clean_value(value)) for each, value in told
        ]
        self.offer = self.answer_sdp = self.ended = ""
        self.on_end: Callable[[str], None] = _nothing
        self.on_progress: Callable[[int, str], None] = _nothing_of_two
        self.on_reoffer: Callable[[str], str] = _no_answer
        self.on_answer_sdp: Callable[[str], None] = _nothing
        self.on_info: Callable[[str, bytes], None] = _nothing_of_two
        self._incoming: Incoming | None = None
        self._outgoing: Outgoing | None = None
        self.session: Session | None = None
        self._waiting: list[asyncio.Future[str]] = []

    # -- what whoever holds it can do ---------------------------------------------------------------

    def ringing(self) -> None:
        """180: somebody's desk rings."""
        if self._incoming is not None and not self.ended:
            self._incoming.say(180)

    def queued(self, position: int) -> None:
        """182 with the place in line, from 1; repeated by itself every 50 s."""
        if self._incoming is not None and not self.ended:
            self._incoming.say(182, queue_headers(position))

    async def answer(self, sdp: str) -> None:
        """Answer with this description (an offer where they made none); returns once they acknowledged it.

        Raises CallEnded when they were gone by then.
        """
        if self.ended or self._incoming is None or not self._incoming.waits:
            raise CallEnded(self.ended or "answered")
        future = self._future()
        self._incoming.accept(sdp, lambda why: _set(future, why))
        if why := await future:
            raise CallEnded(why)

    async def answered(self) -> str:
        """Of a call out: the description of whoever answered. Raises CallEnded when nobody did."""
        while not self.ended and self.session is None:
            await self._future()
        if self.ended:
            raise CallEnded(self.ended)
        return self.answer_sdp

    async def refuse(self, status: int, *, reason: str = "") -> None:
        """A final no to a call that waits."""
        if self._incoming is not None and not self.ended and self._incoming.waits:
            self._end("hung_up")
            self._incoming.refuse(status, clean(reason))

    async def hang_up(self) -> None:
        """End it: no answer, CANCEL or BYE, whatever is right now. Does nothing when it is over."""
        if self.ended:
            return
        self._end("hung_up")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._leave(lambda response: _set(future, ""))
        await asyncio.wait([future], timeout=HANG_UP_WAIT_S)

    async def reoffer(self, sdp: str) -> str:
        """Offer another description (hold, resume): the answer to it. Raises Refused, CallEnded."""
        session = self._talking()
        future, status = self._future(), 0

        def answered(response: SipMessage) -> None:
            nonlocal status
            status = response.status
            _set(future, "")

        session.reinvite(sdp, answered)
        if why := await future:
            raise CallEnded(why)
        if not 200 <= status < 300:
            raise Refused(status)
        self.answer_sdp = session.remote_sdp
        return session.remote_sdp

    async def refer(self, to_uri: str) -> bool:
        """Ask them to call somebody else instead; whether they say that they have. Then hang up.

        Raises CallEnded when they left without saying so: they may be talking with nobody.
        """
        session = self._talking()
        future, moved = self._future(), False

        def done(has_moved: bool) -> None:
            nonlocal moved
            moved = has_moved
            _set(future, "")

        session.refer(to_uri, done)
        await future
        if self.ended and not moved:
            raise CallEnded(self.ended)
        return moved

    # -- what its user agent gives it ---------------------------------------------------------------

    def came(self, incoming: Incoming) -> None:
        """It is their call."""
        self._incoming, self.session, self.offer = incoming, incoming.session, incoming.offer

    def goes(self, outgoing: Outgoing) -> None:
        """It is our call."""
        self._outgoing = outgoing

    def leave(self, status: int) -> None:
        """The process ends: say so, and wait for nothing."""
        if self.ended:
            return
        self._end("hung_up")
        if self._incoming is not None and self._incoming.waits:
            self._incoming.refuse(status)
        else:
            self._leave(nobody_waits)

    # -- what its session tells (Owner) -------------------------------------------------------------

    def reoffered(self, sdp: str) -> str:
        """They changed the session: our answer; empty: we cannot."""
        return str(self._guarded(lambda: self.on_reoffer(sdp)) or "")

    def told_answer(self, sdp: str) -> None:
        """The answer to our offer came with an ACK."""
        self.answer_sdp = sdp
        self._guarded(lambda: self.on_answer_sdp(sdp))

    def told(self, media_type: str, body: bytes) -> None:
        """INFO or MESSAGE."""
        self._guarded(lambda: self.on_info(media_type, body))

    def progressed(self, status: int, sdp: str) -> None:
        """They say something before they answer."""
        if not self.ended:
            self._guarded(lambda: self.on_progress(status, sdp))

    def picked_up(self, session: Session, sdp: str) -> None:
        """They answered."""
        self.session, self.answer_sdp = session, sdp
        self._release("")
        self._guarded(lambda: self.on_progress(200, sdp))

    def over(self, why: str) -> None:
        """The other side, or the network, has ended the call."""
        if self.ended:
            return
        if self._incoming is not None:
            self._incoming.left()
        self._end(why)
        self._guarded(lambda: self.on_end(why))

    # -- smaller things -----------------------------------------------------------------------------

    def _talking(self) -> Session:
        if self.ended or self.session is None or not self.session.established:
            raise CallEnded(self.ended or "not answered")
        return self.session

    def _leave(self, done: Done) -> None:
        if self._incoming is not None:
            self._incoming.hang_up(done)
        elif self._outgoing is not None:
            self._outgoing.hang_up(done)

    def _end(self, why: str) -> None:
        self.ended = why
        self._release(why)

    def _future(self) -> "asyncio.Future[str]":
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting = [each for each in self._waiting if not each.done()]
        self._waiting.append(future)
        return future

    def _release(self, why: str) -> None:
        for future in self._waiting:
            _set(future, why)

    def _guarded(self, tell: Callable[[], object]) -> object:
        """A mistake of whoever holds this call must cost no other call."""
        try:
            return tell()
        except Exception as mistake:  # noqa: BLE001 - our own mistake, above this; this call goes on
            _log.error("call handler failed call_id=%s error=%s", self.call_id, type(mistake).__name__)
            return None


def clean_value(text: str) -> str:
    """The value of a header as text that can be shown and kept."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _set(future: "asyncio.Future[str]", value: str) -> None:
    if not future.done():
        future.set_result(value)


def _nothing(told: str) -> None:
    """Nobody listens yet."""


def _nothing_of_two(told: object, more: object) -> None:
    """Nobody listens yet."""


def _no_answer(sdp: str) -> str:
    return ""
