"""Whose address is whose: what was linked, merged or split at one site is so at both. The later act wins.

Each site may call one address, and so its identity and its customer, by ids of its own. So the identity is
looked up by what it is, and the customer by the other identities that are this customer's there. What this
site never heard of is not moved: it comes with the interaction that brings it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.learning_kinds import KindLearning

OTHERS_MAX: Final = 50
"""Other identities of the customer there that are looked for here: one that is known is enough."""

_MOVED: Final = """
    SELECT identity_id, customer_id, moved_from, moved_at_ms, moved_by, moved_why FROM identity
    WHERE moved_at_ms > 0 AND identity_id IN {wanted}
"""
_ABOUT: Final = """
    SELECT i.identity_id, i.channel, i.account, i.verified, coalesce(a.kind, ''), coalesce(a.address, '')
    FROM identity i LEFT JOIN address a ON a.address_hash = i.address_hash
"""
_SAME: Final = "SELECT identity_id, customer_id, moved_at_ms FROM identity WHERE identity_id = :identity_id"
_ALIKE: Final = """
    SELECT i.identity_id, i.customer_id, i.moved_at_ms FROM identity i
    JOIN address a ON a.address_hash = i.address_hash
    WHERE a.kind = :kind AND a.address = :address AND i.channel = :channel AND i.account = :account
    AND i.verified = :verified ORDER BY i.identity_id LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An identity as the other site has it, with the address that it is."""

    identity_id: str
    channel: str
    account: str
    verified: int
    kind: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What somebody did there; others are of the customer whose it is now."""

    identity: Known
    others: tuple[Known, ...]
    customer_id: str
    moved_from: str
    moved_at_ms: int
    agent_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnMoves:
    """Append: those that are later than what is known here. said: `<site>/<seq>`."""

    said: str
    moves: tuple[Move, ...]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock. Each identity once, where it is in the end; what goes before counts."""
        found: dict[str, Fact] = {}
        moved: dict[str, str] = {}
        for move in self.moves:
            here = _here(db, move.identity)
            if here is not None and here[2] < move.moved_at_ms:
                to_customer_id = self._customer(db, move, moved)
                if to_customer_id != here[1]:
                    moved[here[0]] = to_customer_id
                    found[here[0]] = self._fact(move, here, to_customer_id)
        return list(found.values())

    @staticmethod
    def _customer(db: Connection, move: Move, moved: Mapping[str, str]) -> str:
        """What this site calls the customer: by any address of theirs that it knows, else as there."""
        for other in move.others:
            if (known := _here(db, other)) is not None:
                return moved.get(known[0], known[1])
        return move.customer_id

    def _fact(self, move: Move, here: tuple[str, str, int], to_customer_id: str) -> Fact:
        return fact(
            "identity_moved",
            here[0],
            from_customer_id=here[1],
            to_customer_id=to_customer_id,
            agent_id=move.agent_id,
            command_id="",
            why=move.why,
            said_at_ms=move.moved_at_ms,
            learned=self.said,
        )


def link_learning() -> KindLearning:
    """The follower's step."""
    return KindLearning("identity_moved", _learnt)


def _here(db: Connection, known: Known) -> tuple[str, str, int] | None:
    """(identity, customer, when it was moved) as this site knows it."""
    found = db.row(_SAME, identity_id=known.identity_id)
    if found is None and known.address:
        found = db.row(
            _ALIKE,
            kind=known.kind,
            address=known.address,
            channel=known.channel,
            account=known.account,
            verified=known.verified,
        )
    return (str(found[0]), str(found[1]), int(found[2])) if found is not None else None


def _learnt(copy: Connection, ids: Sequence[str], said: str) -> LearnMoves:
    """The earliest act first: where several were moved to one customer, the last ones find the first."""
    rows = sorted(rows_in(copy, _MOVED, ids), key=lambda row: (row[3], row[0]))
    moves = []
    for identity_id, customer_id, moved_from, moved_at_ms, agent_id, why in rows:
        (identity,) = _about(copy, "WHERE i.identity_id = :id", id=identity_id)
        others = _about(
            copy,
            "WHERE i.customer_id = :customer_id AND i.identity_id <> :id AND i.moved_at_ms < :moved_at_ms"
            f" ORDER BY i.moved_at_ms, i.identity_id LIMIT {OTHERS_MAX}",
            customer_id=customer_id,
            id=identity_id,
            moved_at_ms=moved_at_ms,
        )
        move = Move(
            identity=identity,
            others=tuple(others),
            customer_id=customer_id,
            moved_from=moved_from,
            moved_at_ms=moved_at_ms,
            agent_id=agent_id,
            why=why,
        )
        moves.append(move)
    return LearnMoves(said=said, moves=tuple(moves))


def _about(copy: Connection, which: str, **values: str | int) -> list[Known]:
    return [
        Known(
            identity_id=row[0], channel=row[1], account=row[2], verified=row[3], kind=row[4], address=row[5]
        )
        for row in copy.rows(f"{_ABOUT} {which}", **values)
    ]
