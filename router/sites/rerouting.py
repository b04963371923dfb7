"""Handing waiting interactions to the other site while this one lives: held for it, asked, then let go.

Chosen are those that wait here and shall wait there: a share (reroute; shares.py), everything while the other
site serves this one's traffic, what came from there once its home serves again, and what came meanwhile where
nobody is left (left_alone.py). Which of a share is drawn from its id: the same one is always chosen or never.

    waiting ── handover_began ──▶ held for @<site> ── asked ──▶ adopted there ── yielded ──▶ moved
                                        │                 refused: handover_ended ──▶ waiting
                                        └── nothing heard by its deadline ──▶ waiting

What the other site took although its answer was lost is seen by its stream (reconciling.py). What is still to
be said in it leaves here no more as long as it is held, and goes along (lending.py).

A call that is on the line here is not handed over, for sound does not move between sites: it is sent on as a
call (overflow.py). What is no call and is refused waits on, and an alarm says so once.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol  # Any: JSON values at the edge of the type system

from config.words import ELSEWHERE
from queues.lifecycle import WAITING
from router.journal.appends import FactsAppend
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS, last_seq
from router.records import Fact, fact
from router.run.trouble import NoticeTrouble
from router.sites.adoptees import left_by, orders_of
from router.sites.adopting import adopt, claims
from router.sites.left_alone import left_alone
from router.sites.lending import Lend, has_orders
from router.sites.overflow import OVERFLOW_FULL
from router.sites.peer_client import PeerUnreachable
from router.sites.returning import going_home
from router.sites.shares import ALL_OF_IT, Shares, in_force, share_for

AT_ONCE: Final = 100
HOLD_MS: Final = 15_000
"""How long nobody here is offered what the other site was asked to take: longer than it takes to answer."""

HELD_WITHIN_S: Final = 2.0
"""A router that lives has held them by then; what it has not is not handed over."""

SENDING: Final = "sending"
"""Why something is not handed over now: a reply of it is leaving here, and nobody knows how that ends."""

LATE: Final = "late"
"""Why it is not: what would be heard of it would be heard too late."""

_PASSES: Final = ("copy_behind", "not_known", "refused", SENDING, LATE)
"""Reasons for a refusal that are gone at the next try, or that nobody gave."""

OK: Final = 200
FAILED: Final = 500
"""Statuses of an answer from which on it is not known what was done."""

LOOK_S: Final = 0.02
SENT_LOOKS: Final = 100
"""How often it is looked whether a reply that is leaving has left: two seconds, most take a tenth of one."""

ANSWER_S: Final = 8.0
"""How long an answer is waited for. With a connection to be made, it comes before the deadline, or never."""

ASKS_MS: Final = 11_000
"""What is asked for later than this before its deadline may be taken there after it."""

TAKEN_WITHIN_S: Final = 7.0
"""Whoever is asked takes nothing any more after this: the other side may soon go on by itself."""

PAUSE_S: Final = 5.0
"""After a refusal, or when the other site did not answer, before anything is offered to it again."""

PAUSE_MAX_S: Final = 60.0
"""The same, when nothing at all was taken again and again: each time nobody here can answer it meanwhile."""

COPIED_WITHIN_S: Final = 5.0
"""How long the other site waits for its copy to have what it is asked to take."""

_WAITING: Final = """
    SELECT i.interaction_id, i.channel, i.queue_id, i.urgency, i.state, coalesce(a.seq, 0)
    FROM interaction i LEFT JOIN adoption a ON a.interaction_id = i.interaction_id
    WHERE i.closed_seq = 0 AND i.state IN ('waiting', 'offered') AND i.named_agent_id = ''
        AND i.traffic NOT IN ('probe', 'rehearsal')
        AND NOT (i.channel = 'voice' AND i.connection_ids <> '[]')
    ORDER BY i.urgency, i.accepted_at_ms, i.interaction_id
"""
_FOLLOWING: Final = """
    SELECT i.interaction_id FROM interaction i
    JOIN interaction m ON m.thread = i.thread AND m.closed_why = 'moved' AND m.closed_seq > 0
    JOIN yielding y ON y.interaction_id = m.interaction_id
    WHERE i.closed_seq = 0 AND i.state = 'waiting' AND i.thread <> ''
        AND y.at_ms > (SELECT last_at_ms - 86400000 FROM stream WHERE own = 1)
"""
"""What came from somebody who was moved within a day: longer than that no conversation is open."""

_AGAIN: Final = f"""
    SELECT i.interaction_id FROM interaction i
    JOIN adoption a ON a.interaction_id = i.interaction_id
    JOIN domain d ON d.domain = :site AND d.owner = :peer
    WHERE i.closed_seq = 0 AND i.state = 'waiting' AND i.named_agent_id = '' AND a.seq > d.seq
        AND EXISTS (
            SELECT 1 FROM journal j WHERE j.{OWN_ROWS} AND j.seq = a.seq AND j.data LIKE '%"again":true%'
        )
        AND NOT EXISTS (SELECT 1 FROM domain theirs WHERE theirs.domain = :peer AND theirs.owner = :site)
    ORDER BY i.urgency, i.accepted_at_ms, i.interaction_id
"""
"""What was taken up here again because nobody had it, since the other site serves what is this one's: it goes
there. Never where each serves what is of the other, or it would go to and fro."""

_CALLS: Final = _WAITING.replace("AND NOT (", "AND (")
"""The others: calls that are on the line here."""

_UNNAMED: Final = """
    SELECT interaction_id FROM interaction
    WHERE state = 'waiting' AND named_agent_id = ? AND closed_seq = 0
        AND NOT (channel = 'voice' AND connection_ids <> '[]') AND interaction_id IN {wanted}
"""


class Asks(Protocol):
    """The line to the other site, as far as this needs it (PeerClient)."""

    def ask_json(self, method: str, target: str, values: object) -> Any:
        """An answer with status and json(). Raises PeerUnreachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a turn came to: taken there, refused there with the reason, not known. left: ids of the latter."""

    taken: int = 0
    refused: int = 0
    why: str = ""
    unknown: int = 0
    left: tuple[str, ...] = ()


class Rerouting:
    """Moves what is to move, some at a time. For one thread."""

    def __init__(
        self,
        *,
        site: str,
        peer: str,
        line: Asks,
        clock_ms: Callable[[], int],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.last = Handed()
        self._site, self._peer, self._line = site, peer, line
        self._clock_ms = clock_ms
        self._pause = pause
        self._not_before_ms = 0
        self._in_vain = 0
        self._resting: dict[str, int] = {}
        """When each that was left here while others were taken is asked about again."""

    def step(self, own: Committer, database: Database) -> bool:
        """One turn. Whether there is more to move at once. Raises as databases and committers do."""
        now_ms = self._clock_ms()
        if now_ms < self._not_before_ms:
            return False
        self._resting = {ref: until_ms for ref, until_ms in self._resting.items() if until_ms > now_ms}
        with database.reading() as db:
            wanted = to_move(db, site=self._site, peer=self._peer, now_ms=now_ms)
        ids = [each for each in wanted if each not in self._resting][:AT_ONCE]
        if not ids:
            return False
        self.last = self.hand_over(own, database, ids)
        if self.last.refused and self.last.why not in _PASSES:
            self._refused(own, self.last.why)
        if self.last.taken:
            self._in_vain = 0
            self._resting |= dict.fromkeys(self.last.left, self._clock_ms() + round(PAUSE_MAX_S * 1_000))
            return True
        pause_s = min(PAUSE_S * 2 ** min(self._in_vain, 8), PAUSE_MAX_S)
        self._in_vain += 1
        self._not_before_ms = self._clock_ms() + round(pause_s * 1_000)
        return False

    def nobody_takes(self, own: Committer, database: Database, why: str) -> None:
        """The other site says in its beats that it takes nothing: told, where something should go there.

        Not of what is left alone here: nobody asked for it to go, and it is where it came to.
        """
        with database.reading() as db:
            wanted = bool(chosen(db, site=self._site, peer=self._peer))
        if wanted:
            self._refused(own, why)

    def _refused(self, own: Committer, why: str) -> None:
        """Told once, until somebody has seen it: texts and mails have nowhere else to go."""
        own.submit(NoticeTrouble(code=OVERFLOW_FULL, ref=self._peer, detail=why)).result()

    def hand_over(
        self, own: Committer, database: Database, ids: Sequence[str], *, rehearsal: bool = False
    ) -> Handed:
        """Gives these to the other site. What it does not take waits here as before.

        rehearsal: they are our own, and ring nowhere: they are taken also where nobody is signed in.
        """
        until_ms = self._clock_ms() + HOLD_MS
        _append(own, [fact("handover_began", ref, to_site=self._peer, until_ms=until_ms) for ref in ids])
        held = self._held(database, ids)
        if not held:
            return Handed(unknown=len(ids), left=tuple(ids))
        held, kept, why = self._lent(own, database, held, until_ms)
        if not held:
            return Handed(refused=len(kept), why=why, left=tuple(ids))
        with database.reading() as db:
            through_seq = last_seq(db)
        try:
            values = {"ids": held, "through_seq": through_seq, "rehearsal": rehearsal}
            answer = self._line.ask_json("POST", "/peer/adopt", values)
        except PeerUnreachable:
            return Handed(unknown=len(held), left=tuple(ids))  # It may have: deadline or stream will tell.
        if answer.status >= FAILED:  # so it may have as well: it does not know itself
            return Handed(unknown=len(held), left=tuple(ids))
        handed = self._settle(own, database, held, answer.json() if answer.status == OK else {})
        return replace(handed, left=(*handed.left, *(each for each in ids if each not in held)))

    def _held(self, database: Database, ids: Sequence[str]) -> list[str]:
        """Those that the router holds for the other site now, in their order."""
        give_up_s = time.monotonic() + HELD_WITHIN_S
        while True:
            with database.reading() as db:
                found = {str(row[0]) for row in rows_in(db, _UNNAMED, ids, ELSEWHERE + self._peer)}
            if len(found) == len(set(ids)) or time.monotonic() >= give_up_s:
                return [each for each in ids if each in found]
            self._pause(LOOK_S)

    def _lent(
        self, own: Committer, database: Database, held: list[str], until_ms: int
    ) -> tuple[list[str], list[str], str]:
        """Those of which nothing is leaving here; the others, back in line, and why."""
        with database.reading() as db:
            busy = has_orders(db, held)
        for _ in range(SENT_LOOKS):
            if not busy:
                break
            lend = Lend(busy, to_site=self._peer)
            own.submit(lend).result()
            busy = sorted(lend.busy)
            if busy:
                self._pause(LOOK_S)
        why = SENDING
        if self._clock_ms() > until_ms - ASKS_MS:
            busy, why = held, LATE
        _append(own, [fact("handover_ended", ref, to_site=self._peer, why=why) for ref in busy])
        return [each for each in held if each not in busy], busy, why if busy else ""

    def _settle(
        self, own: Committer, database: Database, held: Sequence[str], said: Mapping[str, Any]
    ) -> Handed:
        taken = {str(each) for each in said.get("adopted", ())}
        why = str(said.get("why", "")) or "refused"
        with database.reading() as db:
            ours = claims(db, held, site=self._site)
        claimed: Mapping[str, Any] = said.get("claims", {})
        facts: list[Fact] = []
        for ref in held:
            if ref in taken:
                n = int(claimed.get(ref, ours[ref][0] + 1))
                told = {"to_site": self._peer, "n": n, "owner": self._peer}
                orders = list(map(str, said.get("orders", {}).get(ref, ())))
                facts.append(fact("yielded", ref, **told, why="handed_over", orders=orders))
            else:
                facts.append(fact("handover_ended", ref, to_site=self._peer, why=why))
        _append(own, facts)
        left = tuple(each for each in held if each not in taken)
        return Handed(taken=len(held) - len(left), refused=len(left), why=why if left else "", left=left)


def to_move(db: Connection, *, site: str, peer: str, now_ms: int) -> list[str]:
    """Ids of what waits here and is to be offered there, each once: what is asked for comes first."""
    alone = left_alone(db, site=site, peer=peer, now_ms=now_ms)
    return list(dict.fromkeys([*chosen(db, site=site, peer=peer), *alone]))


def chosen(db: Connection, *, site: str, peer: str) -> list[str]:
    """Ids of what waits here and shall wait there, each once: what goes home, then by urgency and age."""
    home = going_home(db, site=site, peer=peer)
    again = [str(row[0]) for row in db.rows(_AGAIN, site=site, peer=peer)]
    asked = moving(db, in_force(db, site=site, peer=peer))
    return list(dict.fromkeys([*_still_waiting(db, [*home, *again]), *asked]))


def calls_to_send_on(db: Connection, *, site: str, peer: str) -> list[str]:
    """Ids of calls on the line here, with nobody yet, that shall be served there, in order.

    Only where somebody asked for it: they may end at a telephone outside, if the other site is full.
    """
    return calls_moving(db, in_force(db, site=site, peer=peer))


def calls_moving(db: Connection, shares: Shares) -> list[str]:
    """Ids of calls on the line here that belong to these shares, also of those that ring."""
    return [
        str(ref)
        for ref, channel, queue_id, urgency, _, came_seq in db.rows(_CALLS)
        if _drawn(str(ref))
        < share_for(shares, channel=channel, queue_id=queue_id, urgency=urgency, came_seq=came_seq)
    ]


def moving(db: Connection, shares: Shares) -> list[str]:
    """Ids of what waits here and belongs to these shares, in the order of the line.

    What rings is left ringing, unless everything moves: then nobody here is to be given anything more, or
    agents who still talk would never be free to go. Who wrote before, and was moved lately, goes
    after it whatever is drawn: their provider still brings here what they write.
    """
    if not any(each.share_pct for each in shares.values()):
        return []
    found = []
    following = {str(row[0]) for row in db.rows(_FOLLOWING)}
    for ref, channel, queue_id, urgency, state, came_seq in db.rows(_WAITING):
        share = share_for(shares, channel=channel, queue_id=queue_id, urgency=urgency, came_seq=came_seq)
        drawn = _drawn(str(ref)) < share and (state == WAITING or share == ALL_OF_IT)
        if drawn or (state == WAITING and not came_seq and str(ref) in following):
            found.append(str(ref))
    return found


def take_handed(
    own: Committer,
    database: Database,
    copy: Database,
    ids: Sequence[str],
    *,
    through_seq: int,
    site: str,
    peer: str,
    refusal: Callable[[], str],
    asked_s: float | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The other side of it: adopts them once the copy has what they are. The answer for the asking site.

    refusal: why this site takes nothing now (full, unstaffed), empty where it does. What was taken before is
    said to be taken, also where nothing more is, so that an answer which was lost can be asked for again; but
    not what was left to the asking site since: it would let go of what nobody has.
    asked_s: when it was asked for, by time.monotonic(); now where nobody says.
    """
    asked_s = time.monotonic() if asked_s is None else asked_s
    why = refusal() or ("" if _copied(copy, through_seq, pause) else "copy_behind")
    if not why and time.monotonic() > asked_s + TAKEN_WITHIN_S:
        why = LATE
    if not why:
        adopt(own, copy, ids, site=site, peer=peer, assigned=False)
    with database.reading() as db, copy.reading() as theirs:
        ours, before = claims(db, ids, site=site), claims(theirs, ids, site=peer)
        left = left_by(db, ids)
        served = [each for each in ids if each in ours and each in before and each not in left]
        taken = [each for each in served if ours[each] > before[each]]
        orders = {ref: found for ref in taken if (found := orders_of(db, ref))}
    why = "" if len(taken) == len(ids) else why or "not_known"
    return {"adopted": taken, "claims": {ref: ours[ref][0] for ref in taken}, "orders": orders, "why": why}


def _copied(copy: Database, through_seq: int, pause: Callable[[float], None]) -> bool:
    give_up_s = time.monotonic() + COPIED_WITHIN_S
    while True:
        with copy.reading() as db:
            if last_seq(db) >= through_seq:
                return True
        if time.monotonic() >= give_up_s:
            return False
        pause(LOOK_S)


def _still_waiting(db: Connection, ids: Sequence[str]) -> list[str]:
    """Of these, what nobody is offered and nobody is named for; no call that is on the line here."""
    found = {str(row[0]) for row in rows_in(db, _UNNAMED, ids, "")}
    return [each for each in ids if each in found]


def _drawn(interaction_id: str) -> int:
    """0 to 99, the same for one id for ever."""
    return int.from_bytes(hashlib.sha256(interaction_id.encode()).digest()[:4], "big") % 100


def _append(own: Committer, facts: Sequence[Fact]) -> None:
    if facts:
        own.submit(FactsAppend(facts_to_append=tuple(facts))).result()
