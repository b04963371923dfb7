"""The place in line of a contact that both sites got: that of the first receipt, as far as it is believed.

A provider that hears no answer tries the other address; a split does the same to a chat. Both sites then have
one contact, each since its own time, and whichever serves it owes the customer the earlier one. The times
come from two clocks, so there is a bound to what is believed.
"""

from collections.abc import Sequence
from typing import Final

from router import call_backs
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.sites.watching import CLOCK_FINE, CLOCK_SUSPECT

EARLIER_MS_MAX: Final = 86_400_000
"""How much earlier than here the other site can have had a contact. Providers try again for minutes, mail for
hours; a day more is a clock that nobody set."""

DOUBTED_MS_MAX: Final = 60_000
"""The same where the clocks of the two sites were in doubt. A provider goes to the other address within a
minute, and a wrong clock wins no more than that from those who wait."""

_DOUBT: Final = f"""
    SELECT 1 FROM alarm WHERE code IN ('{CLOCK_SUSPECT}', '{CLOCK_FINE}')
    AND (seen_at_ms = 0 OR at_ms >= :since_ms OR seen_at_ms >= :since_ms) LIMIT 1
"""
_PLACES: Final = """
    SELECT interaction_id, accepted_at_ms, follows FROM interaction
    WHERE closed_seq >= ? AND closed_seq <= ? AND interaction_id IN {wanted}
"""
_OPEN: Final = (0, 0)
_ANY: Final = (0, (1 << 62))


def is_believed(earlier_ms: int, later_ms: int, *, doubted: bool) -> bool:
    """Whether a contact that both sites had counts from the earlier of its two times.

    Nothing between the two is ever taken: what was learned once is not a new time to go on from, so no place
    creeps forward however often it is looked at.
    """
    return 0 < later_ms - earlier_ms <= (DOUBTED_MS_MAX if doubted else EARLIER_MS_MAX)


def clocks_doubted(db: Connection, *, earlier_ms: int) -> bool:
    """Whether this database's site found the clocks wrong, or set, about that time, or since then.

    An alarm that nobody has seen to is a doubt however old: a second one is not raised beside it.
    """
    since_ms = earlier_ms - EARLIER_MS_MAX
    return db.row(_DOUBT, since_ms=since_ms) is not None


def places_here(db: Connection, ids: Sequence[str], *, open_only: bool) -> dict[str, int]:
    """accepted_at_ms of these, where that is the time of a receipt.

    What somebody asked to be called back at is a time that people agreed on, and may be put off: no receipt
    moves it. Who gave up is called back at the place of the contact.
    """
    found = rows_in(db, _PLACES, ids, *(_OPEN if open_only else _ANY))
    return {
        str(ref): int(at_ms)
        for ref, at_ms, follows in found
        if not follows or ref == call_backs.id_of(follows)
    }
