"""Compares a provider's log with what is kept, here and at the other site, and keeps what webhooks missed.

After an outage nobody knows whether every webhook was tried again until somebody looks. A missing entry is
handed on as the webhook that it should have been, so that it is kept by the one way there is; one that is
known is a repeat, so a sweep may be done at any time and as often as anybody likes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from router.channels import twilio_log
from router.channels.ids import message_id_of
from router.channels.port import Account, HttpReply, HttpRequest, Webhook
from router.channels.twilio_log import LogEntry
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in

WITH_LOG: Final = (twilio_log.TEXT, twilio_log.VOICE)
WITHOUT_LOG: Final[Mapping[str, str]] = {
    "aml": "the network keeps no list that can be asked for",
    "instagram": "conversations can be listed, but not by the webhooks' ids; not asked",
    "line": "LINE has no list of messages",
    "messenger": "conversations can be listed, but not by the webhooks' ids; not asked",
    "partner": "the partner's own; it repeats what was not acknowledged",
    "telegram": "what was not taken is sent again for 24 hours; there is no list",
    "viber": "Viber has no list of messages",
    "whatsapp": "the Cloud API has no list of messages; what was not taken is sent again for 7 days",
}
"""Providers that cannot be asked, and why: said to whoever sweeps, so that nobody believes they were."""

MISSED: Final = "webhooks_missed"
"""Code of the alarm: a provider's log had what none of its webhooks brought."""

PAGES_MAX: Final = 1_000
TOGETHER: Final = 20

_MESSAGES: Final = "SELECT message_id FROM message WHERE message_id IN {wanted}"
_CALLS: Final = "SELECT call_id FROM call WHERE call_id IN {wanted}"


class Asking(Protocol):
    """Asks a provider's API. Raises NoAnswer."""

    async def ask(self, request: HttpRequest) -> HttpReply:
        """Its answer, whatever it is."""


class NoAnswer(Exception):
    """The provider's log could not be read; the message is one line."""


@dataclass(slots=True, kw_only=True)
class Swept:
    """What one account's log had. Shape: missed are provider ids of what was not kept anywhere before;
    receipts counts what the log knows of what we sent; going_on are calls of others that
    are not over: they are left alone; left could not be kept now."""

    account: str
    seen: int = 0
    missed: list[str] = field(default_factory=list)
    receipts: int = 0
    going_on: int = 0
    left: int = 0


Keep = Callable[[Account, LogEntry, Webhook], Awaitable[bool]]
"""Keeps what a webhook brings; false where it could not now."""


async def sweep(
    account: Account,
    asking: Asking,
    databases: Iterable[Database],
    keep: Keep,
    *,
    since_ms: int,
    now_ms: Callable[[], int],
    say: Callable[[str, int], None] = lambda what, count: None,
) -> Swept:
    """Everything since then. databases: the site's own, and the copy of the other one. Raises NoAnswer."""
    swept = Swept(account=account.account_id)
    directions = (True, False) if account.provider == twilio_log.TEXT else (True,)
    for inbound in directions:
        page = ""
        for _ in range(PAGES_MAX):
            found = await _page(account, asking, since_ms=since_ms, inbound=inbound, page=page)
            entries = [each for each in found.entries if each.inbound == inbound and each.at_ms >= since_ms]
            swept.seen += len(entries)
            await _take(account, entries, swept, asking, databases, keep, now_ms)
            say(f"{account.account_id}: looked at entry", swept.seen)
            page = found.following
            if not page:
                break
        else:
            raise NoAnswer(f"{account.account_id}: the log has more than {PAGES_MAX} pages; begin later")
    return swept


async def _take(
    account: Account,
    entries: list[LogEntry],
    swept: Swept,
    asking: Asking,
    databases: Iterable[Database],
    keep: Keep,
    now_ms: Callable[[], int],
) -> None:
    """Oldest first, as they came."""
    known = await asyncio.to_thread(_known, account, entries, databases)
    unknown = [each for each in reversed(entries) if not each.inbound or each.provider_id not in known]
    wanted = [each for each in unknown if each.over]  # who talks with somebody is not torn away
    swept.going_on += len(unknown) - len(wanted)
    for start in range(0, len(wanted), TOGETHER):
        some = wanted[start : start + TOGETHER]
        webhooks = [await _webhook(each, account, asking, now_ms()) for each in some]
        kept = await asyncio.gather(
            *(keep(account, entry, webhook) for entry, webhook in zip(some, webhooks, strict=True))
        )
        for entry, is_kept in zip(some, kept, strict=True):
            if not is_kept:
                swept.left += 1
            elif entry.inbound:
                swept.missed.append(entry.provider_id)
            else:
                swept.receipts += 1


async def _page(
    account: Account, asking: Asking, *, since_ms: int, inbound: bool, page: str
) -> twilio_log.LogPage:
    request = twilio_log.log_request(account, since_ms=since_ms, inbound=inbound, page=page)
    reply = await asking.ask(request)
    found = twilio_log.page_in(reply, account)
    if found is None:
        raise NoAnswer(
            f"{account.account_id}: the provider's log answers {reply.status}: look at the account"
        )
    return found


async def _webhook(entry: LogEntry, account: Account, asking: Asking, now_ms: int) -> Webhook:
    """With the addresses of its pictures, where it has some: the words do not wait for them."""
    media: Mapping[str, str] = {}
    if entry.media:
        try:
            reply = await asking.ask(twilio_log.media_list_request(entry, account))
            media = twilio_log.media_in(reply, account) or {}
        except NoAnswer:
            media = {}
    return twilio_log.webhook_of(entry, account, media=media, received_at_ms=now_ms)


def _known(account: Account, entries: list[LogEntry], databases: Iterable[Database]) -> set[str]:
    """Provider ids of what came in and is kept, here or at the other site."""
    calls = account.provider == twilio_log.VOICE
    channel, sql = ("call", _CALLS) if calls else (account.channel, _MESSAGES)
    ids = {
        message_id_of(channel, account.account_id, each.provider_id): each.provider_id
        for each in entries
        if each.inbound
    }
    found: set[str] = set()
    for database in databases:
        with database.reading() as db:
            found |= {ids[each] for each in _ids(db, sql, list(ids))}
    return found


def _ids(db: Connection, sql: str, wanted: list[str]) -> list[str]:
    return [str(each) for (each,) in rows_in(db, sql, wanted)] if wanted else []
