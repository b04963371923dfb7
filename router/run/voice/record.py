"""What the journal knows of a call: its facts, and the messages that a call leaves in the conversation."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.channels.ids import message_id_of
from router.channels.ingest import connected, disconnected
from router.journal.appends import SALT_BYTES, put_content
from router.journal.connection import Connection
from router.records import Fact, fact

WAITING: Final = "waiting"
DIALLING: Final = "dialling"
CONNECTED: Final = "connected"
HELD: Final = "held"
ENDED: Final = "ended"

CALLER_HUNG_UP: Final = "caller_hung_up"
AGENT_HUNG_UP: Final = "agent_hung_up"
FAILED: Final = "failed"
LOST: Final = "lost"
FORWARDED: Final = "forwarded"

CALLED_OUT: Final = 0
SENT_ON: Final = -1
"""Numbers of what a call leaves by itself; callers' words count from 1."""

IN: Final = "in"
OUT: Final = "out"


@dataclass(slots=True, kw_only=True)
class Record:
    """One call as the table `call` has it (docs/architecture.md 11.1). Only its Call changes it."""

    call_id: str
    interaction_id: str
    account: str
    direction: str
    voice_id: str
    state: str = WAITING
    why: str = ""
    agent_id: str = ""
    recording: bool = False
    silent: bool = False
    text: bool = False

    def changed(self) -> Fact:
        """How it stands now."""
        return fact(
            "call_changed",
            self.interaction_id,
            call_id=self.call_id,
            account=self.account,
            direction=self.direction,
            state=self.state,
            why=self.why,
            agent_id=self.agent_id,
            recording=self.recording,
            silent=self.silent,
            text=self.text,
            voice_id=self.voice_id,
        )

    def connected(self) -> Fact:
        """The customer is on this line."""
        return connected(self.interaction_id, self.call_id, self.voice_id)

    def ended(self) -> tuple[Fact, ...]:
        """It is over, and nobody comes back by it."""
        return (
            self.changed(),
            disconnected(self.interaction_id, self.call_id, self.voice_id, for_good=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSaid:
    """Append: something that came on a call, or that became of it, as a message. Once, however often tried.

    Shape: `number` counts what this call has said. direction is in (the caller) or system.
    """

    interaction_id: str
    call_id: str
    number: int
    media_type: str
    body: bytes
    direction: str = "in"

    @property
    def message_id(self) -> str:
        """Also of its content."""
        return said_id(self.call_id, self.number)

    def write_content(self, db: Connection) -> None:
        """Nothing: a repeat must not write it under another salt, so facts() does."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One message, or nothing for a repeat."""
        message_id = self.message_id
        if db.row("SELECT 1 FROM message WHERE message_id = :id", id=message_id) is not None:
            return ()
        content_hash = put_salted(db, message_id, self.media_type, self.body, at_ms)
        return (
            fact(
                "message_added",
                self.interaction_id,
                message_id=message_id,
                content_id=message_id,
                content_hash=content_hash,
                client_id="",
                direction=self.direction,
                author_id="",
                message_kind="text",
                reading="unread" if self.direction == "in" else "read",
                received_at_ms=at_ms,
                web_id="",
            ),
        )


def mark(record: Record, media_type: str, body: bytes, *, number: int) -> AddSaid:
    """Something that became of this call, in its conversation."""
    return AddSaid(
        interaction_id=record.interaction_id,
        call_id=record.call_id,
        number=number,
        media_type=media_type,
        body=body,
        direction="system",
    )


def said_id(call_id: str, number: int) -> str:
    """The message that is the so-manieth thing of this call."""
    return message_id_of("voice", call_id, str(number))


def put_salted(
    db: Connection, content_id: str, media_type: str, body: bytes, at_ms: int, file_name: str = ""
) -> str:
    """Keeps this content; the hash for the journal, from the salt that is beside it."""
    put_content(db, content_id=content_id, media_type=media_type, body=body, at_ms=at_ms, file_name=file_name)
    found = db.row("SELECT salt FROM content WHERE content_id = :id", id=content_id)
    salt = bytes(found[0]) if found else os.urandom(SALT_BYTES)
    return hashlib.sha256(salt + body).hexdigest()
