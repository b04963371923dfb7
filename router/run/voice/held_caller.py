"""A caller whom a provider's network holds: fetched by an order to its API when an agent is there to talk.

The order says where to call us, with a token; the call that then comes to our SIP port is the caller's sound.
Nothing of that ends a call: what fails is tried again as long as the agent is there, and the caller waits.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from router.channels.call_token import LIFE_S, CallToken
from router.channels.port import Account, CallProvider, HttpRequest
from router.run.voice.callers import CannotAnswer, NotNow, TelephoneCaller
from router.run.voice.gear import CallEnded, Leg, Media, Telephone, Telephones
from router.run.voice.record import CALLER_HUNG_UP

DONE: Final = "done"
GONE: Final = "gone"
REFUSED: Final = "refused"

INVITE_S: Final = 12.0
"""Until the call comes after its provider has said yes. Not sure whether it heard us: UNSURE_S."""

UNSURE_S: Final = 4.0
PAUSES_S: Final = (1.0, 2.0, 5.0)
"""Between two orders; the last from then on."""

LOOKS_S: Final = (0.0, 1.0)
"""When the sound has ended: whether the caller has, too. Their network may know a moment later."""

LOOK_S: Final = 3.0
HANG_UPS: Final = 3


class Orders(Protocol):
    """Asks a provider's API."""

    async def ask(self, provider: CallProvider, request: HttpRequest) -> str:
        """What came of it: done, gone, refused, unsure. Never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """What every held caller works with.

    Shape: address(account, token) is where the provider finds us; empty: nowhere at this moment.
    """

    orders: Orders
    media: Media
    telephones: Telephones
    address: Callable[[Account, CallToken], str]
    alarm: Callable[[str], None]


def _nothing() -> None:
    """Nobody listens."""


class HeldCaller:
    """The customer's side of such a call. `wanted`, `on_gone` and `on_lost` are set by who holds the call."""

    telephone = True

    def __init__(
        self, interaction_id: str, provider_id: str, account: Account, provider: CallProvider, line: HeldLine
    ) -> None:
        self.interaction_id = interaction_id
        self.provider_id = provider_id
        self.account = account
        self.takes_text = False
        self.gone = False
        """Whether the caller has hung up: then there is nothing to end."""
        self.wanted: Callable[[], bool] = lambda: False
        self.on_gone: Callable[[], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self._provider = provider
        self._line = line
        self._inner: TelephoneCaller | None = None
        self._expected: tuple[str, asyncio.Future[Telephone]] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether they are with us, and not with their provider."""
        return self._inner is not None

    def waits_at(self, position: int) -> None:
        """Their provider asks for it (agents_ui/hooks/calls.py)."""

    async def answer(self) -> Leg:
        """Fetch the caller, however often it takes. Raises CallEnded when they are gone, NotNow."""
        if self._inner is not None:
            return await self._inner.answer()
        tries = 0
        while self.wanted():
            telephone = await self._fetched()
            leg = None if telephone is None else await self._taken(telephone)
            if leg is not None:
                return leg
            self._line.alarm(self.interaction_id)
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1
        raise NotNow

    def takes(self, telephone: Telephone, nonce: str) -> bool:
        """Whether this is the call that we have ordered. Only once."""
        if self._expected is None or self._expected[0] != nonce or self._expected[1].done():
            return False
        self._expected[1].set_result(telephone)
        return True

    async def hang_up(self, *, elsewhere: bool = False) -> None:
        """End it here and at its provider."""
        inner, self._inner = self._inner, None
        if inner is not None:
            await inner.hang_up()
        for _ in range(0 if self.gone else HANG_UPS):
            request = self._provider.hang_up_request(self.provider_id, self.account)
            if await self._line.orders.ask(self._provider, request) in (DONE, GONE):
                return
            await asyncio.sleep(PAUSES_S[0])

    async def let_go(self) -> None:
        """They go back to waiting at their provider."""
        inner, self._inner = self._inner, None
        if inner is not None:
            await inner.hang_up()

    async def look(self) -> bool:
        """Whether they are there still; yes where nobody knows."""
        request = self._provider.look_request(self.provider_id, self.account)
        return await self._line.orders.ask(self._provider, request) != GONE

    def send_digits(self, digits: str) -> bool:
        """As telephone events."""
        return self._inner is not None and self._inner.send_digits(digits)

    def send_text(self, text: str) -> bool:
        """As T.140."""
        return self._inner is not None and self._inner.send_text(text)

    async def sent_on(self, account: Account, number: str) -> bool:
        """Their network takes orders by its API only."""
        return False

    async def _fetched(self) -> Telephone | None:
        """The call that came because of one order; None where none did. Raises CallEnded."""
        future: asyncio.Future[Telephone] = asyncio.get_running_loop().create_future()
        nonce = secrets.token_hex(8)
        until_s = int(time.time()) + LIFE_S
        token = CallToken(interaction_id=self.interaction_id, nonce=nonce, until_s=until_s)
        uri = self._line.address(self.account, token)
        if not uri:
            return None
        self._expected = nonce, future
        try:
            request = self._provider.connect_request(self.provider_id, uri, self.account)
            outcome = await self._line.orders.ask(self._provider, request)
            if outcome == GONE and not await self.look():  # "not in progress" is also what rings
                raise CallEnded(CALLER_HUNG_UP)
            if outcome in (GONE, REFUSED) and not future.done():
                return None
            async with asyncio.timeout(INVITE_S if outcome == DONE else UNSURE_S):
                return await future
        except TimeoutError:
            return None
        finally:
            self._expected = None

    async def _taken(self, telephone: Telephone) -> Leg | None:
        inner = TelephoneCaller(telephone, self._line.media, self._line.telephones)
        telephone.on_end = lambda why: self._left(inner)
        try:
            leg = await inner.answer()
        except (CallEnded, CannotAnswer):
            await telephone.refuse(503)
            return None
        self._inner, self.takes_text = inner, inner.takes_text
        return leg

    def _left(self, inner: TelephoneCaller) -> None:
        """Their sound has ended: they have hung up, or only their provider's leg to us broke."""
        if self._inner is inner:
            self._inner = None
            self._looking = asyncio.create_task(self._look_after_them())

    async def _look_after_them(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                for wait_s in LOOKS_S:
                    await asyncio.sleep(wait_s)
                    if not await self.look():
                        self.on_gone()
                        return
        except TimeoutError:
            pass  # nobody knows: the caller is there until somebody says otherwise
        if self._inner is None and not self.gone:
            self.on_lost()
