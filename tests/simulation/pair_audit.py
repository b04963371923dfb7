"""What must be true of two sites together, from what both of them committed.

What is true of each for itself is audit.py's: here is what is lost, doubled or told wrongly between them.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from config.words import ELSEWHERE
from router.elsewhere import MOVED
from router.journal.connection import Connection
from router.journal.stream import OWN_ROWS, last_seq, read_rows
from router.journal.verify import verify
from router.records import Row
from router.sites.copy_gaps import acked_through, open_gaps, single_copies
from router.sites.merging import joined, merged_hash, records_of
from tests.simulation.audit import Broken
from tests.simulation.half import Half

_PENDING = f"""
    SELECT seq FROM journal WHERE {OWN_ROWS} AND kind = 'yielded' AND ref = :ref AND seq < :seq
    AND seq > (SELECT max(read_through) FROM position WHERE reader = 'router')
"""


_HEARD = """
    SELECT i.interaction_id, m.message_id, m.seq < i.closed_seq FROM interaction i JOIN message m
    ON m.interaction_id = i.interaction_id WHERE i.closed_why = 'disposed' AND m.direction = 'in'
"""
_CALLED = "SELECT follows FROM interaction WHERE follows <> '' AND closed_why = 'disposed'"

LEARNED_WITHIN_MS: Final = 10_000
"""After the last fault a site is this late at most: what waits is offered, and what was cut is caught up."""


class PairAudit:
    """Judges both sites' commits, and both at the end. Raises Broken."""

    def __init__(self) -> None:
        self.acts = 0
        """What operators did that may move interactions: an interaction moves at most once by each."""
        self.adoptions: dict[str, int] = {}
        self.healed = 0
        self._left_to_agents: dict[str, int] = {}
        """How often each was left to an agent of the other site: it comes again when she has it no more."""
        self.singles = 0
        self.dual = 0
        self.acknowledged: list[tuple[str, str, int, bool]] = []
        """(site, interaction, seq, whether the other site had it) of each contact that was acknowledged."""
        self.placed = 0
        """Contacts that both sites got, of those that are looked at when the faults are over."""
        self._halves: tuple[Half, ...] = ()
        self._first: dict[str, int] = {}
        self._places: dict[tuple[str, str], int] = {}
        """By site: a contact that both got has two until each knows of the other's."""
        self._got: dict[str, set[str]] = {}
        self._claims: dict[tuple[str, str], int] = {}
        self.said: set[tuple[str, str]] = set()
        """(interaction, message) of what joined something that nobody had closed where it came."""

    def watch(self, halves: tuple[Half, Half]) -> None:
        """These are the two."""
        self._halves = halves
        for half in halves:
            half.site.heard.append(lambda rows, half=half: self._commit(half, rows))

    def _commit(self, half: Half, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.kind == "arrived":
                self._got.setdefault(row.ref, set()).add(half.name)
            if row.kind in ("arrived", "call_back_opened"):
                place = msgspec.json.decode(row.data).get("accepted_at_ms", row.at_ms)
                self._first[row.ref] = min(place, self._first.get(row.ref, place))
                self._places[half.name, row.ref] = place
            if row.kind == "message_added":
                self._added(half, row)
            if row.kind == "adopted":
                self._adopted(half, row)
            elif row.kind == "yielded":
                self._yielded(half, row)

    def _added(self, half: Half, row: Row) -> None:
        there = _row(half.site.journal.db, row.ref)
        if there is not None and not there["closed_why"]:
            self.said.add((row.ref, msgspec.json.decode(row.data)["message_id"]))

    def _adopted(self, half: Half, row: Row) -> None:
        """It comes with its place, by a higher claim than any before, and because somebody wanted it."""
        data = msgspec.json.decode(row.data)
        there = _row(half.copy.db, row.ref)
        here = self._places.get((half.name, row.ref))
        known = {self._first.get(row.ref), here if there is None else there["accepted_at_ms"]}
        if (there is None and not data.get("again")) or data["accepted_at_ms"] not in known:
            raise Broken(f"{row.ref} was adopted by {half.name}, and not at its place in line: {there}")
        if there is not None and (data["n"], data["owner"]) <= (there["n"], half.peer):
            raise Broken(f"{row.ref} was adopted by {half.name} by a claim that is not higher: {data['n']}")
        if data["n"] <= self._claims.get((half.name, row.ref), 0):
            raise Broken(f"{row.ref} was adopted by {half.name} once more by the same claim: {data['n']}")
        self._claims[half.name, row.ref] = data["n"]
        self.adoptions[row.ref] = self.adoptions.get(row.ref, 0) + 1
        if there is None or there["closed_why"] or data.get("again"):
            self.healed += 2  # nobody had it, or its last words; then it goes on to whoever serves
            return
        times = self.adoptions[row.ref]
        if times > self.acts + self.healed + self._left_to_agents.get(row.ref, 0):
            raise Broken(f"{row.ref} goes to and fro: {times} times by {self.acts} acts")

    def _yielded(self, half: Half, row: Row) -> None:
        """What an agent holds is not given away, unless somebody stepped in while it was handed over."""
        data = msgspec.json.decode(row.data)
        here, there = _row(half.site.journal.db, row.ref), _row(half.copy.db, row.ref)
        if there is not None and there["state"] == "assigned":
            self._left_to_agents[row.ref] = self._left_to_agents.get(row.ref, 0) + 1
        if here is not None and here["state"] == "assigned" and data["why"] != "handed_over":
            raise Broken(f"{row.ref} is held at {half.name}, and was yielded")
        pending = half.site.journal.db.row(_PENDING, ref=row.ref, seq=row.seq)
        if pending is not None and data["why"] != "handed_over":
            raise Broken(f"{row.ref} was yielded by {half.name} again before its router had heard of it")

    def acknowledge(self, half: Half, ref: str, seq: int, copied: bool) -> None:
        """Somebody outside was told that this contact is kept. With a copy: the copy has it now."""
        self.acknowledged.append((half.name, ref, seq, copied))
        has = half.other.copy.last_seq() >= seq
        if copied and not has:
            raise Broken(f"{ref} was acknowledged as copied, and the other site does not have it")
        if not copied:
            self.singles += 1
            listed = {each.interaction_id for each in single_copies(half.site.journal.db)}
            known = ref in listed or acked_through(half.site.journal.db) >= seq
            if not known and self._is_contact(half, seq):
                raise Broken(f"{ref} is at {half.name} only, and is not listed")

    @staticmethod
    def _is_contact(half: Half, seq: int) -> bool:
        rows = read_rows(half.site.journal.db, after_seq=seq - 1, limit=1)
        return bool(rows) and rows[0].kind == "arrived"

    def prefixes(self) -> None:
        """Each copy is the beginning of the stream that it copies."""
        for half in self._halves:
            own, copy = half.site.journal.db, half.other.copy.db
            seq = last_seq(copy)
            sql = f"SELECT hash FROM journal WHERE {OWN_ROWS} AND seq = :seq"
            if seq and own.row(sql, seq=seq) != copy.row(sql, seq=seq):
                raise Broken(f"the copy of {half.name} is not a prefix of its journal: row {seq}")

    def behind(self) -> list[tuple[str, int]]:
        """(site, rows) of each whose copy lacks rows."""
        left = [
            (half.name, last_seq(half.site.journal.db) - half.other.copy.last_seq()) for half in self._halves
        ]
        return [each for each in left if each[1]]

    def unhealed(self) -> list[tuple[str, int]]:
        """(site, gaps) of each that still says that contacts are there only."""
        found = [(half.name, len(open_gaps(half.site.journal.db))) for half in self._halves]
        return [each for each in found if each[1]]

    def equal(self) -> None:
        """With equal streams both say the same of everything; nobody serves what the other one serves."""
        hashes = []
        for half in self._halves:
            own, copy = half.site.journal.db, half.copy.db
            records = joined(
                *(
                    records_of(db, _ids(db), site=site, read_through=last_seq(db))
                    for db, site in ((own, half.name), (copy, half.peer))
                )
            )
            hashes.append(merged_hash(records))
        if hashes[0] != hashes[1]:
            raise Broken("both streams are equal, and the sites do not say the same")

    def places(self, since: int) -> None:
        """What both sites got since then has the place of the first of them, wherever it is served.

        Not what was answered before the other site's rows can have been here: it is in no line any more.
        """
        sql = """SELECT interaction_id, accepted_at_ms FROM interaction
            WHERE closed_why <> :moved AND NOT answered_at_ms BETWEEN 1 AND accepted_at_ms + :learned_ms"""
        for half in self._halves:
            for ref, place in half.site.journal.db.rows(sql, moved=MOVED, learned_ms=LEARNED_WITHIN_MS):
                first = self._first.get(ref, 0)
                if len(self._got.get(ref, ())) < 2 or first < since:
                    continue
                self.placed += 1
                if place != first:
                    raise Broken(f"{ref} lost its place at {half.name}: {place}, not {first}")

    def twice_served(self) -> list[str]:
        """What both sites have open although no agent holds it at either."""
        opened = []
        for half in self._halves:
            sql = "SELECT interaction_id FROM interaction WHERE closed_seq = 0 AND state <> 'assigned'"
            opened.append({str(row[0]) for row in half.site.journal.db.rows(sql)})
        return sorted(opened[0] & opened[1])

    def waiting(self) -> list[tuple[str, str, str]]:
        """(site, interaction, agent) of what somebody free could be offered, and was not for a second."""
        found = []
        for half in self._halves:
            given = half.site.audit.next_offer(half.site.clock.now_ms - 1_000)
            if given is not None:
                found.append((half.name, *given))
        return found

    def judge(self) -> None:
        """At the end of everything, all closed and copied."""
        self.prefixes()
        self.equal()
        self._nothing_lost()
        self._told_alike()
        self._said_alike()
        self._all_heard()
        for half in self._halves:
            report = verify(half.copy.db)
            if report.problem_count:
                raise Broken(f"the copy at {half.name} does not verify: {report.problems[0]}")

    def _nothing_lost(self) -> None:
        """A call-back may be left to the conversation that it follows, where that went on and had its end."""
        ends: dict[str, set[str]] = {}
        follows: dict[str, str] = {}
        ended = "SELECT interaction_id, follows, closed_why FROM interaction"
        for half in self._halves:
            for ref, follow, why in half.site.journal.db.rows(ended):
                ends.setdefault(ref, set()).add(why)
                follows[ref] = follow
        nobody = {MOVED, "abandoned"}
        lost = sorted(
            ref for ref, whys in ends.items() if whys == {MOVED} and ends.get(follows[ref], nobody) <= nobody
        )
        if lost:
            raise Broken(f"each site counted on the other, and nobody served: {lost[:3]}")
        missing = [ref for _, ref, _, _ in self.acknowledged if ref not in ends]
        if missing:
            raise Broken(f"acknowledged and at neither site: {missing[:3]}")

    def _told_alike(self) -> None:
        """Flagged at both or at none; only what was answered at both; surely what was finished at both."""
        told, held, done = [], [], []
        for half in self._halves:
            db = half.site.journal.db
            told.append({str(row[0]) for row in db.rows("SELECT interaction_id FROM dual_answer")})
            held.append(_holders(db))
            sql = "SELECT interaction_id, closed_by FROM interaction WHERE closed_why = 'disposed'"
            done.append(dict(db.rows(sql)))
        if told[0] != told[1]:
            raise Broken(f"told of two answers at one site only: {sorted(told[0] ^ told[1])[:3]}")
        self.dual = len(told[0])
        for ref in sorted(told[0]):
            agents = [each.get(ref, set()) for each in held]
            if not agents[0] or not agents[1] or len(agents[0] | agents[1]) < 2:
                raise Broken(f"{ref} was said to be answered twice, by {agents}")
        both = sorted(ref for ref in done[0].keys() & done[1].keys() if done[0][ref] != done[1][ref])
        if untold := [ref for ref in both if ref not in told[0]]:
            raise Broken(f"finished by agents of both sites, and nobody was told: {untold[:3]}")

    def _all_heard(self) -> None:
        """Whoever ended it, one of them at least had every word of the customer, or called back for it."""
        dbs: list[Connection] = [half.site.journal.db for half in self._halves]
        if unheard := silently_ended(dbs, self.said):
            raise Broken(f"ended, and nobody who ended it had its last words: {unheard[:3]}")

    def _said_alike(self) -> None:
        """Whatever was said in what both have is at both."""
        words = []
        for half in self._halves:
            found: dict[str, set[str]] = {}
            rows = half.site.journal.db.rows(
                "SELECT i.interaction_id, m.message_id FROM interaction i LEFT JOIN message m"
                " ON m.interaction_id = i.interaction_id"
            )
            for ref, message_id in rows:
                found.setdefault(ref, set()).add(message_id)
            words.append(found)
        for ref in sorted(words[0].keys() & words[1].keys()):
            if words[0][ref] != words[1][ref]:
                raise Broken(f"said in {ref} at one site only: {words[0][ref] ^ words[1][ref]}")


def silently_ended(dbs: Iterable[Connection], said: AbstractSet[tuple[str, str]]) -> list[tuple[str, str]]:
    """(interaction, message) of what was said, by all these know, and heard by nobody who ended it."""
    heard: dict[tuple[str, str], bool] = {}
    called: set[str] = set()
    for db in dbs:
        called |= {str(row[0]) for row in db.rows(_CALLED)}
        for ref, message_id, before in db.rows(_HEARD):
            heard[ref, message_id] = heard.get((ref, message_id), False) or bool(before)
    return sorted(each for each in said if heard.get(each) is False and each[0] not in called)


def _row(db: Connection, ref: str) -> dict[str, object] | None:
    found = db.row(
        "SELECT i.accepted_at_ms, i.state, i.closed_why, a.n FROM interaction i LEFT JOIN adoption a"
        " ON a.interaction_id = i.interaction_id WHERE i.interaction_id = :ref",
        ref=ref,
    )
    if found is None:
        return None
    return {"accepted_at_ms": found[0], "state": found[1], "closed_why": found[2], "n": found[3] or 0}


def _ids(db: Connection) -> list[str]:
    return [str(row[0]) for row in db.rows("SELECT interaction_id FROM interaction ORDER BY 1")]


def _holders(db: Connection) -> dict[str, set[str]]:
    """The agents who ever had each interaction here, by the journal."""
    found: dict[str, set[str]] = {}
    rows = db.rows(f"SELECT ref, data FROM journal WHERE {OWN_ROWS} AND kind = 'accepted'")
    for ref, data in rows:
        agent_id = msgspec.json.decode(data)["agent_id"]
        if not agent_id.startswith(ELSEWHERE):
            found.setdefault(ref, set()).add(agent_id)
    return found
