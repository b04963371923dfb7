"""`muster hooks sweep`: asks the providers' logs what their webhooks missed, and keeps it."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from agents_ui.hooks.accounts import HookedAccounts
from agents_ui.hooks.keeping import Keeping
from agents_ui.moments import moment_ms
from agents_ui.progress_line import ProgressLine
from config.settings import Settings, SettingsWrong, read_settings
from router.channels.ingest import Keeper, NotKept
from router.channels.port import Account, CallNews, HttpReply, HttpRequest, Webhook
from router.channels.providers import CALL_PROVIDERS, PROVIDERS
from router.channels.twilio_log import LogEntry
from router.journal.clock import wall_ms
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseGone, DatabaseUnsafe
from router.journal.database import Database, open_database
from router.journal.stream import read_head
from router.run.hints import Hints
from router.run.plan_activation import plan_in_force
from router.run.trouble import NoticeTrouble
from router.run.voice.held import EndHeld, new_record
from router.run.voice.keeping import Reader, keep_call
from router.sites.copies import open_copy
from router.sites.sweeping import MISSED, WITH_LOG, WITHOUT_LOG, NoAnswer, Swept, sweep

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from agents_ui.commands import Subparsers
    from config.plan import Plan

ASK_S: Final = 30.0
BYTES_MAX: Final = 32 << 20
"""A thousand long messages are 3 MB."""

FINE: Final = 0
LEFT: Final = 1
"""Something could not be kept now, or a log could not be read: repeat it."""


def add_sweep(things: "Subparsers") -> None:
    """Add the act to `muster hooks`."""
    parser = things.add_parser(
        "sweep",
        help="keep what providers' logs have and their webhooks missed",
        description="Asks the logs of the providers that have one (Twilio: texts and calls) for everything "
        "since a time, and keeps what is missing here and at the other site by the same way as a webhook. "
        "Safe to repeat; works without a web. Exit status 1: something is left.",
    )
    parser.add_argument("account", nargs="*", help="accounts of the plan; all of them when left out")
    parser.add_argument(
        "--since", required=True, metavar="TIME", help="local to the site: 2026-11-22, or 2026-11-22T03:40"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_sweep)


def run_sweep(arguments: argparse.Namespace) -> int:
    """Ask, keep, say; 0 or 1."""
    settings = read_settings()
    with _databases(settings) as databases:
        with databases[0].reading() as db:
            in_force = plan_in_force(db)
        if in_force is None:
            raise SettingsWrong("no plan is in force: type `muster up` once")
        since_ms = moment_ms(arguments.since, in_force[1].site.time_zone)
        found, problems = asyncio.run(
            sweep_all(settings, in_force[1], databases, arguments.account, since_ms=since_ms)
        )
    _tell(found, problems, in_force[1], as_json=arguments.json)
    return LEFT if problems or any(each.left for each in found) else FINE


async def sweep_all(
    settings: Settings, plan: "Plan", databases: list[Database], wanted: list[str], *, since_ms: int
) -> tuple[list[Swept], list[str]]:
    """What was found at each account with a log, and which could not be read. Ours is the first database."""
    with databases[0].reading() as db:
        site = read_head(db).site
    hints = Hints(settings.redis_url, site)
    committer = Committer(databases[0], after_commit=hints.publish)
    keeping = _Sweeping(committer, plan)
    asking = HttpAsking()
    found: list[Swept] = []
    problems: list[str] = []
    try:
        with ProgressLine() as line:
            for account in _accounts(settings, plan, wanted):
                try:
                    swept = await sweep(
                        account,
                        asking,
                        databases,
                        keeping.keep,
                        since_ms=since_ms,
                        now_ms=wall_ms,
                        say=line.say,
                    )
                except NoAnswer as problem:
                    problems.append(str(problem))
                    continue
                found.append(swept)
                await keeping.alarm(swept)
    finally:
        await asking.close()
        await asyncio.to_thread(committer.close)
        await hints.close()
    return found, problems


class _Sweeping:
    """Keeps what the log brings by the way that its webhook would have taken."""

    def __init__(self, committer: Committer, plan: "Plan") -> None:
        self._committer = committer
        self._plan = plan
        limits = plan.limits
        keeper = Keeper(
            web_id="",
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
        )
        self._keeping = Keeping(committer=committer, keeper=lambda: keeper, count=lambda *_: None)
        self._reader = Reader(lambda: plan)

    async def keep(self, account: Account, entry: LogEntry, webhook: Webhook) -> bool:
        """False where it could not be kept now."""
        provider = PROVIDERS.get(account.provider) or CALL_PROVIDERS[account.provider]
        received = provider.receive(webhook, account)
        try:
            if received.call is not None:
                await self._keep_call(received.call)
            else:
                await self._keeping.keep(account, received)
        except (NotKept, CommitUnknown):
            return False
        return True

    async def alarm(self, swept: Swept) -> None:
        """Somebody should know that webhooks do not come, or that the site was away longer than it seemed."""
        if swept.missed:
            detail = f"{len(swept.missed)} in the provider's log that no webhook brought"
            await self._committer.append(NoticeTrouble(code=MISSED, ref=swept.account, detail=detail))

    async def _keep_call(self, news: CallNews) -> None:
        """A call that is over: kept, and its caller is gone. So it becomes a call-back."""
        record = new_record(news.contact)
        limits = self._plan.limits
        await keep_call(
            self._committer,
            news.contact,
            record,
            self._reader,
            read_within_ms=limits.read_within_ms,
            resumes=False,
        )
        await self._committer.append(EndHeld(call_id=record.call_id))


class HttpAsking:
    """Over HTTP, never beyond the address that was asked for. Close it at the end."""

    def __init__(self) -> None:
        self._client: AsyncClient | None = None

    async def ask(self, request: HttpRequest) -> HttpReply:
        """See sweeping.Asking."""
        from httpx2 import AsyncClient, InvalidURL, RequestError, Timeout

        if self._client is None:
            self._client = AsyncClient(timeout=Timeout(ASK_S), follow_redirects=False)
        body = bytearray()
        try:
            async with (
                asyncio.timeout(ASK_S),
                self._client.stream(request.method, request.url, headers=dict(request.headers)) as response,
            ):
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > BYTES_MAX:
                        raise NoAnswer("the provider's answer is larger than any should be")
                return HttpReply(status=response.status_code, headers={}, body=bytes(body))
        except (RequestError, InvalidURL, TimeoutError) as problem:
            raise NoAnswer(f"the provider's log does not answer ({type(problem).__name__})") from problem

    async def close(self) -> None:
        """Close the connections that were kept."""
        if self._client is not None:
            await self._client.aclose()


def _accounts(settings: Settings, plan: "Plan", wanted: list[str]) -> Iterator[Account]:
    every = HookedAccounts(lambda: plan, settings).every()
    unknown = sorted(set(wanted) - set(every))
    if unknown:
        raise SettingsWrong(f"the plan has no account {', '.join(unknown)} that takes webhooks")
    for account_id in wanted or sorted(every):
        account = every[account_id].account
        if account is not None and account.provider in WITH_LOG:
            yield account


@contextmanager
def _databases(settings: Settings) -> Iterator[list[Database]]:
    """Our own, and the copy of the other site where there is one."""
    with ExitStack() as stack:
        own = stack.enter_context(closing(open_database(settings.database_url, unsafe=settings.unsafe)))
        found = [own]
        if settings.site:
            try:
                copy = stack.enter_context(closing(open_copy(settings)))
                with copy.reading() as db:
                    read_head(db)
                found.append(copy)
            except (DatabaseGone, DatabaseUnsafe):
                pass  # there is none yet: what is there is looked at
        yield found


def _tell(found: list[Swept], problems: list[str], plan: "Plan", *, as_json: bool) -> None:
    without = {
        each.account_id: WITHOUT_LOG[each.provider] for each in plan.accounts if each.provider in WITHOUT_LOG
    }
    if as_json:
        said = {"swept": [asdict(each) for each in found], "problems": problems, "without_log": without}
        print(json.dumps(said, ensure_ascii=False))
        return
    for each in found:
        more = f", {each.going_on} calls go on elsewhere" if each.going_on else ""
        left = f", {each.left} could not be kept now" if each.left else ""
        missed = f"{len(each.missed)} were missing and are kept now"
        print(f"{each.account}: {each.seen} in the log, {missed}{more}{left}")
    for problem in problems:
        print(f"NOT ASKED: {problem}")
    for account, why in without.items():
        print(f"{account}: has no log to ask ({why})")
