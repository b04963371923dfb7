"""A site's traffic goes home: planned, asked for by a person, never by itself.

The claim says that from now on the home site serves its traffic: pages and providers follow it. What waits
here is handed over by the peer role (rerouting.py), each with its place in line; what agents here hold stays
with them until they are done. So nothing has to be stopped, and nothing can be lost on the way.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final  # Any: JSON for console and command line

from router.journal.appends import storable
from router.journal.connection import Connection
from router.records import Fact, fact
from router.sites.actions import action_facts
from router.sites.acts import WHY_MAX, ActRefused
from router.sites.carried_out import SUPERSEDED, carried_out
from router.sites.dry_run import actions_of, already, shown_action
from router.sites.dry_run_words import seconds
from router.sites.ground import Ground
from router.sites.ownership import RETURN, Owner, next_claim, owner_of
from router.sites.problems import Problem
from router.sites.refusals import return_refusals
from router.sites.service_states import UNSTAFFED
from router.sites.status import PEER, status_of

GONE_HOME: Final = "gone_home"
"""Code of the alarm that a site serves its own traffic again; its detail says who did it, and why."""

_AWAY: Final = """
    SELECT interaction.interaction_id, interaction.state, interaction.agent_id, interaction.accepted_at_ms,
        adoption.seq
    FROM adoption JOIN interaction ON interaction.interaction_id = adoption.interaction_id
    WHERE adoption.from_site = :domain AND interaction.closed_seq = 0
    ORDER BY interaction.urgency, interaction.accepted_at_ms, interaction.interaction_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a return came to. first: who did it before; None: nobody had."""

    domain: str
    first: Owner | None
    waiting: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoHome:
    """Append: this domain's own site serves it, and its providers are to be told. [] where it is so."""

    ground: Ground
    domain: str
    who: str
    why: str
    command_id: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Under the lock: two people at once make one claim, and a late repeat undoes nothing."""
        if carried_out(db, command_id=self.command_id, ref=f"{self.domain}/{RETURN}"):
            return []
        with self.ground.copy.reading() as copy:
            claimed = next_claim(
                db,
                copy,
                self.domain,
                owner=self.domain,
                mode=RETURN,
                agent_id=self.who,
                why=self.why,
                command_id=self.command_id,
            )
            n = max(owner_of(db, self.domain).n, owner_of(copy, self.domain).n) + 1
        if claimed is None:
            return []
        told = action_facts(self.ground.plan, domain=self.domain, n=n, mode=RETURN)
        alarm = fact("trouble_noticed", self.domain, code=GONE_HOME, detail=f"{self.who}: {self.why}")
        return [claimed, *told, alarm]


def return_home(ground: Ground, *, domain: str, who: str, why: str, command_id: str) -> Returned:
    """Give a domain back to its own site. Raises ActRefused, DatabaseGone, CommitUnknown."""
    sites = [each.site_id for each in ground.pair.sites]
    if domain not in sites or domain == ground.site:
        text = f"{domain!r} is not the other site"
        todo = f"say {ground.peer}; a site that has its own traffic back asks for nothing"
        raise ActRefused(Problem(code="site_unknown", text=text, todo=todo))
    with ground.own.reading() as own, ground.copy.reading() as copy:
        known = owner_of(own, domain)
        at_home = known.site == domain
        found = [] if at_home else return_refusals(ground, own, copy, domain)
    if found:
        raise ActRefused(*found)
    if not at_home:
        words = storable(why.strip())[:WHY_MAX]
        go = GoHome(ground=ground, domain=domain, who=who, why=words, command_id=command_id)
        ground.committer.submit(go).result()
        with ground.own.reading() as own:
            if owner_of(own, domain).site != domain:
                raise ActRefused(SUPERSEDED)
    waiting, held = left(ground, domain)
    first = known if at_home and known.n else None
    return Returned(domain=domain, first=first, waiting=waiting, held=held)


def going_home(db: Connection, *, site: str, peer: str) -> list[str]:
    """Ids of what waits here although its home serves again: to be handed over, most urgent first.

    What that site handed over by itself since (a share, rerouted) stays.
    """
    known = owner_of(db, peer)
    if known.site == site or known.mode != RETURN:
        return []
    waiting = ("waiting", "offered")
    rows = db.rows(_AWAY, domain=peer)
    (since_seq,) = db.row("SELECT seq FROM domain WHERE domain = :domain", domain=peer) or (0,)
    return [str(row[0]) for row in rows if row[1] in waiting and row[4] < since_seq]


def left(ground: Ground, domain: str) -> tuple[int, int]:
    """How many of a domain's interactions are here still: (not with an agent, with one)."""
    with ground.own.reading() as db:
        states = [str(row[1]) for row in db.rows(_AWAY, domain=domain)]
    held = states.count("assigned")
    return len(states) - held, held


def return_dry_run(ground: Ground, domain: str) -> dict[str, Any]:
    """What giving it back comes to. Reads only. Raises DatabaseGone, NoStream."""
    now_ms = ground.clock()
    with ground.own.reading() as own, ground.copy.reading() as copy:
        known = owner_of(own, domain)
        found = [] if known.site == domain else return_refusals(ground, own, copy, domain)
        rows = own.rows(_AWAY, domain=domain)
        unstaffed = status_of(own, PEER).text("state") == UNSTAFFED
    held = sum(row[1] == "assigned" for row in rows)
    report = {
        "mode": RETURN,
        "site": ground.site,
        "name": ground.name_of(ground.site),
        "other": domain,
        "other_name": ground.name_of(domain),
        "at_ms": now_ms,
        "domain": {"domain": domain, "owner": known.site, "n": known.n, "already": already(known, domain)},
        "waiting": len(rows) - held,
        "held": held,
        "unstaffed": unstaffed,
        "oldest_ms": max((now_ms - row[3] for row in rows if row[1] != "assigned"), default=0),
        "actions": [shown_action(each) for each in actions_of(ground, [domain], RETURN)],
        "refusals": [asdict(each) for each in found],
    }
    return {**report, "lines": _lines(report)}


def _lines(report: dict[str, Any]) -> list[str]:
    home, here, domain = report["other_name"], report["name"], report["domain"]
    if domain["owner"] == domain["domain"]:
        return [
            f"{home} serves its own traffic already.",
            f"Here still: {report['waiting']} waiting, {report['held']} with agents.",
        ]
    waits = report["unstaffed"] and report["waiting"]
    oldest = f" (the oldest for {seconds(report['oldest_ms'])})" if report["waiting"] else ""
    return [
        f"{home} serves its own traffic again; new contacts go there.",
        f"{report['waiting']} that wait at {here}{oldest} are handed over, each at its place in line.",
        *([f"Nobody is signed in at {home}: until somebody is, they wait here."] if waits else []),
        f"{report['held']} that agents of {here} hold stay with them until they are done.",
        *(f"Provider: {each['action_id']}: {each['what']}." for each in report["actions"]),
        f"Agents of {home} who came to {here} are shown the way back; nobody has to sign in again.",
        *(f"REFUSED: {each['text']}. What to do: {each['todo']}." for each in report["refusals"]),
    ]
