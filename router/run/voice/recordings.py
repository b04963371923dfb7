"""Recordings on their way into the conversation: a file while the call goes on, then a part of its message.

The file is removed once its content is on disk. What a dead process left is found by the next one.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.records import Fact, fact
from router.run.voice.record import OUT, put_salted, said_id

FOLDER: Final = "recordings"
MEDIA_TYPE: Final = "audio/ogg"
CHAIN_MAX: Final = 20
LOOK_S: Final = 2.0
"""How often what a dead process left is looked for. A file that was not kept is tried again then as well."""

_RECORDINGS: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e05")
"""Drawn once: the content of a recording has the same id however often it is adopted."""

_log = logging.getLogger("muster.voice")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRecording:
    """Append: this file is part of the first message of its call. Nothing when it is already.

    Where no message is known yet to put it to, the file stays.
    """

    call_id: str
    name: str
    body: bytes = field(repr=False)

    def write_content(self, db: Connection) -> None:
        """Nothing: it is only kept where there is a message."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The part, once."""
        message_id = message_of(db, self.call_id)
        content_id = str(uuid5(_RECORDINGS, self.name))
        if not message_id or db.row("SELECT 1 FROM part WHERE content_id = :id", id=content_id) is not None:
            return ()
        row = db.row("SELECT max(number) FROM part WHERE message_id = :id", id=message_id)
        content_hash = put_salted(db, content_id, MEDIA_TYPE, self.body, at_ms, file_name=self.name)
        return (
            fact(
                "part_added",
                message_id,
                number=(row[0] or 0) + 1 if row else 1,
                part_kind="file",
                content_id=content_id,
                content_hash=content_hash,
            ),
        )


def message_of(db: Connection, call_id: str) -> str:
    """The message that stands for this call; empty where there is none (yet)."""
    row = db.row("SELECT interaction_id, direction FROM call WHERE call_id = :id", id=call_id)
    if row is None:
        return ""
    interaction_id, direction = row
    if direction == OUT:
        return said_id(call_id, 0)
    for _ in range(CHAIN_MAX):
        first = db.row(
            "SELECT message_id FROM message WHERE interaction_id = :id AND direction = 'in'"
            " ORDER BY seq, message_id LIMIT 1",
            id=interaction_id,
        )
        if first is not None:
            return str(first[0])
        follows = db.row("SELECT follows FROM interaction WHERE interaction_id = :id", id=interaction_id)
        if follows is None or not follows[0]:
            return ""
        interaction_id = follows[0]
    return ""


class Recordings:
    """The folder of one site."""

    def __init__(self, folder: Path, database: Database, committer: Committer) -> None:
        self.folder = folder
        self._database = database
        self._committer = committer
        self._wanted: asyncio.Queue[str] = asyncio.Queue()

    def open(self) -> None:
        """Make the folder: nobody else on this machine may listen."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def adopt(self, call_id: str) -> None:
        """This call has ended."""
        self._wanted.put_nowait(call_id)

    async def run(self) -> None:
        """Adopt each call that ends, and what others left, until cancelled."""
        while True:
            try:
                # Not wait_for: in Python 3.11 it forgets that it was cancelled when a call ends meanwhile.
                async with asyncio.timeout(LOOK_S):
                    call_id = await self._wanted.get()
            except TimeoutError:
                for left in await self._look():
                    await self._patiently(left)
            else:
                await self._patiently(call_id)

    async def _look(self) -> list[str]:
        try:
            return await asyncio.to_thread(self._left)
        except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; the files stay
            _log.warning("recordings not looked for error=%s", type(problem).__name__)
            return []

    async def _patiently(self, call_id: str) -> None:
        try:
            for path in await asyncio.to_thread(self._files, call_id):
                body = await asyncio.to_thread(path.read_bytes)
                if body:
                    await self._committer.append(AddRecording(call_id=call_id, name=path.name, body=body))
                if not body or await asyncio.to_thread(self._is_kept, path.name):
                    await asyncio.to_thread(path.unlink, missing_ok=True)
        except Exception as problem:  # noqa: BLE001 - a full disk, a database that is away: the file stays
            _log.warning("recording not kept yet call=%s error=%s", call_id, type(problem).__name__)

    def _files(self, call_id: str) -> list[Path]:
        return sorted(self.folder.glob(f"{call_id}*.ogg"))

    def _left(self) -> list[str]:
        """Calls of files that are there, as far as these calls are over."""
        ids = sorted({path.name[:36] for path in self.folder.glob("*.ogg")})
        with self._database.reading() as db:
            return [each for each in ids if _is_over(db, each)]

    def _is_kept(self, name: str) -> bool:
        with self._database.reading() as db:
            content_id = str(uuid5(_RECORDINGS, name))
            return db.row("SELECT 1 FROM part WHERE content_id = :id", id=content_id) is not None


def _is_over(db: Connection, call_id: str) -> bool:
    row = db.row("SELECT ended_ms FROM call WHERE call_id = :id", id=call_id)
    return row is not None and row[0] > 0
