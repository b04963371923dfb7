"""Who may see what the other site has of a customer: whoever may see the same person here, and nobody else.

Both sites salt an address each for itself, so the same person is found by the address, and as surely as it is
known: what somebody only claims here shows nothing of who has it verified there.
"""

from collections.abc import Sequence
from typing import Any, Final  # Any: columns of _ADDRESSES

from agents_ui.access.person import Person
from agents_ui.access.sight import may_see
from router.journal.database import Connection

_ADDRESSES: Final = """
    SELECT d.address_hash, d.verified, a.kind, a.address
    FROM identity d LEFT JOIN address a ON a.address_hash = d.address_hash WHERE d.customer_id = :c
"""
_SAME_ADDRESS: Final = "SELECT address_hash FROM address WHERE kind = :kind AND address = :address"
_WHO: Final = "SELECT customer_id FROM identity WHERE address_hash = :address_hash AND verified = :verified"
_CUSTOMER: Final = "SELECT customer_id FROM interaction WHERE interaction_id = :i"


def addresses_of(db: Connection, customer_id: str) -> Sequence[tuple[Any, ...]]:
    """By what a customer is known, for known_as() of the other database."""
    return db.rows(_ADDRESSES, c=customer_id)


def known_as(db: Connection, addresses: Sequence[tuple[Any, ...]]) -> list[str]:
    """Who has the same addresses in this database, as surely as in the one they are of."""
    found: set[str] = set()
    for address_hash, verified, kind, address in addresses:
        row = db.row(_SAME_ADDRESS, kind=kind, address=address) if kind else None
        hashed = row[0] if row else address_hash
        found.update(str(who) for (who,) in db.rows(_WHO, address_hash=hashed, verified=verified))
    return sorted(found)


def may_see_there(own: Connection, copy: Connection, person: Person, interaction_id: str) -> bool:
    """Whether this person may look at an interaction that the copy of the other site has."""
    row = copy.row(_CUSTOMER, i=interaction_id)
    if row is None:
        return False
    if may_see(own, person, interaction_id=interaction_id):
        return True
    here = known_as(own, addresses_of(copy, row[0])) if row[0] else []
    return any(may_see(own, person, customer_id=each) for each in here)
