"""One webhook request: bounded, authenticated on its raw bytes, on disk, and only then answered.

Nothing is read here beyond ids: what a message says is run/intake.py's business, seconds after the provider
has its answer. Contacts of one request are appended apart, so that one that cannot be kept harms no other.
"""

import asyncio
import logging
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from agents_ui.hooks.accounts import Hooked, HookedAccounts
from agents_ui.hooks.figures import HookFigures
from agents_ui.hooks.receipts import KeepReceipts
from agents_ui.permits import Pace
from agents_ui.services import Services
from router.channels.ingest import Keeper, Kept, NotKept, keep
from router.channels.port import Account, Answer, Contact, NotAuthentic, Receipt, Received, Webhook
from router.channels.sighting import KeepSighting
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone

LOGS_BURST: Final = 20
LOGS_PER_S: Final = 0.2
"""Refusals that get a line in the log: whoever knocks all day must not push out what else is in it."""

AGAIN_S: Final = b"2"
"""When a provider should come again, where it listens to that."""

NOBODY: Final = Answer(status=404)
LATER: Final = Answer(status=503)

_log = logging.getLogger("muster.hooks")


class Hooks:
    """The webhooks of every account, as an ASGI application.

    Bare on purpose: in a disaster these are most of all requests, and Starlette's requests and responses took
    as long as everything else that is done here together.
    """

    def __init__(self, services: Services, figures: HookFigures) -> None:
        self._services = services
        self._figures = figures
        self._log_pace = Pace(LOGS_BURST, LOGS_PER_S)
        self.accounts = HookedAccounts(services.plan, services.settings)

    def body_limit(self, path: str) -> int | None:
        """The most bytes a body for this path below /hooks/ may have; None where there is no account."""
        hooked = self.accounts.find(path.partition("/")[0])
        return None if hooked is None else hooked.body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST: 2xx after the commit; 403 not genuine; 404 no such account; 503 come again.

        GET is a provider's question whether this address is ours: 2xx, 403, 404 or 503 as well.
        """
        answer = await self._take(scope, await _body(receive))
        headers = [(b"content-length", b"%d" % len(answer.body))]
        if answer.body:
            headers.append((b"content-type", answer.media_type.encode("ascii")))
        if answer.status == LATER.status:
            headers.append((b"retry-after", AGAIN_S))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _take(self, scope: Scope, body: bytes) -> Answer:
        account_id = scope["path_params"]["account"]
        hooked = self.accounts.find(account_id)
        if hooked is None:
            return NOBODY
        if hooked.account is None:
            self._figures.count(account_id, "no_secret")
            return LATER
        received = self._received(hooked, hooked.account, _webhook(scope, body))
        if isinstance(received, Answer):
            return received
        try:
            await self._keep(hooked.account, received)
        except NotKept:
            self._figures.count(account_id, "not_kept")
            return LATER
        return received.answer

    def _received(self, hooked: Hooked, account: Account, webhook: Webhook) -> Received | Answer:
        account_id = account.account_id
        try:
            received = hooked.provider.receive(webhook, account)
        except NotAuthentic as reason:
            self._figures.count(account_id, "not_authentic")
            if self._log_pace.permits():
                _log.warning("not authentic account=%s reason=%s", account_id, reason)
            refused = f"Refused: {reason}.\n" if reason.status == 403 else ""
            return Answer(status=reason.status, body=refused.encode())
        except Exception as mistake:  # noqa: BLE001 - whatever it makes our translation do: not acknowledged
            self._figures.count(account_id, "mistake")
            _log.error("webhook not understood account=%s error=%s", account_id, type(mistake).__name__)
            return LATER
        self._figures.genuine(account_id)
        if not (received.contacts or received.receipts or received.sightings):
            self._figures.count(account_id, "nothing")
        return received

    async def _keep(self, account: Account, received: Received) -> None:
        """Everything on disk when this returns. Raises NotKept when anything is not."""
        if len(received.contacts) == 1 and not received.receipts and not received.sightings:
            self._note(account, await self._keep_contact(received.contacts[0]))
            return
        kept = await asyncio.gather(
            *(self._keep_contact(each) for each in received.contacts),
            *(self._keep_sighting(account, each) for each in received.sightings),
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
        limits = services.plan().limits
        keeper = Keeper(
            web_id=services.web_id,
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
        )
        return await keep(services.committer, contact, keeper)

    async def _keep_sighting(self, account: Account, report: Contact) -> None:
        """Raises NotKept."""
        try:
            rows = await self._services.committer.append(KeepSighting(report))
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        self._figures.count(account.account_id, "kept" if rows else "repeated")

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


async def _body(receive: Receive) -> bytes:
    """All of it. Its size and pace are the front's business (front.py). Raises ClientDisconnect."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _webhook(scope: Scope, body: bytes) -> Webhook:
    """The request as the provider signed it."""
    return Webhook(
        method=scope["method"],
        path=scope["path_params"].get("path", ""),
        query=scope["query_string"].decode("latin-1"),
        headers=Headers(scope=scope),
        body=body,
        received_at_ms=time.time_ns() // 1_000_000,
    )
