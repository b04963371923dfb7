"""Reads mail after it was kept: its words and files by a limited child, what kind it is, what it needs.

Apart from intake.py, so that no mail ever delays a chat: a few at a time, oldest first, by whichever web
process holds the claim. Whatever happens in here, a mail ends as read or as unparsed, in front of a human.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import msgspec

from config.plan import Plan
from router.channels.located import KeptPlace, located, put_place
from router.channels.mail_contact import MEDIA_TYPE
from router.channels.mail_head import Head, head_of, sender_of, subject_of
from router.channels.mail_kind import BOUNCE, is_cut, kind_of, verdict_of
from router.channels.mail_reading import Bounce, MailRead
from router.channels.mail_token import SENT, TokenKey
from router.channels.mail_words import without_quotes
from router.channels.port import TEXT, Account, Shown
from router.channels.showing import shown_of
from router.journal.appends import storable
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Connection, Database
from router.records import Fact, fact
from router.run.intake import claim_sweep, default_reading, earlier_of, places_said, read_fact
from router.run.limited_child import LimitedChildren
from skills.triage import Contact, Reading, Triage

SWEEP_S: Final = 0.25
CLAIM: Final = "intake/mail"
AT_ONCE: Final = 4
"""Each may hold a whole mail, and what came out of it, in memory."""

WORDS_MAX: Final = 20_000
"""Characters that triage looks at: what is urgent is said before page ten."""

TRIAGE_S: Final = 10.0
"""For so few words a hundredth of a second, unless the machine stands still: then late is better than not at
all. What is not read in time waits with its channel's urgency meanwhile."""

FAILED_S: Final = 5.0
"""A mail whose reading cannot be written now is tried again this much later."""

PAGE_TYPE: Final = "text/html"
ABOUT_TYPE: Final = "application/json"
UNREADABLE: Final = "unreadable"
TOO_LARGE: Final = "too_large"
SALT_BYTES: Final = 16

_UNREAD: Final = f"""
    SELECT m.message_id, m.interaction_id, m.content_id, m.at_ms, i.channel, i.account, i.customer_id,
        i.language
    FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id
        JOIN content c ON c.content_id = m.content_id
    WHERE m.reading = 'unread' AND c.media_type = '{MEDIA_TYPE}'
    ORDER BY m.seq, m.message_id LIMIT 32
"""

_log = logging.getLogger("muster.intake")


@dataclass(frozen=True, slots=True)
class Unread:
    """A mail to read; array order is _UNREAD's."""

    message_id: str
    interaction_id: str
    content_id: str
    at_ms: int
    channel: str
    account: str
    customer_id: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What becomes a part of a message: about (what reading found out), text, html or file."""

    kind: str
    media_type: str
    body: bytes
    file_name: str = ""
    content_id: str = field(default_factory=lambda: str(uuid4()))
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReading:
    """Append: one mail is read. Nothing when somebody else has read it meanwhile.

    Shape: failed is the outbox row that a bounce says did not arrive, or empty.
    """

    unread: Unread
    reading: Reading
    how: str
    parts: tuple[Part, ...]
    failed: str = ""
    places: tuple[KeptPlace, ...] = ()

    def write_content(self, db: Connection) -> None:
        """The parts, and where the words say that somebody is."""
        for place in self.places:
            put_place(db, place, at_ms=self.unread.at_ms)
        for part in self.parts:
            db.run(
                """INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)
                   VALUES (:content_id, :media_type, :file_name, :salt, :body, :at_ms)""",
                content_id=part.content_id,
                media_type=storable(part.media_type),
                file_name=storable(part.file_name),
                salt=part.salt,
                body=part.body,
                at_ms=self.unread.at_ms,
            )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The parts, then what it needs: whoever sees that it is read sees what it says."""
        message_id = self.unread.message_id
        row = db.row("SELECT reading FROM message WHERE message_id = :id", id=message_id)
        if row is None or row[0] != "unread":
            for part in self.parts:
                db.run("DELETE FROM content WHERE content_id = :id", id=part.content_id)
            return ()
        facts = [
            fact(
                "part_added",
                message_id,
                number=number,
                part_kind=part.kind,
                content_id=part.content_id,
                content_hash=hashlib.sha256(part.salt + part.body).hexdigest(),
            )
            for number, part in enumerate(self.parts)
        ]
        facts.append(read_fact(self.unread.interaction_id, message_id, self.reading, self.how))
        facts.extend(located(self.unread.interaction_id, each) for each in self.places)
        sent = self.failed and db.row(
            "SELECT message_id, account FROM outbox WHERE outbox_id = :id", id=self.failed
        )
        if sent and sent[1] == self.unread.account:
            facts.append(fact("delivered", sent[0], status="failed"))
        return facts


class MailIntake:
    """The reading of mail in one web process. accounts are those of a plan, with their secrets; `ready` says
    whether languages can be told yet."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        plan: Callable[[], Plan],
        accounts: Callable[[Plan], Mapping[str, Account]],
        *,
        web_id: str,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._committer = committer
        self._plan = plan
        self._load_accounts = accounts
        self._is_ready = ready
        self._web_id = web_id
        self._children = LimitedChildren()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._ready: tuple[str, Triage, Mapping[str, Account]] | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                await asyncio.sleep(SWEEP_S)
                await self._sweep()
        finally:
            for task in self._under_way.values():
                task.cancel()
            await self._children.close()

    async def _sweep(self) -> None:
        if len(self._under_way) >= AT_ONCE or not self._is_ready():
            return
        try:
            left = await asyncio.to_thread(self._left)
        except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; the mail stays unread
            _log.error("mail not looked for error=%s", type(problem).__name__)
            return
        for unread in left:
            if len(self._under_way) >= AT_ONCE:
                return
            if unread.message_id not in self._under_way:
                self._under_way[unread.message_id] = asyncio.create_task(self._read(unread))

    def _left(self) -> list[Unread]:
        with self._database.reading() as db:
            left = [Unread(*row) for row in db.rows(_UNREAD)]
        return left if left and claim_sweep(self._database, CLAIM, self._web_id) else []

    async def _read(self, unread: Unread) -> None:
        """One mail, from the raw bytes to the journal."""
        try:
            appended = await self._append(unread)
            if not appended:
                await asyncio.sleep(FAILED_S)
        finally:
            self._under_way.pop(unread.message_id, None)

    async def _append(self, unread: Unread) -> bool:
        try:
            append = await self._read_apart(unread)
        except (DatabaseBusy, DatabaseGone):
            return False  # Nothing is wrong with the mail: it is read when the database is back.
        except Exception as mistake:  # noqa: BLE001 - content never causes loss: shown raw to a human
            _log.error("mail not read message_id=%s error=%s", unread.message_id, type(mistake).__name__)
            append = self._unparsed(unread)
        for each in (append, self._unparsed(unread)):
            try:
                await self._committer.append(each)
                return True
            except CommitUnknown:
                return False
            except Exception as refused:  # noqa: BLE001 - whatever a part makes a driver raise
                _log.error(
                    "mail reading refused message_id=%s error=%s", unread.message_id, type(refused).__name__
                )
        return False

    async def _read_apart(self, unread: Unread) -> AppendReading:
        body, earlier, language, answers_us = await asyncio.to_thread(self._load, unread)
        read = await self._children.read(body)
        plan = self._plan()
        triage, accounts = self._ready_for(plan)
        account = accounts.get(unread.account)
        head = head_of(body)
        about = about_mail(head, account, read)
        words = read.text if read is not None else shown_of(MEDIA_TYPE, body).text
        if answers_us:  # What we wrote ourselves comes back in it: "fire" was our word.
            words = without_quotes(words)
        contact = Contact(
            channel=unread.channel,
            text=f"{subject_of(head)}\n{words}"[:WORDS_MAX],
            at_ms=unread.at_ms,
            address=sender_of(head).address,
            earlier_language=unread.language or language,
            repeats=earlier,
            # A picture, or what cannot be read here, is no silence.
            attachments=len(read.files) + len(read.notes) + bool(read.page) if read is not None else 1,
            mail=about.kind,
        )
        async with asyncio.timeout(TRIAGE_S):
            reading = await asyncio.to_thread(triage.read, contact)
        if read is None:
            default = default_reading(plan, unread.channel)
            reading = reading if reading.urgency < default.urgency else default
        return AppendReading(
            unread=unread,
            reading=reading,
            how="unparsed" if read is None else "read",
            parts=parts_of(about, read),
            failed=failed_by(about, account),
            places=places_said(unread.message_id, Shown(text=contact.text), unread.at_ms),
        )

    def _load(self, unread: Unread) -> tuple[bytes, int, str, bool]:
        with self._database.reading() as db:
            row = db.row("SELECT body FROM content WHERE content_id = :id", id=unread.content_id)
            repeats, language = earlier_of(db, unread.customer_id, unread.at_ms)
            answered = db.row(
                "SELECT 1 FROM message WHERE interaction_id = :id AND direction = 'out' LIMIT 1",
                id=unread.interaction_id,
            )
        return bytes(row[0]) if row else b"", repeats, language, answered is not None

    def _ready_for(self, plan: Plan) -> tuple[Triage, Mapping[str, Account]]:
        if self._ready is None or self._ready[0] != plan.digest:
            self._ready = plan.digest, Triage(plan), self._load_accounts(plan)
        return self._ready[1], self._ready[2]

    def _unparsed(self, unread: Unread) -> AppendReading:
        return AppendReading(
            unread=unread, reading=default_reading(self._plan(), unread.channel), how="unparsed", parts=()
        )


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What reading found out about a mail, for people who look at it. bounce says what did not arrive."""

    kind: str
    verdict: str = ""
    notes: tuple[str, ...] = ()
    bounce: Bounce | None = None


def about_mail(head: Head, account: Account | None, read: MailRead | None) -> About:
    """By its head and what the child made of it; without its account nobody vouches for anything."""
    verdict = verdict_of(head, str(account.options.get("trusted_authserv", ""))) if account else ""
    key = TokenKey.of(account.secret) if account else None
    return About(
        kind=kind_of(head, verdict=verdict, key=key, own=account.address if account else ""),
        verdict=verdict,
        notes=((UNREADABLE,) if read is None else read.notes) + ((TOO_LARGE,) if is_cut(head) else ()),
        bounce=read.bounce if read is not None else None,
    )


def failed_by(about: About, account: Account | None) -> str:
    """The outbox row that this bounce says did not arrive; empty for everything that we did not sign."""
    bounce = about.bounce
    if account is None or bounce is None or about.kind != BOUNCE or bounce.action != "failed":
        return ""
    return TokenKey.of(account.secret).first_ref(SENT, [bounce.original_id])


def parts_of(about: About, read: MailRead | None) -> tuple[Part, ...]:
    """What becomes of a mail in the tables: what was found out, its words, its page, its files."""
    parts = [Part(kind="about", media_type=ABOUT_TYPE, body=msgspec.json.encode(about))]
    if read is not None:
        parts.append(Part(kind="text", media_type=TEXT, body=read.text.encode("utf-8", "replace")))
        if read.page:
            parts.append(Part(kind="html", media_type=PAGE_TYPE, body=read.page))
        parts += [
            Part(kind="file", media_type=each.media_type, body=each.body, file_name=each.name)
            for each in read.files
        ]
    return tuple(parts)
