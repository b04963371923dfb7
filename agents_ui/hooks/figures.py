"""What /metrics says about webhooks: by account, and of what came of each request. Never what was in it."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

RESULTS: Final = (
    "kept",
    "repeated",
    "receipt",
    "wish",
    "nothing",
    "not_authentic",
    "not_quarantined",
    "not_kept",
    "forwarded",
    "no_secret",
    "mistake",
)
"""kept and repeated count contacts, receipt what became of our messages, wish who
wants no more of them, the others requests; forwarded those that the other site kept instead."""


class HookFigures:
    """Counters of one web process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts = Counter(
            "muster_webhooks", "What webhooks brought", ["account", "result"], registry=registry
        )
        self._last_in = Gauge(
            "muster_webhook_last_in_seconds",
            "When a provider last brought something genuine (Unix time)",
            ["account"],
            registry=registry,
        )

        self._each: dict[tuple[str, str], Counter] = {}
        """As labels() gives them, which asks for a lock each time."""

    def count(self, account_id: str, result: str, number: int = 1) -> None:
        """One more of this; account_id is one of the plan's, never what somebody wrote into an address."""
        key = account_id, result
        counter = self._each.get(key) or self._each.setdefault(key, self._counts.labels(account_id, result))
        counter.inc(number)

    def genuine(self, account_id: str) -> None:
        """The provider was here, just now."""
        self._last_in.labels(account_id).set(time.time())
