"""What goes along with who arrives: a customer's open conversation, what an agent holds. Adopted at once.

A take-over leaves with its agent what is with one, until somebody confirms it: that agent may still be
talking to the customer there. Whoever arrives here is that confirmation, for their own work and nobody else's.
"""

from typing import Final

from agents_ui.services import Services
from router.channels.chat import session_of
from router.sites.adopting import adopt
from router.sites.moving import CHAT, Ticket

MOST: Final = 100
"""Of one person; more than anybody holds, or has open."""

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
    return adopt(services.committer, copy, found, site=where.here, peer=ticket.site)
