"""Where the customer of a conversation is said to be: the newest point, the tightest, and those before them.

Reads inside a transaction that the caller opened. Which of a conversation's points are the two, the journal's
fold has marked; of a call-back those of what it follows count as well. Written as agents say them: decimal,
degrees with minutes and seconds, plus code.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final  # Any: values are JSON objects, rows have columns of many types

from agents_ui.desk.messages import Value, chunks
from router.channels.located import place_in
from router.journal.database import Connection
from router.places.plus_code import encoded
from router.places.written import decimal, sixtieths

POINTS_MAX: Final = 20
"""How far back the way of somebody who moves is shown."""

_COLUMNS: Final = (
    "p.interaction_id, p.place_id, p.message_id, p.seq, p.source, p.radius_m, p.fix_at_ms, p.received_at_ms,"
    " p.confidence, c.body"
)
_FROM: Final = "FROM place p LEFT JOIN content c ON c.content_id = p.content_id"
_MARKED: Final = "(p.newest = 1 OR p.tightest = 1)"

Row = tuple[Any, ...]


def places_of(db: Connection, chains: Mapping[str, Sequence[str]]) -> dict[str, Value]:
    """The places of those of these conversations that have any; of each, the interactions it is made of."""
    every = {each for chain in chains.values() for each in chain}
    with_any = {
        row[0]
        for names, values in chunks(every)
        for row in db.rows(
            "SELECT DISTINCT p.interaction_id FROM place p"
            f" WHERE p.interaction_id IN ({names}) AND {_MARKED}",
            **values,
        )
    }
    found = {}
    for interaction_id, chain in chains.items():
        if located := [each for each in chain if each in with_any]:
            found[interaction_id] = _place(db, located)
    return {interaction_id: value for interaction_id, value in found.items() if value is not None}


def _place(db: Connection, interaction_ids: Sequence[str]) -> Value | None:
    marked = _values(db, interaction_ids, _MARKED)
    points = _values(db, interaction_ids, "1 = 1", limit=POINTS_MAX)
    if not marked:
        return None  # erased
    known = [each for each in marked if each["radius_m"]]
    return {
        "newest": max(marked, key=lambda each: (each["fix_at_ms"], each["seq"])),
        "tightest": min(known, key=lambda each: (each["radius_m"], -each["seq"]), default=None),
        "points": points,
    }


def _values(db: Connection, interaction_ids: Iterable[str], condition: str, limit: int = 100) -> list[Value]:
    """Newest first; those whose content was erased are left out."""
    (names, values), *_ = chunks(interaction_ids)
    rows = db.rows(
        f"SELECT {_COLUMNS} {_FROM} WHERE p.interaction_id IN ({names}) AND {condition}"
        " ORDER BY p.fix_at_ms DESC, p.seq DESC LIMIT :limit",
        limit=limit,
        **values,
    )
    return [value for row in rows if (value := _point(row)) is not None]


def _point(row: Row) -> Value | None:
    _, place_id, message_id, seq, source, radius_m, fix_at_ms, received_at_ms, confidence, body = row
    place = None if body is None else place_in(bytes(body))
    if place is None:
        return None
    return {
        "place_id": place_id,
        "message_id": message_id,
        "seq": seq,
        "source": source,
        "how": place.how,
        "lat_e7": place.lat_e7,
        "lon_e7": place.lon_e7,
        "decimal": decimal(place.lat_e7, place.lon_e7),
        "sixtieths": sixtieths(place.lat_e7, place.lon_e7),
        "plus_code": encoded(place.lat_e7, place.lon_e7),
        "radius_m": radius_m,
        "fix_at_ms": fix_at_ms,
        "received_at_ms": received_at_ms,
        "confidence": confidence,
        "altitude_m": place.altitude_m,
        "floor": place.floor,
        "words": place.words,
    }
