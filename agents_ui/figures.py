"""What /metrics says: counted here from the feed, the committer and, now and then, the tables."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from agents_ui.watch.figures import WatchFigures, families, load_watch
from router.journal.committer import Append, Committer
from router.journal.database import Database
from router.records import EVENT_KINDS, Row
from router.sites.copy_gaps import SingleCopies, has_peer
from router.sites.healing import copy_figures

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""250 ms is the promised p99 of an answer."""

_EVENTS: Final = ", ".join(f"'{kind}'" for kind in sorted(EVENT_KINDS))

_CALLS: Final = "SELECT state, count(*) FROM call WHERE ended_ms = 0 GROUP BY state ORDER BY state"

_INTERACTIONS: Final = (
    "SELECT state, urgency, count(*) FROM interaction WHERE closed_seq = 0 GROUP BY state, urgency"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFigures:
    """One look at the tables.

    Units: times in milliseconds UTC, 0 where nothing waits. `behind_rows` are events that the router has not
           read; its own decisions, which it need not read, are not counted. `router_until_ms` is 0 on SQLite,
           where a lock of the kernel takes the place of a lease. copy is how far the other site has our
           journal (sites.healing.copy_figures); None where there never was another one.
    """

    at_ms: int
    interactions: tuple[tuple[str, int, int], ...]
    calls: tuple[tuple[str, int], ...]
    unread: int
    unread_since_ms: int
    last_seq: int
    behind_rows: int
    behind_since_ms: int
    router_until_ms: int
    watch: WatchFigures
    copy: Mapping[str, int] | None


def load_figures(database: Database, singles: SingleCopies) -> TableFigures:
    """Counts, in one read transaction."""
    now_ms = time.time_ns() // 1_000_000
    with database.reading() as db:
        unread = db.row("SELECT count(*), coalesce(min(at_ms), 0) FROM message WHERE reading = 'unread'") or (
            0,
            0,
        )
        stream = db.row("SELECT last_seq, site FROM stream WHERE own = 1") or (0, "")
        position = db.row("SELECT read_through FROM position WHERE reader = 'router'") or (0,)
        behind = db.row(
            "SELECT count(*), coalesce(min(at_ms), 0) FROM journal WHERE site = :site"
            f" AND seq > :read_through AND kind IN ({_EVENTS})",
            site=stream[1],
            read_through=position[0],
        ) or (0, 0)
        lease = db.row("SELECT until_ms FROM lease WHERE name = 'router'") or (0,)
        return TableFigures(
            at_ms=now_ms,
            interactions=tuple((str(a), int(b), int(c)) for a, b, c in db.rows(_INTERACTIONS)),
            calls=tuple((str(state), int(count)) for state, count in db.rows(_CALLS)),
            unread=unread[0],
            unread_since_ms=unread[1],
            last_seq=stream[0],
            behind_rows=behind[0],
            behind_since_ms=behind[1],
            router_until_ms=lease[0] if db.dialect == "postgresql" else 0,
            watch=load_watch(db),
            copy=copy_figures(db, singles, now_ms) if has_peer(db) else None,
        )


class Figures:
    """The metrics of one web process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.commits = Histogram(
            "muster_commit_seconds", "From handing over to durable", buckets=BUCKETS_S, registry=self.registry
        )
        self.failed = Counter(
            "muster_commits_failed", "Appends that did not become durable", registry=self.registry
        )
        self.rows = Counter(
            "muster_journal_rows", "Rows seen in the journal", ["kind"], registry=self.registry
        )
        self.copies = Histogram(
            "muster_copy_wait_seconds",
            "From durable here to known to be at the other site, or given up",
            ["outcome"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._tables = _Tables()
        self.registry.register(self._tables)

    def waited(self, outcome: str, waited_ms: int) -> None:
        """A contact has waited for the second copy."""
        self.copies.labels(outcome).observe(waited_ms / 1000)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A figure that is asked for at each scrape."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def sockets(self, count: Callable[[], Mapping[str, int]]) -> None:
        """Connections by kind, asked for at each scrape."""
        self.registry.register(_Sockets(count))

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener."""
        for row in rows:
            self.rows.labels(row.kind).inc()

    def take(self, figures: TableFigures) -> None:
        """The newest look at the tables."""
        self._tables.figures = figures


class TimedCommitter(Committer):
    """A committer that says how long its commits took."""

    def __init__(
        self, database: Database, figures: Figures, *, after_commit: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(database, after_commit=after_commit)
        self._figures = figures

    def submit(self, append: Append) -> "Future[tuple[Row, ...]]":
        began = time.monotonic()
        future = super().submit(append)

        def note(done: "Future[tuple[Row, ...]]") -> None:
            if done.cancelled() or done.exception() is not None:
                self._figures.failed.inc()
            else:
                self._figures.commits.observe(time.monotonic() - began)

        future.add_done_callback(note)
        return future


class _Sockets(Collector):
    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterator[GaugeMetricFamily]:
        metric = GaugeMetricFamily("muster_connections", "Open connections of this process", labels=["kind"])
        for kind, number in sorted(self._count().items()):
            metric.add_metric([kind], number)
        yield metric


class _Tables(Collector):
    def __init__(self) -> None:
        self.figures: TableFigures | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        figures = self.figures
        if figures is None:
            return
        now_ms = time.time_ns() // 1_000_000
        yield from families(figures.watch, now_ms)
        metric = GaugeMetricFamily("muster_interactions", "Open interactions", labels=["state", "urgency"])
        for state, urgency, count in figures.interactions:
            metric.add_metric([state, str(urgency)], count)
        yield metric
        calls = GaugeMetricFamily("muster_calls", "Calls that go on", labels=["state"])
        for state, count in figures.calls:
            calls.add_metric([state], count)
        yield calls
        values = {
            "muster_figures_age_seconds": ("Since the tables were counted", now_ms - figures.at_ms),
            "muster_unread_messages": ("Messages not read by triage yet", figures.unread * 1000),
            "muster_unread_age_seconds": ("Age of the oldest of them", _age(now_ms, figures.unread_since_ms)),
            "muster_journal_last_seq": ("Newest row of the journal", figures.last_seq * 1000),
            "muster_router_behind_rows": ("Events the router has not read", figures.behind_rows * 1000),
            "muster_router_behind_seconds": (
                "Age of the oldest of them",
                _age(now_ms, figures.behind_since_ms),
            ),
        }
        if figures.router_until_ms:
            left_ms = figures.router_until_ms - now_ms
            values["muster_router_lease_left_seconds"] = ("How long the router may still decide", left_ms)
        values |= _of_copy(figures.copy)
        for name, (text, thousandths) in values.items():
            yield GaugeMetricFamily(name, text, value=thousandths / 1000)


def _of_copy(copy: Mapping[str, int] | None) -> dict[str, tuple[str, int]]:
    if copy is None:
        return {}
    return {
        "muster_copy_acked_through": ("Row up to which the other site has all", 1000 * copy["acked_through"]),
        "muster_copy_behind_rows": ("Rows that it does not have yet", 1000 * copy["behind_rows"]),
        "muster_copy_behind_seconds": ("Age of the oldest of them", copy["behind_ms"]),
        "muster_single_copies": ("Acknowledged contacts at this site only", 1000 * copy["single_copies"]),
    }


def _age(now_ms: int, since_ms: int) -> int:
    return max(0, now_ms - since_ms) if since_ms else 0
