"""Operators of two simulated sites: they take over, right and wrong, twice, both at once; they go home."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from router.journal.appends import FactsAppend
from router.journal.committer import CommitUnknown
from router.journal.connection import Connection, DatabaseGone
from router.journal.stream import last_seq, read_rows
from router.records import Fact, fact
from router.sites.adopting import Adopt, adoptable, read_adoptees
from router.sites.ownership import RETURN, TAKE_OVER, next_claim, owner_of
from router.sites.status import PEER, status_of
from tests.simulation.audit import Broken
from tests.simulation.grounds import ASSIGNED_AFTER_MS, ground_of
from tests.simulation.half import Half
from tests.simulation.journal import Died
from tests.simulation.pair_audit import PairAudit
from tests.simulation.peer_role import PeerRole
from tests.simulation.timeline import Timeline

AT_ONCE = 4
"""Small pieces, so that much can happen between them."""

SHARES = (0, 10, 30, 50, 100, 100)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who serves a domain from now on, above everything known; nothing where it is so."""

    half: Half
    domains: tuple[str, ...]
    mode: str
    with_assigned: bool

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        found = [
            next_claim(
                db,
                self.half.copy.db,
                domain,
                owner=self.half.name if self.mode == TAKE_OVER else domain,
                mode=self.mode,
                agent_id="boss",
                why="",
                command_id="",
                with_assigned=self.with_assigned,
            )
            for domain in self.domains
        ]
        return [each for each in found if each is not None]


class Operators:
    """Everybody at both sites who may move traffic."""

    def __init__(
        self, timeline: Timeline, halves: tuple[Half, Half], audit: PairAudit, *, automatic: bool
    ) -> None:
        self.counts: dict[str, int] = {}
        self._timeline = timeline
        self._halves = halves
        self._audit = audit
        for half in halves:
            half.ground = ground_of(half, automatic=automatic)

    def begin(self) -> None:
        """From now on, until the world is calm."""
        self._timeline.soon(20_000, 60_000, self._act)
        self._timeline.at(1_000, self._look)

    def after_death(self, half: Half) -> None:
        """Somebody at the other site notices, and mostly does what is right, soon or late."""
        if self._timeline.chance(0.75):
            assigned = self._timeline.chance(0.6)
            self._timeline.soon(3_000, 40_000, lambda: self.take_over(half.other, with_assigned=assigned))

    def go_home(self) -> None:
        """Everything is calm: each site has its own traffic again."""
        for half in self._halves:
            if owner_of(half.site.journal.db, half.peer).site == half.name:
                self._return(half)

    def _act(self) -> None:
        timeline = self._timeline
        if timeline.calm:
            return
        half = timeline.dice.choice(self._halves)
        kind = timeline.dice.choice(
            ("take over", "take over", "both", "return", "return", "reroute", "reroute")
        )
        if kind == "return":
            self._return(half)
        elif kind == "reroute":
            self._reroute(half)
        else:
            for each in (half, half.other) if kind == "both" else (half,):
                self.take_over(each, with_assigned=timeline.chance(0.4))
                if timeline.chance(0.3):
                    timeline.soon(0, 3_000, lambda each=each: self.take_over(each, with_assigned=True))
        timeline.soon(15_000, 80_000, self._act)

    def _look(self) -> None:
        """The policy of either site: the product's own, as its peer role asks it once a second."""
        if self._timeline.calm:
            return
        for half in self._halves:
            if half.role is not None and half.hears:
                self._policy(half, half.role)
        self._timeline.at(1_000, self._look)

    def _policy(self, half: Half, role: PeerRole) -> None:
        db = half.site.journal.db
        through = last_seq(db)
        self._audit.acts += 1
        with suppress(CommitUnknown, DatabaseGone, Died):  # tried again in a second
            role.watcher._policy(half.ground, role.watch, {})
        rows = read_rows(db, after_seq=through, limit=1_000)
        if any(row.kind in ("adopted", "domain_claimed") for row in rows):
            self._count("policy")
        else:
            self._audit.acts -= 1
        adopted = [row for row in rows if row.kind == "adopted"]
        held = [row.ref for row in adopted if msgspec.json.decode(row.data)["agent_id"]]
        known = owner_of(db, half.peer)
        since_ms = self._timeline.clock.now_ms - known.since_ms
        same = status_of(db, PEER).at_ms <= known.since_ms or role.watch.silent_ms >= since_ms
        confirmed = known.with_assigned and same  # somebody said it of this very silence
        if held and role.silent_ms < ASSIGNED_AFTER_MS and not confirmed:
            raise Broken(f"{half.name} took what agents hold, unasked, after {role.silent_ms} ms: {held}")

    def take_over(self, half: Half, *, with_assigned: bool) -> None:
        """This site serves what the other one served, whether or not that one is dead."""
        if not half.site.alive:
            return
        self._count("take over")
        domains = (
            (half.peer, half.name)
            if half.other.serves(half.name) or not half.serves(half.name)
            else (half.peer,)
        )
        claim = Claim(half, domains, TAKE_OVER, with_assigned)
        self._persistently(half, lambda: half.site.journal.append(claim) and None)
        self._audit.acts += 1

        def adopt() -> None:
            ids = adoptable(
                half.copy.db, half.site.journal.db, peer=half.peer, site=half.name, assigned=with_assigned
            )
            self._adopt(half, ids)

        self._timeline.soon(0, 200, adopt)

    def _adopt(self, half: Half, ids: Sequence[str]) -> None:
        """Some at a time; what was read is committed a moment later. Whoever dies over it leaves the rest."""
        if not ids or not half.site.alive:
            return
        copy: Any = half.copy.db
        append = Adopt(read_adoptees(copy, ids[:AT_ONCE], from_site=half.peer), site=half.name)

        def commit() -> None:
            self._persistently(half, lambda: half.site.journal.append(append))
            self._timeline.soon(0, 150, lambda: self._adopt(half, ids[AT_ONCE:]))

        self._timeline.soon(0, 150, commit)

    def _return(self, half: Half) -> None:
        """The other site's traffic goes home; its home must be there, and its copy near."""
        known = owner_of(half.site.journal.db, half.peer)
        if not half.site.alive or not half.other.site.alive or known.site != half.name:
            return
        self._count("return")
        self._audit.acts += 1
        claim = Claim(half, (half.peer,), RETURN, with_assigned=False)
        self._persistently(half, lambda: half.site.journal.append(claim))

    def _reroute(self, half: Half) -> None:
        dice = self._timeline.dice
        if not half.site.alive:
            return
        self._count("reroute")
        self._audit.acts += 1
        scopes = ["all", "urgency/2", "channel/chat", f"queue/{half.site.plan.queues[0].queue_id}"]
        said = {"agent_id": "boss", "why": "", "command_id": ""}
        begun = fact("reroute_set", dice.choice(scopes), share_pct=dice.choice(SHARES), **said)
        self._persistently(half, lambda: half.site.journal.append(FactsAppend(facts_to_append=(begun,))))

    def _persistently(self, half: Half, does: Callable[[], object]) -> None:
        """The command again, until it has gone through, or its site is gone."""
        if not half.site.alive:
            return
        try:
            does()
        except (CommitUnknown, DatabaseGone, Died):
            self._timeline.soon(200, 1_500, lambda: self._persistently(half, does))

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
