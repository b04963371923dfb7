"""Runs the SIP user agent (router/channels/sip_user_agent.py): its sockets, its clock, its random numbers."""

import asyncio
import ipaddress
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from router.channels.sip_auth import Credentials
from router.channels.sip_call import CallEnded, Refused, SipCall
from router.channels.sip_outgoing import Dialled
from router.channels.sip_timers import Timers
from router.channels.sip_user_agent import UserAgent
from router.run.sip_transport import SipTransport

__all__ = ["CallEnded", "Credentials", "Refused", "SipAgent", "SipCall"]

CLOSE_S: Final = 2.0
"""So long the end of the process waits for answers to its BYEs."""


class SipAgent:
    """One UDP and TCP listener and the calls on it. All of it belongs to one event loop."""

    def __init__(self, agent: UserAgent, transport: SipTransport, wheel: "_Wheel") -> None:
        """Use `listen`."""
        self._agent, self._transport, self._wheel = agent, transport, wheel

    @classmethod
    async def listen(
        cls,
        host: str,
        port: int,
        *,
        on_call: Callable[[SipCall], None],
        may_call: Callable[[str], str],
        public_host: str = "",
        on_options: Callable[[], int] = lambda: 200,
    ) -> "SipAgent":
        """Take calls from addresses to which may_call gives an account, and answer nobody else.

        public_host is what others reach us by; needed where we listen on every address. Raises OSError where
        the port is taken, ValueError where nobody could reach us.
        """
        public = public_host or host
        if _is_wildcard(public):
            raise ValueError(f"nobody can send calls to {public!r}: say by which address we are reached")
        wheel = _Wheel()
        timers = Timers(wheel.now_ms, wheel.wake)
        transport = SipTransport(
            on_message=lambda data, flow: agent.receive(data, flow),
            on_lost=lambda flow: agent.transactions.undelivered(flow),
            may_connect=lambda ip: bool(may_call(ip)),
        )
        transport.bind(host, port)
        agent = UserAgent(
            timers,
            transport.send,
            token=lambda: secrets.token_hex(12),
            host=public,
            port=transport.port,
            may_call=may_call,
            on_call=on_call,
            on_options=on_options,
        )
        wheel.turn(timers)
        await transport.listen()
        return cls(agent, transport, wheel)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._transport.port

    @property
    def calls(self) -> int:
        """Calls that live."""
        return self._agent.living

    @property
    def counts(self) -> Mapping[str, int]:
        """What was dropped, by reason: stranger, not_sip, malformed, no_room, stray_response, refused."""
        counts = self._agent.counts + self._agent.transactions.counts
        counts["refused"] = self._transport.refused
        return counts

    async def dial(
        self,
        to_uri: str,
        *,
        sdp: str,
        from_uri: str,
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        proxy: str = "",
        account_id: str = "",
    ) -> SipCall:
        """Call somebody; returns as soon as the INVITE is out. Raises ValueError for what is no address.

        proxy is where everything goes first, when that is not the address itself.
        """
        dialled = Dialled(
            to_uri=to_uri,
            from_uri=from_uri,
            sdp=sdp,
            headers=headers,
            credentials=credentials,
            proxy=proxy,
        )
        return self._agent.dial(dialled, account_id=account_id)

    async def probe(self, uri: str, *, proxy: str = "", credentials: Credentials | None = None) -> int:
        """Whether a trunk lives: the status of its answer to OPTIONS; 408 when there is none within 32 s."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._agent.probe(
            uri,
            lambda status: None if future.done() else future.set_result(status),
            proxy=proxy,
            credentials=credentials,
        )
        return await future

    async def close(self) -> None:
        """BYE to every call, 503 to who waits; not longer than two seconds."""
        self._agent.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + CLOSE_S
        while self._agent.transactions.unanswered and loop.time() < until:  # noqa: ASYNC110 - the very end
            await asyncio.sleep(0.02)
        await self._transport.close()
        self._wheel.stop()


class _Wheel:
    """Turns the timers by the clock of the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timers: Timers | None = None
        self._handle: asyncio.TimerHandle | None = None

    def now_ms(self) -> int:
        return int(self._loop.time() * 1_000)

    def stop(self) -> None:
        self._timers = None
        self.wake()

    def turn(self, timers: Timers) -> None:
        self._timers = timers
        self.wake()

    def wake(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        at_ms = self._timers.next_ms() if self._timers is not None else None
        if at_ms is not None:
            self._handle = self._loop.call_at(at_ms / 1_000, self._run)

    def _run(self) -> None:
        self._handle = None
        if self._timers is not None:
            self._timers.run_due()
        self.wake()


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
