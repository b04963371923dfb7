"""What the roles need to find in the database: tables, the plan in force, people. Idempotent.

`muster up` does it at each start, `muster prepare` where roles are started one by one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from agents_ui.access.first_start import OneTimePassword, prepare_site
from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import Settings, SettingsWrong, site_id_of
from router.journal.committer import Committer
from router.journal.connection import DatabaseGone
from router.journal.database import Database, open_database
from router.journal.stream import read_head
from router.run.head_mark import refuse_older
from router.run.plan_activation import ActivatePlan
from router.sites.boot_gate import check_start

Say = Callable[[str], None]
"""Takes one line for people."""


def prepare(
    settings: Settings, *, say: Say, by: str, demo: bool = False
) -> tuple[Plan, list[OneTimePassword]]:
    """The plan in force, and the one-time passwords of whoever is new. `by` is who activates a new plan.

    Raises SettingsWrong, DatabaseUnsafe and PlanWrong, each with a line that says what to do.
    """
    try:
        return _prepare(settings, say=say, by=by, demo=demo)
    except DatabaseGone as gone:
        raise SettingsWrong(str(gone)) from None


def show_sign_ins(sign_ins: Sequence[OneTimePassword], *, say: Say) -> None:
    """Say the passwords, which are kept nowhere."""
    if not sign_ins:
        return
    say("  sign-ins, shown this once; each is changed at its first use:")
    for each in sign_ins:
        say(f"    {each.agent_id:12} {each.password:20} {each.role:11} {each.name}")


def _prepare(settings: Settings, *, say: Say, by: str, demo: bool) -> tuple[Plan, list[OneTimePassword]]:
    plan = _plan_of(settings)
    site = site_id_of(settings, plan)
    database = open_database(settings.database_url, unsafe=settings.unsafe)
    database.create_tables(site=site)
    if settings.site:
        _refuse_other_site(database, site)
    refuse_older(database, settings.data_dir)
    check_start(settings, plan, database, say=say)
    committer = Committer(database)
    learns = bool(settings.site) and plan.pair is not None and plan.pair.sites[0].site_id != site
    try:
        if committer.submit(ActivatePlan(plan=plan, by=by)).result():
            say(f"  the plan of {plan.site.name} is in force")
        sign_ins = prepare_site(database, committer, plan, makes_people=not learns)
    finally:
        committer.close()
        database.close()
    if learns and plan.pair is not None:
        say(f"  people and passwords come from {plan.pair.other(site).name}, which makes them")
    if demo and sign_ins:
        _keep_for_demo(settings.data_dir, sign_ins)
    return plan, sign_ins


def _plan_of(settings: Settings) -> Plan:
    try:
        text = settings.plan_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsWrong(
            f"cannot read the plan {settings.plan_file} ({problem}): type MUSTER_PLAN=PATH before the command"
        ) from None
    return parse_plan(text, file_name=str(settings.plan_file))


def _refuse_other_site(database: Database, site: str) -> None:
    with database.reading() as db:
        found = read_head(db).site
    if found != site:
        raise SettingsWrong(
            f"this database is that of site {found!r}, not of {site!r}: "
            f"name it {found!r} in [[pair.sites]], or give {site!r} another MUSTER_DATA (or DATABASE_URL)"
        )


def _keep_for_demo(data_dir: Path, sign_ins: Sequence[OneTimePassword]) -> None:
    """Demo agents sign in by themselves, so their passwords are kept; a real centre never does this."""
    from agents_ui.demo.sign_ins import SignIn, keep_sign_ins

    kept = {
        each.agent_id: SignIn(agent_id=each.agent_id, name=each.name, role=each.role, password=each.password)
        for each in sign_ins
    }
    keep_sign_ins(data_dir, kept)
