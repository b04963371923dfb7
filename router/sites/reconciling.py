"""Bringing this site in line with what both streams say together, a little at a time, for ever.

Whatever either stream says about an interaction that both sites have is looked at once more: who serves it
(the other yields), since when it waits (first_receipt.py), whether two agents answered it (both are told),
and what was said in it that is only there (it is copied). Each site changes itself only; both come to the
same because they look at the same (merging.py). Looking again changes nothing: positions need not be exact.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final  # Any: a column's value is whatever the table says

from router import call_backs
from router.journal.appends import ROUTER
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import readable_in, rows_in
from router.journal.stream import read_rows, readable_rows
from router.records import Fact, Row, fact
from router.run.trouble import NoticeTrouble
from router.sites.adoptees import orders_of
from router.sites.adopting import adopt
from router.sites.copy_damage import chosen, open_ids, stops
from router.sites.dual_answers import untold
from router.sites.first_receipt import clocks_doubted, is_believed, places_here
from router.sites.given_up import left_by_both, left_there
from router.sites.looked_through import (
    RAISING,
    SaveThrough,
    Through,
    raise_of,
    raises,
    read_late,
    saved_through,
    told_of,
)
from router.sites.merging import Record, joined, let_go, records_of, serving
from router.sites.missing_messages import MissingMessages, copy_messages
from router.sites.ownership import learned_claims, owner_of
from router.sites.said_there import Repeat, known_there, repeats_of, said_at_both, said_there
from router.sites.sent_twice import sent_at_both, sent_in
from router.sites.unheard import unheard, unheard_there

_log = logging.getLogger("muster.reconciling")

NOT_AGREED: Final = "not_agreed"
"""Code of the alarm that the two sites do not come to one answer about an interaction; its ref is which."""

ABANDONED: Final = "abandoned"
"""Why it was closed, where the customer gave up, and is called back."""

TOUCHING: Final = frozenset(
    {
        "arrived",
        "adopted",
        "yielded",
        "queued",
        "call_back_opened",
        "held",
        "offer_ended",
        "accepted",
        "closed",
        "kept_too",
        "message_added",
        "message_copied",
        "place_set",
        *RAISING,
    }
)
"""Kinds, each about an interaction, after which the two sites may have to agree anew."""

PAGE: Final = 1_000
AT_ONCE: Final = 200

_LOOSE: Final = """
    SELECT interaction_id FROM interaction
    WHERE closed_seq = 0 AND state <> 'assigned' AND interaction_id NOT IN (
        SELECT interaction_id FROM yielding
        WHERE seq > coalesce((SELECT read_through FROM position WHERE reader = ?), 0)
    ) AND interaction_id IN {wanted}
"""
"""What nobody holds, without what the router was told of already, and has not read: it may not run now."""


Silent = Callable[[Connection, Connection], bool]
"""Whether nothing is heard of the other site now, by this site's database and the copy."""


@dataclass(slots=True, kw_only=True)
class Unequal:
    """What this site has to say so that it agrees. Empty: it does already.

    Shape: dropped are ids of what both sites let go of at once, or ended without having heard all of it, and
           this one takes up again. places are those that are earlier than what is known here.
    """

    yields: list[Fact] = field(default_factory=list)
    duals: list[Fact] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    raises: list[Fact] = field(default_factory=list)
    twice: list[Fact] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    claims: list[Fact] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)

    def __bool__(self) -> bool:
        said = self.yields or self.duals or self.raises or self.claims or self.places or self.twice
        return bool(said or self.repeats)


class Agree:
    """Append of all that: what is true no longer under the lock is left out."""

    def __init__(self, unequal: Unequal, *, site: str, peer: str) -> None:
        self._unequal = unequal
        self._site, self._peer = site, peer

    def write_content(self, db: Connection) -> None:
        """None: it went ahead."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Who holds something meanwhile keeps it, and what was copied meanwhile is not copied twice."""
        unequal = self._unequal
        yields = [*unequal.yields, *said_there(db, unequal.repeats, site=self._site, peer=self._peer)]
        yielding = {str(row[0]) for row in rows_in(db, _LOOSE, [each.ref for each in yields], ROUTER)}
        return [
            *unequal.claims,
            *(each for each in yields if each.ref in yielding),
            *unequal.duals,
            *unequal.raises,
            *unequal.twice,
            *self._places(db),
        ]

    def _places(self, db: Connection) -> list[Fact]:
        here = places_here(db, sorted(self._unequal.places), open_only=True)
        return [
            fact("place_learned", ref, accepted_at_ms=at_ms)
            for ref, at_ms in sorted(self._unequal.places.items())
            if at_ms < here.get(ref, 0)
        ]


class Reconciler:
    """Looks at what both streams said since the last look.

    Shape: `caught_up` is true once everything that was there at the start has been looked at: what the other
           site adopted before is not served here any more. compared() says whether the clocks of both sites
           were found to agree since the last silence (watching.py), gone() whether the other one is
           unreachable now, silent() whether nothing is heard of it at this moment.
    """

    def __init__(
        self,
        *,
        site: str,
        peer: str,
        compared: Callable[[], bool] = lambda: True,
        gone: Callable[[], bool] = lambda: False,
        silent: Silent = lambda ours, theirs: False,
    ) -> None:
        self.caught_up = False
        self._site, self._peer = site, peer
        self._compared, self._gone, self._silent = compared, gone, silent
        self._own_seq = self._copy_seq = -1
        self._again: set[str] = set()
        self._saved: Through | None = None
        self._told: dict[str, int] = {}
        self._raised: dict[str, int] = {}
        self._late: dict[str, tuple[int, int]] = {}
        self._placed: dict[str, int] = {}
        """What the router was told of places, and may not have read yet."""
        self._missing = MissingMessages()
        self._left: set[str] = set()

    def step(self, own: Committer, database: Database, copy: Database) -> bool:
        """One look. Whether there is more to look at. Raises as databases and committers do."""
        before = self._own_seq, self._copy_seq, self._again
        try:
            with database.reading() as ours, copy.reading() as theirs:
                if self._own_seq < 0:
                    touched, more = self._everything(ours, theirs), True
                else:
                    touched, more = self._touched(ours, theirs)
            self._agree(own, database, copy, sorted(touched | self._again))
            self._save(own)
        except BaseException:
            self._own_seq, self._copy_seq, self._again = before  # what was not said is looked at again
            raise
        self.caught_up = self.caught_up or not more
        return more

    def _agree(self, own: Committer, database: Database, copy: Database, ids: Sequence[str]) -> None:
        """Some at a time: after a long split it may be all that either site has open."""
        again: set[str] = set()
        self._left = set()
        for at in range(0, max(1, len(ids)), AT_ONCE):
            part = ids[at : at + AT_ONCE]
            try:
                self._agree_on(own, database, copy, part)
            except Exception as fault:  # one row that nobody foresaw, or that is rotten in the copy
                if stops(fault, copy):
                    raise
                _log.exception("not agreed at once; each by itself")
                for each in part:
                    self._agree_alone(own, database, copy, each)
                    again |= self._again
            again |= self._again
        self._again = again

    def _agree_alone(self, own: Committer, database: Database, copy: Database, ref: str) -> None:
        self._again = set()
        try:
            self._agree_on(own, database, copy, [ref])
        except Exception as fault:  # named, and looked at again when it is touched
            if stops(fault, copy):
                raise
            _log.exception("not agreed interaction=%s", ref)
            alarm = NoticeTrouble(code=NOT_AGREED, ref=ref, detail=type(fault).__name__)
            own.submit(alarm).result()

    def _agree_on(self, own: Committer, database: Database, copy: Database, ids: Sequence[str]) -> None:
        with database.reading() as ours, copy.reading() as theirs:
            unequal = self.compare(ours, theirs, ids)
        self._say(own, copy, unequal)
        if unequal.messages:
            left = copy_messages(own, database, copy, unequal.messages)
            self._left |= left
            self._again |= left

    def _say(self, own: Committer, copy: Database, unequal: Unequal) -> None:
        if unequal:
            own.submit(Agree(unequal, site=self._site, peer=self._peer)).result()
            self._placed |= unequal.places
        if unequal.dropped:
            adopt(own, copy, unequal.dropped, site=self._site, peer=self._peer, ended=True)

    def compare(self, ours: Connection, theirs: Connection, ids: Sequence[str]) -> Unequal:
        """What of these interactions is not yet here as both streams say."""
        unequal = Unequal(claims=learned_claims(ours, theirs, (self._site, self._peer), self._peer))
        self._again = set()
        silent = self._silent(ours, theirs)
        for at in range(0, len(ids), AT_ONCE):
            part = ids[at : at + AT_ONCE]
            mine = records_of(ours, part, site=self._site, read_through=0)
            other = records_of(theirs, part, site=self._peer, read_through=0)
            both = sorted(mine.keys() & other.keys())
            records = joined(mine, other)
            sites = {"site": self._site, "peer": self._peer}
            agreed = {ref: records[ref] for ref in both}
            unequal.duals += untold(ours, theirs, agreed, **sites)
            left, again = left_there(ours, theirs, agreed, **sites)
            unequal.yields += left
            self._again |= again
            unequal.dropped += unheard(ours, theirs, agreed, **sites)
            unequal.dropped += self._unheard_there(ours, theirs, agreed)
            unequal.dropped += left_by_both(ours, theirs, agreed, **sites)
            for ref in both:
                self._judge(theirs, ref, records[ref], unequal, silent=silent)
                self._raise(ref, records[ref], unequal)
            unequal.places |= self._places(ours, theirs, agreed)
            unequal.messages += self._missing.of(ours, theirs, both)
            unequal.twice += sent_at_both(ours, theirs, both, peer=self._peer)
            self._repeats(ours, theirs, sorted(mine.keys() - other.keys()), unequal)
        return unequal

    def _unheard_there(
        self, ours: Connection, theirs: Connection, records: Mapping[str, Record]
    ) -> list[str]:
        """What is taken up here in place of the other site; looked at again as long as that may live.

        Also what both let go of, where the site that is to take it up died before it did.
        """
        unheard = unheard_there(ours, theirs, records, site=self._site, peer=self._peer)
        dropped = [ref for ref, record in records.items() if let_go(record) and not self._is_lower(record)]
        self._left |= set(dropped)  # over at both: who begins anew would not look at them
        found = [*unheard, *dropped]
        if found and self._gone() and owner_of(ours, self._peer).site == self._site:
            return found
        self._again |= set(found)
        return []

    def _is_lower(self, record: Record) -> bool:
        return record.legs[self._site].claim < record.legs[self._peer].claim

    def _repeats(
        self, ours: Connection, theirs: Connection, only_here: Sequence[str], unequal: Unequal
    ) -> None:
        """What the other site never had, and has all the words of."""
        takes_over = owner_of(ours, self._peer).site == self._site
        found, again = repeats_of(ours, theirs, only_here, takes_over=takes_over)
        unequal.repeats += found
        self._again |= again

    def _judge(self, theirs: Connection, ref: str, record: Record, unequal: Unequal, *, silent: bool) -> None:
        """Who is silent may be dead, and its agents with it: what it has not adopted from here stays here."""
        leg, other = record.legs[self._site], record.legs[self._peer]
        if let_go(record) and self._is_lower(record):
            unequal.dropped.append(ref)
        if not leg.open or serving(record) == self._site:
            return
        # Until its agent is done, or has been gone for the grace: nothing in a stream says when.
        if leg.held or (silent and (leg.claim > other.claim or not other.claim[0])):
            self._again.add(ref)
            return
        claim = max(other.claim, leg.claim)
        said = {"to_site": self._peer, "n": claim[0], "owner": claim[1], "why": "served_there"}
        unequal.yields.append(fact("yielded", ref, **said, orders=orders_of(theirs, ref)))

    def _raise(self, ref: str, record: Record, unequal: Unequal) -> None:
        """What was found more urgent there, while both had it, is not served here as if nobody had."""
        leg, other = record.legs[self._site], record.legs[self._peer]
        if ref in self._raised and leg.open and 0 < other.urgency < leg.urgency:
            through = self._raised[ref] or self._copy_seq
            unequal.raises.append(raise_of(ref, other.urgency, peer=self._peer, through_seq=through))
        urgency, seq = self._late.get(ref, (0, 0))
        if leg.open and 0 < urgency < leg.urgency:
            unequal.raises.append(raise_of(ref, urgency, peer=self._peer, through_seq=seq))

    def _places(self, ours: Connection, theirs: Connection, records: Mapping[str, Record]) -> dict[str, int]:
        """The earlier places of what is open here; of who gave up here, of the call-back.

        After a silence the first rows are here before anybody has measured the clocks: what would not be
        believed of clocks in doubt is looked at again when they have been compared.
        """
        earlier: dict[str, tuple[str, int]] = {}
        for ref, record in records.items():
            leg, other = record.legs[self._site], record.legs[self._peer]
            if other.accepted_at_ms < leg.accepted_at_ms and (leg.open or leg.closed_why == ABANDONED):
                earlier[ref if leg.open else call_backs.id_of(ref)] = ref, other.accepted_at_ms
        compared = self._compared()
        here = places_here(ours, sorted(earlier), open_only=True)
        found: dict[str, int] = {}
        for place, (ref, at_ms) in earlier.items():
            if place not in here or at_ms == self._placed.get(place):
                continue
            doubted = any(clocks_doubted(db, earlier_ms=at_ms) for db in (ours, theirs))
            if is_believed(at_ms, here[place], doubted=doubted or not compared):
                found[place] = at_ms
            elif is_believed(at_ms, here[place], doubted=doubted):
                self._again.add(ref)
                self._left.add(ref)
        return found

    def _everything(self, ours: Connection, theirs: Connection) -> set[str]:
        """All that both could have: it went from one to the other, or is open here and known there.

        What is over was looked at by the role before this one, where it is known how far that had come.
        """
        self._saved = saved_through(ours, theirs)
        self._own_seq, self._copy_seq = self._saved.own_seq, self._saved.copy_seq
        self._told = told_of(ours, after_seq=self._own_seq)
        moved = {
            str(row[0])
            for db in (ours, theirs)
            for table in ("adoption", "yielding")
            if not self._saved.known
            for row in db.rows(f"SELECT interaction_id FROM {table}")
        }
        return moved | self._both(ours, theirs)

    def _both(self, ours: Connection, theirs: Connection) -> set[str]:
        """What is open at either site, and known to the other one."""
        opened = [
            str(row[0]) for row in ours.rows("SELECT interaction_id FROM interaction WHERE closed_seq = 0")
        ]
        both = _known(theirs, opened) | _known(ours, open_ids(theirs))
        return both | known_there(ours, theirs, opened)

    def _touched(self, ours: Connection, theirs: Connection) -> tuple[set[str], bool]:
        own_rows = read_rows(ours, after_seq=self._own_seq, limit=PAGE)
        copy_rows, through, whole = readable_rows(theirs, after_seq=self._copy_seq, limit=PAGE)
        more = len(own_rows) == PAGE or through - self._copy_seq >= PAGE
        self._own_seq = own_rows[-1].seq if own_rows else self._own_seq
        self._copy_seq = through
        self._missing.forget([row.ref for row in (*own_rows, *copy_rows) if row.kind == "adopted"])
        self._raised = self._raises(ours, own_rows, copy_rows)
        touched = _known(theirs, [*_refs(own_rows), *sorted(sent_in(ours, own_rows))])
        late = read_late(theirs, copy_rows).items()
        self._late = {ref: each for ref, each in late if self.caught_up or self._told.get(ref, -1) < each[1]}
        touched |= _known(ours, [*_refs(copy_rows), *sorted({*self._late, *_sent_there(theirs, copy_rows)})])
        touched |= said_at_both(ours, theirs, own_rows, copy_rows)
        if not whole:  # by what cannot be read, any of them may have been touched
            touched |= self._both(ours, theirs)
        return touched, more

    def _raises(self, ours: Connection, own_rows: Sequence[Row], copy_rows: Sequence[Row]) -> dict[str, int]:
        """Without what was passed on already, and may have been lowered here since."""
        if self.caught_up or self._saved is None:
            return raises(own_rows, copy_rows)
        since_ms = {} if self._saved.known else _adopted_ms(ours, _refs(copy_rows))
        later = [row for row in copy_rows if row.at_ms > since_ms.get(row.ref, 0)]
        found = raises(own_rows, later)
        return {ref: seq for ref, seq in found.items() if self._told.get(ref, -1) < seq}

    def _save(self, own: Committer) -> None:
        """So far both streams were looked through. Not while messages or places are left, or who has nobody:
        no row has them."""
        if self._saved is None or not self._saved.is_far_from(self._own_seq, self._copy_seq) or self._left:
            return
        through = replace(self._saved, own_seq=self._own_seq, copy_seq=self._copy_seq)
        own.submit(SaveThrough(through)).result()
        self._saved = through


def _refs(rows: Iterable[Row]) -> list[str]:
    return sorted({row.ref for row in rows if row.kind in TOUCHING})


def _sent_there(theirs: Connection, rows: Sequence[Row]) -> list[str]:
    """The interactions in which something left there, by these rows, as far as that can be read."""

    def sent(refs: Sequence[str]) -> list[str]:
        some = set(refs)
        return sorted(sent_in(theirs, [row for row in rows if row.ref in some]))

    return chosen(theirs, sorted({row.ref for row in rows}), sent)


def _adopted_ms(db: Connection, ids: Sequence[str]) -> dict[str, int]:
    sql = "SELECT interaction_id, at_ms FROM adoption WHERE interaction_id IN {wanted}"
    return {str(row[0]): int(row[1]) for row in rows_in(db, sql, ids)}


def _known(db: Connection, ids: Sequence[str]) -> set[str]:
    """Of these, what this database ever had; what is rotten there too: whoever looks at it tells."""
    rows, rotten = readable_in(
        db, "SELECT interaction_id FROM interaction WHERE interaction_id IN {wanted}", ids
    )
    return {*(str(row[0]) for row in rows), *rotten}
