"""What a contact joins: the interactions of its thread. Asked under the counter's lock, where it counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from config.words import MOVED
from router.journal.database import Connection

_COLUMNS: Final = """
    interaction_id, arrived_seq, state, closed_seq, closed_why, wrap_up_since_ms, agent_id, queue_id,
        requirement, step
"""
_WHERE: Final = "FROM interaction WHERE thread = :thread AND NOT (state = 'parked' AND queue_id <> '')"
_OF_THREAD: Final = f"SELECT {_COLUMNS} {_WHERE}"

_LEAVING: Final = """
    (SELECT count(*) FROM yielding y WHERE y.interaction_id = interaction.interaction_id
        AND y.seq > coalesce((SELECT read_through FROM position WHERE reader = 'router'), 0))
"""
"""Not 0: it was let go in rows that the router has not read yet."""

_THERE: Final = "there"
"""Stands for the state of what is open at the other site and never was here."""

_JOINED: Final = f"""
    SELECT {_COLUMNS}, {_LEAVING} {_WHERE}
    UNION ALL
    SELECT interaction_id, 0, '{_THERE}', 0, '', 0, '', '', '', 0, 0 FROM open_there o
    WHERE thread = :thread AND NOT EXISTS (
        SELECT 1 FROM interaction i WHERE i.interaction_id = o.interaction_id
    )
"""
"""With what this site knows to be open there: one question, for every contact asks it."""

_ENDING: Final = "('conversation_ended', 'disposition_given')"


@dataclass(frozen=True, slots=True)
class OfThread:
    """An interaction of a thread, as far as joining it and showing it needs to know."""

    interaction_id: str
    arrived_seq: int
    state: str
    closed_seq: int
    closed_why: str
    wrap_up_since_ms: int
    agent_id: str
    queue_id: str
    requirement: str
    step: int
    leaving: int = 0

    @property
    def ended(self) -> bool:
        """Whether its conversation is over, even if its wrap-up is not."""
        return bool(self.closed_seq or self.wrap_up_since_ms)

    @property
    def moved(self) -> bool:
        """Whether it goes on at the other site, as far as this one knows."""
        return bool(self.closed_seq) and self.closed_why == MOVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """What a contact of a thread joins now.

    Shape: open_id is empty where nothing is open here; then there says that what it would join may be open
           at the other site: it was let go of here, or began there and never was here.
    """

    open_id: str = ""
    there: bool = False


NOTHING: Final = Joins()


def joins_of(db: Connection, thread: str) -> Joins:
    """What contacts of this thread join: nothing that is about to end here, because it goes on there.

    A conversation that ended is not joined, even while its wrap-up goes on, nor one whose end is in the
    journal but not decided yet: the agent would never see the message, and nobody would answer it.
    """
    found = _newest_first(db.rows(_JOINED, thread=thread)) if thread else []
    if not found:
        return NOTHING
    here = [each for each in found if each.state != _THERE]
    newest = next((each for each in here if not each.ended), None)
    if newest is None or (newest.state == "assigned" and _end_is_pending(db, newest.interaction_id)):
        return Joins(there=len(here) < len(found) or here[0].moved)
    if newest.leaving and newest.state != "assigned":
        return Joins(there=True)
    return Joins(open_id=newest.interaction_id)


def open_interaction(db: Connection, thread: str) -> str | None:
    """The interaction that a contact of this thread joins here now, or None."""
    return joins_of(db, thread).open_id or None


def interactions_of(db: Connection, thread: str) -> list[OfThread]:
    """What contacts of this thread belong to, newest first: a call-back has the thread of what it follows.

    One before its time is left out: who writes again is not to wait for it.
    """
    return _newest_first(db.rows(_OF_THREAD, thread=thread)) if thread else []


def _newest_first(rows: Iterable[tuple[Any, ...]]) -> list[OfThread]:
    return sorted((OfThread(*row) for row in rows), key=lambda each: (-each.arrived_seq, each.interaction_id))


def _end_is_pending(db: Connection, interaction_id: str) -> bool:
    """Whether somebody ended it in rows that the router has not read yet."""
    position = db.row("SELECT read_through FROM position WHERE reader = 'router'")
    found = db.row(
        "SELECT 1 FROM stream s JOIN journal j ON j.site = s.site"
        f" WHERE s.own = 1 AND j.seq > :read_through AND j.ref = :ref AND j.kind IN {_ENDING} LIMIT 1",
        read_through=position[0] if position else 0,
        ref=interaction_id,
    )
    return found is not None
