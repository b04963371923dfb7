"""What the product's own acts on two sites stand on, of a simulated site: plan, tables, copy, committer."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from config.plan import Pair, SitePlan
from router.journal.committer import Append
from router.records import Row
from router.sites.ground import Ground

if TYPE_CHECKING:
    from tests.simulation.half import Half

ASSIGNED_AFTER_MS = 45_000
"""In a world that is over in minutes: what agents of a silent site hold comes by itself so much later."""

PAIR = Pair(
    sites=tuple(SitePlan(site_id=each, name=each.upper(), url="", peer="") for each in ("a", "b")),
    assigned_after_ms=ASSIGNED_AFTER_MS,
)


class Submits:
    """The site's committer, as far as the product's acts on two sites use it."""

    def __init__(self, half: "Half") -> None:
        self._half = half

    def submit(self, append: Append) -> "Future[Sequence[Row]]":
        """Commits it now, or raises as the future would."""
        done: Future[Sequence[Row]] = Future()
        done.set_result(self._half.site.journal.append(append))
        return done


def ground_of(half: "Half", *, automatic: bool = False) -> Ground:
    """Its ground; automatic: the policy of its plan. Of the settings nothing is used: nobody is outside."""
    settings: Any = None
    own: Any = half.site.journal  # it has what is used of Database, as its copy has
    copy: Any = half.copy
    committer: Any = Submits(half)
    return Ground(
        settings=settings,
        plan=replace(half.site.plan, pair=replace(PAIR, take_over="automatic" if automatic else "manual")),
        site=half.name,
        own=own,
        copy=copy,
        committer=committer,
        clock=lambda: half.site.clock.now_ms,
    )
