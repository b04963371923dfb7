"""Fetches what messages only point to: pictures of texts, from their provider, by whichever worker is free.

Intake writes down what is wanted (a part of kind wanted, whose content is its address). Here it becomes a
file, or counts as lost: then people see that something was there. Tried again for hours, less and less often.
How one is fetched is media_fetch.py.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: columns of a row

from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account
from router.channels.providers import PROVIDERS
from router.journal.appends import SALT_BYTES, storable
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.records import Fact, fact
from router.run.housekeeping import claimed
from router.run.lease import NOW_MS
from router.run.media_fetch import LATER, Fetched, MediaClient
from router.run.plan_activation import plan_in_force

LOOK_S: Final = 1.0
AT_ONCE: Final = 4
"""Fetched at a time by one worker: each may be as large as its channel allows, and is held in memory."""

CLAIM_MS: Final = 45_000
"""Longer than a try; what a killed worker had begun is begun anew after this."""

PAUSE_MS: Final = (2_000, 300_000)
"""Shortest and longest pause before the next try: a quarter of the message's age."""

GIVE_UP_MS: Final = 6 * 3_600_000
"""Providers keep media for longer; whoever waits for a picture of a fire does not."""

GONE: Final = "erased"

_WANTED: Final = """
    SELECT p.message_id, p.number, c.body, c.media_type, p.content_id, i.account, i.channel, m.at_ms, {now}
    FROM part p JOIN message m ON m.message_id = p.message_id
        JOIN interaction i ON i.interaction_id = m.interaction_id
        LEFT JOIN content c ON c.content_id = p.content_id
        LEFT JOIN claim k ON k.ref = 'media/' || p.message_id || '/' || p.number
    WHERE p.kind = 'wanted' AND (k.ref IS NULL OR k.until_ms < {now})
    ORDER BY m.seq, p.number LIMIT :room
"""

_ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "application/pdf": "pdf",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
}
"""What telephones send; anything else keeps a name without an ending."""

_log = logging.getLogger("muster.media")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One part that must still be fetched. address is None where it was erased."""

    message_id: str
    number: int
    address: str | None
    media_type: str
    content_id: str
    account: str
    channel: str
    age_ms: int

    @property
    def ref(self) -> str:
        """The claim on it."""
        return f"media/{self.message_id}/{self.number}"


class Media:
    """The fetching of one worker."""

    def __init__(self, database: Database, committer: Committer, settings: Settings) -> None:
        self._database = database
        self._committer = committer
        self._settings = settings
        self._client = MediaClient()
        self._owner = os.urandom(8).hex()
        self._plan_version = 0
        self._accounts: Mapping[str, Account] = {}
        self._bytes_max: Mapping[str, int] = {}

    async def run(self) -> None:
        """Look, fetch, look again; until cancelled."""
        try:
            while True:
                found = 0
                try:
                    found = await self.fetch_due()
                except (DatabaseGone, DatabaseBusy, CommitUnknown) as reason:
                    _log.warning("no attachments now reason=%s", reason)
                except Exception:  # noqa: BLE001 - one attachment at fault must not stop the worker
                    _log.exception("fetching failed")
                if found < AT_ONCE:
                    await asyncio.sleep(LOOK_S)
        finally:
            await self._client.close()

    async def fetch_due(self) -> int:
        """Try what is wanted now; how many there were. Raises DatabaseGone, DatabaseBusy, CommitUnknown."""
        wanted = await asyncio.to_thread(self._claim)
        results = await asyncio.gather(*map(self._fetch, wanted), return_exceptions=True)
        for each in results:
            if isinstance(each, BaseException):
                raise each
        return len(wanted)

    async def _fetch(self, wanted: Wanted) -> None:
        fetched = await self._try(wanted)
        if fetched == LATER and wanted.age_ms >= GIVE_UP_MS:
            fetched = Fetched(lost="gave_up")
        if fetched == LATER:
            await asyncio.to_thread(self._postpone, wanted)
            return
        if fetched.lost:
            _log.warning(
                "attachment lost message_id=%s account=%s why=%s",
                wanted.message_id,
                wanted.account,
                fetched.lost,
            )
        await self._committer.append(KeepMedium(wanted=wanted, fetched=fetched))

    async def _try(self, wanted: Wanted) -> Fetched:
        if wanted.address is None:
            return Fetched(lost=GONE)
        account = self._accounts.get(wanted.account)
        provider = PROVIDERS.get(account.provider) if account is not None else None
        if account is None or provider is None:
            return LATER  # without its secret, or taken out of the plan: perhaps it comes back
        return await self._client.fetch(
            wanted.address,
            provider=provider,
            account=account,
            bytes_max=self._bytes_max.get(wanted.channel, 0),
        )

    def _claim(self) -> list[Wanted]:
        """Looked for without a lock first: most looks find nothing, and writers take turns."""
        with self._database.reading() as db:
            self._renew(db)
            rows = db.rows(_WANTED.format(now=NOW_MS[db.dialect]), room=AT_ONCE)
        found = [_wanted(row) for row in rows]
        if not found:
            return []
        with self._database.writing() as db:
            return [each for each in found if claimed(db, ref=each.ref, owner=self._owner, for_ms=CLAIM_MS)]

    def _postpone(self, wanted: Wanted) -> None:
        shortest, longest = PAUSE_MS
        with self._database.writing() as db:
            db.run(
                f"UPDATE claim SET until_ms = {NOW_MS[db.dialect]} + :pause_ms"
                " WHERE ref = :ref AND owner = :owner",
                pause_ms=min(max(wanted.age_ms // 4, shortest), longest),
                ref=wanted.ref,
                owner=self._owner,
            )

    def _renew(self, db: Connection) -> None:
        """The accounts and limits of the plan in force."""
        version = db.row("SELECT max(version) FROM plan")
        if not version or version[0] == self._plan_version:
            return
        found = plan_in_force(db)
        if found is not None:
            self._take(found[1])
        self._plan_version = version[0]

    def _take(self, plan: Plan) -> None:
        self._accounts = load_accounts(plan, self._settings)
        self._bytes_max = {each.channel_id: each.attachment_bytes_max for each in plan.channels}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMedium:
    """Append: what was wanted is here, or lost; nothing when somebody else was faster."""

    wanted: Wanted
    fetched: Fetched
    content_id: str = field(default_factory=lambda: os.urandom(16).hex())
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES))

    def write_content(self, db: Connection) -> None:
        """The file."""
        if self.fetched.body is None:
            return
        media_type = (self.fetched.media_type or self.wanted.media_type).partition(";")[0].strip().lower()
        db.run(
            "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms) VALUES"
            " (:content_id, :media_type, :file_name, :salt, :body,"
            " (SELECT last_at_ms FROM stream WHERE own = 1))",
            content_id=self.content_id,
            media_type=storable(media_type[:100]),
            file_name=file_name_of(media_type, self.wanted.number),
            salt=self.salt,
            body=self.fetched.body,
        )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The part as it is from now on."""
        wanted, body = self.wanted, self.fetched.body
        found = db.row(
            "SELECT kind FROM part WHERE message_id = :message_id AND number = :number",
            message_id=wanted.message_id,
            number=wanted.number,
        )
        db.run("DELETE FROM claim WHERE ref = :ref", ref=wanted.ref)
        if found is None or found[0] != "wanted":
            db.run("DELETE FROM content WHERE content_id = :id", id=self.content_id)
            return ()
        if body is not None:
            db.run("DELETE FROM content WHERE content_id = :id", id=wanted.content_id)  # only an address
        return (
            fact(
                "part_added",
                wanted.message_id,
                number=wanted.number,
                part_kind="lost" if body is None else "file",
                content_id=wanted.content_id if body is None else self.content_id,
                content_hash="" if body is None else hashlib.sha256(self.salt + body).hexdigest(),
            ),
        )


def file_name_of(media_type: str, number: int) -> str:
    """A name for what came without one: image-1.jpg."""
    kind = media_type.partition("/")[0]
    kind = kind if kind in ("image", "video", "audio") else "file"
    ending = _ENDINGS.get(media_type, "")
    return f"{kind}-{number}" + (f".{ending}" if ending else "")


def _wanted(row: tuple[Any, ...]) -> Wanted:
    message_id, number, body, media_type, content_id, account, channel, at_ms, now_ms = row
    return Wanted(
        message_id=message_id,
        number=number,
        address=None if body is None else bytes(body).decode("utf-8", "replace"),
        media_type=media_type or "",
        content_id=content_id,
        account=account,
        channel=channel,
        age_ms=max(0, now_ms - at_ms),
    )
