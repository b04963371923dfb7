"""What the voice process counts, in a registry of its own; its door gives it out at /metrics."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from router.run.voice.record import CONNECTED, DIALLING, HELD, WAITING, Record


class Counted(Protocol):
    """A call, as far as it is counted."""

    @property
    def record(self) -> Record:
        """How it stands."""
        ...


class VoiceFigures:
    """The metrics of one voice process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._began = Counter(
            "muster_calls_begun", "Calls that were kept, or dialled", ["direction"], registry=self.registry
        )
        self._ended = Counter("muster_calls_ended", "Calls that ended", ["why"], registry=self.registry)
        self._refused = Counter(
            "muster_calls_refused", "Calls that could not be kept: answered 503", registry=self.registry
        )

    def watch(self, calls: Callable[[], Iterable[Counted]]) -> None:
        """Count these at each scrape."""
        self.registry.register(_Now(calls))

    def began(self, direction: str) -> None:
        """One more."""
        self._began.labels(direction).inc()

    def ended(self, why: str) -> None:
        """One less."""
        self._ended.labels(why).inc()

    def refused(self) -> None:
        """Its network was told to try elsewhere."""
        self._refused.inc()


class _Now(Collector):
    def __init__(self, calls: Callable[[], Iterable[Counted]]) -> None:
        self._calls = calls

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = dict.fromkeys((WAITING, DIALLING, CONNECTED, HELD), 0)
        silent = 0
        for call in self._calls():
            counts[call.record.state] = counts.get(call.record.state, 0) + 1
            silent += call.record.silent
        metric = GaugeMetricFamily("muster_calls", "Calls at this moment", labels=["state"])
        for state, count in counts.items():
            metric.add_metric([state], count)
        yield metric
        yield GaugeMetricFamily("muster_calls_silent", "Of whom nothing is heard", value=silent)
