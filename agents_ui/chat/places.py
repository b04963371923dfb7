"""A customer's device that says where it is: the first time a message, from then on points without words."""

from collections.abc import Sequence
from typing import Final

from agents_ui.chat.wire import Place as Said
from router.channels.ids import place_id_of
from router.channels.joining import open_interaction
from router.channels.located import KeptPlace, located, put_place
from router.journal.connection import Connection
from router.places.place import Place, place_of
from router.records import Fact

PLACE_BURST: Final = 6
PLACE_PER_S: Final = 0.2
"""Our page sends one in ten seconds."""


def place_said(said: Said) -> Place | None:
    """The place; None where the device does not know one."""
    return place_of(
        "device",
        said.latitude,
        said.longitude,
        radius_m=said.accuracy_m,
        altitude_m=said.altitude_m,
        fix_at_ms=said.found_at_ms,
    )


class FollowPlace:
    """Append: a later point of somebody who goes on telling; nothing when no conversation is open."""

    def __init__(self, session: str, client_id: str, place: Place, received_at_ms: int) -> None:
        self._session = session
        self._kept = KeptPlace(
            place_id=place_id_of(f"{session}/{client_id}", 0), place=place, received_at_ms=received_at_ms
        )

    def write_content(self, db: Connection) -> None:
        """Nothing: what belongs nowhere must leave no place behind."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The point, where it belongs."""
        interaction_id = open_interaction(db, self._session)
        if interaction_id is None:
            return ()
        put_place(db, self._kept, at_ms=at_ms)
        return (located(interaction_id, self._kept),)
