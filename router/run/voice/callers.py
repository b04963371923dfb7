"""The customer's side of a call: a telephone at the other end of a trunk, or a browser on our page.

What both can do is `Caller`; a call never asks which of the two it has.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from router.channels.port import Account
from router.channels.web_call import dialable
from router.run.voice.gear import (
    REFUSED,
    RING_S,
    BadSdp,
    Leg,
    Media,
    NoPorts,
    NotAnswered,
    Telephone,
    Telephones,
    TrunkLeg,
)

SERVICE_UNAVAILABLE: Final = 503
"""RFC 3261, 21.5.4: try another server."""

NOT_ACCEPTABLE: Final = 488
"""Not Acceptable Here: nothing in their offer that we can do."""


class CannotAnswer(Exception):
    """The caller cannot be given sound. The call is over."""


class NotNow(Exception):
    """Nobody is there to talk with any more. The caller goes on waiting."""


class Caller(Protocol):
    """The customer's side."""

    takes_text: bool
    telephone: bool

    def waits_at(self, position: int) -> None:
        """Tell the caller the place in line."""
        ...

    async def answer(self) -> Leg:
        """Pick up; the caller's sound. Raises CannotAnswer, NotNow."""
        ...

    async def hang_up(self, *, elsewhere: bool = False) -> None:
        """End it from our side, whatever is right now. elsewhere: who waits should be taken there."""
        ...

    def send_digits(self, digits: str) -> bool:
        """Press keys towards the caller's network; False where that is not possible. Raises ValueError."""
        ...

    def send_text(self, text: str) -> bool:
        """Type; False where the other side takes no text."""
        ...

    async def sent_on(self, account: Account, number: str) -> bool:
        """Whether the caller's network calls that number instead, and this call is over."""
        ...


class TelephoneCaller:
    """A call of a trunk, in or out. `on_end(why)` is called once when the other side ended it."""

    telephone = True

    def __init__(self, call: Telephone, media: Media, telephones: Telephones) -> None:
        self.call = call
        self.takes_text = takes_text(call.offer or call.answer_sdp)
        self._media = media
        self._telephones = telephones
        self._leg: TrunkLeg | None = None

    @classmethod
    def called(
        cls, call: Telephone, leg: TrunkLeg, media: Media, telephones: Telephones
    ) -> "TelephoneCaller":
        """A call out that was answered."""
        caller = cls(call, media, telephones)
        caller._use(leg)
        return caller

    @property
    def sound(self) -> Leg:
        """Of a call that was answered."""
        if self._leg is None:
            raise CannotAnswer("there is no sound yet")
        return self._leg

    def waits_at(self, position: int) -> None:
        """182."""
        if self._leg is None:
            self.call.queued(position)

    async def answer(self) -> Leg:
        """200 with our ports. Their offer may come only now, with the ACK. Raises CannotAnswer."""
        if self._leg is not None:
            return self._leg
        try:
            leg = self._media.trunk_leg()
        except NoPorts as problem:
            raise CannotAnswer("no port for sound is free") from problem
        try:
            if self.call.offer:
                leg.accept(self.call.offer)
            await self.call.answer(leg.local_sdp("answer" if self.call.offer else "offer"))
            if not self.call.offer:
                leg.accept(self.call.answer_sdp)
        except (BadSdp, ValueError) as problem:
            await leg.close()
            await self.call.refuse(NOT_ACCEPTABLE)
            raise CannotAnswer("their sound is of no kind that we have") from problem
        except BaseException:
            await leg.close()
            raise
        self._use(leg)
        return leg

    async def hang_up(self, *, elsewhere: bool = False) -> None:
        """BYE, or 480. Elsewhere: 503 to who waits, by which the fallback of their network starts."""
        if elsewhere:
            await self.call.refuse(SERVICE_UNAVAILABLE)
        await self.call.hang_up()

    def send_digits(self, digits: str) -> bool:
        """As telephone events."""
        if self._leg is None:
            return False
        self._leg.send_digits(digits)
        return True

    def send_text(self, text: str) -> bool:
        """As T.140."""
        if self._leg is None or not self.takes_text:
            return False
        self._leg.send_text(text)
        return True

    async def sent_on(self, account: Account, number: str) -> bool:
        """REFER."""
        uri = self._telephones.uri(account, number)
        return bool(uri) and await self.call.refer(uri)

    def _use(self, leg: TrunkLeg) -> None:
        self._leg = leg
        self.call.on_info = leg.take_info
        self.call.on_reoffer = self._offered_again

    def _offered_again(self, sdp: str) -> str:
        """Their re-INVITE: hold, or other ports."""
        if self._leg is None:
            raise BadSdp("there is no sound yet")
        self._leg.accept(sdp)
        return self._leg.local_sdp("answer")


class PageCaller:
    """A call from our page. The page has its answer at once; a reloaded page brings a new leg."""

    telephone = False
    takes_text = False

    def __init__(self, leg: Leg) -> None:
        self.leg = leg

    def waits_at(self, position: int) -> None:
        """The page asks."""

    async def answer(self) -> Leg:
        """There is nothing to pick up."""
        return self.leg

    async def hang_up(self, *, elsewhere: bool = False) -> None:
        """The page sees that its line is gone."""
        await self.leg.close()

    def send_digits(self, digits: str) -> bool:
        """A page has no keys."""
        return False

    def send_text(self, text: str) -> bool:
        """The page's text is the chat."""
        return False

    async def sent_on(self, account: Account, number: str) -> bool:
        """A browser cannot be sent to a telephone number."""
        return False


def takes_text(sdp: str) -> bool:
    """Whether a side offers text (RFC 4103): an m line of it with a port."""
    for line in sdp.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "m=text" and rest.split(" ")[0].split("/")[0] not in ("", "0"):
            return True
    return False


async def called(
    telephones: Telephones,
    media: Media,
    account: Account,
    number: str,
    *,
    ring_s: float = RING_S,
    headers: Sequence[tuple[str, str]] = (),
    planned: bool = False,
) -> TelephoneCaller:
    """Call this number from this account; returns when somebody answers.

    planned: it is the plan's, so that it may be a sip: address, too. Raises NotAnswered, NoTrunk, NoPorts.
    """
    if not planned and not dialable(number):
        raise NotAnswered(REFUSED)
    leg = media.trunk_leg()
    try:
        offer = leg.local_sdp("offer")
        call = await telephones.dial(account, number, offer, ring_s=ring_s, headers=headers)
        try:
            leg.accept(call.answer_sdp)
        except (BadSdp, ValueError):
            await call.hang_up()
            raise NotAnswered("failed") from None
    except BaseException:
        await leg.close()
        raise
    return TelephoneCaller.called(call, leg, media, telephones)
