"""Backups: one consistent SQLite file of a whole database, made while everything runs.

From SQLite page by page, from PostgreSQL table by table out of one snapshot; either is opened, verified and
restored the same way (restoring.py), into either database. Secrets and plans' files are not in it.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from router.journal import stream, tables
from router.journal.connection import Connection, DatabaseGone
from router.journal.copying import copy_table
from router.journal.database import Database
from router.journal.definitions import definitions
from router.journal.sqlite import SqliteConnection
from router.journal.verify import Report, verify
from router.records import canonical

KEPT_LOCAL: Final = ("mailbox", "refused", "quarantine")
"""LOCAL tables that are worth keeping: how far mailboxes were read, and requests that somebody may still want
to look at once more. Leases, claims, tickets and figures are of processes that will be gone."""

EVERY_KEPT: Final = ("journal", "stream", *tables.JOURNALLED, *tables.CONTENT, *KEPT_LOCAL)

PART: Final = ".part"
DAMAGED: Final = ".damaged"

_MANIFEST: Final = "CREATE TABLE backup (about TEXT NOT NULL)"


class NoBackup(Exception):
    """The file is not a backup; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is of. Shape: hash is the head's, in hex."""

    site: str
    incarnation: str
    seq: int
    hash: str
    at_ms: int
    """When it was made."""
    release: str
    dialect: str
    """Of the database it was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A file that was made, and what verifying it found."""

    path: Path
    bytes: int
    manifest: Manifest
    report: Report

    @property
    def fine(self) -> bool:
        """Whether the journal in it is whole and its tables say the same."""
        return not self.report.problem_count


def back_up(
    database: Database, path: Path, *, release: str, now_ms: int, say: Callable[[str, int, int], None]
) -> Backup:
    """Makes the file, verifies it, and only then gives it its name; a damaged one gets `.damaged` behind it.

    Shape:  say is told what is being done, how much is done, and of how much (0: not known).
    Raises: DatabaseGone; OSError when the file cannot be written. Neither leaves anything behind.
    """
    part = path.with_name(path.name + PART)
    try:
        with database.reading() as db:
            head = stream.read_head(db)  # from here on this transaction sees one moment
            manifest = Manifest(
                site=head.site,
                incarnation=head.incarnation,
                seq=head.seq,
                hash=head.hash.hex(),
                at_ms=now_ms,
                release=release,
                dialect=database.dialect,
            )
            _write(db, part, manifest, say)
        with closing(SqliteConnection.kept_file(part)) as kept:
            report = verify(kept, lambda seq: say("verifying row", seq, manifest.seq))
        done = path if not report.problem_count else path.with_name(path.name + DAMAGED)
        _name(part, done)
    finally:
        part.unlink(missing_ok=True)
    return Backup(path=done, bytes=done.stat().st_size, manifest=manifest, report=report)


def read_manifest(db: Connection) -> Manifest:
    """What the backup open here is of. Raises NoBackup."""
    try:
        found = db.row("SELECT about FROM backup")
    except DatabaseGone:
        found = None
    if found is None:
        raise NoBackup("this is no backup that `muster backup` made")
    return msgspec.json.decode(found[0], type=Manifest)


def prune(folder: Path, site: str, keep: int) -> Sequence[Path]:
    """Removes all but the newest `keep` backups of a site from a folder; those removed.

    Only files that are named as backups are, and that say themselves that they are this site's.
    """
    ours = sorted(each for each in folder.glob(f"{site}-*.db") if _is_of(each, site))
    old = ours[:-keep]
    for each in old:
        each.unlink()
    return old


def _write(db: Connection, part: Path, manifest: Manifest, say: Callable[[str, int, int], None]) -> None:
    with closing(SqliteConnection.new_file(part)) as target:
        if isinstance(db, SqliteConnection):
            db.copy_pages(target, lambda done, pages: say("copying page", done, pages))
            for name in set(tables.LOCAL).difference(KEPT_LOCAL):
                target.run(f"DELETE FROM {name}")
        else:
            for statement in definitions("sqlite"):
                target.run(statement)
            for name in EVERY_KEPT:
                copy_table(db, target, name, lambda table, rows: say(f"copying {table}, row", rows, 0))
        target.run(_MANIFEST)
        target.run("INSERT INTO backup (about) VALUES (:about)", about=canonical(asdict(manifest)))


def _name(part: Path, done: Path) -> None:
    """Only what is on the disk whole gets the name of a backup."""
    file = os.open(part, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    part.replace(done)
    folder = os.open(done.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_of(path: Path, site: str) -> bool:
    try:
        with closing(SqliteConnection.kept_file(path)) as db:
            return read_manifest(db).site == site
    except (NoBackup, DatabaseGone, msgspec.MsgspecError):
        return False
