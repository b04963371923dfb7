"""Calls that were on the line when a site went: who still is, comes here; who is not, becomes a call-back.

A line that a provider holds outlives our site: the provider is asked for all of them, and told to ask this
site's webhook about each. A line that ended at the other site itself (a trunk, a browser) is gone with it.
What an agent of the other site is talking on is left alone, as long as nobody confirmed that they are gone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from router.channels.ids import message_id_of
from router.channels.port import Account, CallProvider
from router.channels.providers import CALL_PROVIDERS
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.records import Fact
from router.run.trouble import NoticeTrouble
from router.run.voice.held import provider_id_of
from router.run.voice.record import CALLER_HUNG_UP, ENDED, IN, LOST, WAITING, Record
from router.run.web_lease import ELSEWHERE
from router.sites.action_requests import DONE, LATER, Outcome
from router.sites.action_ways import Ways

LIVE_CALLS: Final = "live_calls"
"""Code of the alarm that tells how many calls were on the line at a take-over; its ref is the account."""

ASK_MS: Final = 6_000
PAGES_MAX: Final = 50
"""Of each state: ten thousand callers on one number are more than its network puts through."""

TOGETHER: Final = 8
GONE: Final = "gone"

_LINES: Final = """
    SELECT c.call_id, c.interaction_id, c.voice_id, c.text, i.state FROM call c
    JOIN interaction i ON i.interaction_id = c.interaction_id
    WHERE c.account = :account AND c.direction = 'in' AND c.ended_ms = 0 AND i.closed_seq = 0
    ORDER BY c.begun_ms, c.call_id
"""
_HERE: Final = """
    SELECT i.interaction_id FROM interaction i JOIN adoption a ON a.interaction_id = i.interaction_id
    WHERE i.closed_seq = ? AND i.interaction_id IN {wanted}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A call as the copy has it. provider_id is empty where its line was at the other site itself."""

    call_id: str
    interaction_id: str
    voice_id: str
    text: bool
    provider_id: str
    adopted: bool
    talking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Calls of one account; own are those that this site has itself, by id, with their state."""

    each: tuple[Line, ...]
    own: Mapping[str, str] = field(default_factory=dict)


def lines_of(copy: Connection, own: Connection, account: Account) -> Lines:
    """The calls that were on the line, as far as the copy knows, and what of them is here."""
    rows = copy.rows(_LINES, account=account.account_id)
    ids = [str(row[1]) for row in rows]
    adopted = {str(row[0]) for row in rows_in(own, _HERE, ids, 0)}
    held = account.provider in CALL_PROVIDERS
    lines = [
        Line(
            call_id=call_id,
            interaction_id=interaction_id,
            voice_id=voice_id,
            text=bool(text),
            provider_id=provider_id_of(copy, account, interaction_id) if held else "",
            adopted=interaction_id in adopted,
            talking=state == "assigned",
        )
        for call_id, interaction_id, voice_id, text, state in rows
    ]
    found = own.rows("SELECT call_id, state FROM call WHERE account = :a", a=account.account_id)
    return Lines(each=tuple(lines), own={str(call_id): str(state) for call_id, state in found})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bring:
    """Append: these lines are known here now, as waiting or as over. Nothing for those that are."""

    account: Account
    live: tuple[Line, ...]
    over: tuple[Line, ...]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Who is over had been on the line: so the core hears of both, and opens a call-back."""
        found = rows_in(
            db,
            "SELECT call_id FROM call WHERE call_id IN {wanted}",
            [each.call_id for each in (*self.live, *self.over)],
        )
        known = {str(row[0]) for row in found}
        facts: list[Fact] = []
        for line in (each for each in self.live if each.call_id not in known):
            record = self._record(line, WAITING, "")
            facts += [record.connected(), record.changed()]
        for line in (each for each in self.over if each.call_id not in known):
            record = self._record(line, ENDED, CALLER_HUNG_UP if line.provider_id else LOST)
            facts += [record.connected(), *record.ended()]
        return facts

    def _record(self, line: Line, state: str, why: str) -> Record:
        held = self.account.provider in CALL_PROVIDERS
        return Record(
            call_id=line.call_id,
            interaction_id=line.interaction_id,
            account=self.account.account_id,
            direction=IN,
            voice_id=f"{ELSEWHERE}{self.account.account_id}" if held else line.voice_id,
            state=state,
            why=why,
            text=line.text,
        )


async def reconcile(
    account: Account, *, own: Database, copy: Database, committer: Committer, ways: Ways, hook: str
) -> Outcome:
    """Everybody who is still on a line of this account; tried again where its provider did not answer.

    Shape: hook is the account's webhook at this site.
    """
    provider = CALL_PROVIDERS.get(account.provider)
    lines = await asyncio.to_thread(_read, own, copy, account)
    live = set() if provider is None else await _live(provider, account, ways)
    if live is None:
        return Outcome(outcome=LATER, detail="the provider did not say which calls go on")
    here = [each for each in lines.each if each.adopted]
    over = [each for each in here if each.provider_id not in live and each.call_id not in lines.own]
    if provider is not None:
        over = await _confirmed(provider, account, ways, over)
    gone = {each.call_id for each in over}
    bring = Bring(
        account=account,
        live=tuple(each for each in here if each.call_id not in gone),
        over=tuple(over),
    )
    await committer.append(bring)
    failed, counts = 0, _counts(lines, live, over, account)
    if provider is not None:
        moved = replace(account, public_url=hook)
        failed = await _redirected(provider, moved, ways, _wanted(lines, live, account))
    await _tell(committer, account, counts)
    detail = counts or "nobody was on the line"
    if failed:
        return Outcome(outcome=LATER, detail=f"{failed} calls could not be brought here yet; {detail}")
    return Outcome(outcome=DONE, detail=detail)


def _read(own: Database, copy: Database, account: Account) -> Lines:
    with copy.reading() as theirs, own.reading() as ours:
        return lines_of(theirs, ours, account)


async def _live(provider: CallProvider, account: Account, ways: Ways) -> set[str] | None:
    """Ids of all calls that go on there; None where it did not say."""
    found: set[str] = set()
    for status in provider.LIVE:
        page = ""
        for _ in range(PAGES_MAX):
            reply = await ways.ask(provider.live_request(account, status, page), ASK_MS)
            calls = None if isinstance(reply, Outcome) else provider.live_in(reply, account)
            if calls is None:
                return None
            found.update(calls.provider_ids)
            page = calls.page
            if not page:
                break
    return found


async def _confirmed(
    provider: CallProvider, account: Account, ways: Ways, over: Sequence[Line]
) -> list[Line]:
    """Those of which the provider says, asked for each, that they are over: a list may lag behind."""
    limit = asyncio.Semaphore(TOGETHER)

    async def ended(line: Line) -> bool:
        if not line.provider_id:
            return False
        async with limit:
            reply = await ways.ask(provider.look_request(line.provider_id, account), ASK_MS)
        return not isinstance(reply, Outcome) and provider.order_outcome(reply) == GONE

    answers = await asyncio.gather(*(ended(each) for each in over))
    return [each for each, is_over in zip(over, answers, strict=True) if is_over]


def _wanted(lines: Lines, live: set[str], account: Account) -> list[str]:
    """Whom the provider is to send to this site: all but who talks there, or is with somebody here."""
    talking = {each.provider_id for each in lines.each if each.talking and not each.adopted}
    adopted = {each.call_id for each in lines.each if each.adopted}
    wanted = []
    for provider_id in sorted(live - talking):
        call_id = message_id_of("call", account.account_id, provider_id)
        state = lines.own.get(call_id, "")
        if not state or (state == WAITING and call_id in adopted):
            wanted.append(provider_id)
    return wanted


async def _redirected(
    provider: CallProvider, account: Account, ways: Ways, provider_ids: Sequence[str]
) -> int:
    """How many of them could not be."""
    limit = asyncio.Semaphore(TOGETHER)

    async def sent(provider_id: str) -> bool:
        async with limit:
            reply = await ways.ask(provider.redirect_request(provider_id, account), ASK_MS)
        return not isinstance(reply, Outcome) and provider.order_outcome(reply) in (DONE, GONE)

    answers = await asyncio.gather(*(sent(each) for each in provider_ids))
    return answers.count(False)


def _counts(lines: Lines, live: set[str], over: Sequence[Line], account: Account) -> str:
    """In words, with what there is of each."""
    known = {each.provider_id for each in lines.each if each.provider_id}
    fresh = [
        each for each in live - known if message_id_of("call", account.account_id, each) not in lines.own
    ]
    here = [each for each in lines.each if each.adopted and each not in over]
    talking = [each for each in lines.each if each.talking and not each.adopted]
    said = (
        (len(here), "on the line and brought here"),
        (len(fresh), "on the line and not known here before"),
        (len(talking), "with agents of the other site, left alone"),
        (len(over), "over: call-backs"),
    )
    return ", ".join(f"{count} {words}" for count, words in said if count)


async def _tell(committer: Committer, account: Account, counts: str) -> None:
    if counts:
        alarm = NoticeTrouble(code=LIVE_CALLS, ref=account.account_id, detail=counts)
        await committer.append(alarm)
