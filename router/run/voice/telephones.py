"""Calls out by the trunks of the plan, and whether these trunks answer. Signalling is router/run/sip_agent.py's."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from config.networks import networks_of
from router.channels.port import Account
from router.channels.sip_auth import Credentials
from router.channels.web_call import SIP
from router.run.sip_agent import SipAgent, SipCall
from router.run.voice.gear import NoTrunk

RING_S: Final = 45.0
"""How long a telephone rings before nobody is there; voice boxes answer before."""

ENDS: Final = {"cancelled": "no_answer", "caller_hung_up": "no_answer"}
"""What an end before the answer means for who called."""

_log = logging.getLogger("muster.voice")


class Trunks:
    """The trunks of the plan, over one agent."""

    def __init__(self, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self.agent: SipAgent | None = None
        self._accounts = accounts

    def may_call(self, address: str) -> str:
        """The account of the trunk at this IP address; empty: nobody that we know."""
        return account_at(self._accounts().values(), address)

    def uri(self, account: Account, number: str) -> str:
        """Where this number is reached by the account's trunk; empty where it has none."""
        if account.provider != SIP or not account.endpoint:
            return ""
        host, *parameters = account.endpoint.partition(":")[2].split(";")
        return f"sip:{number}@{host}{''.join(f';{each}' for each in parameters)}"

    async def dial(self, account: Account, number: str, sdp: str) -> SipCall:
        """Returns when it was answered. Raises NotAnswered, NoTrunk."""
        uri = self.uri(account, number)
        if self.agent is None or not uri:
            raise NoTrunk("no trunk to call out by")
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        try:
            call = await self.agent.dial(
                uri,
                sdp=sdp,
                from_uri=self.uri(account, str(account.options.get("display") or account.address)),
                credentials=_credentials(account),
            )
        except OSError as problem:
            raise NoTrunk(type(problem).__name__) from problem
        del ended
        return call


def account_at(accounts: Iterable[Account], address: str) -> str:
    """The first account whose trunk has this IP address."""
    import ipaddress

    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return ""
    for account in accounts:
        if account.provider == SIP and any(
            host in network for network in networks_of(str(account.options.get("upstream", "")) or "::/128")
        ):
            return account.account_id
    return ""


def _credentials(account: Account) -> Credentials | None:
    user = account.options.get("user")
    return Credentials(str(user), account.secret.decode()) if user and account.secret else None
