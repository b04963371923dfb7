"""Time at a site: what deadlines and places in line rest on, whatever becomes of the machine's clock."""

from router.journal.clock import SteadyClock
from router.journal.committer import Committer
from tests.journal.writing import append, arrived

HOUR_MS = 3_600_000


class Machine:
    """A machine whose time of day can be set."""

    def __init__(self) -> None:
        self.wall_ms = 1_795_000_000_000
        self.up_ms = 500

    def passes(self, ms: int) -> None:
        """Time really passes."""
        self.wall_ms += ms
        self.up_ms += ms

    def clock(self) -> SteadyClock:
        """The clock of a process that starts now."""
        return SteadyClock(wall=lambda: self.wall_ms, elapsed=lambda: self.up_ms)


def test_a_clock_set_back_goes_on():
    """An offer made before must ring out in seconds, not in an hour and some seconds (S-30)."""
    machine = Machine()
    clock = machine.clock()
    before = clock()
    machine.wall_ms -= HOUR_MS
    machine.passes(7)
    assert clock() == before + 7


def test_a_process_that_starts_on_a_machine_set_back_follows_the_journal(database):
    """After a restart the time of day is an hour behind the last row: the site's time still goes on."""
    machine = Machine()
    first = Committer(database, clock=machine.clock())
    (row,) = append(first, arrived("a"))
    first.close()
    machine.wall_ms -= HOUR_MS
    second = Committer(database, clock=machine.clock())
    times = []
    for name in ("b", "c"):
        machine.passes(1_000)
        times.append(append(second, arrived(name))[0].at_ms)
    second.close()
    assert times == [row.at_ms, row.at_ms + 1_000]


def test_a_clock_made_from_the_journal_is_not_behind_it(database):
    """A router that starts has to see the deadlines of its predecessor pass."""
    ahead = Committer(database, clock=lambda: 9_000_000_000_000)
    append(ahead, arrived("a"))
    ahead.close()
    with database.reading() as db:
        assert SteadyClock.of(db)() >= 9_000_000_000_000
