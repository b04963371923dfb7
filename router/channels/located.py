"""Places into the journal: the fact has ids, a radius and times; where it is stays in content, erasable.

Two parts, as an append has them: `put_place` writes the content, `located` is the fact about it.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import Final

import msgspec

from router.channels.port import Shown
from router.channels.text import shown as text_of
from router.journal.appends import SALT_BYTES
from router.journal.connection import Connection
from router.places.aml import is_aml, read_sms
from router.places.place import Place
from router.places.written import PLACES_MAX, decimal, read_places
from router.records import Fact, fact

MEDIA_TYPE: Final = "application/json; of=place"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlace:
    """A place with the ids under which it is kept. place_id is the id of its content as well."""

    place_id: str
    place: Place
    message_id: str = ""
    received_at_ms: int
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES))


def places_in(shown: Shown) -> tuple[Place, ...]:
    """Where a message says that somebody is: by its kind, and in its words. Bounded."""
    if shown.places:
        return shown.places[:PLACES_MAX]
    if is_aml(shown.text):
        aml = read_sms(shown.text)
        return () if aml is None or aml.place is None else (aml.place,)
    return read_places(shown.text).places


def put_place(db: Connection, kept: KeptPlace, *, at_ms: int) -> None:
    """The place itself; harmless when it is there."""
    db.run(
        "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms) VALUES"
        " (:id, :media_type, '', :salt, :body, :at_ms) ON CONFLICT (content_id) DO NOTHING",
        id=kept.place_id,
        media_type=MEDIA_TYPE,
        salt=kept.salt,
        body=body_of(kept.place),
        at_ms=at_ms,
    )


def located(interaction_id: str, kept: KeptPlace) -> Fact:
    """The customer of this interaction is said to be there. A clock that goes ahead makes no later point."""
    place = kept.place
    return fact(
        "located",
        interaction_id,
        place_id=kept.place_id,
        message_id=kept.message_id,
        source=place.source,
        radius_m=place.radius_m,
        fix_at_ms=min(place.fix_at_ms or kept.received_at_ms, kept.received_at_ms),
        received_at_ms=kept.received_at_ms,
        confidence=place.confidence,
        content_id=kept.place_id,
        content_hash=hashlib.sha256(kept.salt + body_of(place)).hexdigest(),
    )


def place_in(body: bytes) -> Place | None:
    """The place in this content; None where it is none."""
    try:
        return msgspec.json.decode(body, type=Place)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def body_of(place: Place) -> bytes:
    """The content that says this place."""
    return msgspec.json.encode(place)


def shown_place(body: bytes) -> Shown:
    """A message that is a place and nothing else: a browser's, sent by pressing its button. Never raises."""
    place = place_in(body)
    if place is None:
        return Shown(text=text_of(body))
    exact = f" (within {place.radius_m} m)" if place.radius_m else ""
    notice = "Where they are, as their device says."
    return Shown(
        text=f"{decimal(place.lat_e7, place.lon_e7)}{exact}", notice=notice, things=1, places=(place,)
    )
