"""One webhook request: bounded, authenticated on its raw bytes, on disk, and only then answered.

Nothing is read here beyond ids: what a message says is run/intake.py's business, seconds after the provider
has its answer. Contacts of one request are appended apart, so that one that cannot be kept harms no other.
"""

import asyncio
import logging
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from agents_ui.hooks.accounts import Hooked, HookedAccounts
from agents_ui.hooks.figures import HookFigures
from agents_ui.hooks.receipts import KeepReceipts
from agents_ui.permits import Pace
from agents_ui.services import Services
from router.channels.ingest import Keeper, Kept, NotKept, keep
from router.channels.port import Account, Contact, NotAuthentic, Receipt, Received, Webhook
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone

LOGS_BURST: Final = 20
LOGS_PER_S: Final = 0.2
"""Refusals that get a line in the log: whoever knocks all day must not push out what else is in it."""

AGAIN_S: Final = "2"
"""When a provider should come again, where it listens to that."""

_log = logging.getLogger("muster.hooks")


class Hooks:
    """The webhooks of every account."""

    def __init__(self, services: Services, figures: HookFigures) -> None:
        self._services = services
        self._figures = figures
        self._log_pace = Pace(LOGS_BURST, LOGS_PER_S)
        self.accounts = HookedAccounts(services.plan, services.settings)

    def body_limit(self, path: str) -> int | None:
        """The most bytes a body for this path below /hooks/ may have; None where there is no account."""
        hooked = self.accounts.find(path.partition("/")[0])
        return None if hooked is None else hooked.body_bytes_max

    async def take(self, request: Request) -> Response:
        """POST: 2xx after the commit; 403 not genuine; 404 no such account; 503 come again.

        GET is a provider's question whether this address is ours: 2xx, 403, 404 or 503 as well.
        """
        account_id = request.path_params["account"]
        hooked = self.accounts.find(account_id)
        if hooked is None:
            return Response(status_code=404)
        if hooked.account is None:
            self._figures.count(account_id, "no_secret")
            return _later()
        received = self._received(hooked, hooked.account, await _webhook(request))
        if isinstance(received, Response):
            return received
        try:
            await self._keep(hooked.account, received)
        except NotKept:
            self._figures.count(account_id, "not_kept")
            return _later()
        answer = received.answer
        return Response(answer.body, answer.status, media_type=answer.media_type)

    def _received(self, hooked: Hooked, account: Account, webhook: Webhook) -> Received | Response:
        account_id = account.account_id
        try:
            received = hooked.provider.receive(webhook, account)
        except NotAuthentic as reason:
            self._figures.count(account_id, "not_authentic")
            if self._log_pace.permits():
                _log.warning("not authentic account=%s reason=%s", account_id, reason)
            return Response(status_code=403)
        except Exception as mistake:  # noqa: BLE001 - whatever it makes our translation do: not acknowledged
            self._figures.count(account_id, "mistake")
            _log.error("webhook not understood account=%s error=%s", account_id, type(mistake).__name__)
            return _later()
        self._figures.genuine(account_id)
        if not received.contacts and not received.receipts:
            self._figures.count(account_id, "nothing")
        return received

    async def _keep(self, account: Account, received: Received) -> None:
        """Everything on disk when this returns. Raises NotKept when anything is not."""
        if len(received.contacts) == 1 and not received.receipts:
            self._note(account, await self._keep_contact(received.contacts[0]))
            return
        kept = await asyncio.gather(
            *(self._keep_contact(each) for each in received.contacts),
            self._keep_receipts(account, received.receipts),
            return_exceptions=True,
        )
        for each in kept:
            if isinstance(each, Kept):
                self._note(account, each)
        for each in kept:
            if isinstance(each, BaseException):
                raise each

    def _note(self, account: Account, kept: Kept) -> None:
        self._figures.count(account.account_id, "repeated" if kept.repeated else "kept")

    async def _keep_contact(self, contact: Contact) -> Kept:
        services = self._services
        within_ms = services.plan().limits.read_within_ms
        keeper = Keeper(web_id=services.web_id, read_within_ms=within_ms)
        return await keep(services.committer, contact, keeper)

    async def _keep_receipts(self, account: Account, receipts: tuple[Receipt, ...]) -> None:
        """Raises NotKept."""
        if not receipts:
            return
        append = KeepReceipts(account_id=account.account_id, receipts=receipts)
        try:
            rows = await self._services.committer.append(append)
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        self._figures.count(account.account_id, "receipt", len(rows))


async def _webhook(request: Request) -> Webhook:
    """The request as the provider signed it. Its size and pace are the front's business (front.py)."""
    return Webhook(
        method=request.method,
        path=request.path_params.get("path", ""),
        query=request.scope["query_string"].decode("latin-1"),
        headers=request.headers,
        body=await request.body(),
        received_at_ms=time.time_ns() // 1_000_000,
    )


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": AGAIN_S})
