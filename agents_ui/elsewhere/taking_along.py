"""What goes along with who arrives: a customer's open conversation, what an agent holds. Adopted at once.

A take-over leaves with its agent what is with one, until somebody confirms it: that agent may still be
talking to the customer there. Whoever arrives is that confirmation, for their own work and nobody else's.
"""

import time
from collections.abc import Sequence
from typing import Final

from agents_ui.services import Services
from router.channels.chat import session_of
from router.journal.clock import wall_ms
from router.journal.many_rows import rows_in
from router.sites.adopting import adopt
from router.sites.moving import CHAT, Ticket

MOST: Final = 100
"""Of one person; more than anybody holds, or has open."""

PLACED_WITHIN_S: Final = 2.0
LOOK_S: Final = 0.02
SOON_MS: Final = 10_000
"""What is parked for longer is a call-back before its time, which stays so."""

_UNPLACED: Final = (
    "SELECT interaction_id FROM interaction WHERE state = 'parked' AND parked_until_ms < ?"
    " AND interaction_id IN {wanted}"
)
_OPEN: Final = (
    "SELECT interaction_id FROM interaction WHERE closed_seq = 0 AND {of}"
    " ORDER BY accepted_at_ms, interaction_id LIMIT :most"
)
_OF_CUSTOMER: Final = _OPEN.format(of="thread = :ref")
_OF_AGENT: Final = _OPEN.format(of="agent_id = :ref AND state = 'assigned'")


def take_along(services: Services, ticket: Ticket) -> tuple[str, ...]:
    """Adopt what is theirs, where this site serves the site they come from. Which were; none without a copy.

    Blocks. Raises CommitUnknown: nothing is lost, the same ticket again goes on.
    """
    where = services.whereabouts
    copy = where.copy.database()
    if copy is None or ticket.site not in where.serves():
        return ()
    sql = _OF_CUSTOMER if ticket.kind == CHAT else _OF_AGENT
    ref = session_of(ticket.token) if ticket.kind == CHAT else ticket.agent_id
    found = where.copy.ask(lambda db: [str(row[0]) for row in db.rows(sql, ref=ref, most=MOST)])
    if not found:
        return ()
    adopted = adopt(services.committer, copy, found, site=where.here, peer=ticket.site)
    _until_placed(services, adopted)
    return adopted


def _until_placed(services: Services, ids: Sequence[str]) -> None:
    """Wait a moment for the router: what it has not placed yet, a customer's next words would not join."""
    give_up_s = time.monotonic() + PLACED_WITHIN_S
    while ids and time.monotonic() < give_up_s:
        with services.database.reading() as db:
            left = rows_in(db, _UNPLACED, ids, wall_ms() + SOON_MS)
        if not left:
            return
        time.sleep(LOOK_S)
