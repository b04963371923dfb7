"""A site's traffic goes home: planned, asked for by a person, never by itself.

The claim says that from now on the home site serves its traffic: pages and providers follow it. What waits
here is handed over by the peer role (rerouting.py), each with its place in line; what agents here hold stays
with them until they are done. So nothing has to be stopped, and nothing can be lost on the way.

What came to this site itself meanwhile cannot be told from its own work: agents here serve it. Where they
have gone home as well, nobody would: so for a day after a return, once nobody has been signed in here for a
minute, it goes there too (left_alone.py). What was here before, and what comes later, stays.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
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
from router.sites.shares import JUST_NOW, claim_seq
from router.sites.status import PEER, status_of

GONE_HOME: Final = "gone_home"
"""Code of the alarm that a site serves its own traffic again; its detail says who did it, and why."""

_AWAY: Final = """
    SELECT interaction.interaction_id, interaction.state, interaction.agent_id, interaction.accepted_at_ms,
        adoption.seq
    FROM adoption JOIN interaction ON interaction.interaction_id = adoption.interaction_id
    WHERE adoption.from_site = :domain AND interaction.closed_seq = 0 AND NOT (interaction.state <> 'assigned'
        AND interaction.channel = 'voice' AND interaction.connection_ids <> '[]')
    ORDER BY interaction.urgency, interaction.accepted_at_ms, interaction.interaction_id
"""

_ASKED_THERE: Final = "SELECT scope, share_pct FROM reroute WHERE share_pct > 0 ORDER BY scope"
_ELSE: Final = """
    SELECT interaction_id, channel, connection_ids FROM interaction
    WHERE closed_seq = 0 AND state <> 'assigned' AND traffic NOT IN ('probe', 'rehearsal')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is at this site still. Of the other site's: waiting, held (with an agent).

    Shape: besides is what waits here and does not go home with it: it came here itself, or was handed here
           later; calls: callers on the line here, who are sent on only where somebody asks for it.
    """

    waiting: int = 0
    held: int = 0
    besides: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a return came to. first: who did it before; None: nobody had."""

    domain: str
    first: Owner | None
    left: Left


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
    first = known if at_home and known.n else None
    with ground.own.reading() as own:
        return Returned(domain=domain, first=first, left=left(own, domain, site=ground.site))


def going_home(db: Connection, *, site: str, peer: str) -> list[str]:
    """Ids of what waits here although its home serves again: to be handed over, most urgent first.

    What that site handed over by itself since (a share, rerouted) stays.
    """
    known = owner_of(db, peer)
    if known.site == site or known.mode != RETURN:
        return []
    waiting = ("waiting", "offered")
    return [str(row[0]) for row in _away(db, site=site, domain=peer) if row[1] in waiting]


def _away(db: Connection, *, site: str, domain: str) -> list[tuple[Any, ...]]:
    """What is here because this site serves that domain, or did until it was given back; no call that is on
    the line here."""
    known = owner_of(db, domain)
    since_seq = JUST_NOW if known.site == site else claim_seq(db, domain) if known.mode == RETURN else 0
    return [row for row in db.rows(_AWAY, domain=domain) if row[4] < since_seq]


def away(db: Connection, domain: str, *, site: str) -> Left:
    """How many of that domain are here still."""
    states = [row[1] for row in _away(db, site=site, domain=domain)]
    held = states.count("assigned")
    return Left(waiting=len(states) - held, held=held)


def left(db: Connection, domain: str, *, site: str) -> Left:
    """The same, and what waits here besides."""
    known = {row[0] for row in _away(db, site=site, domain=domain)}
    others = [channel == "voice" and on != "[]" for ref, channel, on in db.rows(_ELSE) if ref not in known]
    return replace(away(db, domain, site=site), besides=others.count(False), calls=others.count(True))


def return_dry_run(ground: Ground, domain: str) -> dict[str, Any]:
    """What giving it back comes to. Reads only. Raises DatabaseGone, NoStream."""
    now_ms = ground.clock()
    with ground.own.reading() as own, ground.copy.reading() as copy:
        known = owner_of(own, domain)
        found = [] if known.site == domain else return_refusals(ground, own, copy, domain)
        rows = _away(own, site=ground.site, domain=domain)
        here = left(own, domain, site=ground.site)
        unstaffed = status_of(own, PEER).text("state") == UNSTAFFED
        asked = [(str(row[0]), int(row[1])) for row in copy.rows(_ASKED_THERE)]
    report = {
        "mode": RETURN,
        "site": ground.site,
        "name": ground.name_of(ground.site),
        "other": domain,
        "other_name": ground.name_of(domain),
        "at_ms": now_ms,
        "domain": {"domain": domain, "owner": known.site, "n": known.n, "already": already(known, domain)},
        **asdict(here),
        "unstaffed": unstaffed,
        "rerouted": asked,
        "oldest_ms": max((now_ms - row[3] for row in rows if row[1] != "assigned"), default=0),
        "actions": [shown_action(each) for each in actions_of(ground, [domain], RETURN)],
        "refusals": [asdict(each) for each in found],
    }
    return {**report, "lines": _lines(report)}


def left_of(report: dict[str, Any]) -> Left:
    """The same numbers again, out of a report."""
    return Left(**{each.name: report[each.name] for each in fields(Left)})


def besides_lines(home: str, here: str, count: Left) -> list[str]:
    """What waits at this site and does not go home by itself, and what moves it."""
    found = []
    if count.besides:
        found.append(
            f"Waiting at {here} besides: {count.besides} (came to {here} itself, or was handed to it since). "
            f"That stays for its agents. Has nobody been signed in at {here} for a minute, within a day from "
            f"the return, what came while {here} served {home} goes to {home} too."
        )
    if count.calls:
        found.append(f"Calls on the line at {here}: {count.calls}; they stay there, for its agents.")
    if found:
        found.append(
            f"To send them, and whatever else comes to {here}, to {home}: type `muster site reroute all 100` "
            f"at {here} after the return."
        )
    return found


def _lines(report: dict[str, Any]) -> list[str]:
    home, here, domain = report["other_name"], report["name"], report["domain"]
    if domain["owner"] == domain["domain"]:
        return [
            f"{home} serves its own traffic already.",
            f"Of it here still: {report['waiting']} that wait, {report['held']} with agents.",
            *besides_lines(home, here, left_of(report)),
        ]
    waits = report["unstaffed"] and report["waiting"]
    oldest = f" (the oldest for {seconds(report['oldest_ms'])})" if report["waiting"] else ""
    return [
        f"{home} serves its own traffic again; new contacts go there.",
        f"{report['waiting']} that wait at {here}{oldest} are handed over, each at its place in line.",
        *([f"Nobody is signed in at {home}: until somebody is, they wait here."] if waits else []),
        f"{report['held']} that agents of {here} hold stay with them until they are done.",
        *besides_lines(home, here, left_of(report)),
        *(
            f"But {home} itself gives {share} % of {scope} to {here}: what is new there comes here all the "
            f"same. To end that, at {home}: `muster site reroute {scope} 0`."
            for scope, share in report["rerouted"]
        ),
        *(f"Provider: {each['action_id']}: {each['what']}." for each in report["actions"]),
        f"Agents of {home} who came to {here} are shown the way back; nobody has to sign in again.",
        *(f"REFUSED: {each['text']}. What to do: {each['todo']}." for each in report["refusals"]),
    ]
