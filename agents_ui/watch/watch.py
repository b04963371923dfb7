"""The watch of a site: sends probes, looks, judges, and tells each trouble once. One at a time acts.

Every web process hears the journal and knows what came; the one that holds the claim acts. When it dies
another goes on within seconds with what is on disk.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from agents_ui.services import Services
from agents_ui.watch import judgement
from agents_ui.watch.arrivals import Arrivals
from agents_ui.watch.judgement import Known, Trouble, Unoffered, Way
from agents_ui.watch.looking import Looked, Looker
from agents_ui.watch.rehearsing import Rehearsal
from agents_ui.watch.sending import SIP, Doors, Sender, can_probe
from config.networks import networks_of
from config.plan import AccountPlan, Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account
from router.channels.probes import CHAT_PAGE
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.run.mailboxes import IMAP
from router.run.trouble import NoticeTrouble

EVERY_S: Final = 2.0

TELL_AGAIN_MS: Final = 60_000
"""A trouble that lasts is handed over again this often: whether it becomes another alarm, trouble.py says."""

CHAT: Final = "chat"

_log = logging.getLogger("muster.watch")


class Watch:
    """One web process's part in it. Shape: port is the one it listens on."""

    def __init__(self, services: Services, *, port: int) -> None:
        self._services = services
        self._port = port
        self._began_ms = _ticks()
        self.arrivals = Arrivals(_ticks)
        self._looker = Looker(services.database, f"web/{services.web_id}")
        self._sender = Sender(services.database, self._doors, self._account, self._address)
        self._rehearsal = Rehearsal(services, self._sender)
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._gone_since: dict[str, int] = {}
        self._served: set[str] = set()
        self._first_seen: dict[Unoffered, int] = {}
        self._seen: Sequence[Unoffered] = ()
        self._told: dict[tuple[str, str], int] = {}
        self._led = False

    async def run(self) -> None:
        """Watch until cancelled. Whatever fails, the next look is made."""
        try:
            while True:
                try:
                    await self._turn()
                except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
                    _log.warning("not watched error=%s", type(problem).__name__)
                except Exception:  # noqa: BLE001 - our mistake must not end the process that serves people
                    _log.exception("the watch failed")
                await asyncio.sleep(EVERY_S)
        finally:
            self._rehearsal.cancel()
            for task in self._sending.values():
                task.cancel()

    async def _turn(self) -> None:
        plan, now_ms = self._services.plan(), _ticks()
        ways = ways_of(plan, self._services.settings)
        self._know(ways, now_ms)
        if not await asyncio.to_thread(self._looker.leads):
            self._led = False
            return
        await self._rehearsal.turn(list(ways.values()))
        if not self._led:
            self._take_over(await asyncio.to_thread(self._looker.load, _now_ms()), now_ms)
            self._led = True
        looked = await asyncio.to_thread(self._looker.look, plan, _now_ms())
        troubles = self._judge(plan, looked, now_ms)
        self._probe(plan, ways, now_ms)
        await self._tell(troubles, now_ms)
        behind_ms = _now_ms() - _ticks()
        await asyncio.to_thread(
            self._looker.save, ways, dict(self.arrivals.known), troubles, behind_ms=behind_ms
        )

    def _know(self, ways: Mapping[str, Way], now_ms: int) -> None:
        """New ways begin as if somebody had just come by them: their first probe is due in a while."""
        known = self.arrivals.known
        for gone in known.keys() - ways.keys():
            del known[gone]
        for watched in ways.keys() - known.keys():
            known[watched] = Known(through_ms=now_ms)

    def _take_over(self, left: Mapping[str, tuple[int, int, int, str]], now_ms: int) -> None:
        """What was known before this process led, as far as it is newer than what it heard by itself."""
        for watched, (through, real, probed, problem) in left.items():
            known = self.arrivals.known.get(watched)
            if known is None:
                continue
            for name, age_ms in (("real_ms", real), ("probe_ms", probed)):
                if age_ms >= 0:
                    setattr(known, name, max(getattr(known, name), now_ms - age_ms))
            if through >= 0 and known.assumed:
                known.through_ms, known.problem = now_ms - through, problem

    def _judge(self, plan: Plan, looked: Looked, now_ms: int) -> list[Trouble]:
        known, site_id, every_ms = self.arrivals.known, plan.site.site_id, plan.limits.probe_every_ms
        for account, age_ms in looked.mailboxes.items():
            if account in known:
                known[account].through_ms, known[account].assumed = now_ms - age_ms, False
        self._gone_since = {
            each.role: self._gone_since.get(each.role, now_ms) for each in looked.roles if not each.ok
        }
        self._served |= {each.role for each in looked.roles if each.ok}
        if looked.unoffered is not None:
            self._seen = looked.unoffered
            self._first_seen = {each: self._first_seen.get(each, now_ms) for each in self._seen}
        return [
            *judgement.silent(known, now_ms, every_ms, since_ms=self._began_ms, site_id=site_id),
            *judgement.forged(known, looked.refused, looked.lately, now_ms),
            *judgement.roles_gone(looked.roles, self._gone_since, self._served, now_ms),
            *judgement.not_offered(self._seen, self._first_seen, now_ms),
            *judgement.left_behind(looked.unrouted, looked.unread, site_id),
        ]

    def _probe(self, plan: Plan, ways: Mapping[str, Way], now_ms: int) -> None:
        for watched, way in ways.items():
            known = self.arrivals.known[watched]
            if watched in self._sending or not can_probe(way):
                continue
            if judgement.probe_due(known, now_ms, plan.limits.probe_every_ms):
                known.probe_ms = now_ms
                self._sending[watched] = asyncio.create_task(self._send(way, known))

    async def _send(self, way: Way, known: Known) -> None:
        try:
            problem = await self._sender.send(way)
            if problem:
                known.problem = problem
                _log.warning("probe not taken way=%s problem=%s", way.watched, problem)
            elif not way_is_journalled(way):
                known.through_ms, known.problem, known.assumed = _ticks(), "", False
        except Exception as mistake:  # noqa: BLE001 - ours, or a library's: the way counts as not tried
            known.problem = type(mistake).__name__
            _log.error("probe not sent way=%s error=%s", way.watched, type(mistake).__name__)
        finally:
            self._sending.pop(way.watched, None)

    async def _tell(self, troubles: Sequence[Trouble], now_ms: int) -> None:
        self._told = {each.subject: at for each in troubles if (at := self._told.get(each.subject, -1)) >= 0}
        for each in troubles:
            if now_ms - self._told.get(each.subject, -TELL_AGAIN_MS) < TELL_AGAIN_MS:
                continue
            append = NoticeTrouble(code=each.code, ref=each.ref, detail=each.detail)
            if await self._services.committer.append(append):
                _log.warning("trouble code=%s ref=%s", each.code, each.ref)
            self._told[each.subject] = now_ms

    def _account(self, account_id: str) -> Account | None:
        """Ready to use, with the secrets of now: somebody may just have put them there."""
        accounts = load_accounts(self._services.plan(), self._services.settings)
        return accounts.get(account_id)

    def _address(self, account_id: str) -> str:
        plan = self._services.plan()
        return next((each.address for each in plan.accounts if each.account_id == account_id), "")

    def _doors(self) -> Doors:
        return doors_of(self._services.settings, self._port)


def ways_of(plan: Plan, settings: Settings) -> dict[str, Way]:
    """Every way in that somebody could come by and that can be watched.

    A trunk's port answers nobody but the trunk: where that is not this machine, the role voice watches over
    its trunks itself (trunk_silent).
    """
    found = [Way(watched=CHAT_PAGE, channel=CHAT, provider="")] if _has_chat(plan) else []
    for each in plan.accounts:
        way = Way(watched=each.account_id, channel=each.channel, provider=each.provider)
        if each.provider == SIP and not _may_ask(each, settings):
            continue
        if can_probe(way) or each.provider == IMAP:
            found.append(way)
    return {way.watched: way for way in found}


def way_is_journalled(way: Way) -> bool:
    """Whether its probes become contacts. OPTIONS of SIP only ask whether somebody is there."""
    return way.provider != SIP


def doors_of(settings: Settings, port: int) -> Doors:
    """Where our own ways in are: at the address they are bound to, or where MUSTER_PROBE_URL says."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    scheme = "https" if settings.tls_certificate else "http"
    literal = f"[{host}]" if ":" in host else host
    return Doors(
        web=settings.probe_url or f"{scheme}://{literal}:{port}",
        checked=bool(settings.probe_url),
        smtp=(host, settings.port + 1 if settings.smtp_port < 0 else settings.smtp_port),
        sip=(host, settings.port + 2 if settings.sip_port < 0 else settings.sip_port),
    )


def _may_ask(account: AccountPlan, settings: Settings) -> bool:
    """Whether what we send to our own port for calls comes from where its trunk is."""
    host = doors_of(settings, 0).sip[0]
    try:
        own = ip_address(host)
        return any(own in each for each in networks_of(str(dict(account.options).get("upstream", ""))))
    except ValueError:
        return False


def _has_chat(plan: Plan) -> bool:
    return any(each.channel_id == CHAT for each in plan.channels)


def _ticks() -> int:
    """The judge's clock: nobody sets it, and 0 is long ago."""
    return time.monotonic_ns() // 1_000_000 + 1_000_000_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
