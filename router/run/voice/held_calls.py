"""The calls that providers hold, in the voice process: found in the tables, connected, looked after.

Why it owns the orders to the provider's API: the agent's sound is here, and here the caller's call arrives.
An order that a process gave which then died is worth nothing to anybody, so none is kept: the next process
finds the call in the tables, its agent's desk connects again, and a new order replaces the one before.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from router.channels.call_token import HEADER, CallToken, signed, token_in
from router.channels.port import Account
from router.channels.providers import CALL_PROVIDERS
from router.journal.database import Connection, Database
from router.records import Row
from router.run.voice.call import Call
from router.run.voice.gear import Telephone
from router.run.voice.held import Held, held, open_ids, provider_id_of
from router.run.voice.held_caller import HeldCaller, HeldLine, Orders
from router.run.voice.record import CALLER_HUNG_UP, FAILED, WAITING
from router.run.voice.switchboard import Switchboard
from router.run.web_lease import ELSEWHERE

LOOK_S: Final = 5.0
"""Whatever no row of the journal told us is found this much later."""

ALIVE_S: Final = 60.0
"""How often a provider is asked whether somebody who waits is there: its own word for it may be lost."""

TOGETHER: Final = 8
ALARM: Final = "call_not_connected"
FORBIDDEN: Final = 403

_log = logging.getLogger("muster.voice")


class HeldCalls:
    """Adopts them. Shape: here() is our own SIP address, host:port; empty: nobody can call us."""

    def __init__(
        self,
        board: Switchboard,
        database: Database,
        accounts: Callable[[], Mapping[str, Account]],
        orders: Orders,
        *,
        here: Callable[[], str],
    ) -> None:
        self._board = board
        self._database = database
        self._accounts = accounts
        self._here = here
        self._calls: dict[str, tuple[Call, HeldCaller]] = {}
        """By interaction_id."""
        self._stirred = asyncio.Event()
        self._line = HeldLine(
            orders=orders,
            media=board.media,
            telephones=board.telephones,
            address=self._address,
            alarm=lambda interaction_id: board.alarm(ALARM, interaction_id),
        )
        board.claims = self.claims

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener: one arrived, or hung up."""
        for row in rows:
            if row.kind not in ("call_changed", "customer_disconnected") or ELSEWHERE not in row.data:
                continue
            known = self._calls.get(row.ref)
            if known is None:
                self._stirred.set()
            elif row.kind == "customer_disconnected" and known[0].live:
                self._gone(*known)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._adopt_all())
            tasks.create_task(self._ask_after_them())

    def claims(self, telephone: Telephone) -> bool:
        """Whether a call to our SIP port is one that a provider holds for us; then it is taken care of.

        A token that nobody of ours has signed is a header like any other, of a call like any other. One that
        is ours and not expected (used, old, of a process that died) is refused: its provider asks what to do.
        """
        told = next((value for name, value in telephone.headers if name.lower() == HEADER.lower()), "")
        token, account = self._signer(told) if told else (None, None)
        if token is None or account is None:
            return False
        known = self._calls.get(token.interaction_id)
        trunk = self._board.account_of(telephone)
        if (
            known is None
            or token.until_s < time.time()
            or trunk is None
            or trunk.account_id != account.options.get("sip_account")
            or not known[1].takes(telephone, token.nonce)
        ):
            _log.warning("a call with a token that is not expected account=%s", account.account_id)
            self._board.do(telephone.refuse(FORBIDDEN))
        return True

    def _signer(self, told: str) -> tuple[CallToken | None, Account | None]:
        for account in self._accounts().values():
            token = token_in(told, account.secret) if account.provider in CALL_PROVIDERS else None
            if token is not None:
                return token, account
        return None, None

    def _address(self, account: Account, token: CallToken) -> str:
        trunk = self._accounts().get(str(account.options.get("sip_account", "")))
        at = str(account.options.get("sip_address", "")) or self._here()
        if trunk is None or not at:
            return ""
        return f"sip:{trunk.address}@{at}?{HEADER}={signed(token, account.secret)}"

    async def _adopt_all(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; each means: look again
                _log.error("held calls not looked for error=%s", type(problem).__name__)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._stirred.wait()
                self._stirred.clear()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        """Level, not edge: a row that nobody heard, or that came too early, leads to the same."""
        known = tuple(self._calls.values())
        goes_on, fresh = await asyncio.to_thread(self._load)
        for call, caller in known:
            if call.live and call.call_id not in goes_on:
                self._gone(call, caller)
        for found, provider_id in fresh:
            self._adopt(found, provider_id)
        if fresh:
            self._stirred.set()  # one of them may have ended since
        for key in [key for key, (call, _) in self._calls.items() if not call.live]:
            del self._calls[key]

    def _load(self) -> tuple[set[str], list[tuple[Held, str]]]:
        """Which go on, and those of them that we do not have, each with its provider's id."""
        known = set(self._board.calls)
        with self._database.reading() as db:
            goes_on = open_ids(db)
            fresh = [held(db, each) for each in goes_on if each not in known]
            return set(goes_on), [(each, self._named(db, each)) for each in fresh if each is not None]

    def _named(self, db: Connection, found: Held) -> str:
        account = self._accounts().get(found.record.account)
        usable = account is not None and account.provider in CALL_PROVIDERS
        return provider_id_of(db, account, found.record.interaction_id) if account and usable else ""

    def _adopt(self, found: Held, provider_id: str) -> None:
        record = found.record
        account = self._accounts().get(record.account)
        if record.call_id in self._board.calls or account is None or account.provider not in CALL_PROVIDERS:
            return
        provider = CALL_PROVIDERS[account.provider]
        caller = HeldCaller(record.interaction_id, provider_id, account, provider, self._line)
        was, record.state, record.silent = record.state, WAITING, False
        call = self._board.take_held(record, account, caller, changed=was != WAITING)
        caller.wanted = lambda: call.live and call.coming
        caller.on_gone = lambda: self._gone(call, caller)
        caller.on_lost = lambda: call.sound_lost() if call.live else call.hung_up(FAILED)
        self._calls[call.interaction_id] = (call, caller)

    def _gone(self, call: Call, caller: HeldCaller) -> None:
        caller.gone = True
        call.hung_up(CALLER_HUNG_UP)

    async def _ask_after_them(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_S)
            free = asyncio.Semaphore(TOGETHER)
            waiting = [each for each in self._calls.values() if each[0].live and not each[1].connected]
            await asyncio.gather(*(self._ask_after(call, caller, free) for call, caller in waiting))

    async def _ask_after(self, call: Call, caller: HeldCaller, free: asyncio.Semaphore) -> None:
        async with free:
            if call.live and not caller.connected and not await caller.look():
                self._gone(call, caller)
