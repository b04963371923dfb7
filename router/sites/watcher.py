"""What follows from beats, once a second: who is there, how ready, and the automatic take-over.

The rules are watching.py, service_states.py and readiness.py; here is only: look, compare with the tables,
append what is new. It runs beside the follower, in the peer role: a take-over must not wait for anything that
has to do with the other site, which may be gone.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final  # Any: JSON

from router.journal.appends import FactsAppend
from router.journal.committer import CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.records import Fact, fact
from router.run.housekeeping import disk_used_pct
from router.run.lease import NOW_MS
from router.run.trouble import NoticeTrouble
from router.sites import adopting
from router.sites.actions import Actions
from router.sites.acts import ActRefused, Taken, domains_of, take_over
from router.sites.ground import Ground
from router.sites.handed_unseen import handed_unseen
from router.sites.ownership import TAKE_OVER, owner_of
from router.sites.problems import Problem
from router.sites.pulse import HANGS, PEER_HANGS
from router.sites.readiness import EVERY_MS, UNREADY_MS, Machine, problems, store
from router.sites.refusals import partial_copy
from router.sites.service_states import (
    DOWN,
    GOING_DOWN,
    MAINTENANCE_DOWN,
    STATES,
    UNREACHABLE,
    Figures,
    Settling,
    raw_state,
    settled,
)
from router.sites.status import PEER, WATCH, put_status, readiness_key, status_of
from router.sites.third_point import ThirdPoint
from router.sites.unsent import unsent
from router.sites.watching import FINE, SUSPECT, Look, News, Watch, take_over_due, watched
from router.sites.watching import UNREACHABLE as GONE

EVERY_S: Final = 1.0
AUTOMATIC: Final = "automatic"
BY_POLICY: Final = "policy"
"""Who took over where no person did."""

STUCK_TOLD_MS: Final = 10_000
"""The other site's database takes nothing for so long before people are called; its state is said sooner."""

NEWS_MAX: Final = 100
AGAIN_MS: Final = 15_000
"""A take-over that was refused or broke off is tried again this much later."""

NOT_READY: Final = frozenset({"database_not_writable", HANGS, "journal_damaged", "disk_full"})
"""Problems of this site with which it does not take over by itself. Others are better than nobody."""

OUT_OF_SERVICE: Final = (DOWN, GOING_DOWN, MAINTENANCE_DOWN)
TAKE_OVER_REFUSED: Final = "take_over_refused"
"""Code of the alarm that the policy would take over, and may not; its detail says why."""

_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)
_log = logging.getLogger("muster.watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the policy is about to do: also with what agents hold? refused: why it may not; empty: it may.

    What was confirmed, of agents or of a copy that is only partly there, was confirmed of one silence. In a
    later one agents may be talking that nobody thought of, and the copy may be another.
    """

    assigned: bool = False
    refused: str = ""


class Watcher:
    """One in the peer role. heard() is called with each beat, from the thread of the beats.

    Shape: content() is what this site says of itself (beat_content.py); mono_ms a clock that nobody sets.
    """

    def __init__(
        self,
        ground: Callable[[], Ground],
        *,
        content: Callable[[], Mapping[str, Any]],
        owner: str,
        mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self.watch = Watch()
        self._ground, self._content, self._owner = ground, content, owner
        self._mono_ms = mono_ms
        self._lock = threading.Lock()
        self._news: deque[News] = deque(maxlen=NEWS_MAX)
        self._said: Mapping[str, Any] = {}
        self._settling = Settling()
        self._found: list[Problem] = []
        self._ask_at_ms = 0
        self._again_ms = 0
        self._third = ThirdPoint()
        self._told_stuck = False
        self._stuck = False

    def third(self) -> bool | None:
        """Whether the third point answered lately; None: none is named."""
        return self._third.answers(self._mono_ms())

    def heard(self, look: Look, said: Mapping[str, Any]) -> None:
        """One beat, answered or not. Quick: it holds up the next beat."""
        with self._lock:
            self.watch, news = watched(self.watch, look)
            self._news.extend(news)
            self._said = said or self._said

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                ground = self._ground()
                await self._careful(asyncio.to_thread(self.turn, ground))
                await self._careful(self._run_actions(ground))
                await self._third.ask(ground.pair.third, self._mono_ms(), urgent=self.watch.missed > 0)
                await asyncio.sleep(EVERY_S)
        finally:
            await self._third.close()

    def turn(self, ground: Ground) -> Taken | None:
        """Everything that is due now; the take-over that it did. Raises DatabaseGone, DatabaseBusy."""
        with self._lock:
            watch, said = self.watch, self._said
        if self._stands_still(ground, watch, said):
            return None
        self._tell(ground, self._fresh_news())
        self._tell_stuck(ground, watch, said)
        self._observe(ground, watch, said)
        self._keep(ground, watch, said)
        if self._mono_ms() >= self._ask_at_ms:
            self._ask(ground)
            self._ask_at_ms = self._mono_ms() + (UNREADY_MS if self._found else EVERY_MS)
        return self._policy(ground, watch, said)

    async def _careful(self, work: Awaitable[object]) -> None:
        """What fails is tried again in a second: the policy must outlive a database that was away."""
        try:
            await work
        except _AWAY as problem:
            _log.warning("watching again in a moment reason=%s", problem)
        except Exception:  # noqa: BLE001 - a mistake in one of them must not end the watch
            _log.exception("the watch failed; it goes on")

    def _fresh_news(self) -> list[News]:
        with self._lock:
            found = list(self._news)
            self._news.clear()
        return found

    def _tell(self, ground: Ground, news: Sequence[News]) -> None:
        for each in news:
            ref = ground.site if each.code.startswith("clock") else ground.peer
            ground.committer.submit(NoticeTrouble(code=each.code, ref=ref, detail=each.detail)).result()

    def _stands_still(self, ground: Ground, watch: Watch, said: Mapping[str, Any]) -> bool:
        """Whether our own database takes nothing: then nothing is observed, and what can be said is said."""
        was, self._stuck = self._stuck, bool(self._content().get("stuck_ms"))
        if self._stuck != was:
            self._ask(ground)
            self._ask_at_ms = self._mono_ms() + UNREADY_MS
        if self._stuck:
            self._keep(ground, watch, said)
        return self._stuck

    def _tell_stuck(self, ground: Ground, watch: Watch, said: Mapping[str, Any]) -> None:
        """A site whose database takes nothing can tell its own people nothing: it is told here."""
        stuck = stuck_ms(watch, said)
        if not stuck:
            self._told_stuck = False
        elif stuck >= STUCK_TOLD_MS and not self._told_stuck:
            detail = _why_down(said)
            alarm = NoticeTrouble(code=PEER_HANGS, ref=ground.peer, detail=detail)
            ground.committer.submit(alarm).result()
            self._told_stuck = True

    def _observe(self, ground: Ground, watch: Watch, said: Mapping[str, Any]) -> None:
        """What is new of either site's state. Unreachable is what we infer; all else is what a site says."""
        with ground.own.reading() as db:
            known = dict(db.rows("SELECT site, observed FROM site_state"))
            raw, why = raw_state(self._figures(ground, db))
        self._settling = settled(self._settling, raw)
        mine = self._settling.state
        found = [] if known.get(ground.site) == mine else [_observed(ground.site, mine, why)]
        theirs = str(said.get("state", ""))
        if watch.state == GONE:
            theirs, why = UNREACHABLE, f"silent for {watch.silent_ms // 1000} s"
        elif theirs == UNREACHABLE or theirs not in STATES:
            theirs = ""
        else:
            why = _why_down(said)
        if theirs and known.get(ground.peer) != theirs:
            found.append(_observed(ground.peer, theirs, why))
        if found:
            ground.committer.submit(FactsAppend(facts_to_append=tuple(found))).result()

    def _figures(self, ground: Ground, db: Connection) -> Figures:
        content = self._content()
        return Figures(
            serving=lives(db, "router"),
            agents_here=int(content.get("agents_here", 0)),
            waiting=int(content.get("waiting", 0)),
            waiting_max=ground.plan.limits.waiting_alarm,
            parts_missing=() if lives(db, "web") else ("web",),
        )

    def _keep(self, ground: Ground, watch: Watch, said: Mapping[str, Any]) -> None:
        now_ms = ground.clock()
        kept = {
            "peer": watch.state,
            "clock": SUSPECT if watch.clock_suspect else FINE,
            "skew_ms": watch.skew_ms,
            "silent_ms": watch.silent_ms,
            "missed": watch.missed,
            "third_silent": watch.third_silent,
        }
        ready = said.get("ready")
        with ground.own.writing() as db:
            put_status(db, WATCH, now_ms, kept)
            if isinstance(ready, list) and not watch.missed:
                told = [each for each in ready if isinstance(each, dict)]
                put_status(db, readiness_key(ground.peer), now_ms, {"site": ground.peer, "problems": told})

    def _ask(self, ground: Ground) -> None:
        data_dir = ground.settings.data_dir
        machine = Machine(release=version("muster"), disk_used_pct=lambda: disk_used_pct(data_dir))
        try:
            self._found = problems(ground, machine)
        except (DatabaseBusy, DatabaseGone) as problem:
            text = f"the database cannot be used: {problem}"
            self._found = [Problem(code="database_not_writable", text=text, todo="look at its disk and log")]
        self._found = [*_own_hang(self._content()), *self._found]
        store(ground, self._found)

    def _policy(self, ground: Ground, watch: Watch, said: Mapping[str, Any]) -> Taken | None:
        """Take over where the plan says so; bring in what agents held when its time has come."""
        stuck = stuck_ms(watch, said)
        if (watch.state != GONE and not stuck) or self._mono_ms() < self._again_ms:
            return None
        wanted = self._wanted(ground, watch, stuck)
        if wanted is None:
            return None
        self._again_ms = self._mono_ms() + AGAIN_MS
        if wrong := wanted.refused or self._not_fit(ground):
            self._refused(ground, wrong)
            return None
        try:
            taken = take_over(
                ground,
                who=BY_POLICY,
                why=f"{ground.name_of(ground.peer)} {_lasting(watch, stuck)}",
                command_id=f"{BY_POLICY}-{ground.clock()}",
                with_assigned=wanted.assigned,
                automatic=True,
            )
        except ActRefused as refused:
            self._refused(ground, str(refused))
            return None
        _log.warning(
            "took over adopted=%d orders=%d assigned=%s took_ms=%d",
            *(taken.adopted, taken.orders, wanted.assigned, taken.took_ms),
        )
        return taken

    def _wanted(self, ground: Ground, watch: Watch, stuck: int) -> _Wanted | None:
        """None: nothing is to be done."""
        pair, lasted_ms = ground.pair, max(watch.silent_ms, stuck)
        with ground.own.reading() as own, ground.copy.reading() as copy:
            known = owner_of(own, ground.peer)
            ours = all(owner_of(own, each).site == ground.site for each in domains_of(ground, own, copy))
            if not ours:
                due = take_over_due(watch, after_ms=pair.take_over_after_ms)
                due = due or stuck >= pair.take_over_after_ms
                return _Wanted() if pair.take_over == AUTOMATIC and due else None
            if known.mode != TAKE_OVER or watch.clock_suspect or watch.third_silent:
                return None
            since_ms = ground.clock() - known.since_ms
            still = lasted_ms >= since_ms or 0 < status_of(own, PEER).at_ms <= known.since_ms
            nobody_talks = 0 < pair.assigned_after_ms <= lasted_ms
            confirms = nobody_talks and not known.with_assigned and since_ms >= pair.assigned_after_ms
            assigned = confirms or (known.with_assigned and (nobody_talks or still))
            left = confirms or self._left(ground, own, copy, assigned=assigned)
            partial = None if still else partial_copy(ground, own, copy)
        refused = f"{partial.text}: {partial.todo}" if partial else ""
        return _Wanted(assigned=assigned, refused=refused) if left else None

    def _left(self, ground: Ground, own: Connection, copy: Connection, *, assigned: bool) -> bool:
        """Whether somebody broke the take-over off, or the last rows came late. Not what cannot be
        adopted, of which somebody was told: that would be tried for days, and each alarm seen come back."""
        give_up_ms = ground.plan.limits.give_up_ms
        lost = adopting.not_adopted(own, since_ms=owner_of(own, ground.peer).since_ms)
        open_there = adopting.adoptable(copy, own, peer=ground.peer, site=ground.site, assigned=assigned)
        replies = unsent(copy, own, now_ms=ground.clock(), give_up_ms=give_up_ms).interactions
        if {*open_there, *replies} - lost:
            return True
        return bool(set(handed_unseen(own, copy, peer=ground.peer)) - lost)

    def _not_fit(self, ground: Ground) -> str:
        """Why this site itself should not: what is broken, or that somebody has put it out of service."""
        broken = [each.text for each in self._found if each.code in NOT_READY]
        with ground.own.reading() as db:
            row = db.row("SELECT override FROM site_state WHERE site = :site", site=ground.site)
        if row is not None and row[0] in OUT_OF_SERVICE:
            broken.append(f"somebody said that this site is {row[0]}")
        return "; ".join(broken)

    def _refused(self, ground: Ground, why: str) -> None:
        _log.error("not taken over reason=%s", why)
        alarm = NoticeTrouble(code=TAKE_OVER_REFUSED, ref=ground.peer, detail=why)
        ground.committer.submit(alarm).result()

    async def _run_actions(self, ground: Ground) -> None:
        actions = Actions(
            own=ground.own,
            committer=ground.committer,
            plan=ground.plan,
            settings=ground.settings,
            owner=self._owner,
            copy=ground.copy,
            clock=ground.clock,
        )
        try:
            await actions.run_due()
        finally:
            await actions.close()


def stuck_ms(watch: Watch, said: Mapping[str, Any]) -> int:
    """For how long the other site's database has taken nothing, by its own word; 0: not, or who knows."""
    value = said.get("stuck_ms")
    return value if isinstance(value, int) and not watch.missed and not watch.clock_suspect else 0


def _own_hang(content: Mapping[str, Any]) -> list[Problem]:
    """That our database takes nothing, as our own beats say it (pulse.py)."""
    return [Problem(**each) for each in content.get("ready", []) if each.get("code") == HANGS][:1]


def _lasting(watch: Watch, stuck: int) -> str:
    if stuck:
        return f"says for {stuck // 1000} s that its database takes nothing"
    return f"silent for {watch.silent_ms // 1000} s"


def _why_down(said: Mapping[str, Any]) -> str:
    """What it says of itself: the one problem that no other list of it would show."""
    ready = said.get("ready")
    told = [each for each in ready if isinstance(each, dict)] if isinstance(ready, list) else []
    found = next((str(each.get("text", "")) for each in told if each.get("code") == HANGS), "")
    return found or "it says so"


def lives(db: Connection, role: str) -> bool:
    """Whether a process of this role says so."""
    now = NOW_MS[db.dialect]
    found = db.row(
        f"SELECT 1 FROM lease WHERE name LIKE :role AND until_ms > {now} LIMIT 1", role=f"{role}/%"
    )
    return found is not None


def _observed(site: str, state: str, why: str) -> Fact:
    return fact("state_observed", site, state=state, why=why)
