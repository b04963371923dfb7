"""Could this site serve everything, now? A list of problems in words, each with what to do.

A standby that nobody looks at is found broken on the day it is needed: so the list goes to the other site
with every beat, stands on the console, and is printed by every dry run. What is asked is here; that somebody
asks every minute is the peer role's matter.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final  # Any: JSON

from config.account_check import variable_of
from config.plan import AccountPlan
from config.providers import BY_ROLES
from router.channels.accounts import missing_secrets, secret_of
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.hanging import REPLICA_TODO, replica_text, replicas
from router.sites.certificates import certificate_problems
from router.sites.chains import hash_at, look_at_chain
from router.sites.dry_run_words import seconds
from router.sites.ground import Ground
from router.sites.problems import Problem
from router.sites.refusals import clock_problem, partial_copy
from router.sites.sending_trouble import PASSING
from router.sites.status import CONTENT, COPY, PEER, VERIFIED, put_status, readiness_key, status_of

EVERY_MS: Final = 60_000
UNREADY_MS: Final = 10_000
"""The same while something is not ready: who puts it right wants to see that it is."""

DISK_PCT: Final = 90
BEHIND_MS: Final = 30_000
"""The other site that is further behind is named: it would not have the last half minute."""

DAY_MS: Final = 86_400_000
FALLBACK_OPTION: Final = "peer_fallback"
"""Option of an account: its provider was told the other site's address, and tries it when this one fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is known of the machine and the program, and not from the database."""

    release: str
    disk_used_pct: Callable[[], int]


def problems(ground: Ground, machine: Machine) -> list[Problem]:
    """Everything that would be in the way. Raises DatabaseGone: then nothing is ready."""
    with ground.own.reading() as own, ground.copy.reading() as copy:
        found = [
            *_agreement(ground, own, machine),
            *_secrets(ground),
            *certificate_problems(ground.settings, ground.clock()),
            *_ways_over(ground),
            *_people(own),
            *_clock(ground, own),
            *_disk(machine),
            *_replicas(own),
            *_chains(ground, own, copy),
            *_copies(ground, own),
            *_drill(ground, own),
        ]
    return found + list(_writable(ground))


def store(ground: Ground, found: list[Problem]) -> Mapping[str, Any]:
    """Keeps the list for console, command line and beat. Raises DatabaseGone, DatabaseBusy."""
    said = {"site": ground.site, "problems": [asdict(each) for each in found]}
    with ground.own.writing() as db:
        put_status(db, readiness_key(ground.site), ground.clock(), said)
    return said


def _agreement(ground: Ground, own: Connection, machine: Machine) -> Iterator[Problem]:
    """Both decide by the same plan and the same program, or a take-over changes more than the place."""
    beat, other = status_of(own, PEER), ground.name_of(ground.peer)
    if not beat.at_ms:
        todo = f"start {other} with the same pair and peer-key, and look at the line between both"
        yield Problem(code="peer_never_heard", text=f"{other} was never heard", todo=todo)
        return
    if beat.text("plan") not in ("", ground.plan.digest):
        todo = "activate the same plan at both sites (console, Plan)"
        yield Problem(code="plan_differs", text=f"{other} has another plan in force", todo=todo)
    theirs = beat.text("release")
    if theirs not in ("", machine.release):
        text = f"{other} runs release {theirs}, this site {machine.release}"
        yield Problem(
            code="release_differs", text=text, todo="bring both to the same release: docs/deploy.md"
        )


def _secrets(ground: Ground) -> Iterator[Problem]:
    """Accounts of both sites are served by whichever site is left: it needs the secrets of all of them."""
    for each in missing_secrets(ground.plan, ground.settings):
        text = f"the secret of account {each.account_id} is missing"
        todo = f"set {each.variable}, or write {each.file}, and restart the roles"
        yield Problem(code="secret_missing", text=text, todo=todo)
    names = sorted({each.secret for each in ground.pair.actions if each.secret} | {"peer-key"})
    for name in names:
        if secret_of(name, ground.settings) is None:
            todo = f"set {variable_of(name)}, or write {ground.settings.data_dir / 'secrets' / name}"
            text = f"the secret {name} is missing"
            yield Problem(code="secret_missing", text=text, todo=todo)


def _ways_over(ground: Ground) -> Iterator[Problem]:
    """A provider that knows one address only goes on calling a site that is gone."""
    for each in ground.plan.accounts:
        if each.provider not in BY_ROLES and not has_way_over(ground, each):
            text = f"nothing brings what comes by {each.account_id} ({each.provider}) to the other site"
            todo = (
                "give the provider the other site's address as its fallback, and the account the option "
                "peer_fallback = true; or write an action (twilio_number, http, command) that moves it"
            )
            yield Problem(code="no_way_over", text=text, todo=todo)


def has_way_over(ground: Ground, account: AccountPlan) -> bool:
    """Whether its provider knows both sites, or is told at a take-over, by its own action or one for all."""
    if dict(account.options).get(FALLBACK_OPTION) is True:
        return True
    actions = [each for each in ground.pair.actions if each.when == "take_over" and each.site == ground.peer]
    return any(each.account == account.account_id or each.kind != "twilio_number" for each in actions)


def _people(own: Connection) -> Iterator[Problem]:
    """Somebody must be able to sign in, and somebody must be free: a site without people serves nobody."""
    found = own.row(
        """SELECT count(*) FROM person JOIN credential ON credential.agent_id = person.agent_id
           WHERE person.active = 1"""
    )
    if not found or not found[0]:
        todo = "the other site's people come with its journal: wait for it, or type `muster people`"
        yield Problem(code="nobody_can_sign_in", text="nobody can sign in at this site", todo=todo)
    free = own.row("SELECT count(*) FROM agent WHERE available = 1 AND desk_ids <> '[]'")
    if not free or not free[0]:
        todo = "somebody signs in here; after a take-over the other site's agents come by themselves"
        yield Problem(code="nobody_free", text="no agent is available at this site", todo=todo)


def _clock(ground: Ground, own: Connection) -> Iterator[Problem]:
    if wrong := clock_problem(own, ground.clock()):
        todo = (
            "set the clock of this machine (`chronyc tracking`); until then it does not take over by itself"
        )
        yield Problem(code="clock_suspect", text=f"the clock cannot be trusted: {wrong}", todo=todo)


def _disk(machine: Machine) -> Iterator[Problem]:
    used = machine.disk_used_pct()
    if used >= DISK_PCT:
        todo = "make room, or move the data folder: a full disk ends ingest"
        yield Problem(code="disk_full", text=f"the disk is {used} % full", todo=todo)


def _replicas(own: Connection) -> Iterator[Problem]:
    """Commits that wait for a replica wait for ever when it is gone: that must be known before it is."""
    if own.dialect != "postgresql":
        return
    found = replicas(own)
    if found.missing:
        yield Problem(code="replica_missing", text=replica_text(found), todo=REPLICA_TODO)
    elif found.needed and found.synchronous == found.needed:
        text = f"{replica_text(found)}; if one of them fails, this site takes nothing"
        todo = "let one more follow, and name it too: synchronous_standby_names = 'ANY 1 (one, two)'"
        yield Problem(code="replica_alone", text=text, todo=f"{todo} (docs/deploy.md)")
    elif not found.connected:
        text = "PostgreSQL has no replica: with its machine this site's own copy is gone"
        yield Problem(code="no_replica", text=text, todo="let one follow, or two: docs/deploy.md")


def _chains(ground: Ground, own: Connection, copy: Connection) -> Iterator[Problem]:
    """The newest rows of both, the last whole check of ours, and what the other site has of ours."""
    other = ground.name_of(ground.peer)
    mine, theirs = look_at_chain(own), look_at_chain(copy)
    fault = mine.fault or status_of(own, VERIFIED).text("fault")
    if fault:
        todo = "`muster journal verify` names every row, `muster journal repair --from-peer` brings them back"
        yield Problem(code="journal_damaged", text=f"the journal is damaged: {fault}", todo=todo)
    if theirs.fault:
        todo = f"look at the disk, and let the copy come again from {other}: docs/disaster.md"
        yield Problem(code="copy_broken", text=f"the copy of {other} is damaged: {theirs.fault}", todo=todo)
    if partial := partial_copy(ground, own, copy):
        yield partial
    yield from _contents(own, other)
    said = status_of(own, PEER).data.get("copy_of_you")
    if isinstance(said, dict) and isinstance(said.get("seq"), int) and said["seq"] <= mine.seq:
        here = hash_at(own, said["seq"])
        if said["seq"] and here and said.get("head_hash") != here:
            text = f"what {other} has of this site is not what this site has (row {said['seq']})"
            todo = "one of both was restored from an older state: docs/disaster.md"
            yield Problem(code="copies_differ", text=text, todo=todo)


def _contents(own: Connection, other: str) -> Iterator[Problem]:
    """What the scrub found in all words and files, here and in the copy."""
    known = status_of(own, CONTENT).data
    ours, theirs = known.get("own"), known.get("copy")
    if isinstance(ours, dict) and ours.get("damaged"):
        text = f"{ours['damaged']} words or files are damaged: {ours.get('fault')}"
        todo = "`muster journal repair --from-peer` brings them back; then look at the disk"
        yield Problem(code="content_damaged", text=text, todo=todo)
    if isinstance(theirs, dict) and theirs.get("damaged"):
        text = f"{theirs['damaged']} words or files in the copy of {other} are damaged: {theirs.get('fault')}"
        todo = f"they come again from {other} by themselves, while it lives; look at the disk"
        yield Problem(code="copy_content_damaged", text=text, todo=todo)


def _copies(ground: Ground, own: Connection) -> Iterator[Problem]:
    now_ms, other = ground.clock(), ground.name_of(ground.peer)
    known = status_of(own, COPY)
    if known.number("behind_ms") > BEHIND_MS:
        text = (
            f"{other} is behind by {known.number('behind_rows')} rows, {seconds(known.number('behind_ms'))}"
        )
        todo = f"it catches up by itself once the line and {other} are well"
        yield Problem(code="copy_behind", text=text, todo=todo)
    sending = known.data.get("sending")
    if isinstance(sending, dict) and (problem := sending.get("problem")) and problem not in PASSING:
        text = f"{other} refuses what this site sends: {sending.get('detail') or problem}"
        todo = "`muster journal verify` at both sites; the same peer-key and certificates: docs/disaster.md"
        yield Problem(code="copy_refused", text=text, todo=todo)
    if known.number("single_copies"):
        text = f"{known.number('single_copies')} contacts are at this site only"
        todo = f"they go over by themselves once {other} answers; do not stop this site before"
        yield Problem(code="single_copies", text=text, todo=todo)
    if not known.fresh(now_ms, EVERY_MS):
        todo = "the role `peer` does not run here: `muster up` starts it"
        yield Problem(code="peer_role_silent", text="nobody keeps up the copy at this site", todo=todo)


def _drill(ground: Ground, own: Connection) -> Iterator[Problem]:
    """What is not rehearsed does not work: both failures that this is made for were failed rehearsals."""
    every_ms = ground.pair.drill_every_days * DAY_MS
    if not every_ms:
        return
    found = own.row("SELECT max(ended_ms) FROM drill WHERE ended_ms > 0")
    last_ms = int(found[0]) if found and found[0] else 0
    if ground.clock() - last_ms < every_ms:
        return
    ago = f"{(ground.clock() - last_ms) // DAY_MS} days ago" if last_ms else "never"
    todo = "hold one: `muster site drill`, or *Hold a drill* among the Sites of the page /admin"
    yield Problem(code="drill_due", text=f"the last drill was {ago}", todo=todo)


def _writable(ground: Ground) -> Iterator[Problem]:
    """A disk that is read-only answers every question and takes nothing."""
    try:
        with ground.own.writing() as db:
            put_status(db, "written", ground.clock(), {})
    except (DatabaseGone, DatabaseBusy) as problem:
        text = f"the database takes nothing: {problem}"
        yield Problem(code="database_not_writable", text=text, todo="look at its disk and its log first")
