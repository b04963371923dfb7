"""Keeps what a telephone reported of itself until it is known whose call it is of (run/sightings.py)."""

import hashlib
import os
from collections.abc import Sequence
from uuid import uuid4

from router.channels.ids import message_id_of
from router.channels.ingest import address_hash_of
from router.channels.port import Contact
from router.channels.strangers import ADDRESS_CHARACTERS_MAX
from router.journal.appends import SALT_BYTES
from router.journal.connection import Connection
from router.records import Fact, fact


class KeepSighting:
    """Append: the report, as it came; nothing for a repeat."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._content_id = str(uuid4())
        self._salt = os.urandom(SALT_BYTES)

    def write_content(self, db: Connection) -> None:
        """The raw body."""
        contact = self._contact
        db.run(
            "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
            " VALUES (:content_id, :media_type, '', :salt, :body, :at_ms)",
            content_id=self._content_id,
            media_type=contact.media_type,
            salt=self._salt,
            body=contact.body,
            at_ms=contact.received_at_ms,
        )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """That there was one, and of which number's hash."""
        contact = self._contact
        sighting_id = message_id_of(contact.channel, contact.account, contact.provider_id)
        if db.row("SELECT 1 FROM sighting WHERE sighting_id = :id", id=sighting_id):
            db.run("DELETE FROM content WHERE content_id = :id", id=self._content_id)
            return ()
        known = contact.linked and 0 < len(contact.address) <= ADDRESS_CHARACTERS_MAX
        return (
            fact(
                "sighted",
                sighting_id,
                channel=contact.channel,
                account=contact.account,
                address_hash=address_hash_of(db, kind=contact.address_kind, address=contact.address)
                if known
                else "",
                address_kind=contact.address_kind,
                content_id=self._content_id,
                content_hash=hashlib.sha256(self._salt + contact.body).hexdigest(),
                received_at_ms=contact.received_at_ms,
                traffic=contact.traffic,
                follows=contact.follows,
            ),
        )
