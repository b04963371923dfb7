"""What an administrator does to the pair, from the page: the acts of router/sites, with who does them.

Everything here blocks and is called in a thread. Who acts is asked again right before; the acts themselves
may be repeated. A long one says how far it is in a row of site_status, so that every page of every process
sees it, whoever began it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final  # Any: the answer is a JSON value

from agents_ui.access.person import Person
from agents_ui.admin.acting import Act, check_admin
from agents_ui.admin.site_bodies import SiteAct
from agents_ui.site_actions import run_due_actions
from agents_ui.site_words import (
    is_this_site,
    overridden_line,
    rerouted_line,
    returned_lines,
    taken_lines,
)
from router.journal.database import Connection
from router.records import Fact
from router.sites.action_requests import DONE
from router.sites.actions import AGAIN, again_fact, runs
from router.sites.acts import ActRefused, Progress, override, reroute, take_over
from router.sites.drills import BeginDrill, DrillRefused, report_of
from router.sites.ground import Ground
from router.sites.problems import Problem
from router.sites.rerouting_dry_run import reroute_dry_run, stays_lines
from router.sites.returning import return_home
from router.sites.status import COPY, status_of

Value = dict[str, Any]

CONFIRMED: Final = ("take-over", "return")
"""Acts that want this site's name typed: they change who serves whom."""

NO_SHARE: Final = -1
"""Of a request that says none: it is refused by name."""

_log = logging.getLogger("muster.admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Append: this run is due once more. [] where it is done, or was asked for and not tried since."""

    run_id: str
    who: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Raises ActRefused."""
        found = runs(db, "WHERE run_id = :run_id", run_id=self.run_id)
        if not found:
            text = f"there is no action {self.run_id!r}"
            raise ActRefused(Problem(code="action_unknown", text=text, todo="look at the list once more"))
        if found[0].status == DONE or found[0].detail == AGAIN:
            return []
        return [again_fact(found[0], self.who)]


def is_confirmed(ground: Ground, asked: SiteAct) -> bool:
    """Whether what was typed is this site's id or name, where that is asked for."""
    return asked.act not in CONFIRMED or is_this_site(ground, asked.confirm)


def carry_out(ground: Ground, asked: SiteAct, person: Person, progress: Progress) -> list[str]:
    """Does it; what it came to, in sentences.

    Raises ActRefused, NotAdmin, and what databases raise: then the same once more goes on.
    """
    with ground.own.reading() as own:
        check_admin(own, person, ground.clock())
    if asked.act == "take-over":
        return _take_over(ground, asked, person, progress)
    said = {"who": person.agent_id, "why": asked.why, "command_id": asked.command_id}
    if asked.act == "return":
        return returned_lines(ground, return_home(ground, domain=asked.domain or ground.peer, **said))
    if asked.act == "reroute":
        share = NO_SHARE if asked.share_pct is None else asked.share_pct
        report = reroute_dry_run(ground, asked.scope, share)
        changed = reroute(ground, scope=asked.scope, share_pct=share, **said)
        done = rerouted_line(ground.name_of(ground.peer), asked.scope, share, changed=changed)
        return [done, *stays_lines(report)]
    if asked.act == "override":
        site = asked.site or ground.site
        changed = override(ground, site=site, state=asked.state, **said)
        return [overridden_line(ground.name_of(site), asked.state, changed=changed)]
    return _drill(ground, asked, person) if asked.act == "drill" else _again(ground, asked, person)


def tell_providers(ground: Ground) -> None:
    """What an act made due, where nobody else does it: the peer role looks every second, while it runs."""
    with ground.own.reading() as own:
        if status_of(own, COPY).fresh(ground.clock()):
            return
    _log.warning("the peer role is silent: providers are told from here")
    asyncio.run(run_due_actions(ground))


def _take_over(ground: Ground, asked: SiteAct, person: Person, progress: Progress) -> list[str]:
    taken = take_over(
        ground,
        who=person.agent_id,
        why=asked.why,
        command_id=asked.command_id,
        domains=(asked.domain,) if asked.domain else (),
        with_assigned=asked.assigned,
        anyway=asked.anyway,
        progress=progress,
    )
    return taken_lines(ground, taken)


def _drill(ground: Ground, asked: SiteAct, person: Person) -> list[str]:
    """Begun, once; its report comes with the drills. The command's id is the drill's."""
    with ground.own.reading() as own:
        known = own.row("SELECT 1 FROM drill WHERE drill_id = :drill_id", drill_id=asked.command_id)
        over = report_of(own, asked.command_id) is not None
    if known is None:
        share = ground.pair.drill_share_pct if asked.share_pct is None else asked.share_pct
        begin = BeginDrill(drill_id=asked.command_id, who=person.agent_id, share_pct=share)
        try:
            ground.committer.submit(Act(inner=begin, person=person)).result()
        except DrillRefused as refused:
            why = Problem(code="drill_refused", text=str(refused), todo="wait for its report, below")
            raise ActRefused(why) from None
    return ["The drill is over." if over else "The drill has begun; its report comes within three minutes."]


def _again(ground: Ground, asked: SiteAct, person: Person) -> list[str]:
    again = Again(run_id=asked.run_id, who=person.agent_id)
    rows = ground.committer.submit(Act(inner=again, person=person)).result()
    return ["It is tried again now." if rows else "It is done, or was asked for already; nothing changes."]


def shown_refusals(refused: ActRefused) -> list[Value]:
    """What was in the way, each with what to do."""
    return [asdict(each) for each in refused.refusals]
