"""Why a site would better not take over now, or not give back. Reads only; each says what to do about it."""

from typing import Final

from router.journal.connection import Connection
from router.journal.stream import read_head
from router.sites import chains
from router.sites.dry_run_words import seconds
from router.sites.ground import Ground
from router.sites.out_of_use import out_of_use
from router.sites.problems import Problem
from router.sites.service_states import UNSTAFFED
from router.sites.status import COPY, PEER, WATCH, status_of, whole_through
from router.sites.watching import SKEW_MS, STEP_MS, SUSPECT, THERE

HEARD_MS: Final = 5_000
"""A beat that is not older than this is of a site that lives."""

LAG_ROWS: Final = 200
"""Under load something is always on its way. More than this is a lag, and is named."""

PARTIAL_MS: Final = 300_000
"""A copy that is so far behind has begun anew, or was away: whoever was served since waits in it still. In a
storm a copy is seconds behind, also after a quiet hour, and that is no reason to leave everybody alone."""


def refusals(ground: Ground, own: Connection, copy: Connection) -> list[Problem]:
    """Why this site would better not take over now. `--anyway` does it all the same, on record."""
    other, now_ms = ground.name_of(ground.peer), ground.clock()
    found: list[Problem] = []
    chain = chains.look_at_chain(copy)
    if chain.fault:
        text = f"the copy of {other} is damaged: {chain.fault}"
        todo = "`muster journal verify --of-peer` names every row; or take over --anyway, without those"
        found.append(Problem(code="copy_broken", text=text, todo=todo))
    if not chain.seq:
        text = f"nothing of {other} was ever copied to this site"
        todo = "start both sites with the same pair and peer-key first: nothing comes of nothing"
        found.append(Problem(code="copy_empty", text=text, todo=todo))
    elif partial := partial_copy(ground, own, copy):
        found.append(partial)
    if clock := clock_problem(own, now_ms):
        text = f"the clock here cannot be trusted: {clock}"
        todo = "set the clock of this machine (`chronyc tracking`), or take over --anyway"
        found.append(Problem(code="clock_suspect", text=text, todo=todo))
    beat, watch = status_of(own, PEER), status_of(own, WATCH)
    if beat.fresh(now_ms, HEARD_MS) and watch.text("peer") == THERE and beat.data.get("accepts") is True:
        text = f"{other} answers, and says that it serves"
        todo = f"move its work with `muster site reroute` at {other}, or take over --anyway"
        found.append(Problem(code="peer_serves", text=text, todo=todo))
    return found


def partial_copy(ground: Ground, own: Connection, copy: Connection) -> Problem | None:
    """That the copy here is of how things were some time before the other site was heard last."""
    beat, head, other = status_of(own, PEER), read_head(copy), ground.name_of(ground.peer)
    rows = beat.number("last_seq") - head.seq
    # By the clock of that site. After a quiet hour the newest row is an hour old, and nothing is missing.
    since_ms = max(head.at_ms, whole_through(beat, copy_seq=head.seq))
    behind_ms = beat.number("at_ms", beat.at_ms) - since_ms
    if rows <= LAG_ROWS or behind_ms <= PARTIAL_MS:
        return None
    lag = f"{rows} rows are missing here"
    if head.seq:
        lag += f", and what came is of {seconds(behind_ms)} before {other} was heard last"
    text = f"the copy of {other} is only partly there: {lag}"
    todo = (
        f"while {other} lives, wait: they come by themselves; if it is dead, take over --anyway: a part is "
        "better than nothing, but who came since is missing, and some who wait in it were served since"
    )
    return Problem(code="copy_partial", text=text, todo=todo)


def clock_problem(own: Connection, now_ms: int) -> str:
    """What is wrong with the time here, as far as the watcher or the journal itself can tell; else empty."""
    watch = status_of(own, WATCH)
    if watch.fresh(now_ms) and watch.text("clock") == SUSPECT:
        skew = watch.number("skew_ms")
        return (
            f"{abs(skew)} ms from the other site's" if abs(skew) > SKEW_MS else "it was set, or stood still"
        )
    ahead = read_head(own).at_ms - now_ms
    return f"the journal is {ahead} ms ahead of it" if ahead > STEP_MS else ""


def return_refusals(ground: Ground, own: Connection, copy: Connection, domain: str) -> list[Problem]:
    """Why a domain cannot go home now: it would arrive without what it needs, or where nobody serves."""
    now_ms, home = ground.clock(), ground.name_of(domain)
    beat = status_of(own, PEER)
    if not beat.fresh(now_ms):
        text = f"{home} does not answer"
        todo = "nothing goes home to a site that is not there: start it, and wait until it has caught up"
        return [Problem(code="peer_silent", text=text, todo=todo)]
    found = [*_lags(own, copy, now_ms, home)]
    if beat.data.get("accepts") is not True and beat.text("state") != UNSTAFFED:  # its agents come with it
        text = f"{home} takes no work ({beat.text('state') or 'unknown'})"
        todo = f"it must serve first: look at Sites of {home}, and at what somebody said of it"
        found.append(Problem(code="peer_not_serving", text=text, todo=todo))
    if (said := out_of_use(own, domain)) and said != UNSTAFFED:
        text = f"somebody here said that {home} is {said}"
        todo = f"when it is so no more: `muster site override none --site {domain}`, at this site"
        found.append(Problem(code="peer_out_of_use", text=text, todo=todo))
    if beat.text("plan") and beat.text("plan") != ground.plan.digest:
        text, todo = f"{home} has another plan in force", "activate the same plan at both sites"
        found.append(Problem(code="plan_differs", text=text, todo=todo))
    if clock := clock_problem(own, now_ms):
        text, todo = f"the clock here cannot be trusted: {clock}", "set the clock of this machine"
        found.append(Problem(code="clock_suspect", text=text, todo=todo))
    return found


def _lags(own: Connection, copy: Connection, now_ms: int, home: str) -> list[Problem]:
    """Either side behind the other: what is missing would be decided without."""
    behind, wait = status_of(own, COPY), "wait: it catches up by itself"
    found = []
    rows = behind.number("behind_rows", -1)
    if not behind.fresh(now_ms) or rows < 0:
        text = f"nobody knows how far {home} is"
        found.append(Problem(code="lag_unknown", text=text, todo="start the peer role here (`muster up`)"))
    elif rows > LAG_ROWS:
        text = f"{home} is behind by {rows} rows, {seconds(behind.number('behind_ms'))}"
        found.append(Problem(code="peer_behind", text=text, todo=wait))
    ahead = status_of(own, PEER).number("last_seq") - read_head(copy).seq
    if ahead > LAG_ROWS:
        text = f"this site is behind {home} by {ahead} rows"
        found.append(Problem(code="we_are_behind", text=text, todo=wait))
    return found
