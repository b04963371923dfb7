"""What did not arrive goes to the same person another way: once, to an address that is surely theirs.

A provider that refuses a message, or does not deliver it in the plan's time, has had its chance. Everything
is decided in one append, under the lock: the first message's end, the second one with an id that follows from
the first's, and its order. So a repeat, a second worker or a kill -9 at any moment leaves one of it. The
second never goes a third way; what Muster itself says goes none.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: columns of a row

from config.plan import AccountPlan, Plan
from config.problems import PlanWrong
from config.providers import PROVIDERS
from router.channels import consent, reply_window, template
from router.channels.ids import message_id_of
from router.channels.providers import CHANNELS
from router.channels.text_off import switched_off
from router.journal.clock import SteadyClock
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.records import Fact, fact
from router.run import delivery_book as book
from router.run.plan_activation import plan_in_force

LOOK_S: Final = 0.5
AT_ONCE: Final = 50
"""Decided in one look: each is an append of its own, and the next look is soon."""

NOT_IN_TIME: Final = "not_in_time"
NO_OTHER_WAY: Final = "no_other_way"

_KEPT_BACK: Final = frozenset({"erased", "spoken", consent.OPTED_OUT, consent.BLOCKED})
"""What failed for one of these goes no other way: there is nothing to send, or they asked for nothing."""

_OURS: Final = f"""
    {book.HERE} AND NOT EXISTS (SELECT 1 FROM yielding WHERE yielding.interaction_id = outbox.interaction_id
        AND yielding.seq > outbox.seq)
"""
"""What went to the other site with its interaction, or may go at any moment, is seen to there."""

_MISSED: Final = f"""
    SELECT outbox_id FROM outbox WHERE account = :account AND status = :status
        AND ordered_at_ms > :since_ms AND ordered_at_ms <= :until_ms
        AND fallback = '' AND instead_of = '' AND automatic = 0 AND {_OURS}
    ORDER BY ordered_at_ms, seq LIMIT :n
"""
_FIRST: Final = f"""
    SELECT outbox.message_id, outbox.interaction_id, outbox.account, outbox.address_hash, outbox.status,
        outbox.ordered_at_ms, outbox.detail, m.author_id, m.content_id, m.kind, c.media_type, c.body,
        i.customer_id, outbox.channel
    FROM outbox JOIN message m ON m.message_id = outbox.message_id
        LEFT JOIN content c ON c.content_id = m.content_id
        LEFT JOIN interaction i ON i.interaction_id = outbox.interaction_id
    WHERE outbox.outbox_id = :outbox_id AND outbox.fallback = '' AND outbox.instead_of = ''
        AND outbox.automatic = 0 AND {_OURS}
"""
_IDENTITIES: Final = """
    SELECT channel, account, address_hash FROM identity WHERE customer_id = :customer_id AND verified = 1
    ORDER BY CASE WHEN account = :account THEN 0 ELSE 1 END, at_ms DESC, identity_id
"""

_log = logging.getLogger("muster.delivery")


class OtherWays:
    """Looks for what did not arrive, for as long as run() runs. lacking() names accounts without a secret."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        clock: SteadyClock,
        *,
        lacking: Callable[[], Collection[str]] = tuple,
        wake: Callable[[], None] = lambda: None,
        passes: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._database = database
        self._committer = committer
        self._clock = clock
        self._lacking = lacking
        self._wake = wake
        self._passes = passes
        self._plan: tuple[int, Plan] | None = None

    async def run(self) -> None:
        """Until cancelled. A database that is away is asked again at the next look."""
        while True:
            if self._passes is not None:
                await self._passes()
            try:
                await self.look()
            except (CommitUnknown, DatabaseBusy, DatabaseGone, PlanWrong) as reason:
                _log.debug("no other ways now reason=%s", reason)
            except Exception:  # noqa: BLE001 - our own mistake here must not end the delivery beside it
                _log.exception("no other ways now")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> int:
        """Decide what did not arrive by now; how many were decided."""
        plan, missed = await asyncio.to_thread(self._missed)
        if plan is None:
            return 0
        decided = 0
        for outbox_id in missed:
            append = AnotherWay(outbox_id=outbox_id, plan=plan, lacking=frozenset(self._lacking()))
            try:
                decided += bool(await self._committer.append(append))
            except CommitUnknown:
                raise
            except Exception:  # noqa: BLE001 - our own mistake with one message is no other's
                _log.exception("no other way decided outbox=%s", outbox_id)
        if decided:
            self._wake()
        return decided

    def _missed(self) -> tuple[Plan | None, list[str]]:
        with self._database.reading() as db:
            plan = self._plan_now(db)
            head = db.row("SELECT last_at_ms FROM stream WHERE own = 1")
            self._clock.at_least(head[0] if head else 0)
            now_ms = self._clock()
            return plan, [] if plan is None else list(_missed(db, plan, now_ms))

    def _plan_now(self, db: Connection) -> Plan | None:
        version = db.row("SELECT max(version) FROM plan")
        if version and version[0] and (self._plan is None or self._plan[0] != version[0]):
            found = plan_in_force(db)
            self._plan = None if found is None else (version[0], found[1])
        return None if self._plan is None else self._plan[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherWay:
    """Append: by which way this message goes now, or that there is none. Nothing when that is decided."""

    outbox_id: str
    plan: Plan
    lacking: frozenset[str] = frozenset()

    def write_content(self, db: Connection) -> None:
        """None: the words are those of the first message, and erased with them."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The decision, and what follows from it."""
        row = db.row(_FIRST, outbox_id=self.outbox_id)
        first = None if row is None else _First.of(row)
        account = None if first is None else _account(self.plan, first.account)
        if first is None or account is None:
            return ()
        why = _why(first, account, self.plan, at_ms)
        if not why:
            return ()
        if _wants_no_more(db, first):
            why = consent.OPTED_OUT
        way = None if why in _KEPT_BACK else self._way(db, first, account, at_ms)
        # Whoever tries it at this moment may reach them: then its outcome is waited for.
        if way is not None and first.status == "due" and not book.fence(db, self.outbox_id):
            return ()
        second = message_id_of("fallback", first.account, first.message_id) if way is not None else ""
        decided = fact(
            "fallback_decided",
            self.outbox_id,
            message_id=first.message_id,
            to_outbox_id=second,
            why=why if way is not None or why in _KEPT_BACK else NO_OTHER_WAY,
        )
        if way is None:
            return (decided,)
        return (decided, _said(first, second), _ordered(first, second, way, at_ms))

    def _way(self, db: Connection, first: "_First", account: AccountPlan, at_ms: int) -> "_Way | None":
        """The first of the plan's ways that can reach this person now."""
        if not first.customer_id or first.text is None:
            return None
        for account_id in account.fallback:
            other = _account(self.plan, account_id)
            if other is None or account_id in self.lacking or not _fits(other, first.text):
                continue
            if switched_off(db, channel=other.channel, account=account_id) is not None:
                continue
            for address_hash in _addresses(db, self.plan, other, first.customer_id):
                way = _Way(channel=other.channel, account=account_id, address_hash=address_hash)
                if _open(db, self.plan, way, first.interaction_id, at_ms):
                    return way
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """The message that did not arrive. text is None where it was erased, or is none."""

    message_id: str
    interaction_id: str
    account: str
    address_hash: str
    status: str
    ordered_at_ms: int
    detail: str
    author_id: str
    content_id: str
    kind: str
    text: str | None
    customer_id: str
    channel: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> "_First":
        """From the columns of _FIRST."""
        media_type, body = row[10], row[11]
        text = None if body is None or row[9] != "text" else template.words_of(media_type, bytes(body))
        names = ("message_id", "interaction_id", "account", "address_hash", "status", "ordered_at_ms")
        more = ("detail", "author_id", "content_id", "kind")
        values = dict(zip((*names, *more), row[:10], strict=True))
        return cls(**values, text=text, customer_id=row[12] or "", channel=row[13])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One account of ours, and the person's address there."""

    channel: str
    account: str
    address_hash: str


def _missed(db: Connection, plan: Plan, now_ms: int) -> Iterator[str]:
    """By status, because an index finds the few that are undelivered among the many that arrived."""
    for account in plan.accounts:
        after_ms = account.fallback_after_ms
        statuses = ("failed", *(("due", "sent") if after_ms else ()))
        for status in statuses if account.fallback else ():
            rows = db.rows(
                _MISSED,
                account=account.account_id,
                status=status,
                since_ms=now_ms - plan.limits.fallback_within_ms,
                until_ms=now_ms if status == "failed" else now_ms - after_ms,
                n=AT_ONCE,
            )
            yield from (row[0] for row in rows)


def _why(first: _First, account: AccountPlan, plan: Plan, at_ms: int) -> str:
    """The code of why it did not arrive; empty where it may have, or is too old by now."""
    if not account.fallback or at_ms > first.ordered_at_ms + plan.limits.fallback_within_ms:
        return ""
    if first.status == "failed":
        return first.detail or "failed"
    late = account.fallback_after_ms and at_ms >= first.ordered_at_ms + account.fallback_after_ms
    return NOT_IN_TIME if late and first.status in ("due", "sent") else ""


def _wants_no_more(db: Connection, first: _First) -> bool:
    """Whether they asked for nothing more where it did not arrive: then nobody runs after them."""
    refused = consent.refusal(
        db,
        channel=first.channel,
        address_hash=first.address_hash,
        category=consent.REPLY,
        interaction_id=first.interaction_id,
    )
    return bool(refused)


def _account(plan: Plan, account_id: str) -> AccountPlan | None:
    return next((each for each in plan.accounts if each.account_id == account_id), None)


def _fits(account: AccountPlan, text: str) -> bool:
    provider, can = PROVIDERS.get(account.provider), CHANNELS.get(account.channel)
    characters = provider.characters_max if provider is not None else 0
    most = can.text_bytes_max if can is not None else 0
    return not (0 < characters < len(text) or 0 < most < len(text.encode("utf-8", "replace")))


def _addresses(db: Connection, plan: Plan, account: AccountPlan, customer_id: str) -> Iterator[str]:
    """Addresses that are surely this person's and that this account can write to, its own first.

    A number that WhatsApp vouches for takes texts as well. Shared, short and erased ones are nobody's.
    """
    provider = PROVIDERS.get(account.provider)
    kind = provider.address_kind if provider is not None else ""
    nobodys = {each.address for each in plan.accounts} | {a for each in plan.accounts for a in each.shared}
    own = account.channel, account.account_id
    rows = db.rows(_IDENTITIES, customer_id=customer_id, account=account.account_id)
    for channel, its_account, address_hash in rows:
        known = db.row("SELECT kind, address FROM address WHERE address_hash = :h", h=address_hash)
        if known is None or known[1] in nobodys:
            continue
        reaches = (channel, its_account) == own or known[0] == kind
        short = known[0] == "phone" and not (known[1].startswith("+") and len(known[1]) > 7)
        if reaches and not short:
            yield address_hash


def _open(db: Connection, plan: Plan, way: _Way, interaction_id: str, at_ms: int) -> bool:
    """Whether its provider takes it now, and the person wants it there."""
    refused = consent.refusal(
        db,
        channel=way.channel,
        address_hash=way.address_hash,
        category=consent.SERVICE,
        interaction_id=interaction_id,
    )
    return not refused and reply_window.open_for(
        db, plan, channel=way.channel, account=way.account, address_hash=way.address_hash, at_ms=at_ms
    )


def _said(first: _First, second: str) -> Fact:
    return fact(
        "message_added",
        first.interaction_id,
        message_id=second,
        content_id=first.content_id,
        client_id="",
        direction="out",
        author_id=first.author_id,
        message_kind=first.kind,
        reading="read",
    )


def _ordered(first: _First, second: str, way: _Way, at_ms: int) -> Fact:
    return fact(
        "send_ordered",
        second,
        message_id=second,
        interaction_id=first.interaction_id,
        channel=way.channel,
        account=way.account,
        address_hash=way.address_hash,
        due_at_ms=at_ms,
        category=consent.SERVICE,
        instead_of=first.message_id,
    )
