"""Keeps a copy apart when the other site goes on without what it says, and lets a new one begin.

That happens on purpose only: over there somebody began another life of the database (`muster recover
--alone`, an old backup) although this copy has rows that it lacks. Those rows may be customers who were told
that they are kept: so nothing of the copy is thrown away. It gets the name of the life it is of.
"""

import logging
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from config.settings import Settings
from router.journal import stream
from router.journal.connection import Connection
from router.journal.database import open_database
from router.journal.release import has_tables
from router.sites.copies import Batch, Refused, copy_url
from router.sites.status import put_status, status_of

DIVERGENCE: Final = "divergence"
"""Code of the alarm: both sites have rows of one stream that the other one lacks."""

ASIDE: Final = "aside"
"""Key of the row of site_status, in the copy, that asks for it at the next start of the peer role."""

NAME: Final = 12
"""So much of an incarnation's name tells lives apart, and fits into the name of a schema."""

_log = logging.getLogger("muster.copy")


def is_another_life(db: Connection, batch: Batch, refused: Refused) -> bool:
    """Whether a batch that does not follow is of a life of the other site's database unknown to this copy."""
    if refused.code not in ("behind", "divergence"):
        return False
    known = db.row(
        "SELECT 1 FROM stream WHERE site = :site AND incarnation = :incarnation",
        site=batch.site,
        incarnation=batch.incarnation,
    )
    return known is None and stream.read_head(db).site == batch.site


def ask_for(db: Connection, now_ms: int) -> None:
    """Notes in the copy that it is to be set aside: whoever uses it has to let go of it first."""
    put_status(db, ASIDE, now_ms, {})


def set_aside_if_asked(settings: Settings) -> str:
    """At the start of the peer role, before it opens the copy. The name the old one has now; empty: none."""
    url = copy_url(settings.database_url, unsafe=settings.unsafe)
    is_file = url.startswith("sqlite:")
    path = Path(unquote(url.partition(":")[2][3:])) if is_file else Path()
    if is_file and not path.exists():
        return ""
    asked = _asked(url, settings)
    if asked is None:
        return ""
    name = _rename_file(path, asked) if is_file else _rename_schema(settings, asked)
    _log.error("the copy of the other site is kept apart name=%s incarnation=%s", name, asked)
    return name


def _asked(url: str, settings: Settings) -> str | None:
    """The life the copy is of, where somebody asked for it."""
    with (
        closing(open_database(url, unsafe=settings.unsafe)) as copy,
        closing(copy.connect(patient=True)) as db,
    ):
        if not has_tables(db) or not status_of(db, ASIDE).at_ms:
            return None
        name = stream.read_head(db).incarnation
        db.run("DELETE FROM site_status WHERE key = :key", key=ASIDE)
        if copy.dialect == "sqlite":
            db.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it is in the one file that gets another name
        return name


def _rename_file(path: Path, incarnation: str) -> str:
    aside = path.with_name(f"{path.stem}.{incarnation[:NAME]}{path.suffix}")
    path.rename(aside)
    for tail in ("-wal", "-shm", "-turn"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return aside.name


def _rename_schema(settings: Settings, incarnation: str) -> str:
    with (
        closing(open_database(settings.database_url, unsafe=settings.unsafe)) as own,
        own.writing(patient=True) as db,
    ):
        (schema,) = db.row("SELECT current_schema()") or ("public",)
        aside = f"{schema}_peer_{incarnation[:NAME]}"
        db.run(f'ALTER SCHEMA "{schema}_peer" RENAME TO "{aside}"')
    return aside
