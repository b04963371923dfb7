"""The life of an interaction, as a table: what may happen in which state, and where it leads.

What happens is named as in the journal (docs/architecture.md, kinds of decisions). README.md shows the
diagram that `diagram` prints. The life of an offer is router/offer.py.
"""

from collections.abc import Mapping
from typing import Final

PARKED: Final = "parked"
"""On disk, being read, or to be called back later; it waits from its wake time on in any case."""
WAITING: Final = "waiting"
"""In line for everybody who may serve it, or for one agent whom a person named."""
OFFERED: Final = "offered"
"""In front of one agent until a deadline."""
ASSIGNED: Final = "assigned"
"""An agent holds it: conversation, then wrap-up."""
CLOSED: Final = "closed"
"""Over. Nothing leads out of here."""

Table = Mapping[str, Mapping[str, str]]

TRANSITIONS: Final[Table] = {
    PARKED: {"queued": WAITING, "held": WAITING, "rescheduled": PARKED, "closed": CLOSED},
    # "accepted" here is a late accept: nobody else holds it or is offered it.
    WAITING: {"queued": WAITING, "held": WAITING, "offered": OFFERED, "accepted": ASSIGNED, "closed": CLOSED},
    OFFERED: {"offer_ended": WAITING, "accepted": ASSIGNED},
    # "offer_ended" here is a transfer, "queued" an orphan: its agent is gone.
    ASSIGNED: {"offer_ended": WAITING, "queued": WAITING, "wrap_up_began": ASSIGNED, "closed": CLOSED},
    CLOSED: {},
}

OPEN: Final = (PARKED, WAITING, OFFERED, ASSIGNED)


def diagram(table: Mapping[str, Mapping[str, str]]) -> str:
    """A life cycle as text: one line for each way from one state to another, in the order of the table."""
    width = max(len(state) for state in table)
    label = max((len(what) for ways in table.values() for what in ways), default=0)
    lines = []
    for state, ways in table.items():
        for what, after in ways.items():
            lines.append(f"{state:<{width}} ── {what:<{label}} ──▶ {after}")
        if not ways:
            lines.append(f"{state:<{width}}  (the end)")
    return "\n".join(lines)
