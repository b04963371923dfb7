"""By what genuine requests of an account are known again, before their signature is: networks and headers.

It proves nothing, and nothing is believed for it. It only decides what the quarantine forgets last: whoever
floods it from a thousand networks has not got the provider's own, and has not seen what its requests bring.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from agents_ui.permits import network_of
from router.journal.database import Connection

MARKS_MAX: Final = 256
"""Of one account; the oldest goes. The largest providers send from some dozens of networks."""

AGAIN_MS: Final = 3_600_000
"""What is known is written down again so often, so that what is in use stays."""

_ON_THE_WAY: Final = frozenset(
    {
        "connection",
        "content-length",
        "cookie",
        "forwarded",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
        "x-request-id",
    }
)
"""Headers that proxies add, or that come and go by themselves."""

_NOTE: Final = """
    INSERT INTO genuine (account, mark, at_ms) VALUES (:account, :mark, :at_ms)
    ON CONFLICT (account, mark) DO UPDATE SET at_ms = excluded.at_ms
"""
_FORGET: Final = """
    DELETE FROM genuine WHERE account = :account AND mark NOT IN (
        SELECT mark FROM genuine WHERE account = :account ORDER BY at_ms DESC, mark LIMIT :most)
"""


def marks_of(peer: str, headers: Iterable[str]) -> tuple[str, str]:
    """The network and the names of the headers of a request."""
    return _network(peer), _headers(tuple(sorted(set(headers) - _ON_THE_WAY)))


@lru_cache(4_096)
def _network(peer: str) -> str:
    return f"network/{network_of(peer)}"


@lru_cache(1_024)
def _headers(names: tuple[str, ...]) -> str:
    return "headers/" + hashlib.sha256("\0".join(names).encode()).hexdigest()[:32]


class Genuine:
    """What this process has seen and not yet written down."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], int] = {}
        self._fresh: dict[tuple[str, str], int] = {}

    def note(self, account: str, marks: Sequence[str], at_ms: int) -> bool:
        """Whether there is something to write down."""
        for mark in marks:
            if at_ms - self._noted.get((account, mark), -AGAIN_MS) >= AGAIN_MS:
                self._fresh[account, mark] = self._noted[account, mark] = at_ms
        return bool(self._fresh)

    def taken(self) -> dict[tuple[str, str], int]:
        """What is to be written down, once."""
        fresh, self._fresh = self._fresh, {}
        if len(self._noted) > MARKS_MAX * 64:
            self._noted.clear()
        return fresh

    def forgotten(self, fresh: Iterable[tuple[str, str]]) -> None:
        """It could not be written down: the next request brings it again."""
        for each in fresh:
            self._noted.pop(each, None)


def write_marks(db: Connection, fresh: dict[tuple[str, str], int]) -> None:
    """Remember these. In a transaction of Database.writing."""
    for (account, mark), at_ms in sorted(fresh.items()):
        db.run(_NOTE, account=account, mark=mark, at_ms=at_ms)
    for account in sorted({account for account, _ in fresh}):
        db.run(_FORGET, account=account, most=MARKS_MAX)


def likeness_of(db: Connection, account: str, marks: Sequence[str]) -> int:
    """How many of these marks genuine requests of the account had."""
    network, headers = marks
    found = db.row(
        "SELECT count(*) FROM genuine WHERE account = :account AND mark IN (:network, :headers)",
        account=account,
        network=network,
        headers=headers,
    )
    return int(found[0]) if found else 0
