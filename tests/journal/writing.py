"""Appends that the journal's tests make, and a look at what is there afterwards."""

from collections.abc import Callable, Sequence

from router.journal.appends import FactsAppend, put_content
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.stream import read_rows
from router.journal.verify import Report, verify
from router.records import Fact, Row, fact

PATIENCE_S = 20


class Arrival:
    """A contact with words: content, then one fact unless it is a repeat. As channels do it."""

    def __init__(self, number: int, *, while_locked: Callable[[Connection], None] = lambda db: None) -> None:
        self.name = f"c-{number:06}"
        self._while_locked = while_locked

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id=f"{self.name}-words", media_type="text/plain", body=b"help", at_ms=1)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        self._while_locked(db)
        if db.row("SELECT 1 FROM message WHERE message_id = :id", id=f"{self.name}-m"):
            return ()
        return (arrived(self.name),)


class Faulty(Arrival):
    """A contact whose append raises under the lock, after it has written something."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        raise ValueError(f"{self.name} cannot be appended")


def arrived(name: str, **more: str | int) -> Fact:
    """The fact that a chat arrived."""
    data = {
        "channel": "chat",
        "account": "web",
        "customer_id": "",
        "thread": "",
        "connection_id": "",
        "traffic": "real",
        "message_id": f"{name}-m",
        "content_id": f"{name}-words",
        "client_id": "",
        "message_kind": "text",
    }
    return fact("arrived", name, **{**data, **more})


def append(committer: Committer, *facts: Fact) -> tuple[Row, ...]:
    """Appends facts and waits until they are durable."""
    return committer.submit(FactsAppend(facts_to_append=facts)).result(PATIENCE_S)


def all_rows(database: Database) -> list[Row]:
    """The whole journal."""
    with database.reading() as db:
        return read_rows(db, after_seq=0, limit=1_000_000)


def checked(database: Database) -> Report:
    """What `muster journal verify` finds."""
    with database.reading() as db:
        return verify(db)
