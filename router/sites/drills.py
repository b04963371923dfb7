"""A drill: contacts of our own take the whole way of a real one, a share of them to the other site, and end.

It is the real path. A web process sends them through the front door of every way in that can be tried
(agents_ui/watch/rehearsing.py); they are acknowledged, read, and lined up as anybody's, but ring at no desk.
Here a share of them is handed over as rerouting hands over people, and the other site lines them up and ends
them. What is measured is in the report, and what failed is named. Nothing of it counts in statistics.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON of reports

import msgspec

from config.words import REHEARSAL
from router.journal.appends import FactsAppend
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.rerouting import AT_ONCE, Rerouting

COUNT: Final = 20
COUNT_MAX: Final = 500

BY_SCHEDULE: Final = "schedule"
"""Who began a drill that nobody asked for."""

LINED_UP_WITHIN_MS: Final = 20_000
THERE_WITHIN_MS: Final = 30_000
OVER_MS: Final = 180_000
"""A drill that is still going on then was interrupted: its process died."""

DAY_MS: Final = 86_400_000

_OPEN: Final = "SELECT drill_id, began_ms, agent_id, share_pct, count, report FROM drill WHERE ended_ms = 0"
_SENT: Final = """
    SELECT interaction_id, queue_id, closed_seq, closed_why, accepted_at_ms FROM interaction
    WHERE traffic = :traffic AND arrived_seq > :seq ORDER BY accepted_at_ms, interaction_id
"""
_ARRIVED: Final = "SELECT interaction_id, at_ms FROM adoption WHERE interaction_id IN {wanted}"
_ENDED: Final = "SELECT interaction_id FROM interaction WHERE closed_why = ? AND interaction_id IN {wanted}"


@dataclass(slots=True, kw_only=True)
class Underway:
    """A drill that this process carries out."""

    drill_id: str
    began_ms: int
    handed_ms: int = 0
    ids: list[str] = field(default_factory=list)
    """What was given to the other site."""
    there: dict[str, int] = field(default_factory=dict)
    """How long each took from being handed over until its end there was seen here."""
    in_line_ms: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class DrillRefused(Exception):
    """Nothing was begun. The message is one line that says why and what to do."""


def begin_facts(
    db: Connection, *, who: str, share_pct: int, count: int, drill_id: str = ""
) -> tuple[str, list[Fact]]:
    """(id, the fact that begins a drill). Raises DrillRefused while another goes on."""
    found = db.row(_OPEN)
    if found is not None:
        raise DrillRefused(f"a drill goes on, begun by {found[2]}: its report comes within three minutes")
    if not 1 <= count <= COUNT_MAX or share_pct not in range(0, 101, 10):
        raise DrillRefused(f"give a count of 1 to {COUNT_MAX} and a share of 0 to 100 in steps of 10")
    drill_id = drill_id or str(uuid.uuid4())
    return drill_id, [fact("drill_began", drill_id, share_pct=share_pct, count=count, agent_id=who)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginDrill:
    """Append: a drill begins. Its submitter gets DrillRefused where it may not."""

    drill_id: str
    who: str
    share_pct: int
    count: int = COUNT

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Under the lock: two people at once begin one."""
        return begin_facts(
            db, who=self.who, share_pct=self.share_pct, count=self.count, drill_id=self.drill_id
        )[1]


def drills_of(db: Connection, limit: int = 20) -> list[dict[str, Any]]:
    """The latest drills, newest first, with what is known of them."""
    rows = db.rows(
        "SELECT drill_id, began_ms, ended_ms, agent_id, share_pct, count, report FROM drill"
        " ORDER BY began_ms DESC, drill_id LIMIT :limit",
        limit=limit,
    )
    names = ("drill_id", "began_ms", "ended_ms", "agent_id", "share_pct", "count")
    return [
        {**dict(zip(names, row[:6], strict=True)), "report": msgspec.json.decode(row[6]) if row[2] else None}
        for row in rows
    ]


def drill_lines(report: Mapping[str, Any]) -> list[str]:
    """A report in words."""
    lines = [
        f"Begun by {report['who']}; it took {report['took_ms'] / 1000:.1f} s.",
        f"{report['sent']} were sent through the front doors, {report['kept']} were acknowledged"
        f"{_within(report['kept_ms'])}, and lined up{_within(report['in_line_ms'])}.",
        f"{report['handed']} were handed to the other site ({report['share_pct']} %), {report['there']} were "
        f"lined up there and ended{_within(report['there_ms'])}.",
    ]
    failed = report["failed"]
    return [*lines, *(f"Failed: {each}." for each in failed)] if failed else [*lines, "Nothing failed."]


def _within(times_ms: Mapping[str, int]) -> str:
    return f" within {times_ms['worst']} ms (half of them {times_ms['median']} ms)" if times_ms else ""


def sent_fact(drill_id: str, *, sent: int, kept_ms: Sequence[int], problems: Mapping[str, str]) -> Fact:
    """What the web that sent them says: how many were taken, how long each took, which ways took none."""
    return fact(
        "drill_sent",
        drill_id,
        sent=sent,
        kept=len(kept_ms),
        kept_ms=_spread(kept_ms),
        problems=dict(problems),
    )


def report_of(db: Connection, drill_id: str) -> dict[str, Any] | None:
    """The report of a drill that has ended; None before."""
    row = db.row("SELECT report, ended_ms FROM drill WHERE drill_id = :drill_id", drill_id=drill_id)
    return msgspec.json.decode(row[0]) if row is not None and row[1] else None


class Drills:
    """Carries drills out, and begins those that are due. For one thread; step() is called every second."""

    def __init__(
        self,
        *,
        rerouting: Rerouting,
        clock_ms: Callable[[], int],
        every_days: Callable[[], int],
        share_pct: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        self._rerouting = rerouting
        self._clock_ms = clock_ms
        self._every_days, self._share_pct, self._ready = every_days, share_pct, ready
        self._underway: Underway | None = None

    def step(self, own: Committer, database: Database, copy: Database) -> None:
        """One look at what is to be done. Raises as databases and committers do."""
        with database.reading() as db:
            row = db.row(_OPEN)
            due = row is None and self._is_due(db)
        if row is None:
            self._underway = None
            if due and self._ready():
                self._begin(own, database)
            return
        drill_id, began_ms, agent_id, share_pct, _, report = row
        sent = msgspec.json.decode(report)
        if self._underway is None or self._underway.drill_id != drill_id:
            self._underway = Underway(drill_id=drill_id, began_ms=began_ms)
        self._go_on(own, database, copy, self._underway, who=agent_id, share_pct=share_pct, sent=sent)

    def _is_due(self, db: Connection) -> bool:
        days = self._every_days()
        last = db.row("SELECT max(began_ms) FROM drill")
        if days <= 0 or last is None or last[0] is None:
            return False  # The first one is a person's: nobody is surprised by a rehearsal.
        return bool(self._clock_ms() - last[0] >= days * DAY_MS)

    def _begin(self, own: Committer, database: Database) -> None:
        with database.reading() as db:
            _, facts = begin_facts(db, who=BY_SCHEDULE, share_pct=self._share_pct(), count=COUNT)
        _append(own, facts)

    def _go_on(
        self,
        own: Committer,
        database: Database,
        copy: Database,
        drill: Underway,
        *,
        who: str,
        share_pct: int,
        sent: Mapping[str, Any],
    ) -> None:
        now_ms = self._clock_ms()
        lines = _lines(database, drill.drill_id)
        if now_ms - drill.began_ms > OVER_MS:
            drill.failed.append("it was interrupted, or took more than three minutes")
        elif not drill.handed_ms:
            waiting = [each for each in lines if each.queue_id and not each.ended]
            late = now_ms - drill.began_ms > LINED_UP_WITHIN_MS
            if not late and (not sent or len([each for each in lines if each.queue_id]) < sent["kept"]):
                return
            self._hand_over(own, database, drill, waiting, share_pct=share_pct, sent=sent)
            return
        elif not self._all_there(copy, drill) and now_ms - drill.handed_ms < THERE_WITHIN_MS:
            return
        self._end(own, drill, lines, who=who, share_pct=share_pct, sent=sent)

    def _hand_over(
        self,
        own: Committer,
        database: Database,
        drill: Underway,
        waiting: Sequence["_Line"],
        *,
        share_pct: int,
        sent: Mapping[str, Any],
    ) -> None:
        if not sent:
            drill.failed.append("no web process has sent anything")
        elif len(waiting) < sent["kept"]:
            drill.failed.append(f"{sent['kept'] - len(waiting)} were acknowledged and are not in line")
        drill.in_line_ms = [each.lined_up_ms for each in waiting]
        chosen = [each.interaction_id for each in waiting][: -(-len(waiting) * share_pct // 100)]
        drill.handed_ms = self._clock_ms()
        for at in range(0, len(chosen), AT_ONCE):
            part = chosen[at : at + AT_ONCE]
            handed = self._rerouting.hand_over(own, database, part, rehearsal=True)
            if handed.refused:
                drill.failed.append(f"{handed.refused} were refused there: {handed.why}")
            if handed.unknown:
                drill.failed.append(f"of {handed.unknown} the other site did not say whether it took them")
        drill.ids = chosen
        rest = [each.interaction_id for each in waiting if each.interaction_id not in set(chosen)]
        _append(own, [fact("handover_ended", ref, to_site="", why=REHEARSAL) for ref in rest])

    def _all_there(self, copy: Database, drill: Underway) -> bool:
        """Whether the other site has lined up and ended all of them, as its stream says."""
        with copy.reading() as db:
            ended = {str(row[0]) for row in rows_in(db, _ENDED, drill.ids, REHEARSAL)}
            adopted = {str(row[0]) for row in rows_in(db, _ARRIVED, drill.ids)}
        took_ms = self._clock_ms() - drill.handed_ms
        for ref in sorted(ended & adopted):
            drill.there.setdefault(ref, took_ms)
        return len(drill.there) == len(drill.ids)

    def _end(
        self,
        own: Committer,
        drill: Underway,
        lines: Sequence["_Line"],
        *,
        who: str,
        share_pct: int,
        sent: Mapping[str, Any],
    ) -> None:
        if missing := len(drill.ids) - len(drill.there):
            drill.failed.append(f"{missing} were not seen to end at the other site")
        for way, why in sorted(sent.get("problems", {}).items()):
            drill.failed.append(f"{way} took nothing: {why}")
        left = [each.interaction_id for each in lines if not each.ended]
        report = {
            "who": who,
            "began_ms": drill.began_ms,
            "took_ms": self._clock_ms() - drill.began_ms,
            "share_pct": share_pct,
            "sent": sent.get("sent", 0),
            "kept": sent.get("kept", 0),
            "kept_ms": sent.get("kept_ms", {}),
            "in_line_ms": _spread(drill.in_line_ms),
            "handed": len(drill.ids),
            "there": len(drill.there),
            "there_ms": _spread(list(drill.there.values())),
            "failed": drill.failed,
        }
        ends = [fact("handover_ended", ref, to_site="", why=REHEARSAL) for ref in left]
        _append(own, [*ends, fact("drill_ended", drill.drill_id, report=report)])
        self._underway = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One of ours as this site has it."""

    interaction_id: str
    queue_id: str
    ended: bool
    lined_up_ms: int


def _lines(database: Database, drill_id: str) -> list[_Line]:
    """What was sent for it. A rehearsal's own decisions say when it was lined up."""
    with database.reading() as db:
        (seq,) = db.row("SELECT seq FROM drill WHERE drill_id = :drill_id", drill_id=drill_id) or (0,)
        rows = db.rows(_SENT, traffic=REHEARSAL, seq=seq)
        lined = dict(
            db.rows(
                "SELECT ref, min(at_ms) FROM journal WHERE kind = 'queued' AND seq > :seq"
                " AND site = (SELECT site FROM stream WHERE own = 1) GROUP BY ref",
                seq=seq,
            )
        )
    return [
        _Line(
            interaction_id=str(ref),
            queue_id=str(queue_id),
            ended=bool(closed_seq),
            lined_up_ms=int(lined.get(ref, accepted_at_ms)) - int(accepted_at_ms),
        )
        for ref, queue_id, closed_seq, _, accepted_at_ms in rows
    ]


def _spread(times_ms: Sequence[int]) -> dict[str, int]:
    """Median and worst; empty of nothing."""
    if not times_ms:
        return {}
    ordered = sorted(times_ms)
    return {"median": ordered[len(ordered) // 2], "worst": ordered[-1]}


def _append(own: Committer, facts: Sequence[Fact]) -> None:
    if facts:
        own.submit(FactsAppend(facts_to_append=tuple(facts))).result()
