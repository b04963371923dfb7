"""What somebody said at one site, in a conversation that an agent of the other one had already ended.

After a split the site that let go of it has words that whoever ended it there never saw: they came while no
line brought them. Copied into what is over nobody would see them, and an urgent one would end silently. So it
is taken up again, as one site by itself never lets a message join what has ended.
"""

from collections.abc import Mapping
from typing import Final

from router.call_backs import id_of
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS
from router.sites.followed import states
from router.sites.given_up import ABANDONED, is_left
from router.sites.merging import HANDLED, YIELDED, Leg, Record

LAG: Final = 1_000
"""Rows that a router which lives is behind at most: an end that it had not decided yet is that near."""

_CAME: Final = """
    SELECT message_id FROM message WHERE interaction_id = :ref
    AND seq = (SELECT seq FROM adoption WHERE interaction_id = :ref)
    ORDER BY at_ms DESC, message_id DESC LIMIT 1
"""
_SEQ: Final = "SELECT seq FROM message WHERE message_id = :message_id"
_SAID: Final = """
    SELECT message_id FROM message WHERE interaction_id = :ref AND direction = 'in' AND seq > :seq
    ORDER BY seq DESC LIMIT 500
"""
_HEARD: Final = "SELECT message_id, seq FROM message WHERE message_id IN {wanted}"
_END: Final = """
    SELECT arrived_seq, closed_seq, wrap_up_since_ms FROM interaction WHERE interaction_id = :ref
"""
_AT: Final = f"SELECT at_ms FROM journal WHERE {OWN_ROWS} AND seq = :seq"
_ENDING: Final = (
    f"SELECT 1 FROM journal WHERE {OWN_ROWS} AND seq > :after AND seq < :seq AND ref = :ref"
    " AND kind IN ('disposition_given', 'conversation_ended') LIMIT 1"
)


def unheard(
    ours: Connection, theirs: Connection, records: Mapping[str, Record], *, site: str, peer: str
) -> list[str]:
    """Those of these that this site takes up again: of two that are over, the one of the lower claim does."""
    found = []
    for ref, record in records.items():
        leg, other = record.legs[site], record.legs[peer]
        if leg.claim > other.claim:
            continue
        ended, gone = (ours, theirs) if _handled(leg) else (theirs, ours)
        if {_handled(leg), _handled(other)} != {True, False}:
            continue
        if _is_left(other if _handled(leg) else leg, ended, gone, ref) and _has_unheard(ended, gone, ref):
            found.append(ref)
    return found


def unheard_there(
    ours: Connection, theirs: Connection, records: Mapping[str, Record], *, site: str, peer: str
) -> list[str]:
    """Those of these that an agent here ended by the higher claim, and that the other site has still open,
    with words that came there since.

    While that site lives it lets go of them, and takes them up as unheard() says. Once it is gone, whoever
    serves in its place has to. What an agent there has was heard by her, as far as anybody knows.
    """
    return [
        ref
        for ref, record in records.items()
        if _handled(record.legs[site])
        and record.legs[peer].open
        and not record.legs[peer].held
        and record.legs[peer].claim < record.legs[site].claim
        and _has_unheard(ours, theirs, ref)
    ]


def _handled(leg: Leg) -> bool:
    return not leg.open and leg.closed_why in HANDLED


def _is_left(leg: Leg, ended: Connection, gone: Connection, ref: str) -> bool:
    """Whether it was left to the site where it ended; of who gave up, whether the call-back was."""
    if leg.open or leg.closed_why != ABANDONED:
        return not leg.open and leg.closed_why == YIELDED
    call_back = id_of(ref)
    return is_left(gone, call_back) and not states(ended, [call_back])


def _has_unheard(ended: Connection, gone: Connection, ref: str) -> bool:
    """Whether the customer said something to the site that let go which was not at the other when it ended.

    What is older than the newest message that came with the adoption was there to be seen, or follows it.
    """
    came = ended.row(_CAME, ref=ref)
    since = gone.row(_SEQ, message_id=str(came[0])) if came is not None else None
    said = [str(row[0]) for row in gone.rows(_SAID, ref=ref, seq=int(since[0]) if since else 0)]
    if not said:
        return False
    heard = {str(row[0]): int(row[1]) for row in rows_in(ended, _HEARD, said)}
    return any(each not in heard or _is_after(ended, ref, heard[each]) for each in said)


def _is_after(ended: Connection, ref: str, seq: int) -> bool:
    """Whether this row came when the conversation was over, though its wrap-up or the router may not be."""
    row = ended.row(_END, ref=ref)
    if row is None or seq <= row[0]:
        return False  # it was there, or came with it, when it began here
    arrived_seq, closed_seq, wrap_up_since_ms = row
    if seq > closed_seq:
        return True
    at = ended.row(_AT, seq=seq)
    if at is not None and 0 < wrap_up_since_ms < at[0]:
        return True
    return ended.row(_ENDING, ref=ref, after=max(arrived_seq, seq - LAG), seq=seq) is not None
