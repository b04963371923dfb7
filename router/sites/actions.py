"""Tells providers that a site's traffic moves: runs what is due, records each try, until it is done.

Whatever runs (the peer role, `muster site`) claims a run in SQL first, so two of them never run one at once;
one that died in the middle is run again, which does no harm: every action sets an address. What is asked is
action_requests.py, how it gets there action_ways.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON for people

from config.plan import ActionPlan, Plan
from config.settings import Settings
from router.channels.accounts import load_accounts, secret_of
from router.channels.port import Account
from router.journal.appends import storable
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.records import Fact, fact
from router.run.lease import NOW_MS
from router.run.trouble import NoticeTrouble
from router.sites import action_requests as asks
from router.sites import live_calls
from router.sites.action_requests import DONE, LATER, Move, Outcome
from router.sites.action_ways import Ways, run_command
from router.sites.ownership import owner_of

FAILED: Final = "failed"

CALLS: Final = "@calls/"
HELD_CALLS: Final = "@calls-held/"
"""Begin the action ids of what is done at a take-over about the calls of an account (live_calls.py)."""

CALLS_MS: Final = 30_000

PAUSES_MS: Final = (2_000, 5_000, 10_000, 30_000, 60_000, 300_000)
"""Until the next try; the last one again and again. A provider in trouble is not helped by more."""

TRIES_MAX: Final = 60
"""Then it has failed: a little more than four hours. `muster site actions --again` makes it due once more."""

TROUBLED_AFTER: Final = 3
"""Tries after which people hear of it; it goes on."""

AT_ONCE: Final = 8
CLAIM_MARGIN_MS: Final = 10_000
DETAIL_MAX: Final = 200

AGAIN: Final = "asked for again"
"""Detail of a run that a person made due once more, until it is tried."""

ACTION_TROUBLED: Final = "action_troubled"
"""Code of the alarm that a provider has not taken over its new address; ref is the run."""

_log = logging.getLogger("muster.sites")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One action because of one claim. run_id is `<domain>/<n>/<action_id>`: asked twice, it runs once."""

    run_id: str
    action_id: str
    domain: str
    mode: str
    status: str
    attempts: int
    due_at_ms: int
    at_ms: int
    detail: str

    @property
    def n(self) -> int:
        """Of the claim because of which it runs."""
        return int(self.run_id.split("/")[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Append: what became of a try, unless somebody else has done it meanwhile."""

    run: Run
    outcome: Outcome
    pause_ms: int

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact, or none."""
        known = db.row("SELECT status FROM action_run WHERE run_id = :id", id=self.run.run_id)
        if known is None or known[0] == DONE:
            return ()
        return [
            fact(
                "action_tried",
                self.run.run_id,
                attempt=self.run.attempts + 1,
                outcome=self.outcome.outcome,
                detail=storable(self.outcome.detail[:DETAIL_MAX]),
                due_at_ms=at_ms + self.pause_ms if self.outcome.outcome == LATER else 0,
            )
        ]


def action_facts(plan: Plan, *, domain: str, n: int, mode: str) -> list[Fact]:
    """What is due because of this claim: the plan's actions for it, in their order."""
    actions = plan.pair.actions if plan.pair else ()
    return [
        fact(
            "action_due", f"{domain}/{n}/{each.action_id}", action_id=each.action_id, domain=domain, mode=mode
        )
        for each in actions
        if each.site == domain and each.when == mode
    ]


def call_facts(plan: Plan, *, domain: str, n: int, held: bool) -> list[Fact]:
    """What is to be done about calls that were on the line; held: those of agents as well, since now."""
    kind = HELD_CALLS if held else CALLS
    ids = [f"{kind}{each.account_id}" for each in plan.accounts if each.channel == "voice"]
    return [
        fact("action_due", f"{domain}/{n}/{each}", action_id=each, domain=domain, mode="take_over")
        for each in ids
    ]


def again_fact(run: Run, who: str = "") -> Fact:
    """Makes a run due once more, now, because a person says so."""
    more = {"attempt": 0, "outcome": LATER, "detail": AGAIN, "due_at_ms": 0}
    more |= {"agent_id": who} if who else {}
    return fact("action_tried", run.run_id, **more)


def runs(db: Connection, where: str = "", **values: str | int) -> list[Run]:
    """Action runs, the newest first."""
    names = "run_id, action_id, domain, mode, status, attempts, due_at_ms, at_ms, detail"
    found = db.rows(f"SELECT {names} FROM action_run {where} ORDER BY at_ms DESC, run_id", **values)
    return [Run(**dict(zip(names.split(", "), each, strict=True))) for each in found]


def shown(run: Run) -> dict[str, Any]:
    """A run as console and command line show it."""
    names = ("run_id", "action_id", "domain", "mode", "status", "attempts", "due_at_ms", "at_ms", "detail")
    return {name: getattr(run, name) for name in names}


class Actions:
    """Runs what is due. Close it at the end."""

    def __init__(
        self,
        *,
        own: Database,
        committer: Committer,
        plan: Plan,
        settings: Settings,
        owner: str,
        copy: Database | None = None,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self._own, self._committer, self._copy = own, committer, copy
        self._plan, self._settings, self._owner = plan, settings, owner
        self._clock = clock
        self._ways = Ways()

    async def run_due(self) -> list[Run]:
        """Everything that is due now, once; how each stands after it."""
        claimed = await asyncio.to_thread(self._claim)
        if not claimed:
            return []
        await asyncio.gather(*(self._run(each) for each in claimed))
        ids = {each.run_id for each in claimed}
        with self._own.reading() as db:
            return [each for each in runs(db) if each.run_id in ids]

    async def close(self) -> None:
        """Close the connections that were kept."""
        await self._ways.close()

    def _claim(self) -> list[Run]:
        now = NOW_MS[self._own.dialect]
        with self._own.reading() as db:
            due = runs(db, "WHERE status = 'due' AND due_at_ms <= :now_ms", now_ms=self._clock())
        if not due:
            return []
        with self._own.writing() as db:
            return [each for each in due[:AT_ONCE] if self._claimed(db, each, now)]

    def _claimed(self, db: Connection, run: Run, now: str) -> bool:
        action = self._action(run)
        for_ms = CLAIM_MARGIN_MS + (2 * action.timeout_ms if action else CALLS_MS)
        taken = db.run(
            f"""INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, {now} + :for_ms)
                ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
                WHERE claim.until_ms < {now}""",
            ref=f"action/{run.run_id}",
            owner=self._owner,
            for_ms=for_ms,
        )
        # Somebody may have run it, and let it go, since we looked.
        row = db.row("SELECT status, attempts FROM action_run WHERE run_id = :id", id=run.run_id)
        return taken == 1 and row == ("due", run.attempts)

    async def _run(self, run: Run) -> None:
        started = time.monotonic()
        outcome = await self._outcome(run)
        if outcome.outcome == LATER and run.attempts + 1 >= TRIES_MAX:
            outcome = Outcome(outcome=FAILED, detail=outcome.detail)
        pause = PAUSES_MS[min(run.attempts, len(PAUSES_MS) - 1)]
        await self._committer.append(Tried(run=run, outcome=outcome, pause_ms=pause))
        if outcome.outcome == FAILED or (outcome.outcome == LATER and run.attempts + 1 == TROUBLED_AFTER):
            alarm = NoticeTrouble(code=ACTION_TROUBLED, ref=run.run_id, detail=outcome.detail)
            await self._committer.append(alarm)
        await asyncio.to_thread(self._let_go, run)
        took = round((time.monotonic() - started) * 1000)
        _log.info("action run=%s outcome=%s took_ms=%d", run.run_id, outcome.outcome, took)

    def _let_go(self, run: Run) -> None:
        with self._own.writing() as db:
            db.run(
                "DELETE FROM claim WHERE ref = :ref AND owner = :owner",
                ref=f"action/{run.run_id}",
                owner=self._owner,
            )

    def _action(self, run: Run) -> ActionPlan | None:
        actions = self._plan.pair.actions if self._plan.pair else ()
        return next((each for each in actions if each.action_id == run.action_id), None)

    async def _outcome(self, run: Run) -> Outcome:
        """What one try brings. Never raises for what the other side does."""
        action = self._action(run)
        with self._own.reading() as db:
            claim = owner_of(db, run.domain)
        if claim.n != run.n:
            return Outcome(outcome=FAILED, detail="superseded: the traffic has moved again since")
        if self._plan.pair is None:
            return Outcome(outcome=FAILED, detail="the plan in force has no pair")
        move = asks.move_of(self._plan.pair, domain=run.domain, owner=claim.site, urls=self._settings.sites)
        if run.action_id.startswith((CALLS, HELD_CALLS)):
            return await self._calls(run, move)
        if action is None:
            return Outcome(outcome=FAILED, detail="the plan in force has no such action")
        try:
            async with asyncio.timeout(2 * action.timeout_ms / 1000):
                return await self._tried(action, move)
        except TimeoutError:
            return Outcome(outcome=LATER, detail=f"no answer within {action.timeout_ms} ms")

    async def _tried(self, action: ActionPlan, move: Move) -> Outcome:
        if action.kind == "command":
            return await run_command(asks.argv(action, move), timeout_s=action.timeout_ms / 1000)
        if action.kind == "twilio_number":
            account = load_accounts(self._plan, self._settings).get(action.account)
            if account is None:
                return Outcome(outcome=LATER, detail=f"the secret of account {action.account} is missing")
            return await self._set_number(account, action, move)
        secret = secret_of(action.secret, self._settings) if action.secret else b""
        if secret is None:
            return Outcome(outcome=LATER, detail=f"the secret {action.secret} is missing")
        request = asks.http_request(action, move, secret=secret, now_s=int(time.time()))
        reply = await self._ways.ask(request, action.timeout_ms)
        return reply if isinstance(reply, Outcome) else asks.http_outcome(reply)

    async def _calls(self, run: Run, move: Move) -> Outcome:
        """Who was on the line at the other site."""
        account = load_accounts(self._plan, self._settings).get(run.action_id.partition("/")[2])
        if account is None or self._copy is None:
            return Outcome(outcome=LATER, detail="its account has no secret here, or there is no copy")
        return await live_calls.reconcile(
            account,
            own=self._own,
            copy=self._copy,
            committer=self._committer,
            ways=self._ways,
            hook=asks.hook_of(account, move.url),
        )

    async def _set_number(self, account: Account, action: ActionPlan, move: Move) -> Outcome:
        url = asks.filled(action.url, move, number=account.address)
        if account.provider == "twilio" and account.options.get("messaging_service_sid"):
            wanted = asks.service_request(account, move, url=url)
        else:
            found = await self._ways.ask(asks.number_request(account), action.timeout_ms)
            if isinstance(found, Outcome):
                return found
            sid = asks.number_sid(found, account)
            if not sid:
                said = f"status {found.status}" if found.status != 200 else "Twilio knows no such number"
                return Outcome(outcome=LATER, detail=said)
            wanted = asks.webhook_request(account, move, sid=sid, url=url)
        reply = await self._ways.ask(wanted, action.timeout_ms)
        if isinstance(reply, Outcome):
            return reply
        return asks.webhook_outcome(reply, wanted, asks.answer_field(account))
