"""What a web process stands on when it looks at a pair of sites, or acts on it."""

from agents_ui.services import Services
from router.sites.ground import Ground


class NoCopy(Exception):
    """There is a pair, and nothing of the other site was ever copied here."""


def ground_of(services: Services) -> Ground | None:
    """The plan in force, the tables of this site, the copy of the other one; None of one site alone.

    Blocks: the copy may have to be opened. Raises NoCopy.
    """
    plan, site = services.plan(), services.settings.site
    if plan.pair is None or plan.pair.site(site) is None:
        return None
    copy = services.whereabouts.copy.database()
    if copy is None:
        raise NoCopy(plan.pair.other(site).name)
    return Ground(
        settings=services.settings,
        plan=plan,
        site=site,
        own=services.database,
        copy=copy,
        committer=services.committer,
    )
