"""What people do to a pair of sites: take over, move a share, say what a site's state is.

The console and the command line both call it. Each act is a fact of this site's own journal; doing it again
changes nothing, and whoever comes second is told who was first. Nothing here needs Redis, a web process or
the peer role. Returning home is returning.py.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.words import URGENCIES
from router.journal.appends import storable
from router.journal.connection import Connection
from router.records import Fact, fact
from router.sites import adopting
from router.sites.actions import action_facts, call_facts
from router.sites.carried_out import SUPERSEDED, carried_out
from router.sites.dry_run import served_by
from router.sites.ground import Ground
from router.sites.handed_unseen import take_up
from router.sites.ownership import TAKE_OVER, Owner, next_claim, owner_of
from router.sites.problems import Problem
from router.sites.refusals import refusals
from router.sites.service_states import OVERRIDES
from router.sites.unsent import adopt_orders

TAKEN_OVER: Final = "taken_over"
"""Code of the alarm that this site serves another one's traffic now; its detail says who did it, and why."""

SHARES: Final = range(0, 101, 10)
WHY_MAX: Final = 300
NOT_FORGIVEN: Final = ("copy_empty",)
"""Refusals that --anyway does not lift: there would be nothing to take over."""

Progress = Callable[[int, int], None]


class ActRefused(Exception):
    """Nothing was done. Shape: refusals say why and what to do; the message is one line of them."""

    def __init__(self, *found: Problem) -> None:
        super().__init__("; ".join(f"{each.text}: {each.todo}" for each in found))
        self.refusals = found


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a take-over came to. first is who did it before, domain by domain; empty: nobody had. orders are
    answers of ended conversations that leave here now."""

    domains: tuple[str, ...]
    first: dict[str, Owner]
    adopted: int
    known: int
    took_ms: int
    orders: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Append: this site serves these domains, and their providers are to be told. [] where it is so."""

    ground: Ground
    domains: tuple[str, ...]
    with_assigned: bool
    who: str
    why: str
    command_id: str
    automatic: bool = False

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Under the lock: two people at once make one claim."""
        with self.ground.copy.reading() as copy:
            return [each for domain in self.domains for each in self._facts(db, copy, domain)]

    def _facts(self, db: Connection, copy: Connection, domain: str) -> list[Fact]:
        claimed = next_claim(
            db,
            copy,
            domain,
            owner=self.ground.site,
            mode=TAKE_OVER,
            agent_id=self.who,
            why=self.why,
            command_id=self.command_id,
            with_assigned=self.with_assigned,
            automatic=self.automatic,
        )
        if claimed is None:
            return []
        known, plan = owner_of(db, domain), self.ground.plan
        moved = max(known, owner_of(copy, domain)).site != self.ground.site
        if moved and carried_out(db, command_id=self.command_id, ref=f"{domain}/{TAKE_OVER}"):
            return []
        theirs = domain == self.ground.peer
        if known.site == self.ground.site and known.n:  # only the assigned ones come to it
            return [claimed, *(call_facts(plan, domain=domain, n=known.n, held=True) if theirs else ())]
        n = max(known.n, owner_of(copy, domain).n) + 1
        calls = call_facts(plan, domain=domain, n=n, held=False) if theirs else ()
        told = action_facts(plan, domain=domain, n=n, mode=TAKE_OVER)
        alarm = fact("trouble_noticed", domain, code=TAKEN_OVER, detail=f"{self.who}: {self.why}")
        return [claimed, *told, *calls, alarm]


def take_over(
    ground: Ground,
    *,
    who: str,
    why: str,
    command_id: str,
    domains: Sequence[str] = (),
    with_assigned: bool = False,
    anyway: bool = False,
    automatic: bool = False,
    progress: Progress = lambda done, of: None,
) -> Taken:
    """This site serves what the other one served. What was begun and broken off goes on where it was.

    Shape:  domains left out are those that the other site serves, and its own. What agents there hold comes
            where with_assigned is said now: what was said before was said of other conversations.
    Raises: ActRefused; DatabaseGone and CommitUnknown: then the same command again goes on.
    """
    started = time.monotonic()
    with ground.own.reading() as own, ground.copy.reading() as copy:
        wanted = tuple(domains) or domains_of(ground, own, copy)
        found = refusals(ground, own, copy)
        first = {each: owner_of(own, each) for each in wanted}
    first = {each: known for each, known in first.items() if known.site == ground.site and known.n}
    _check(ground, wanted, found, anyway=anyway, done=len(first) == len(wanted))
    codes = ", ".join(each.code for each in found)
    claims = Claims(
        ground=ground,
        domains=wanted,
        with_assigned=with_assigned,
        who=who,
        why=_words(f"{why} (anyway: {codes})" if codes and anyway else why),
        command_id=command_id,
        automatic=automatic,
    )
    ground.committer.submit(claims).result()
    with ground.own.reading() as own, ground.copy.reading() as copy:
        if any(max(owner_of(own, each), owner_of(copy, each)).site != ground.site for each in wanted):
            raise ActRefused(SUPERSEDED)
    count, orders = _adopted(ground, assigned=with_assigned, progress=progress)
    took_ms = round((time.monotonic() - started) * 1000)
    found_here = {"adopted": count.adopted, "known": count.known, "orders": orders}
    return Taken(domains=wanted, first=first, took_ms=took_ms, **found_here)


def _adopted(ground: Ground, *, assigned: bool, progress: Progress) -> tuple[adopting.Count, int]:
    """What comes here: what is open, then how many answers of what is over; last, what this site can only
    guess: nothing waits for that."""
    three = (ground.committer, ground.own, ground.copy)
    site, peer, give_up_ms = ground.site, ground.peer, ground.plan.limits.give_up_ms
    count = adopting.adopt_all(*three, site=site, peer=peer, assigned=assigned, progress=progress)
    orders = adopt_orders(*three, site=site, peer=peer, now_ms=ground.clock(), give_up_ms=give_up_ms)
    more = take_up(*three, site=site, peer=peer)
    return replace(count, adopted=count.adopted + more), orders


def domains_of(ground: Ground, own: Connection, copy: Connection) -> tuple[str, ...]:
    """Whose traffic is meant where nobody says: the other site's own, and what it serves of ours."""
    sites = [each.site_id for each in ground.pair.sites]
    served = served_by(own, copy, sites, ground.peer)
    return tuple(each for each in sites if each == ground.peer or each in served)


def reroute(ground: Ground, *, scope: str, share_pct: int, who: str, why: str, command_id: str) -> bool:
    """Give this share of what waits here to the other site; 0 ends it. False: it was so.

    Raises ActRefused.
    """
    if wrong := scope_problem(ground, scope):
        raise ActRefused(Problem(code="scope_wrong", text=f"there is no {scope!r} to move", todo=wrong))
    if share_pct not in SHARES:
        text = f"{share_pct} is no share"
        raise ActRefused(Problem(code="share_wrong", text=text, todo="say 0, 10, 20 … 100"))
    said = {"agent_id": who, "why": _words(why), "command_id": command_id}
    change = fact("reroute_set", scope, share_pct=share_pct, **said, once=True)
    was = Was("SELECT share_pct FROM reroute WHERE scope = :ref", otherwise=0, wanted=share_pct)
    return _once(ground, change, was, command_id=command_id)


def scope_problem(ground: Ground, scope: str) -> str:
    """What to say instead of this scope; empty where it is one."""
    plan = ground.plan
    known = {
        "urgency": [str(each) for each in URGENCIES],
        "channel": [each.channel_id for each in plan.channels],
        "queue": [each.queue_id for each in plan.queues],
    }
    kind, _, name = scope.partition("/")
    if scope == "all" or name in known.get(kind, ()):
        return ""
    if kind in known:
        return f"{kind}/ and one of {', '.join(known[kind])}"
    return "say all, urgency/<1 to 5>, channel/<id> or queue/<id>"


def override(ground: Ground, *, site: str, state: str, who: str, why: str, command_id: str) -> bool:
    """Say what a site's state is, beside what is observed; '' takes it back. False: it was so.

    Raises ActRefused.
    """
    sites = [each.site_id for each in ground.pair.sites]
    if site not in sites:
        text = f"there is no site {site!r}"
        raise ActRefused(Problem(code="site_unknown", text=text, todo=f"say {' or '.join(sites)}"))
    if state and state not in OVERRIDES:
        text = f"{state!r} is no state that a person can say"
        raise ActRefused(Problem(code="state_wrong", text=text, todo=f"say one of {', '.join(OVERRIDES)}"))
    said = {"agent_id": who, "why": _words(why), "command_id": command_id}
    change = fact("state_overridden", site, state=state, **said, once=True)
    was = Was("SELECT override FROM site_state WHERE site = :ref", otherwise="", wanted=state)
    return _once(ground, change, was, command_id=command_id)


def _check(
    ground: Ground, wanted: Sequence[str], found: Sequence[Problem], *, anyway: bool, done: bool
) -> None:
    sites = [each.site_id for each in ground.pair.sites]
    unknown = [each for each in wanted if each not in sites]
    if unknown:
        text = f"there is no site {unknown[0]!r}"
        raise ActRefused(Problem(code="site_unknown", text=text, todo=f"say {' or '.join(sites)}"))
    lasting = [each for each in found if not anyway or each.code in NOT_FORGIVEN]
    if lasting and not done:
        raise ActRefused(*lasting)


@dataclass(frozen=True, slots=True)
class Was:
    """Where it stands how something is, what it is where nobody said anything, and what is wanted."""

    sql: str
    otherwise: int | str
    wanted: int | str


@dataclass(slots=True)
class Once:
    """Append: a change that one command asks for. Read `changed` and `late` after the commit."""

    change: Fact
    was: Was
    command_id: str
    changed: bool = False
    late: bool = False

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Under the lock. Nothing where it is so, or was so by this command and is otherwise since."""
        row = db.row(self.was.sql, ref=self.change.ref)
        differs = (row[0] if row else self.was.otherwise) != self.was.wanted
        self.late = differs and carried_out(db, command_id=self.command_id, ref=self.change.ref)
        self.changed = differs and not self.late
        return [self.change] if self.changed else []


def _once(ground: Ground, change: Fact, was: Was, *, command_id: str) -> bool:
    append = Once(change, was, command_id)
    ground.committer.submit(append).result()
    if append.late:
        raise ActRefused(SUPERSEDED)
    return append.changed


def _words(why: str) -> str:
    return storable(why.strip())[:WHY_MAX]
