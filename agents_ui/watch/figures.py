"""What /metrics says of the watch: ages of the ways in, what is wrong now, what is in quarantine."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily

from agents_ui.hooks.quarantine import quarantined
from agents_ui.watch.judgement import CODES
from agents_ui.watch.looking import SITE, watched_now
from router.journal.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFigures:
    """One look. Shape: ways by name, (through_ms, real_ms, whether the last probe was taken)."""

    ways: Mapping[str, tuple[int, int, bool]]
    troubles: Mapping[str, int]
    quarantine: Mapping[str, int]


def load_watch(db: Connection) -> WatchFigures:
    """From the tables, whichever process watches."""
    known = watched_now(db)
    return WatchFigures(
        ways={
            name: (each["through_ms"], each["real_ms"], not each["problem"])
            for name, each in sorted(known.items())
            if name != SITE
        },
        troubles=Counter(trouble["code"] for each in known.values() for trouble in each["troubles"]),
        quarantine={each["account"]: each["count"] for each in quarantined(db)},
    )


def families(figures: WatchFigures, now_ms: int) -> Iterator[GaugeMetricFamily]:
    """As Prometheus wants them."""
    through = GaugeMetricFamily(
        "muster_way_through_age_seconds", "Since a contact or a probe came through", labels=["way"]
    )
    real = GaugeMetricFamily("muster_way_real_age_seconds", "Since a customer's did", labels=["way"])
    well = GaugeMetricFamily("muster_way_probe_taken", "1 where the last probe was taken", labels=["way"])
    for way, (through_ms, real_ms, taken) in figures.ways.items():
        through.add_metric([way], max(0, now_ms - through_ms) / 1000)
        if real_ms:
            real.add_metric([way], max(0, now_ms - real_ms) / 1000)
        well.add_metric([way], int(taken))
    troubles = GaugeMetricFamily("muster_watch_troubles", "What is wrong now", labels=["code"])
    for code in CODES:
        troubles.add_metric([code], figures.troubles.get(code, 0))
    held = GaugeMetricFamily("muster_quarantine_requests", "Refused and kept apart", labels=["account"])
    for account, count in figures.quarantine.items():
        held.add_metric([account], count)
    yield from (through, real, well, troubles, held)
