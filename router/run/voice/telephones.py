"""Calls out by the trunks of the plan, and whether these trunks answer. Signalling is sip_agent.py's."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from config.networks import networks_of
from router.channels.port import Account
from router.channels.web_call import SIP
from router.run.sip_agent import CallEnded, Credentials, SipAgent, SipCall
from router.run.voice.gear import NO_ANSWER, RING_S, NotAnswered, NoTrunk

PROBE_S: Final = 15.0
ANSWER_S: Final = 10.0
SILENT_S: Final = 60.0
"""A trunk that has not answered for this long is gone: nobody can call us."""

BY_SIP: Final = "sip:"
TRUNK_SILENT: Final = "trunk_silent"

_log = logging.getLogger("muster.voice")


class Trunks:
    """The trunks of the plan. `agent` is set once it listens."""

    def __init__(self, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self.agent: SipAgent | None = None
        self.host = ""
        """By which others reach it."""
        self._accounts = accounts

    def here(self) -> str:
        """Where calls can be sent to us, host:port; empty: nowhere."""
        return f"{_written(self.host)}:{self.agent.port}" if self.agent is not None and self.host else ""

    def may_call(self, address: str) -> str:
        """The account of the trunk at this IP address; empty: nobody that we know."""
        return account_at(self._accounts().values(), address)

    def uri(self, account: Account, number: str) -> str:
        """Where the account's trunk reaches this number; empty where it has none. sip: is an address."""
        if number.startswith(BY_SIP):
            return number
        endpoint = trunk_of(account)
        return endpoint.replace("sip:", f"sip:{number}@", 1) if endpoint else ""

    async def dial(
        self,
        account: Account,
        number: str,
        sdp: str,
        *,
        ring_s: float = RING_S,
        headers: Sequence[tuple[str, str]] = (),
    ) -> SipCall:
        """Returns when it was answered; cancelled, it gives up calling. Raises NotAnswered, NoTrunk."""
        uri = self.uri(account, number)
        if self.agent is None or not uri:
            raise NoTrunk("there is no trunk to call out by")
        own = str(account.options.get("display") or account.address)
        try:
            call = await self.agent.dial(
                uri,
                sdp=sdp,
                from_uri=self.uri(account, own) or f"sip:{own}@{self.here()}",
                headers=headers,
                credentials=None if number.startswith(BY_SIP) else _credentials(account),
                account_id=account.account_id,
            )
        except ValueError as problem:  # an address that leads nowhere
            raise NoTrunk(str(problem)) from problem
        try:
            async with asyncio.timeout(ring_s):
                await call.answered()
        except TimeoutError:
            await call.hang_up()
            raise NotAnswered(NO_ANSWER) from None
        except CallEnded as ended:
            raise NotAnswered(ended.why) from None
        except BaseException:
            hanging_up = asyncio.ensure_future(call.hang_up())
            await asyncio.wait((hanging_up,))
            raise
        return call

    async def watch(self, alarm: Callable[[str, str], None]) -> None:
        """Ask every trunk whether it is there, until cancelled; alarm(code, account) when it has not been."""
        heard: dict[str, float] = {}
        while True:
            trunks = [each for each in self._accounts().values() if trunk_of(each)]
            alive = await asyncio.gather(*(self._answers(each) for each in trunks))
            for account, lives in zip(trunks, alive, strict=True):
                if lives or account.account_id not in heard:
                    heard[account.account_id] = now_s()
                elif now_s() - heard[account.account_id] >= SILENT_S:
                    alarm(TRUNK_SILENT, account.account_id)
            await asyncio.sleep(PROBE_S)

    async def _answers(self, account: Account) -> bool:
        """Whatever it says: it is there. 408 and 503 are our own words for nothing."""
        if self.agent is None:
            return False
        try:
            async with asyncio.timeout(ANSWER_S):
                status = await self.agent.probe(trunk_of(account), credentials=_credentials(account))
        except (TimeoutError, OSError, ValueError) as problem:
            _log.info("trunk not heard account=%s reason=%s", account.account_id, type(problem).__name__)
            return False
        return status not in (408, 503)


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def now_s() -> float:
    """Seconds that really pass."""
    return time.monotonic()


def trunk_of(account: Account) -> str:
    """The address of the account's trunk; empty where it has none."""
    return account.endpoint if account.provider == SIP else ""


def account_at(accounts: Iterable[Account], address: str) -> str:
    """The first account whose trunk has this IP address; empty: none has."""
    try:
        host = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    for account in accounts:
        upstream = str(account.options.get("upstream", "")) if account.provider == SIP else ""
        if upstream and any(host in network for network in networks_of(upstream)):
            return account.account_id
    return ""


def _credentials(account: Account) -> Credentials | None:
    user = account.options.get("user")
    if not user or not account.secret:
        return None
    return Credentials(user=str(user), password=account.secret.decode("utf-8", "surrogateescape"))
