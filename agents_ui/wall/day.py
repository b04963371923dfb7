"""The site's day: since when figures count, and where in the journal that is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from router.journal.database import Connection
from router.journal.stream import OWN_ROWS, last_seq

_AT = f"SELECT at_ms FROM journal WHERE {OWN_ROWS} AND seq = :seq"


def day_of(at_ms: int, time_zone: str) -> tuple[int, int]:
    """The first millisecond of the local day of this instant, and that of the next day.

    A day on which clocks are changed has 23 or 25 hours; one that begins with the change begins after it.
    """
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone))
    return _midnight(local), _midnight(local + timedelta(days=1))


def last_seq_before(db: Connection, at_ms: int) -> int:
    """The last row of the site's own stream before this instant, 0 if there is none.

    Times in a stream never go back and its numbers have no gaps: about twenty looks for a million rows.
    """
    low, high = 0, last_seq(db)
    while low < high:
        middle = (low + high + 1) // 2
        row = db.row(_AT, seq=middle)
        if row is not None and row[0] < at_ms:
            low = middle
        else:
            high = middle - 1
    return low


def _midnight(local: datetime) -> int:
    """Local midnight in milliseconds UTC; where the clock skips it, the instant it skips to."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round(midnight.astimezone(UTC).timestamp() * 1000)
