"""What the watch reads and writes in the database: a look every two seconds, by one process of a site."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final  # Any: a JSON value for pages

import msgspec

from agents_ui.admin.roles import RoleHealth, roles_now
from agents_ui.hooks.quarantine import forget_old, refused_since
from agents_ui.wall.explain import explain
from agents_ui.watch.judgement import (
    LATELY_MS,
    UNREAD_MS,
    UNROUTED_MS,
    WAVE_MS,
    Known,
    Trouble,
    Unoffered,
    Way,
)
from config.plan import Plan
from router.journal.database import Connection, Database
from router.run.lease import NOW_MS

CLAIM: Final = "watch"
CLAIM_MS: Final = 7_000
"""Three looks and a bit: another web process goes on soon, and none takes over from one that is only slow."""

WAITING_EVERY_MS: Final = 5_000
"""Who waits in vain is looked for this often: with a hundred thousand waiting that is a tenth of a second."""

PATIENCE: Final = 20
"""A look that took long is made so much more rarely: with a million waiting it takes a second."""

QUEUES_MAX: Final = 20
"""Lines whose first one is looked at; each costs a millisecond."""

HOUSE_EVERY_MS: Final = 3_600_000

SITE: Final = "/site"
"""The row of what concerns no single way."""

_HOLDS: Final = "SELECT owner FROM claim WHERE ref = :ref AND until_ms >= {now}"
_TAKE: Final = """
    INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, {now} + :for_ms)
    ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
        WHERE claim.owner = excluded.owner OR claim.until_ms < {now} OR claim.until_ms > {now} + :for_ms
"""
_SAVE: Final = """
    INSERT INTO watch (watched, channel, through_ms, real_ms, probe_ms, problem, trouble)
    VALUES (:watched, :channel, :through_ms, :real_ms, :probe_ms, :problem, :trouble)
    ON CONFLICT (watched) DO UPDATE SET channel = excluded.channel, through_ms = excluded.through_ms,
        real_ms = excluded.real_ms, probe_ms = excluded.probe_ms, problem = excluded.problem,
        trouble = excluded.trouble
"""
_UNROUTED: Final = """
    SELECT count(*), coalesce(min(interaction_id), '') FROM interaction
    WHERE closed_seq = 0 AND state = 'parked' AND queue_id = '' AND parked_until_ms < :before_ms
"""
_UNREAD: Final = """
    SELECT count(*), coalesce(min(message_id), '') FROM message
    WHERE reading = 'unread' AND at_ms < :before_ms
"""
_SOMEBODY_FREE: Final = "SELECT 1 FROM agent WHERE available = 1 AND desk_ids <> '[]' LIMIT 1"
_FIRST_OF_EACH: Final = """
    SELECT queue_id, min(urgency * 100000000000000 + accepted_at_ms) FROM interaction
    WHERE closed_seq = 0 AND state = 'waiting' AND named_agent_id = '' GROUP BY queue_id ORDER BY 2 LIMIT :n
"""
_FIRST: Final = """
    SELECT interaction_id, offer_count FROM interaction
    WHERE closed_seq = 0 AND state = 'waiting' AND named_agent_id = '' AND queue_id = :queue_id
        AND urgency = :urgency AND accepted_at_ms = :accepted_at_ms ORDER BY interaction_id LIMIT 1
"""
_ORDER: Final = 100_000_000_000_000
"""Between two urgencies: no time is as large before the year 5138."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look found. Shape: unoffered is None where it was not looked for this time; mailboxes says how
    long ago each account's mailbox was last looked into."""

    roles: Sequence[RoleHealth]
    unrouted: tuple[int, str]
    unread: tuple[int, str]
    refused: Mapping[str, int]
    lately: Mapping[str, int]
    mailboxes: Mapping[str, int]
    unoffered: Sequence[Unoffered] | None


class Looker:
    """Looks, and remembers on disk what is known. Its methods block: they run in a thread."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._waiting_at_s = 0.0
        self._house_at_s = time.monotonic()
        self._saved: dict[str, tuple[Any, ...]] = {}

    def leads(self) -> bool:
        """Whether this process is the one that watches now."""
        with self._database.reading() as db:
            held = db.row(_HOLDS.format(now=NOW_MS[db.dialect]), ref=CLAIM)
        if held is not None and held[0] != self._owner:
            return False
        with self._database.writing() as db:
            taken = db.run(
                _TAKE.format(now=NOW_MS[db.dialect]), ref=CLAIM, owner=self._owner, for_ms=CLAIM_MS
            )
        return taken == 1

    def look(self, plan: Plan, now_ms: int) -> Looked:
        """Everything at one moment. Shape: now_ms is the time of day."""
        began_s = time.monotonic()
        with self._database.reading() as db:
            head = db.row("SELECT last_at_ms FROM stream WHERE own = 1")
            # The journal's clock may be ahead of the time of day, where that was set back.
            journal_ms = max(now_ms, head[0] if head else 0)
            unrouted = db.row(_UNROUTED, before_ms=journal_ms - UNROUTED_MS) or (0, "")
            unread = db.row(_UNREAD, before_ms=journal_ms - UNREAD_MS) or (0, "")
            looked = Looked(
                roles=roles_now(db, plan),
                unrouted=(unrouted[0], unrouted[1]),
                unread=(unread[0], unread[1]),
                # Minutes that began before: of the oldest one a part only is within the time.
                refused=refused_since(db, now_ms - WAVE_MS),
                lately=refused_since(db, now_ms - LATELY_MS),
                mailboxes=_mailboxes(db, now_ms),
                unoffered=None,
            )
            due = time.monotonic() - self._waiting_at_s >= WAITING_EVERY_MS / 1000
            firsts = _firsts(db) if due else []
        if not due:
            return looked
        unoffered = self._unoffered(plan, firsts, journal_ms)
        took_s = time.monotonic() - began_s
        self._waiting_at_s = time.monotonic() + PATIENCE * took_s
        return replace(looked, unoffered=unoffered)

    def load(self, now_ms: int) -> dict[str, tuple[int, int, int, str]]:
        """How long ago each way was through, real, probed, and its problem: what another process left."""
        with self._database.reading() as db:
            rows = db.rows("SELECT watched, through_ms, real_ms, probe_ms, problem FROM watch")
        return {row[0]: (*(_age(now_ms, each) for each in row[1:4]), row[4]) for row in rows}

    def save(
        self,
        ways: Mapping[str, Way],
        known: Mapping[str, Known],
        troubles: Sequence[Trouble],
        *,
        behind_ms: int,
    ) -> None:
        """What changed since the last time. Shape: behind_ms is the time of day less the judge's clock."""
        held: dict[str, list[list[str]]] = {}
        for each in troubles:
            held.setdefault(each.ref if each.ref in ways else SITE, []).append(
                [each.code, each.ref, each.detail]
            )
        rows = {
            watched: (
                way.channel,
                *(_at(each, behind_ms) for each in (known[watched].through_ms, known[watched].real_ms)),
                _at(known[watched].probe_ms, behind_ms),
                known[watched].problem,
                msgspec.json.encode(held.get(watched, [])).decode(),
            )
            for watched, way in ways.items()
            if watched in known
        }
        rows[SITE] = ("", 0, 0, 0, "", msgspec.json.encode(held.get(SITE, [])).decode())
        changed = {each: row for each, row in rows.items() if _differs(self._saved.get(each), row)}
        gone = [each for each in self._saved if each not in rows]
        house = time.monotonic() - self._house_at_s >= HOUSE_EVERY_MS / 1000
        if not changed and not gone and not house:
            return
        with self._database.writing() as db:
            for watched, row in changed.items():
                _save(db, watched, row)
            for watched in gone:
                db.run("DELETE FROM watch WHERE watched = :watched", watched=watched)
            if house:
                forget_old(db, time.time_ns() // 1_000_000)
                self._house_at_s = time.monotonic()
        self._saved = {**{each: self._saved[each] for each in self._saved if each not in gone}, **changed}

    def _unoffered(self, plan: Plan, firsts: Sequence[tuple[str, int]], now_ms: int) -> list[Unoffered]:
        """Of the first of each line, who could serve it and is free."""
        found = []
        for interaction_id, offers in firsts:
            told = explain(self._database, plan, interaction_id, now_ms)
            if told is None or told["state"] != "waiting":
                continue
            could: list[str] = next(
                (each["agent_ids"] for each in told["groups"] if each["reason"] == "could"), []
            )
            if could:
                found.append(Unoffered(interaction_id=interaction_id, offer_count=offers, agent_id=could[0]))
        return found


def _firsts(db: Connection) -> list[tuple[str, int]]:
    """The first of each line, where there is anybody at all who might take it."""
    if db.row(_SOMEBODY_FREE) is None:
        return []
    found = []
    for queue_id, place in db.rows(_FIRST_OF_EACH, n=QUEUES_MAX):
        urgency, accepted_at_ms = divmod(int(place), _ORDER)
        row = db.row(_FIRST, queue_id=queue_id, urgency=urgency, accepted_at_ms=accepted_at_ms)
        if row is not None:
            found.append((str(row[0]), int(row[1])))
    return found


def _mailboxes(db: Connection, now_ms: int) -> dict[str, int]:
    rows = db.rows("SELECT mailbox, at_ms FROM mailbox ORDER BY at_ms")
    return {row[0].partition(" ")[0]: max(0, now_ms - row[1]) for row in rows}


def _age(now_ms: int, at_ms: int) -> int:
    return max(0, now_ms - at_ms) if at_ms else -1


def _at(judged_ms: int, behind_ms: int) -> int:
    return judged_ms + behind_ms if judged_ms else 0


def _differs(before: tuple[Any, ...] | None, row: tuple[Any, ...]) -> bool:
    """Anything new; a way by which contacts keep coming is written every ten seconds."""
    if before is None or before[4:] != row[4:]:
        return True
    return any(
        abs(old - new) >= 10_000 or (not old) != (not new)
        for old, new in zip(before[1:4], row[1:4], strict=True)
    )


def _save(db: Connection, watched: str, row: tuple[Any, ...]) -> None:
    channel, through_ms, real_ms, probe_ms, problem, trouble = row
    db.run(
        _SAVE,
        watched=watched,
        channel=channel,
        through_ms=through_ms,
        real_ms=real_ms,
        probe_ms=probe_ms,
        problem=problem,
        trouble=trouble,
    )


def watched_now(db: Connection) -> dict[str, dict[str, Any]]:
    """What the watch knows, for pages: by way; under SITE what concerns no single one."""
    rows = db.rows("SELECT watched, channel, through_ms, real_ms, probe_ms, problem, trouble FROM watch")
    return {
        row[0]: {
            "channel": row[1],
            "through_ms": row[2],
            "real_ms": row[3],
            "probe_ms": row[4],
            "problem": row[5],
            "troubles": [
                {"code": code, "ref": ref, "detail": detail}
                for code, ref, detail in msgspec.json.decode(row[6] or b"[]")
            ],
        }
        for row in rows
    }
