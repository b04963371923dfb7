"""Asks the copy of the other site, where there is one: opened when it is first there, and read only."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from config.settings import Settings
from router.channels.ingest import Kept
from router.channels.port import Contact
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone, DatabaseUnsafe
from router.journal.database import Database
from router.sites.copies import copy_url, open_copy
from router.sites.forwarding import kept_there

T = TypeVar("T")


class CopyReader:
    """The copy as pages need it: an answer, or None where there is none now. Blocks; call it in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._copy: Database | None = None

    def database(self) -> Database | None:
        """The copy, once there is one that can be opened."""
        try:
            if self._copy is None and self._is_made():
                self._copy = open_copy(self._settings)
        except (DatabaseBusy, DatabaseGone, DatabaseUnsafe):
            return None
        return self._copy

    def ask(self, question: Callable[[Connection], T]) -> T | None:
        """The answer of the other site's tables as they are here; None without a copy."""
        copy = self.database()
        try:
            if copy is None:
                return None
            with copy.reading() as db:
                return question(db)
        except (DatabaseBusy, DatabaseGone):
            return None

    def kept(self, contact: Contact) -> Kept | None:
        """Where the other site has this contact, as far as its copy is."""
        return self.ask(lambda db: kept_there(db, contact))

    def close(self) -> None:
        """Let go of its connections."""
        if self._copy is not None:
            self._copy.close()

    def _is_made(self) -> bool:
        """Whether there is a file to open: opening would make an empty one. Servers say so themselves."""
        scheme, _, path = copy_url(self._settings.database_url, unsafe=self._settings.unsafe).partition(":")
        return scheme != "sqlite" or Path(unquote(path.removeprefix("//"))).exists()
