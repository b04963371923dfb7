"""Would the core decide the same again? Feeds the journal to a fresh core as the router did; compares bytes.

Each group says how far the router had read and at what time it decided, so nothing depends on how the router
was scheduled, restarted or rebuilt. Groups decided in safe mode are not the core's: they are passed over, and
the core goes on from the tables as they were folded by then.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.alarms import CODES
from router.core import Core
from router.events import Event, PlanActivated
from router.journal import fold, stream
from router.journal.appends import SAFE_MARK, set_position
from router.journal.connection import Connection
from router.journal.restore import NoPlan, load_plan, load_state
from router.journal.twin import empty_twin
from router.records import (
    DECISION_KINDS,
    EVENT_KINDS,
    GROUP,
    UNREADABLE,
    Fact,
    Row,
    event_of,
    fact_of,
    readable_part,
)

PAGE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first decision of a group that is not the same. None: one side has no such decision.

    Shape: seq is that of the recorded row, or of the group where there is none.
    """

    seq: int
    group_seq: int
    release: str
    recorded: Fact | None
    replayed: Fact | None


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay saw. `passed_over` counts groups of safe mode."""

    rows: int = 0
    groups: int = 0
    decisions: int = 0
    passed_over: int = 0
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What the row that opens a group says."""

    seq: int
    read_through: int
    now_ms: int
    core_ms: int
    release: str
    quiet: tuple[tuple[int, int], ...]


class Replay:
    """A core that is fed the journal, row by row. `core` is None before the first group and in safe mode.

    `twin` holds the tables as folded so far; without one, safe mode cannot be passed over.
    """

    def __init__(self, twin: Connection | None = None) -> None:
        self.core: Core | None = None
        self.seen = Replayed()
        self._twin = twin
        self._unread: deque[Row] = deque()
        self._expected: deque[Fact] = deque()
        self._group: Group | None = None
        self._in_group = False

    def take(self, row: Row) -> Difference | None:
        """The next row of the journal; the difference it shows, if any."""
        self.seen.rows += 1
        difference = self._compare(row)
        if row.kind == GROUP:
            self._begin(group_of(row))
        elif row.kind in EVENT_KINDS:
            self._unread.append(row)
        if self._twin is not None:
            fold.apply(self._twin, row)
        return difference

    def end(self) -> Difference | None:
        """The journal ends here; a decision that it lacks is a difference."""
        return self._missing()

    def decide(self, group: Group) -> Iterator[Fact]:
        """What the core decides for a group, decision by decision: the rows it had read, then its time.

        Between two decisions of one event the core has already gone on; see why.py for a moment before one.
        """
        core = self.core = self.core or self._new_core()
        for until_seq, now_ms in (*group.quiet, (group.read_through, group.now_ms)):
            while self._unread and self._unread[0].seq <= until_seq:
                event = _event(self._unread.popleft())
                if event is not None:
                    yield from map(fact_of, core.handle(event, now_ms))
        yield from map(fact_of, core.advance(group.now_ms))

    def _begin(self, group: Group) -> None:
        self._group, self._in_group = group, True
        self.seen.groups += 1
        if group.release.endswith(SAFE_MARK):
            self._pass_over(group)
        else:
            self._expected.extend(self.decide(group))
        if self._twin is not None:
            set_position(self._twin, group.read_through, group.core_ms)

    def _pass_over(self, group: Group) -> None:
        self.seen.passed_over += 1
        self.core = None
        while self._unread and self._unread[0].seq <= group.read_through:
            self._unread.popleft()

    def _new_core(self) -> Core:
        """From the tables after safe mode; else the empty core that the very first router began with."""
        if self._twin is not None:
            _, state = load_state(self._twin)
            return Core.restore(load_plan(self._twin, state.plan_version), state)
        for row in self._unread:
            event = event_of(row) if row.kind == "plan_activated" else None
            if isinstance(event, PlanActivated):
                return Core(event.plan, 0)
        raise NoPlan("the journal has decisions before any plan")

    def _compare(self, row: Row) -> Difference | None:
        """Row against what is expected next. In safe mode nothing is expected of the core."""
        if row.kind not in DECISION_KINDS or not self._in_group:
            self._in_group = False
            return self._missing()
        group = self._group
        if group is None or group.release.endswith(SAFE_MARK) or _of_the_role(row):
            return None
        self.seen.decisions += 1
        recorded = Fact(kind=row.kind, ref=row.ref, data=row.data)
        replayed = self._expected.popleft() if self._expected else None
        return None if recorded == replayed else self._differing(row.seq, recorded, replayed)

    def _missing(self) -> Difference | None:
        if not self._expected or self._group is None:
            return None
        replayed = self._expected.popleft()
        self._expected.clear()
        return self._differing(self._group.seq, None, replayed)

    def _differing(self, seq: int, recorded: Fact | None, replayed: Fact | None) -> Difference:
        group = self._group
        return Difference(
            seq=seq,
            group_seq=group.seq if group else 0,
            release=group.release if group else "",
            recorded=recorded,
            replayed=replayed,
        )


def replay(db: Connection) -> Iterator[Replayed]:
    """Replays the site's own stream up to the first difference; gives the same count after every page.

    Call it inside one read transaction.
    """
    twin = empty_twin() if _has_safe_mode(db) else None
    player = Replay(twin)
    after_seq = 0
    try:
        while page := stream.read_rows(db, after_seq=after_seq, limit=PAGE):
            for row in page:
                player.seen.difference = player.take(row)
                if player.seen.difference is not None:
                    break
            yield player.seen
            if player.seen.difference is not None:
                return
            after_seq = page[-1].seq
        player.seen.difference = player.end()
        yield player.seen
    finally:
        if twin is not None:
            twin.close()


def group_of(row: Row) -> Group:
    """The group that a row of kind `decided` opens."""
    data: dict[str, Any] = msgspec.json.decode(row.data)
    return Group(
        seq=row.seq,
        read_through=data["read_through"],
        now_ms=data["now_ms"],
        core_ms=data["core_ms"],
        release=data["release"],
        quiet=tuple((seq, now_ms) for seq, now_ms in data.get("quiet", ())),
    )


def _event(row: Row) -> Event | None:
    """What the router was shown of a row, also where the row cannot be read."""
    try:
        return event_of(row)
    except UNREADABLE:
        return readable_part(row)


def _of_the_role(row: Row) -> bool:
    """Whether it is an alarm that no core raises: the router's own, about itself."""
    if row.kind != "alarm_raised":
        return False
    return msgspec.json.decode(row.data)["code"] not in CODES


def _has_safe_mode(db: Connection) -> bool:
    found = db.row(
        f"SELECT 1 FROM journal WHERE {stream.OWN_ROWS} AND kind = :kind AND data LIKE :mark LIMIT 1",
        kind=GROUP,
        mark=f'%{SAFE_MARK}"%',
    )
    return found is not None
