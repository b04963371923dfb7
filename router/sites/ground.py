"""What an act on a pair of sites stands on: the plan, this site's database, the copy of the other one.

The console and the command line make one each. Nothing of it needs Redis, a web process or the peer role: the
two databases are enough.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from config.plan import Pair, Plan, SitePlan
from config.settings import Settings, SettingsWrong, site_id_of
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.run.plan_activation import plan_in_force
from router.sites.copies import open_copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """This site of a pair, and everything that is known here of the other one."""

    settings: Settings
    plan: Plan
    site: str
    own: Database
    copy: Database
    committer: Committer
    clock: Callable[[], int] = wall_ms

    @property
    def pair(self) -> Pair:
        """Of a ground there always is one."""
        if self.plan.pair is None:
            raise SettingsWrong("the plan has no [pair]: this is one site alone")
        return self.plan.pair

    @property
    def peer(self) -> str:
        """The id of the other site."""
        return self.pair.other(self.site).site_id

    def name_of(self, site: str) -> str:
        """What people call a site."""
        found: SitePlan | None = self.pair.site(site)
        return found.name if found else site


@contextmanager
def open_ground(settings: Settings, *, after_commit: Callable[[int], None] | None = None) -> Iterator[Ground]:
    """The ground of this process, from the databases alone. Raises SettingsWrong, DatabaseGone, NoStream."""
    own = open_database(settings.database_url, unsafe=settings.unsafe)
    try:
        with own.reading() as db:
            in_force = plan_in_force(db)
        if in_force is None:
            raise SettingsWrong("no plan is in force: type `muster up` once")
        plan = in_force[1]
        if not settings.site or plan.pair is None:
            raise SettingsWrong(
                "this is one site alone: MUSTER_SITE and a [pair] in the plan make it one of two"
            )
        site = site_id_of(settings, plan)
        copy = open_copy(settings, plan.pair.other(site).site_id)
        try:
            committer = Committer(own, after_commit=after_commit)
            try:
                yield Ground(settings=settings, plan=plan, site=site, own=own, copy=copy, committer=committer)
            finally:
                committer.close()
        finally:
            copy.close()
    finally:
        own.close()


def person_here() -> str:
    """Who types, as far as the machine knows: it stands in the journal beside what they did."""
    import getpass

    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = "somebody"
    return f"{who}@{socket.gethostname()}"
