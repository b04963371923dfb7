"""Sends what is due: account by account, concurrently, each message until the provider has it or refuses it.

An answer is a row in the outbox from the transaction in which it was said. Whoever works here may die at
any instant: the row stays due until its record is committed, and the next try carries the same id. What is
due and who claims it is delivery_book.py; the try, delivery_senders.py; when an account rests, circuit.py.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from config.problems import PlanWrong
from router.channels.port import Account, Outcome, Outgoing
from router.journal.clock import SteadyClock
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.run.circuit import HELD_MS_MAX, RETRY_MS, Circuit, retry_ms
from router.run.delivery_book import (
    ACCOUNT_DOWN,
    ACCOUNT_UNUSABLE,
    CLAIM_MS,
    GAVE_UP,
    RENEW_S,
    Claimed,
    RecordTrouble,
    RecordTry,
)
from router.run.delivery_reader import Reader
from router.run.delivery_senders import Outlets, Sender

LOOK_S: Final = 0.5
"""Orders by rq only make it sooner: with Redis gone, frozen or emptied an answer leaves this much later."""

WIDTH: Final = 8
"""Tries of one account at a time: what a provider that hangs can hold up of its own, and nobody else's."""

ATTEMPT_S: Final = 10.0

STALE_MS: Final = CLAIM_MS - 2_000
"""A claim that old is not begun any more: this process stood still, and another may have taken it."""

ERASED: Final = "erased"
"""Detail of a message whose words or address were erased before it left."""

RECORD_AGAIN_S: Final = 0.25
TOO_OLD_S: Final = 30.0
TOO_OLD_MAX: Final = 100
UNUSABLE_S: Final = 60.0

_log = logging.getLogger("muster.delivery")


@dataclass(slots=True)
class _Lane:
    """One account as this worker knows it."""

    circuit: Circuit = field(default_factory=Circuit)
    under_way: int = 0
    hurry: bool = False
    """It is well again: what waits for its next try goes now."""

    unusable_until_ms: int = 0


class Delivery:
    """Delivers for as long as run() runs. wake() is heard from any thread.

    `dice` gives a random number for the pause before a next try. passes() is awaited before anything is
    claimed, where there is another site: it may have taken over what is due here.
    """

    def __init__(
        self,
        database: Database,
        committer: Committer,
        outlets: Outlets,
        clock: SteadyClock,
        *,
        dice: Callable[[], int] = lambda: int.from_bytes(os.urandom(4)),
        passes: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._committer = committer
        self._outlets = outlets
        self._clock = clock
        self._dice = dice
        self._passes = passes
        self._reader = Reader(database, clock, owner=os.urandom(8).hex())
        self._lanes: dict[str, _Lane] = {}
        self._held: dict[str, Claimed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._away = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look now rather than later. From any thread; never blocks, never raises."""
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._woken.set)
            except RuntimeError:
                return  # The loop has ended, and we with it.

    async def run(self) -> None:
        """Look, send, look again; until cancelled."""
        self._loop = asyncio.get_running_loop()
        others = [asyncio.create_task(self._renew_claims()), asyncio.create_task(self._give_up_old())]
        try:
            while True:
                self._woken.clear()
                await self._look()
                await self._pause()
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _look(self) -> None:
        """A database that is away is asked again at the next look; the log says once that it is."""
        if self._passes is not None:
            await self._passes()
        try:
            await self.deliver_due()
        except (DatabaseGone, DatabaseBusy, PlanWrong) as reason:
            if not self._away:
                _log.warning("nothing is sent now reason=%s", reason)
            self._away = True
            self._woken.clear()
        else:
            if self._away:
                _log.info("sending again")
            self._away = False

    async def deliver_due(self) -> None:
        """Begin to send what is due now. Raises DatabaseGone, DatabaseBusy."""
        found = await self._reader.look()
        if found.plan is not None:
            await self._outlets.renew(found.plan)
            for account_id, code in self._outlets.lacking().items():  # said before anybody needs it
                await self._unusable(self._lanes.setdefault(account_id, _Lane()), account_id, code=code)
        for account_id, due_at_ms in found.first_due:
            try:
                await self._deliver(account_id, due_at_ms)
            except (DatabaseGone, DatabaseBusy):
                raise
            except Exception:  # noqa: BLE001 - our own mistake with one account must not end all sending
                _log.exception("nothing sent by this account account=%s", account_id)

    async def settle(self, within_s: float) -> None:
        """Wait for the tries under way and their records, at most this long; then let go of everything."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._outlets.close()
        await self._reader.close()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), LOOK_S)
        except TimeoutError:
            return

    async def _deliver(self, account_id: str, due_at_ms: int) -> None:
        """Claim what this account has room for, and begin."""
        lane, now_ms = self._lanes.setdefault(account_id, _Lane()), self._clock()
        room = lane.circuit.room(now_ms=now_ms, under_way=lane.under_way, width=WIDTH)
        soon = lane.hurry or lane.circuit.open
        if not room or (due_at_ms > now_ms and not soon):
            return
        outlet = self._outlets.get(account_id)
        if isinstance(outlet, str):
            await self._unusable(lane, account_id, code=outlet)
            return
        until_ms = now_ms + (RETRY_MS[1] if soon else 0)
        claimed, wait_ms = await self._reader.claim(
            account=account_id, until_ms=until_ms, room=room, per_second=outlet[0].per_second
        )
        if wait_ms and self._loop is not None:
            self._loop.call_later(wait_ms / 1000, self._woken.set)
        lane.hurry = lane.hurry and len(claimed) == room
        for each in claimed:
            self._begin(lane, each, outlet, claimed_at_ms=now_ms)

    def _begin(
        self, lane: _Lane, claimed: Claimed, outlet: tuple[Account, Sender], *, claimed_at_ms: int
    ) -> None:
        lane.under_way += 1
        self._held[claimed.outbox_id] = claimed
        task = asyncio.create_task(self._try(lane, claimed, outlet, claimed_at_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(
        self, lane: _Lane, claimed: Claimed, outlet: tuple[Account, Sender], claimed_at_ms: int
    ) -> None:
        try:
            if self._clock() - claimed_at_ms > STALE_MS:
                self._held.pop(claimed.outbox_id, None)
                return
            outcome = await _attempt(claimed, *outlet, now_ms=self._clock())
            if outcome.kind != "sent":
                _log.info(
                    "not sent outbox=%s account=%s attempt=%d outcome=%s detail=%s",
                    *(claimed.outbox_id, claimed.account, claimed.attempt, outcome.kind, outcome.detail),
                )
            if claimed.to_address is not None and claimed.text is not None and not claimed.refused:
                self._judge(lane, outcome)
            if outcome.too_much and outlet[0].per_second:
                await self._slow_down(claimed.account)
            if await self._record(claimed, outcome) and lane.circuit.open:
                await self._report(claimed.account, ACCOUNT_DOWN, outcome.detail)
        finally:
            lane.under_way -= 1
            self._woken.set()

    async def _slow_down(self, account_id: str) -> None:
        try:
            await self._reader.slow_down(account_id)
        except (DatabaseGone, DatabaseBusy):
            return  # The next one says so again.

    def _judge(self, lane: _Lane, outcome: Outcome) -> None:
        circuit, now_ms = lane.circuit, self._clock()
        if outcome.kind == "account_failed":
            circuit.refused(now_ms=now_ms)
        elif outcome.kind == "later" and outcome.of_account:
            if outcome.retry_after_ms:
                circuit.held(now_ms=now_ms, for_ms=outcome.retry_after_ms)
            if not (outcome.retry_after_ms and outcome.certain):
                circuit.failed(now_ms=now_ms)
        else:
            lane.hurry |= circuit.open
            circuit.succeeded()

    async def _record(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Until it is on disk: what was sent must not be sent again because the database was away.

        False when it cannot be written by a mistake of ours. Then this process keeps its claim for as long as
        it lives, rather than send the same words every few seconds.
        """
        pause_ms = max(retry_ms(claimed.attempt, self._dice()), min(outcome.retry_after_ms, HELD_MS_MAX))
        append = RecordTry(
            claimed=claimed, outcome=outcome, retry_ms=pause_ms, give_up_ms=self._outlets.give_up_ms
        )
        while True:
            try:
                await self._committer.append(append)
            except CommitUnknown:
                await asyncio.sleep(RECORD_AGAIN_S)
            except Exception:  # noqa: BLE001 - whatever a fold raises: it must not become a storm of messages
                _log.exception("try cannot be recorded outbox=%s", claimed.outbox_id)
                return False
            else:
                self._held.pop(claimed.outbox_id, None)
                return True

    async def _unusable(self, lane: _Lane, account_id: str, *, code: str) -> None:
        """Its answers wait until somebody mends the account; somebody is told, now and then."""
        now_ms = self._clock()
        if now_ms >= lane.unusable_until_ms:
            lane.unusable_until_ms = now_ms + int(UNUSABLE_S * 1000)
            _log.warning("account cannot be used account=%s code=%s", account_id, code)
            await self._report(account_id, ACCOUNT_UNUSABLE, code)

    async def _report(self, account: str, code: str, detail: str) -> None:
        try:
            await self._committer.append(RecordTrouble(account=account, code=code, detail=detail))
        except CommitUnknown:
            return  # The next failure says so again.

    async def _renew_claims(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if self._held:
                try:
                    await self._reader.renew([(each.outbox_id, each.owner) for each in self._held.values()])
                except (DatabaseGone, DatabaseBusy) as reason:
                    _log.info("claims not renewed reason=%s", reason)

    async def _give_up_old(self) -> None:
        """Also where nothing is tried, because the account rests or cannot be used."""
        while True:
            await asyncio.sleep(TOO_OLD_S)
            if not self._outlets.give_up_ms:
                continue
            if self._passes is not None:
                await self._passes()
            before_ms = self._clock() - self._outlets.give_up_ms
            try:
                old = await self._reader.claim_old(before_ms=before_ms, room=TOO_OLD_MAX)
            except (DatabaseGone, DatabaseBusy):
                continue  # In half a minute they are still too old.
            for each in old:
                await self._record(each, Outcome(kind="failed", detail=GAVE_UP))


async def _attempt(claimed: Claimed, account: Account, sender: Sender, *, now_ms: int) -> Outcome:
    """One try, never longer than ATTEMPT_S; whatever goes wrong is an outcome."""
    if claimed.text is None or claimed.to_address is None:
        return Outcome(kind="failed", detail=ERASED)
    if claimed.refused:
        return Outcome(kind="failed", detail=claimed.refused)
    outgoing = Outgoing(
        outbox_id=claimed.outbox_id,
        attempt=claimed.attempt,
        to_address=claimed.to_address,
        text=claimed.text,
        status_url=f"{account.public_url}/status?outbox_id={quote(claimed.outbox_id)}",
        interaction_id=claimed.interaction_id,
        answers=claimed.answers,
        automatic=claimed.automatic,
        template=claimed.template,
        file=claimed.file,
        late=account.options.get("human_agent") is True and 0 < claimed.closes_ms < now_ms,
    )
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await sender.send(outgoing, account)
    except TimeoutError:
        return Outcome(kind="later", detail="timeout", certain=False)
    except Exception:  # noqa: BLE001 - a sender's mistake is no reason to lose an answer
        _log.exception("sender failed outbox=%s account=%s", claimed.outbox_id, account.account_id)
        return Outcome(kind="later", detail="sender_error", certain=False)
