"""The simulated peer role of one site: what the product's threads do, as actions on the one clock.

Sending, taking in, reconciling, handing over, healing and watching are the product's own code; its threads
and its HTTP are replaced by actions and by links that lose and delay.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from config.words import ELSEWHERE
from router.journal import stream
from router.journal.appends import FactsAppend
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseGone
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.adopting import adopt
from router.sites.copies import Batch, Refused, Taken, read_batch
from router.sites.copy_gaps import TendGaps, behind, healing_due
from router.sites.healing import SETTLED_MS
from router.sites.out_of_use import HERE_MS, is_silent
from router.sites.reconciling import Reconciler
from router.sites.rerouting import AT_ONCE, HOLD_MS, PAUSE_S, Rerouting, take_handed, to_move
from router.sites.status import PEER, put_status
from router.sites.watcher import Watcher
from router.sites.watching import UNREACHABLE, Look, Watch, watched
from tests.simulation.audit import Broken
from tests.simulation.journal import Died

if TYPE_CHECKING:
    from tests.simulation.half import Half

ANSWER_MS = 1_500
"""Without an answer for this long, it is sent again."""

ASKED_MS = 8_000
HELD_WITHIN_MS = 2_000
COPIED_WITHIN_MS = 5_000

_HELD = """
    SELECT interaction_id FROM interaction
    WHERE state = 'waiting' AND named_agent_id = ? AND closed_seq = 0 AND interaction_id IN {wanted}
"""


class PeerRole:
    """One life of it. What it knew is gone when it dies; the next one asks."""

    def __init__(self, half: "Half") -> None:
        self.alive = True
        self.watch = Watch()
        self.silent_ms = 0
        """For how long this life had heard nothing of the other site at its last look."""
        self.own = half.ground.committer
        self.watcher = Watcher(
            lambda: half.ground, content=dict, owner=half.name, mono_ms=lambda: half.site.clock.now_ms
        )
        self._half = half
        self._site = half.site
        self.reconciler = Reconciler(
            site=half.name,
            peer=half.peer,
            gone=lambda: self.watch.state == UNREACHABLE,
            silent=lambda ours, theirs: is_silent(ours, theirs, half.site.clock.now_ms),
        )
        self._acked = -1
        """How far the other site is; not known before it has said so."""
        self._number = 0
        self._under_way = 0
        self._rows_max = self._site.dice.choice((3, 30, 500))
        self._following = False
        self._looked_through = -1
        self._asking = 0
        self._not_before_ms = 0
        self._near = 0
        self._answered_ms = 0
        self._looked_ms = self._begun_ms = self._site.clock.now_ms
        self._rerouting = Rerouting(
            site=half.name,
            peer=half.peer,
            line=half,
            clock_ms=lambda: half.site.clock.now_ms,  # type: ignore[arg-type]  # it asks nobody by itself here
        )
        for every_ms, does in (
            (1_000, self.send),
            (1_000, self._follow),
            (1_000, self._tend),
            (1_000, self._beat),
        ):
            self._every(every_ms, does)

    def die(self) -> None:
        """Killed; another starts in its place while the site lives."""
        self.alive = False
        self._site.soon(500, 3_000, self._half.start_role)

    def caught_up(self, seq: int) -> bool:
        """Whether everything of the other site up to here was looked at, and nothing is left to say."""
        return self.reconciler.caught_up and self._looked_through >= seq

    def grown(self) -> None:
        """Either stream has grown: send and look soon."""
        self._site.soon(1, 30, self.send)
        if not self._following:
            self._following = True
            self._site.soon(50, 200, self._follow)

    def _every(self, every_ms: int, does: Callable[[], None]) -> None:
        def again() -> None:
            if self.alive:
                does()
                self._site.at(every_ms, again)

        self._site.soon(0, every_ms, again)

    def _safely(self, does: Callable[[], object]) -> bool:
        """Whether it went well. What the database refuses is tried again at the next occasion."""
        try:
            does()
        except (CommitUnknown, DatabaseGone):
            return False
        except Died:
            self.die()
            return False
        return True

    # --- sending

    def send(self) -> None:
        """The next batch, if none is under way and there is something to send."""
        if not self.alive or self._under_way:
            return
        batch: list[Batch] = []
        if not self._safely(lambda: batch.extend(self._next())) or not batch:
            return
        self._number += 1
        number = self._under_way = self._number
        half = self._half
        half.out.carry(lambda: half.other.takes(batch[0], lambda said: self._answered_by(number, said)))
        self._site.at(ANSWER_MS, lambda: self._give_up(number))

    def _next(self) -> list[Batch]:
        with self._site.journal.reading() as db:
            head = stream.read_head(db)
            if self._acked < 0:
                return [Batch(site=head.site, incarnation=head.incarnation, head_seq=head.seq)]
            if head.seq <= self._acked:
                return []
            return [read_batch(db, after_seq=self._acked, rows_max=self._rows_max)]

    def _give_up(self, number: int) -> None:
        if self._under_way == number:
            self._under_way = 0
            self.send()

    def _answered_by(self, number: int, said: Taken | Refused) -> None:
        self._half.other.out.carry(lambda: self._hear(number, said))

    def _hear(self, number: int, said: Taken | Refused) -> None:
        if number != self._under_way or not self.alive:
            return
        self._under_way = 0
        if isinstance(said, Refused):
            overtaken = said.code == "behind" and self._site.calm  # by PairWorld, to compare
            if said.code != "gap" and not overtaken:
                raise Broken(f"{self._half.name} sends what is refused: {said}")
            self._acked = said.expected - 1
        else:
            self._compare(said)
            self._acked = said.acked_through
            self._half.note_acked(said.acked_through)
        self.send()

    def _compare(self, said: Taken) -> None:
        if said.acked_through and not stream.has_row(
            self._site.journal.db, said.acked_through, said.head_hash
        ):
            raise Broken(f"the copy of {self._half.name} has another row {said.acked_through}")

    # --- following

    def _follow(self) -> None:
        self._following = False
        if self.alive:
            self._safely(self._look)

    def _look(self) -> None:
        site = self._site
        journal: Any = site.journal
        copy: Any = self._half.copy
        through = self._half.copy.last_seq()
        if self.reconciler.step(self.own, journal, copy):
            self.grown()
        else:
            self._looked_through = through
        answers = self._answered_ms >= site.clock.now_ms - HERE_MS
        if not self._asking and answers and site.clock.now_ms >= self._not_before_ms:
            self._hand_over()

    # --- handing over (router/sites/rerouting.py, its waits as actions)

    def _hand_over(self) -> None:
        site, half = self._site, self._half
        with site.journal.reading() as db:
            wanted = to_move(db, site=half.name, peer=half.peer, now_ms=site.clock.now_ms)
            ids = wanted[:AT_ONCE]
        if not ids:
            return
        until_ms = site.clock.now_ms + HOLD_MS
        self._append(*(fact("handover_began", ref, to_site=half.peer, until_ms=until_ms) for ref in ids))
        self._number += 1
        asking = self._asking = self._number
        site.at(50, lambda: self._ask(asking, ids, site.clock.now_ms + HELD_WITHIN_MS))

    def _ask(self, asking: int, ids: Sequence[str], give_up_ms: int) -> None:
        site, half = self._site, self._half
        if not self.alive:
            return
        found = {str(row[0]) for row in rows_in(site.journal.db, _HELD, ids, ELSEWHERE + half.peer)}
        held = [each for each in ids if each in found]
        if len(held) < len(ids) and site.clock.now_ms < give_up_ms:
            site.at(100, lambda: self._ask(asking, ids, give_up_ms))
            return
        if not held:
            self._pause(asking)
            return
        through_seq = stream.last_seq(site.journal.db)
        half.out.carry(
            lambda: half.other.adopts(
                held,
                through_seq,
                lambda said: half.other.out.carry(lambda: self._handed(asking, held, said)),
                site.clock.now_ms + COPIED_WITHIN_MS,
            )
        )
        site.at(ASKED_MS, lambda: self._pause(asking))

    def _pause(self, asking: int) -> None:
        if self._asking == asking:
            self._asking = 0
            self._not_before_ms = self._site.clock.now_ms + round(PAUSE_S * 1_000)

    def _handed(self, asking: int, held: Sequence[str], said: dict[str, Any]) -> None:
        if not self.alive or self._asking != asking:
            return
        journal: Any = self._site.journal
        self._safely(lambda: self._rerouting._settle(self.own, journal, held, said))
        if len(said["adopted"]) < len(held):
            self._pause(asking)
        self._asking = 0

    def take_handed(
        self, ids: Sequence[str], through_seq: int, answer: Callable[[dict[str, Any]], None], give_up_ms: int
    ) -> None:
        """The other site asks this one to take these."""
        site, half = self._site, self._half
        if not self.alive:
            return
        if half.copy.last_seq() < through_seq and site.clock.now_ms < give_up_ms:
            site.at(60, lambda: self.take_handed(ids, through_seq, answer, give_up_ms))
            return
        full = half.copy.last_seq() < through_seq or site.chance(0.1)
        journal: Any = site.journal
        copy: Any = half.copy
        said: dict[str, Any] = {}
        if self._safely(
            lambda: said.update(
                take_handed(
                    self.own,
                    journal,
                    copy,
                    ids,
                    through_seq=through_seq,
                    site=half.name,
                    peer=half.peer,
                    refusal=lambda: "full" if full else "",
                )
            )
        ):
            answer(said)

    def adopt(self, ids: Sequence[str]) -> None:
        """Adopt these. Raises as a commit does."""
        copy: Any = self._half.copy
        adopt(self.own, copy, ids, site=self._half.name, peer=self._half.peer)

    # --- healing, watching

    def _tend(self) -> None:
        self._safely(self._heal)

    def _heal(self) -> None:
        now_ms = self._site.clock.now_ms
        with self._site.journal.reading() as db:
            self._near = self._near + 1 if behind(db, now_ms)[1] <= SETTLED_MS else 0
            due = healing_due(db, settled=self._near >= 2, now_ms=now_ms)
        if due:
            self._site.journal.append(TendGaps(settled=self._near >= 2))

    def _beat(self) -> None:
        now_ms, half = self._site.clock.now_ms, self._half
        look = Look(mono_ms=now_ms, wall_ms=now_ms, answered=self._answered_ms >= self._looked_ms)
        self._looked_ms = now_ms
        self.silent_ms = now_ms - max(self._answered_ms, self._begun_ms)
        self.watch, _ = watched(self.watch, look)
        half.out.carry(lambda: half.other.out.carry(self._note_answer))

    def _note_answer(self) -> None:
        self._answered_ms = self._site.clock.now_ms
        put_status(self._site.journal.db, PEER, self._answered_ms, {})

    def _append(self, *facts: Fact) -> None:
        self._site.journal.append(FactsAppend(facts_to_append=facts))
