"""Sends calls on that wait here while this site's work is to be done elsewhere: there, or outside.

Every two seconds the tables say which (rerouting.py), and overflow.py where to. Whoever is to have a call is
called first, and the caller gets them only once they have answered: until then the caller waits here, hears
what they heard before, keeps the place in line, and is offered to agents as ever. A REFER would have to pick
up, and would give the caller away before anybody is there.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from config.plan import Pair, Plan
from router.channels.port import Account
from router.channels.web_call import SIP
from router.journal.database import Database
from router.run.voice.call import Call
from router.run.voice.callers import TelephoneCaller, called
from router.run.voice.gear import NO_ANSWER, REFUSED, NoPorts, NotAnswered, NoTrunk
from router.run.voice.switchboard import Switchboard
from router.sites.out_of_use import refuses
from router.sites.overflow import OVERFLOW_FULL, PAUSE_MS, Target, next_target, targets_of
from router.sites.rerouting import calls_to_send_on

LOOK_S: Final = 2.0
AT_ONCE: Final = 100
"""Each takes a line and ports for sound."""

TELL_MS: Final = 60_000
"""The alarm stands until somebody has seen it; whether it does need not be asked more often."""

HEADER: Final = "X-Muster-Sent-On"
"""Says which site sent a call on, so that the other one never sends it back."""

_TRIED: Final = (NO_ANSWER, REFUSED)
"""What else a call ends with (busy, failed) may be otherwise in a moment."""

_log = logging.getLogger("muster.voice")


class SendingOn:
    """For one voice process. site: which of the pair this is; empty: one site alone."""

    def __init__(
        self,
        board: Switchboard,
        database: Database,
        plan: Callable[[], Plan],
        accounts: Callable[[], Mapping[str, Account]],
        *,
        site: str,
    ) -> None:
        self._board = board
        self._database = database
        self._plan = plan
        self._accounts = accounts
        self._site = site
        self._tasks: dict[str, tuple[asyncio.Task[None], Target]] = {}
        """By call_id: who is being called for it."""
        self._joining: set[str] = set()
        """Calls for which somebody has answered."""
        self._tried: dict[str, set[str]] = {}
        self._paused: dict[str, int] = {}
        self._told_ms = 0

    async def run(self) -> None:
        """Until cancelled; whoever was being called is called no longer."""
        try:
            while self._site:
                try:
                    await self.look()
                except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; each means: look again
                    _log.error("calls to send on not looked for error=%s", type(problem).__name__)
                await asyncio.sleep(LOOK_S)
        finally:
            for task, _ in self._tasks.values():
                task.cancel()

    async def look(self) -> None:
        """One turn: give up for who needs it no longer, begin for who waits."""
        pair = self._plan().pair
        known = pair is not None and pair.site(self._site) is not None
        wanted, targets = await asyncio.to_thread(self._load, pair) if pair and known else ([], ())
        self._tried = {key: value for key, value in self._tried.items() if key in self._board.calls}
        calls = [call for each in wanted if (call := self._board.call_of(each)) is not None and call.waits]
        self._give_up({call.call_id for call in calls})
        for call in calls:
            if call.call_id not in self._tasks and len(self._tasks) < AT_ONCE:
                self._begin(call, targets)

    def _load(self, pair: Pair) -> tuple[list[str], tuple[Target, ...]]:
        peer = pair.other(self._site).site_id
        with self._database.reading() as db:
            wanted = calls_to_send_on(db, site=self._site, peer=peer)
            refusal = refuses(db, peer, _now_ms()) if wanted else ""
        return wanted, targets_of(pair, peer=peer, refusal=refusal)

    def _give_up(self, wanted: set[str]) -> None:
        for call_id, (task, _) in self._tasks.items():
            if call_id not in wanted and call_id not in self._joining:
                task.cancel()

    def _begin(self, call: Call, targets: Sequence[Target]) -> None:
        if call.stood is None or call.stood.state != "waiting":
            return  # An agent here is being asked.
        tried = self._tried.setdefault(call.call_id, set())
        target = next_target(
            targets,
            tried=tried,
            ringing={target.address for _, target in self._tasks.values()},
            paused=self._paused,
            now_ms=_now_ms(),
            came_from_there=self._came_from_there(call),
        )
        if target is not None:
            task = asyncio.create_task(self._try(call, target))
            self._tasks[call.call_id] = task, target
        elif tried and all(each.address in tried for each in targets):
            self._tell_nobody_takes()

    def _tell_nobody_takes(self) -> None:
        """One alarm for all of them, however many wait: there is one thing to do about it."""
        pair = self._plan().pair
        if pair is not None and _now_ms() - self._told_ms >= TELL_MS:
            self._told_ms = _now_ms()
            self._board.alarm(OVERFLOW_FULL, pair.other(self._site).site_id)

    async def _try(self, call: Call, target: Target) -> None:
        try:
            other = await self._called(call, target)
            if other is not None:
                self._joining.add(call.call_id)
                if not await call.goes_on_with(other, target.shown):
                    await other.hang_up()
        except Exception:  # noqa: BLE001 - our own mistake: the caller waits on
            _log.exception("call not sent on call=%s", call.call_id)
            self._pause(target)
        finally:
            self._joining.discard(call.call_id)
            self._tasks.pop(call.call_id, None)

    async def _called(self, call: Call, target: Target) -> TelephoneCaller | None:
        """Whoever answered there; None where nobody did."""
        trunk = self._way_out(call, target)
        if trunk is None:
            self._pause(target)
            return None
        try:
            return await called(
                self._board.telephones,
                self._board.media,
                trunk,
                target.address,
                ring_s=target.ring_s,
                headers=self._headers(call, target),
                planned=True,
            )
        except NotAnswered as why:
            if str(why) in _TRIED:
                self._tried.setdefault(call.call_id, set()).add(target.address)
            else:
                self._pause(target)
        except (NoTrunk, NoPorts):
            self._pause(target)
        return None

    def _pause(self, target: Target) -> None:
        self._paused[target.address] = _now_ms() + PAUSE_MS

    def _way_out(self, call: Call, target: Target) -> Account | None:
        """The trunk by which the call came, else the first by which calls go out."""
        own = self._board.trunk_of(call.record.account)
        trunks = [each for each in self._accounts().values() if each.provider == SIP]
        if target.address.startswith("sip:"):
            return own or next(iter(trunks), None)
        return own or next((each for each in trunks if each.endpoint), None)

    def _headers(self, call: Call, target: Target) -> tuple[tuple[str, str], ...]:
        """At the other site's own port also who calls: a carrier's trunk would not believe it."""
        told = ((HEADER, self._site),)
        if not isinstance(call.caller, TelephoneCaller) or not target.address.startswith("sip:"):
            return told
        telephone = call.caller.call
        host = target.address.partition("@")[2]
        if not _is_number(telephone.from_number):
            return told
        said = (("P-Asserted-Identity", f"<sip:{telephone.from_number}@{host}>"),)
        return (*told, *said, *((("Privacy", "id"),) if telephone.withheld else ()))

    def _came_from_there(self, call: Call) -> bool:
        """By its header, or as one that our own number made: by networks that drop the header."""
        if not isinstance(call.caller, TelephoneCaller):
            return False
        telephone = call.caller.call
        if any(name.lower() == HEADER.lower() for name, _ in telephone.headers):
            return True
        own = {str(each.options.get("display") or each.address) for each in self._accounts().values()}
        return telephone.from_number in own


def _is_number(text: str) -> bool:
    digits = text.removeprefix("+")
    return digits.isascii() and digits.isdecimal()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
