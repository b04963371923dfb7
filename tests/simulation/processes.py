"""Processes of the simulated site that die, freeze, and exist twice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from router.journal.appends import ROUTER, Fenced, RouterAppend
from router.journal.connection import DatabaseGone
from router.records import Row
from router.run.router_step import RouterStep
from router.run.web_lease import renew_web
from tests.simulation.journal import Died

if TYPE_CHECKING:
    from tests.simulation.one_site import SimulatedSite

POLL_MS = 250
"""How long the router loop waits for a hint at most."""

STEPS_MAX = 200
"""A router that is never done in one go has a mistake."""

_TAKE = """
    INSERT INTO lease (name, owner, epoch, until_ms) VALUES (:name, '', 1, 0)
    ON CONFLICT (name) DO UPDATE SET epoch = lease.epoch + 1 RETURNING epoch
"""


class RouterProcess:
    """One router role: the real RouterStep, driven as router_loop drives it."""

    def __init__(self, world: "SimulatedSite") -> None:
        self.alive = True
        self._world = world
        self.skew_ms = world.dice.choice((0, 0, 0, -40, 900)) if world.fault_rate else 0
        self._still_until_ms = 0
        self._stepping = False
        self._poll = 0
        found = world.journal.db.row(_TAKE, name=ROUTER)
        self._step = RouterStep(
            database=world.journal,  # type: ignore[arg-type]  # it has what is used of Database
            commit=self._commit,
            clock_ms=lambda: world.clock.now_ms + self.skew_ms,
            epoch=found[0] if found else 0,
            release="simulated",
        )

    def wake(self) -> None:
        """A hint, or the poll: take turns until there is nothing left to do."""
        now_ms = self._world.clock.now_ms
        if not self.alive or self._stepping or now_ms < self._still_until_ms:
            return
        self._stepping = True
        try:
            self._turns()
            wait_ms = self._step.wake_in_ms(POLL_MS)
        except Fenced:
            self.alive = False
            return
        except DatabaseGone:
            wait_ms = 200
        except Died:
            self.die()
            return
        finally:
            self._stepping = False
        self._poll_after(max(wait_ms, 1))

    def die(self) -> None:
        """Killed. Somebody notices, and starts another."""
        self.alive = False
        self._world.soon(250, 5_000, self._successor)

    def stand_still(self, for_ms: int) -> None:
        """Stopped by a signal or a slow disk; meanwhile another takes over, and this one does not know."""
        self._still_until_ms = self._world.clock.now_ms + for_ms
        self._world.at(for_ms, self.wake)
        self._world.soon(250, 5_000, self._successor)

    def _successor(self) -> None:
        self._world.wake_router()

    def _turns(self) -> None:
        for _ in range(STEPS_MAX):
            if not self._step.step():
                return
        raise AssertionError(f"the router took {STEPS_MAX} turns at one instant")

    def _poll_after(self, wait_ms: int) -> None:
        """The poll that was planned before is not needed any more."""
        self._poll += 1
        number = self._poll
        self._world.at(wait_ms, lambda: self.wake() if number == self._poll else None)

    def _commit(self, append: RouterAppend) -> Sequence[Row]:
        if self._world.chance(self._world.fault_rate / 5):  # frozen just before the commit, and replaced
            self._world.journal.counts["replaced while committing"] = (
                self._world.journal.counts.get("replaced while committing", 0) + 1
            )
            self._world.wake_router()
        return self._world.journal.append(append, skew_ms=self.skew_ms)


class Web:
    """One web role, as far as routing is concerned: it holds connections and renews its lease."""

    def __init__(self, world: "SimulatedSite", number: int) -> None:
        self.alive = True
        self.web_id = f"web-{number}"
        self.skew_ms = world.dice.choice((0, 0, 0, -30, 25)) if world.fault_rate else 0
        self._world = world
        self._renew()

    def die(self) -> None:
        """Killed with everything it held, unless it is the last one; another starts in its place."""
        world = self._world
        if sum(web.alive for web in world.webs) < 2:
            return
        self.alive = False
        world.soon(500, 3_000, self._successor)

    def _successor(self) -> None:
        if self._world.alive:
            self._world.webs.append(Web(self._world, len(self._world.webs)))

    def _renew(self) -> None:
        if self.alive:
            renew_web(self._world.journal.db, web_id=self.web_id)
            self._world.at(1_000, self._renew)
