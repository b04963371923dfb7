"""Call-backs of customers who gave up, and whether the matter they follow is served after all."""

from collections.abc import Mapping, Sequence
from typing import Final

from router.call_backs import id_of
from router.journal.connection import Connection
from router.journal.many_rows import rows_in

HANDLED: Final = "disposed"
"""Why it was closed where that was an agent's word; here also the state of what ended so."""

_STATES: Final = (
    "SELECT interaction_id, closed_seq, state, closed_why FROM interaction WHERE interaction_id IN {wanted}"
)


def states(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The state of each that is open, and HANDLED of those that an agent ended; not of others."""
    return {
        str(ref): HANDLED if closed_seq else str(state)
        for ref, closed_seq, state, why in rows_in(db, _STATES, ids)
        if not closed_seq or why == HANDLED
    }


def taken_up(db: Connection, follows: Mapping[str, str]) -> set[str]:
    """Of these, by what each follows: call-backs whose customer is served here as one who did not give up."""
    served = states(db, sorted(set(follows.values())))
    return {
        call_back
        for call_back, ref in follows.items()
        if id_of(ref) == call_back and served.get(ref, HANDLED) != HANDLED
    }
