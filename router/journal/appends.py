"""Ready-made appends: plain facts, and the router's groups of decisions behind its fencing epoch.

What channels and desks append (a contact, a reply) is theirs: they write content with put_content.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.decisions import CloseInteraction, Decision
from router.journal.connection import Connection
from router.journal.stream import OWN_ROWS
from router.records import EVENT_KINDS, GROUP, Fact, fact, fact_of

ROUTER: Final = "router"
"""Name of the router's lease row, of its position row, and ref of its groups."""

SAFE_MARK: Final = "+safe"
"""Ends the release of groups decided in safe mode, which are not the core's (router/run/safe_mode.py)."""

SALT_BYTES: Final = 16


class Fenced(Exception):
    """Another router has the lease since: nothing was written, and this process must end."""


class Overtaken(Exception):
    """The tables are not what these decisions were taken from: nothing was written.

    A customer who counts as gone is back in rows not read yet; or a group of ours came through after all.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsAppend:
    """Facts that are true whatever the tables say."""

    facts_to_append: tuple[Fact, ...]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return self.facts_to_append


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterAppend:
    """One group of decisions and how far the router had read when it took them, in one transaction.

    Shape: now_ms is what the core was advanced to after the last row read; core_ms is `Core.state().now_ms`
           after that (an advance that decides nothing leaves it behind). Where nothing for the core was read
           and nothing decided, only the position moves and no row is written. extra are facts of the
           router about others: desk_left and customer_disconnected for a dead web. quiet are pairs (seq,
           now_ms) of earlier turns that decided nothing and were not appended: rows up to seq were handled
           at that time. Replay needs them, because a core may decide more when it is told later. after is
           the position (read_through, core_ms) that the memory was made from, or left by its last group.
    """

    epoch: int
    read_through: int
    now_ms: int
    core_ms: int
    plan_version: int
    release: str
    decisions: tuple[Decision, ...] = ()
    extra: tuple[Fact, ...] = ()
    quiet: tuple[tuple[int, int], ...] = ()
    after: tuple[int, int] | None = None

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Raises Fenced, Overtaken."""
        check_epoch(db, self.epoch)
        self._check_after(db)
        self._check_gone(db)
        handled = bool(self.decisions) or self._read_events(db)
        set_position(db, self.read_through, self.core_ms)
        group = [self._group()] if handled else []
        return [*group, *map(fact_of, self.decisions), *self.extra]

    def _check_after(self, db: Connection) -> None:
        """A group whose outcome was unknown may come through while it is decided anew: the replica that its
        commit waited for is back. Then that one counts. Raises Overtaken."""
        found = db.row("SELECT read_through, now_ms FROM position WHERE reader = :reader", reader=ROUTER)
        there = (int(found[0]), int(found[1])) if found else (0, 0)
        if self.after not in (None, there):
            raise Overtaken(f"the position is {there}, not {self.after}: an earlier group came through")

    def _check_gone(self, db: Connection) -> None:
        """Whoever comes back before this is written goes on in the same interaction. Raises Overtaken."""
        closed = (each for each in self.decisions if isinstance(each, CloseInteraction))
        gone = {each.interaction_id for each in closed if not each.agent_id}
        if not gone:
            return
        back = db.rows(
            f"SELECT ref FROM journal WHERE {OWN_ROWS} AND seq > :seq AND kind = 'customer_connected'",
            seq=self.read_through,
        )
        for (interaction_id,) in back:
            if interaction_id in gone:
                raise Overtaken(f"{interaction_id} has its customer back")

    def _read_events(self, db: Connection) -> bool:
        """Whether something for the core was read: replay must know when it was handled, decided or not."""
        found = db.row("SELECT read_through FROM position WHERE reader = :reader", reader=ROUTER)
        rows = db.rows(
            f"""SELECT DISTINCT kind FROM journal
                WHERE {OWN_ROWS} AND seq > :after_seq AND seq <= :read_through""",
            after_seq=found[0] if found else 0,
            read_through=self.read_through,
        )
        return any(kind in EVENT_KINDS for (kind,) in rows)

    def _group(self) -> Fact:
        quiet = {"quiet": self.quiet} if self.quiet else {}
        return fact(
            GROUP,
            ROUTER,
            **quiet,
            read_through=self.read_through,
            now_ms=self.now_ms,
            core_ms=self.core_ms,
            plan_version=self.plan_version,
            release=self.release,
            epoch=self.epoch,
        )


def set_position(db: Connection, read_through: int, core_ms: int) -> None:
    """How far the router has read, and its core's clock after that."""
    db.run(
        """INSERT INTO position (reader, read_through, now_ms) VALUES (:reader, :read_through, :now_ms)
           ON CONFLICT (reader) DO UPDATE
           SET read_through = excluded.read_through, now_ms = excluded.now_ms""",
        reader=ROUTER,
        read_through=read_through,
        now_ms=core_ms,
    )


def check_epoch(db: Connection, epoch: int) -> None:
    """Holds the lease row until this transaction ends, if its epoch is still ours. Raises Fenced.

    The lock matters: a successor that raised the epoch between this look and our commit would load its state
    without our decisions. In SQLite the transaction keeps everybody out already.
    """
    lock = "" if db.dialect == "sqlite" else "FOR SHARE"
    found = db.row(f"SELECT epoch FROM lease WHERE name = :name {lock}", name=ROUTER)
    if found is None or found[0] != epoch:
        raise Fenced(f"router epoch {epoch} has ended; the lease says {found[0] if found else 'nobody'}")


def put_content(
    db: Connection, *, content_id: str, media_type: str, body: bytes, at_ms: int, file_name: str = ""
) -> None:
    """Stores words or a file under our id, with the salt of its hash; a repeat changes nothing."""
    db.run(
        """INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)
           VALUES (:content_id, :media_type, :file_name, :salt, :body, :at_ms)
           ON CONFLICT (content_id) DO NOTHING""",
        content_id=content_id,
        media_type=storable(media_type),
        file_name=storable(file_name),
        salt=os.urandom(SALT_BYTES),
        body=body,
        at_ms=at_ms,
    )


def storable(text: str) -> str:
    """Text that both databases keep: without NUL and lone surrogates, which PostgreSQL refuses."""
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode()
