"""Keeps a call that comes in: contact, what it needs, and the call itself, in one transaction.

A call says nothing yet, so reading it costs nothing: it is read here and at once, and waits in line as soon
as it is on disk. What is said on it later is read by intake, as everything else.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from config.plan import Plan
from router.channels.ids import place_id_of
from router.channels.ingest import KeepContact, Keeper, Kept, NotKept, unparsed
from router.channels.located import KeptPlace, located, places_in, put_place
from router.channels.port import Contact
from router.channels.showing import shown_of
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.places.place import Place
from router.records import Fact
from router.run.intake import HOUR_MS, default_reading, earlier_of, read_fact
from router.run.voice.record import Record
from router.run.voice.standing import Waiting
from skills.triage import Contact as TriageContact
from skills.triage import Reading, Triage

_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)

_log = logging.getLogger("muster.voice")


class Reader:
    """Reads calls by the plan in force."""

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan
        self._digest = ""
        self._triage: Triage | None = None

    def read(self, contact: Contact, *, repeats: int, language: str, at_ms: int) -> tuple[Reading, str]:
        """What this call needs, and how that is known."""
        plan = self._plan()
        try:
            if self._triage is None or self._digest != plan.digest:
                self._triage, self._digest = Triage(plan), plan.digest
            seen = TriageContact(
                channel=contact.channel,
                text=shown_of(contact.media_type, contact.body).text,
                at_ms=at_ms,
                address=contact.address,
                earlier_language=language if language in plan.site.languages else "",
                repeats=repeats,
                attachments=1,
            )
            return self._triage.read(seen), "read"
        except Exception as mistake:  # noqa: BLE001 - content never causes loss: its channel's urgency
            _log.error("a call could not be read error=%s", type(mistake).__name__)
            return default_reading(plan, contact.channel), "unparsed"


class KeepCall:
    """Append: contact, reading and call. Read `place` and `record` after the commit, and only then.

    A call that was kept before (its process died, and the network sent it again) goes on in its interaction,
    if that is still open; else it begins another. resumes False: of one that is held elsewhere a repeat says
    nothing new.
    """

    def __init__(
        self,
        contact: Contact,
        record: Record,
        reader: Reader,
        *,
        language: str,
        read_within_ms: int,
        resumes: bool = True,
    ) -> None:
        self.place = Waiting("", "", 0, 0)
        self.record = record
        self._contact = contact
        self._places = _places_of(contact)
        self._reader = reader
        self._language = language
        self._resumes = resumes
        keeper = Keeper(web_id=record.voice_id, connection_id=record.call_id, read_within_ms=read_within_ms)
        self._keep = KeepContact(contact, keeper)
        anew = replace(contact, provider_id=f"{contact.provider_id}/{record.call_id}")
        self._anew = KeepContact(anew, keeper)

    def write_content(self, db: Connection) -> None:
        """The raw call."""
        self._keep.write_content(db)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock."""
        facts = self._facts(self._keep, db, at_ms)
        kept = self._keep.kept
        if kept is not None and kept.repeated and not self._resumes:
            self.record.interaction_id = kept.interaction_id
        elif kept is not None and kept.repeated:
            row = db.row(
                "SELECT queue_id, urgency, accepted_at_ms FROM interaction"
                " WHERE interaction_id = :id AND closed_seq = 0",
                id=kept.interaction_id,
            )
            if row is None:
                self._anew.write_content(db)
                return self._facts(self._anew, db, at_ms)
            self.place = Waiting(kept.interaction_id, *row)
            self.record.interaction_id = kept.interaction_id
            return [self.record.connected(), self.record.changed()]
        return facts

    def _facts(self, keep: KeepContact, db: Connection, at_ms: int) -> list[Fact]:
        facts = list(keep.facts(db, at_ms))
        kept = keep.kept
        if kept is None or not kept.began:
            return facts
        customer_id = next(
            (msgspec.json.decode(each.data)["customer_id"] for each in facts if each.kind == "arrived"), ""
        )
        _, earlier = earlier_of(db, customer_id, at_ms)
        reading, how = self._reader.read(
            self._contact,
            repeats=1 + _earlier_calls(db, customer_id, at_ms),
            language=self._language or earlier,
            at_ms=at_ms,
        )
        self.place = Waiting(kept.interaction_id, reading.queue_id, reading.urgency, at_ms)
        self.record.interaction_id = kept.interaction_id
        return [
            *facts,
            read_fact(kept.interaction_id, kept.message_id, reading, how),
            *self._located(db, kept, at_ms),
            self.record.changed(),
        ]

    def _located(self, db: Connection, kept: Kept, at_ms: int) -> list[Fact]:
        """Where its network says that the caller is."""
        facts = []
        for number, place in enumerate(self._places):
            found = KeptPlace(
                place_id=place_id_of(kept.message_id, number),
                place=place,
                message_id=kept.message_id,
                received_at_ms=at_ms,
            )
            put_place(db, found, at_ms=at_ms)
            facts.append(located(kept.interaction_id, found))
        return facts


def _places_of(contact: Contact) -> tuple[Place, ...]:
    """Before anything is locked: it is read out of what others wrote."""
    try:
        return places_in(shown_of(contact.media_type, contact.body))
    except Exception as mistake:  # noqa: BLE001 - content never causes loss: a call without a place
        _log.error("no place read error=%s", type(mistake).__name__)
        return ()


def _earlier_calls(db: Connection, customer_id: str, at_ms: int) -> int:
    """Contacts of this customer in the last hour; this one is not in the tables yet."""
    row = db.row(
        "SELECT count(*) FROM interaction"
        " WHERE customer_id = :id AND customer_id <> '' AND follows = '' AND accepted_at_ms > :since_ms",
        id=customer_id,
        since_ms=at_ms - HOUR_MS,
    )
    return int(row[0]) if row else 0


async def keep_call(
    committer: Committer,
    contact: Contact,
    record: Record,
    reader: Reader,
    *,
    language: str = "",
    read_within_ms: int,
    resumes: bool = True,
    beside: Callable[[int], None] | None = None,
) -> Waiting:
    """Keep it; on disk when this returns. Raises NotKept: then nobody may be told that it was taken.

    beside(seq) looks after its second copy while it rings: nobody in need waits for another site.
    """
    for each in (contact, unparsed(contact)):
        append = KeepCall(
            each, record, reader, language=language, read_within_ms=read_within_ms, resumes=resumes
        )
        try:
            rows = await committer.append(append)
        except _AWAY as problem:
            raise NotKept(str(problem)) from problem
        except Exception as refused:  # noqa: BLE001 - whatever its content makes a driver raise
            _log.warning("call kept raw error=%s", type(refused).__name__)
            continue
        if rows and beside is not None:
            beside(rows[-1].seq)
        return append.place
    raise NotKept("the call can be kept in no form")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """Append: a call was refused because nobody knew whether it was kept. If it was, its caller is gone."""

    record: Record

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing where nothing was kept."""
        record = self.record
        row = db.row("SELECT interaction_id FROM call WHERE call_id = :id", id=record.call_id)
        if row is None:
            return ()
        record.interaction_id = row[0]
        return record.ended()
