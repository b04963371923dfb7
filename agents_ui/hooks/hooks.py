"""One webhook request: bounded, authenticated on its raw bytes, on disk, and only then answered.

Nothing is read here beyond ids: what a message says is run/intake.py's business, seconds after the provider
has its answer. Contacts of one request are appended apart, so that one that cannot be kept harms no other.
"""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from agents_ui.hooks.accounts import Hooked, HookedAccounts
from agents_ui.hooks.calls import HeldCalls
from agents_ui.hooks.figures import HookFigures
from agents_ui.hooks.keeping import Keeping
from agents_ui.hooks.patience import Patience
from agents_ui.hooks.quarantine import Quarantine, Refused
from agents_ui.permits import Pace
from agents_ui.services import Services
from router.channels.ingest import Keeper, NotKept
from router.channels.port import Account, Answer, NotAuthentic, Received, Webhook
from router.channels.probes import HEADER, as_probe, is_expected
from router.channels.providers import CALL_PROVIDERS
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.sites.forwarded import Brought

LOGS_BURST: Final = 20
LOGS_PER_S: Final = 0.2
"""Refusals that get a line in the log: whoever knocks all day must not push out what else is in it."""

AGAIN_S: Final = b"2"
"""When a provider should come again, where it listens to that."""

PATIENCE_S: Final = 0.5
FAILED_S: Final = 5.0
"""For this long after something could not be kept, and until something is, PATIENCE_S is all that the
database gets where another site can keep it: some would hear only after seconds that it is away. The commit
may come through all the same; a contact that both sites have is one contact."""

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
        self.quarantine = Quarantine(services.database)
        self.keeping = Keeping(
            committer=services.committer,
            keeper=self._keeper,
            count=figures.count,
            reported=services.forward.reported,
        )
        self._calls = HeldCalls(services, figures.count)
        self._patience = Patience(lambda: services.committer.standing_s)
        self._failed_s = -FAILED_S

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
        webhook = _webhook(scope, body)
        received = self._received(hooked, hooked.account, webhook)
        if isinstance(received, NotAuthentic):
            again = self.accounts.renewed(account_id)  # Perhaps somebody has just put the right secret there.
            if again is not None and again.account is not None:
                hooked, received = again, self._received(again, again.account, webhook)
        if isinstance(received, NotAuthentic):
            return await self._refuse(account_id, webhook, received, scope["client"][0])
        if isinstance(received, Answer) or hooked.account is None:
            return received if isinstance(received, Answer) else LATER
        if HEADER not in webhook.headers:
            self.quarantine.genuine(account_id, scope["client"][0], webhook)
        try:
            if received.call is not None:
                provider = CALL_PROVIDERS[hooked.account.provider]
                return await self._calls.answer(hooked.account, provider, received.call)
            received = await self._probe_of(account_id, webhook, received)
            lately = time.monotonic() - self._failed_s < FAILED_S
            short = PATIENCE_S if lately and self._services.settings.site else None
            async with self._patience.within(short):
                await self.keeping.keep(hooked.account, received)
        except (NotKept, TimeoutError):
            self._failed_s = time.monotonic()
            return await self._elsewhere(account_id, webhook, received)
        self._failed_s = -FAILED_S
        return received.answer

    async def _elsewhere(self, account_id: str, webhook: Webhook, received: Received) -> Answer:
        """The other site keeps what people said, where there is one; everything else the provider repeats.

        Our own watch wants to know whether this site keeps what comes: its probes go nowhere else.
        """
        brought = Brought(contacts=received.contacts, sightings=received.sightings)
        asks = received.call is None and HEADER not in webhook.headers
        if asks and (brought.contacts or brought.sightings) and await self._services.forward.kept(brought):
            self._figures.count(account_id, "forwarded")
            return LATER if received.receipts or received.wishes else received.answer
        self._figures.count(account_id, "not_kept")
        return LATER

    async def _refuse(self, account_id: str, webhook: Webhook, no: NotAuthentic, peer: str) -> Answer:
        """Not believed; but kept apart for a while, because the mistake may be ours (quarantine.py)."""
        self._figures.count(account_id, "not_authentic")
        if self._log_pace.permits():
            _log.warning("not authentic account=%s reason=%s", account_id, no)
        if webhook.method == "POST" and HEADER not in webhook.headers:
            refused = Refused(account=account_id, peer=peer, reason=str(no), webhook=webhook)
            if not await self.quarantine.put(refused):
                self._figures.count(account_id, "not_quarantined")
        told = f"Refused: {no}.\n" if no.status == 403 else ""
        return Answer(status=no.status, body=told.encode())

    async def _probe_of(self, account_id: str, webhook: Webhook, received: Received) -> Received:
        """Its contacts as probes, where our own watch has sent it. Raises NotKept."""
        name = webhook.headers.get(HEADER, "")
        if not name:
            return received
        expected = await asyncio.to_thread(self._expects, name, account_id, webhook.received_at_ms)
        if not expected:
            return received
        return replace(received, contacts=tuple(as_probe(each, name) for each in received.contacts))

    def _expects(self, name: str, account_id: str, now_ms: int) -> bool:
        try:
            with self._services.database.reading() as db:
                return is_expected(db, name, account_id, now_ms)
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem

    def _keeper(self) -> Keeper:
        services = self._services
        limits = services.plan().limits
        return Keeper(
            web_id=services.web_id,
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
            copied=services.second.copied,
            there=services.forward.joined,
        )

    def _received(
        self, hooked: Hooked, account: Account, webhook: Webhook
    ) -> Received | Answer | NotAuthentic:
        account_id = account.account_id
        try:
            received = hooked.provider.receive(webhook, account)
        except NotAuthentic as no:
            return no
        except Exception as mistake:  # noqa: BLE001 - whatever it makes our translation do: not acknowledged
            self._figures.count(account_id, "mistake")
            _log.error("webhook not understood account=%s error=%s", account_id, type(mistake).__name__)
            return LATER
        self._figures.genuine(account_id)
        brought = (received.contacts, received.receipts, received.sightings, received.wishes, received.call)
        if not any(brought):
            self._figures.count(account_id, "nothing")
        return received


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
