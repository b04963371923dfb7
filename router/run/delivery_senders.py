"""How a message leaves: by a provider's API over HTTP, or by a mail server. And which accounts there are.

A sender makes one try and says what came of it; it never raises for what the other side does. When to try,
and how often, is delivery.py; what a provider's answer means is its own module in router/channels.
"""

import logging
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account, HttpReply, HttpRequest, Outcome, Outgoing, Provider
from router.channels.providers import PROVIDERS
from router.channels.web_call import VOICE_PROVIDERS

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

CONNECT_S: Final = 3.0
ANSWER_S: Final = 9.0
"""Between two pieces of an answer; the whole try has ATTEMPT_S (delivery.py)."""

ANSWER_BYTES_MAX: Final = 65_536
"""Any provider's answer is a few kilobytes; more is not read, and so not believed."""

MAIL: Final = ("smtp", "imap")
"""Providers whose answers leave by a mail server."""

NOT_IN_PLAN: Final = "not_in_plan"
NO_SECRET: Final = "no_secret"
NO_PROVIDER: Final = "no_provider"

_log = logging.getLogger("muster.delivery")


class Sender(Protocol):
    """One way out, of one account."""

    async def send(self, outgoing: Outgoing, account: Account) -> Outcome:
        """One try. May be cancelled at any moment."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class HttpSender:
    """Asks a provider's API. A client of its own for each account, so that a slow one holds up no other."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._client = _new_client()

    async def send(self, outgoing: Outgoing, account: Account) -> Outcome:
        """One request, or two with a file; no redirects, nothing large is read.

        Not connected means certainly not sent.
        """
        from httpx2 import (
            ConnectError,
            ConnectTimeout,
            InvalidURL,
            PoolTimeout,
            RequestError,
            UnsupportedProtocol,
        )

        if outgoing.file is not None and not self._provider.can.files:
            return Outcome(kind="failed", detail="no_files")
        request = self._provider.request_of(outgoing, account)
        try:
            reply = await self._ask(request)
            following = None if request.then is None else request.then(reply)
            if following is not None:
                reply = await self._ask(following)
            elif request.then is not None:  # the file was not taken, so nothing was sent
                return replace(self._provider.outcome_of(reply), certain=True)
        except (ConnectError, ConnectTimeout, PoolTimeout) as problem:
            return Outcome(kind="later", detail=_why_not_connected(problem))
        except (InvalidURL, UnsupportedProtocol):
            return Outcome(kind="account_failed", detail="bad_endpoint")
        except RequestError as problem:
            _log.info("no answer account=%s error=%s", account.account_id, type(problem).__name__)
            return Outcome(kind="later", detail="no_answer", certain=False)
        return self._provider.outcome_of(reply)

    async def close(self) -> None:
        """Close the connections that were kept."""
        await self._client.aclose()

    async def _ask(self, request: HttpRequest) -> HttpReply:
        headers = {**request.headers, "accept-encoding": "identity"}  # what is read stays as small as it came
        async with self._client.stream(
            request.method, request.url, headers=headers, content=request.body
        ) as response:
            body = await _bounded(response)
            told = {name.lower(): value for name, value in response.headers.items()}
            return HttpReply(status=response.status_code, headers=told, body=body)


class SmtpSender:
    """Hands a mail to the account's mail server."""

    def __init__(self) -> None:
        from router.channels.smtp_out import send  # loaded where there is mail to send

        self._send = send

    async def send(self, outgoing: Outgoing, account: Account) -> Outcome:
        """One mail over a connection of its own."""
        return await self._send(outgoing, account)

    async def close(self) -> None:
        """Nothing is kept."""


class Outlets:
    """The accounts of the plan in force, each with its sender. Renewed when the plan changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outlets: dict[str, tuple[Account, Sender]] = {}
        self._lacking: dict[str, str] = {}
        self.give_up_ms = 0

    async def renew(self, plan: Plan) -> None:
        """Read the plan's accounts and their secrets. Senders whose account stayed the same stay.

        All are made now rather than with the first answer, which would wait for it.
        """
        before, self._outlets = self._outlets, {}
        accounts = load_accounts(plan, self._settings)
        sending = [each for each in plan.accounts if each.provider not in VOICE_PROVIDERS]
        self._lacking = {each.account_id: NO_SECRET for each in sending}
        self.give_up_ms = plan.limits.give_up_ms
        for account_id, account in accounts.items():
            if account.provider in VOICE_PROVIDERS:
                continue  # by these nothing is written to anybody
            known = before.get(account_id)
            sender = known[1] if known is not None and known[0] == account else sender_of(account)
            if sender is None:
                self._lacking[account_id] = NO_PROVIDER
            else:
                self._outlets[account_id] = (account, sender)
        kept = [sender for _, sender in self._outlets.values()]
        for _, sender in before.values():
            if not any(sender is each for each in kept):
                await sender.close()

    def lacking(self) -> dict[str, str]:
        """Accounts of the plan that cannot be used, each with the code that says why."""
        return {each: code for each, code in self._lacking.items() if each not in self._outlets}

    def get(self, account_id: str) -> tuple[Account, Sender] | str:
        """The account and its sender, or a code that says why there is none."""
        return self._outlets.get(account_id) or self._lacking.get(account_id, NOT_IN_PLAN)

    async def close(self) -> None:
        """Close every sender."""
        for _, sender in self._outlets.values():
            await sender.close()


def sender_of(account: Account) -> Sender | None:
    """A sender for this account's provider; None for a provider that this release does not know."""
    if account.provider in MAIL:
        return SmtpSender()
    provider = PROVIDERS.get(account.provider)
    return None if provider is None else HttpSender(provider)


def _new_client() -> "AsyncClient":
    from httpx2 import AsyncClient, Limits, Timeout

    return AsyncClient(
        timeout=Timeout(ANSWER_S, connect=CONNECT_S),
        limits=Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=20),
        follow_redirects=False,
    )


async def _bounded(response: "Response") -> bytes:
    """The answer as far as it is read at all: a cut one is no JSON, and so nobody takes it for a success."""
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            return b""
    return body


def _why_not_connected(problem: Exception) -> str:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls_refused"
        cause = cause.__cause__ or cause.__context__
    return "no_connection"
