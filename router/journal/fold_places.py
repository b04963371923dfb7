"""What facts about places do to the journalled tables: each interaction's newest and tightest are marked."""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.records import Row

_MARKED: Final = (
    "SELECT max(CASE WHEN newest = 1 THEN fix_at_ms END), max(CASE WHEN tightest = 1 THEN radius_m END)"
    " FROM place WHERE interaction_id = :interaction_id AND (newest = 1 OR tightest = 1)"
)


def _located(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """One point of one interaction, once.

    Newest by when it was found; of two found at once the one that came later. Tightest by its radius, where
    that is known; of two alike the later one.
    """
    here = {"interaction_id": row.ref, "place_id": data["place_id"]}
    if db.row("SELECT 1 FROM place WHERE interaction_id = :interaction_id AND place_id = :place_id", **here):
        return
    newest_ms, tightest_m = db.row(_MARKED, interaction_id=row.ref) or (None, None)
    fix_at_ms, radius_m = data["fix_at_ms"], data["radius_m"]
    newest = newest_ms is None or fix_at_ms >= newest_ms
    tightest = radius_m > 0 and (tightest_m is None or radius_m <= tightest_m)
    for column, overtaken in (("newest", newest), ("tightest", tightest)):
        if overtaken:
            db.run(
                f"UPDATE place SET {column} = 0 WHERE interaction_id = :interaction_id AND {column} = 1",
                interaction_id=row.ref,
            )
    db.run(
        """INSERT INTO place (interaction_id, place_id, message_id, seq, source, radius_m, fix_at_ms,
               received_at_ms, confidence, content_id, newest, tightest)
           VALUES (:interaction_id, :place_id, :message_id, :seq, :source, :radius_m, :fix_at_ms,
               :received_at_ms, :confidence, :content_id, :newest, :tightest)""",
        **here,
        message_id=data.get("message_id", ""),
        seq=row.seq,
        source=data["source"],
        radius_m=radius_m,
        fix_at_ms=fix_at_ms,
        received_at_ms=data["received_at_ms"],
        confidence=data["confidence"],
        content_id=data["content_id"],
        newest=int(newest),
        tightest=int(tightest),
    )


def _sighted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO sighting (sighting_id, channel, account, address_hash, address_kind, content_id,
               received_at_ms, at_ms, traffic, follows, became)
           VALUES (:sighting_id, :channel, :account, :address_hash, :address_kind, :content_id,
               :received_at_ms, :at_ms, :traffic, :follows, '') ON CONFLICT (sighting_id) DO NOTHING""",
        sighting_id=row.ref,
        channel=data["channel"],
        account=data["account"],
        address_hash=data["address_hash"],
        address_kind=data["address_kind"],
        content_id=data["content_id"],
        received_at_ms=data["received_at_ms"],
        at_ms=row.at_ms,
        traffic=data["traffic"],
        follows=int(data["follows"]),
    )


def _sighting_placed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run("UPDATE sighting SET became = :became WHERE sighting_id = :id", became=data["became"], id=row.ref)


PLACE_FOLDS: Final = {
    "located": _located,
    "sighted": _sighted,
    "sighting_placed": _sighting_placed,
}
