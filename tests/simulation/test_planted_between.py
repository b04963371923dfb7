"""The simulation of two sites notices mistakes: each is planted, and some world breaks on it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from router.sites import adopting, copies, dual_answers, reconciling, rerouting, shares, watcher
from router.sites.copy_line import CopyLine, Outcome
from tests.simulation import peer_role
from tests.simulation.audit import Broken
from tests.simulation.pair import DIES, ENDINGS, ONE_CREW, PairWorld

WORLDS = 12
"""A planted mistake must be noticed within this many worlds."""


ONE_DIES = range(DIES, WORLDS * ENDINGS, ENDINGS)
CREWS = range(ONE_CREW, WORLDS * 2 * ENDINGS, 2 * ENDINGS)
"""As many of the worlds that end in these ways."""


def breaks_by(*words: str, seeds: Sequence[int] = range(WORLDS)) -> bool:
    """Whether a world breaks, and what is said of it has one of these words: it breaks for this reason."""
    broken = first_break(seeds)
    return any(each in broken for each in words)


def first_break(seeds: Sequence[int]) -> str:
    """What is said of the first world that breaks; empty when all of them live."""
    for seed in seeds:
        try:
            PairWorld(seed, fault_rate=0.03).run()
        except Broken as broken:
            return str(broken)
    return ""


def test_yielding_what_an_agent_holds_is_noticed(monkeypatch):
    """A conversation would be taken from under the people who have it."""
    records_of = reconciling.records_of

    def unheld(*given, **named):
        found = records_of(*given, **named)
        return {
            ref: replace(record, legs={site: replace(leg, held=False) for site, leg in record.legs.items()})
            for ref, record in found.items()
        }

    monkeypatch.setattr(reconciling, "records_of", unheld)
    loose = reconciling._LOOSE.replace(" AND state <> 'assigned'", "")
    monkeypatch.setattr(reconciling, "_LOOSE", loose)
    assert breaks_by("is held at")


def test_adopting_twice_is_noticed(monkeypatch):
    """Who is being talked with would ring again, and who has been served would be called back to life."""
    monkeypatch.setattr(adopting, "_open_here", lambda db, ids: set())
    monkeypatch.setattr(adopting, "claims", _theirs_only(adopting.claims))
    assert breaks_by("once more by the same claim", "a claim that is not higher", "replay decides otherwise")


def test_a_claim_that_is_not_compared_is_noticed(monkeypatch):
    """Both sites go on with the same customer for ever."""
    monkeypatch.setattr(reconciling, "serving", lambda record: _mine.pop())
    judge = reconciling.Reconciler._judge
    _mine: list[str] = []

    def selfish(self, theirs, ref, record, unequal, **named):
        _mine[:] = [self._site]
        judge(self, theirs, ref, record, unequal, **named)

    monkeypatch.setattr(reconciling.Reconciler, "_judge", selfish)
    assert breaks_by("served by both sites")


def test_taking_a_batch_with_a_gap_is_noticed(monkeypatch):
    """The copy would lack what was acknowledged as copied, and nobody would know until it is needed."""
    _lose_rows(monkeypatch)
    monkeypatch.setattr(
        copies, "_fresh", lambda db, head, rows: [each for each in rows if each.seq > head.seq]
    )
    monkeypatch.setattr(copies, "_check_chain", lambda head, rows: None)
    assert breaks_by("does not have it", "not a prefix", "does not verify", "another row", "is refused")


def test_a_sender_that_leaves_out_rows_does_no_harm(monkeypatch):
    """The other side of the test before: it is the check that keeps the copy whole."""
    _lose_rows(monkeypatch)
    PairWorld(0, fault_rate=0.03).run()


def test_a_message_that_is_not_copied_is_noticed(monkeypatch):
    """What the customer said at one site, the agent of the other one would never read."""
    monkeypatch.setattr(reconciling.MissingMessages, "of", lambda *given: [])
    assert breaks_by("at one site only")


def test_telling_of_two_answers_at_one_site_only_is_noticed(monkeypatch):
    """Two agents have promised something to one customer, and one of them does not know."""
    untold = reconciling.untold

    def silent(*given, site, peer):
        return untold(*given, site=site, peer=peer) if site == "a" else []

    monkeypatch.setattr(reconciling, "untold", silent)
    assert breaks_by("told of two answers at one site only")


def test_telling_of_two_answers_where_there_was_one_is_noticed(monkeypatch):
    """Alarms that mean nothing are not read."""
    monkeypatch.setattr(dual_answers, "is_dual", lambda record: len(record.legs) > 1)
    assert breaks_by("was said to be answered twice")


def test_a_copy_that_is_believed_and_not_there_is_noticed(monkeypatch):
    """What is acknowledged with the other site's word must be there when this one burns down."""

    def hopeful(self, seq, *, now_ms, wait_ms):
        wait = join(self, seq, now_ms=now_ms, wait_ms=wait_ms)
        wait.outcome = Outcome.COPIED
        return wait

    join = CopyLine.join
    monkeypatch.setattr(CopyLine, "join", hopeful)
    assert breaks_by("acknowledged as copied")


def test_a_customer_whom_each_site_leaves_to_the_other_is_noticed(monkeypatch):
    """Each of two decisions is right by what its site knew, and together they lose somebody."""
    monkeypatch.setattr(reconciling, "let_go", lambda record: False)
    assert breaks_by("each site counted on the other")


def test_a_place_of_the_second_receipt_is_noticed(monkeypatch):
    """Who was heard by one site, and again by the other, would wait behind those who came between."""
    monkeypatch.setattr(reconciling.Reconciler, "_places", lambda *given: {})
    assert breaks_by("lost its place")


def test_forgetting_what_was_left_to_a_site_that_dies_is_noticed(monkeypatch):
    """An agent there had it, so it was left to her: when her site burns down, it would be nobody's."""
    monkeypatch.setattr(adopting, "left_by", lambda db, ids: {})
    assert breaks_by("is left to the dead site", seeds=ONE_DIES)


def test_leaving_what_was_taken_over_to_a_site_that_is_dead_is_noticed(monkeypatch):
    """The copy says for ever that an agent there has it; she does not come, and nobody has them."""
    monkeypatch.setattr(peer_role, "is_silent", lambda ours, theirs, now_ms: False)
    assert breaks_by("is left to the dead site", seeds=ONE_DIES)


def test_taking_what_agents_hold_after_a_short_silence_is_noticed(monkeypatch):
    """A line that is away for seconds would take every conversation from who has it."""
    wanted = watcher.Watcher._wanted

    def greedy(self, ground, watch, stuck):
        found = wanted(self, ground, watch, stuck)
        return found and replace(found, assigned=True)

    monkeypatch.setattr(watcher.Watcher, "_wanted", greedy)
    assert breaks_by("took what agents hold, unasked")


def test_leaving_behind_who_waits_where_the_crew_has_gone_home_is_noticed(monkeypatch):
    """The numbers still ring there for a while, and nobody is there."""
    monkeypatch.setattr(rerouting, "left_alone", lambda db, *, site, peer, now_ms: [])
    assert breaks_by("after return", seeds=CREWS)


def test_rerouting_only_what_never_was_anywhere_else_is_noticed(monkeypatch):
    """Who came back from the other site yesterday would wait here for nobody."""

    def only_own(given, *, came_seq, **named):
        return 0 if came_seq else shares.share_for(given, came_seq=came_seq, **named)

    monkeypatch.setattr(rerouting, "share_for", only_own)
    assert breaks_by("after reroute", seeds=CREWS)


def _lose_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then the sender leaves out the first row of what follows."""
    read_batch, count = peer_role.read_batch, [0]

    def lossy(db, *, after_seq, rows_max):
        batch = read_batch(db, after_seq=after_seq, rows_max=rows_max)
        count[0] += 1
        if count[0] % 20 == 0 and len(batch.rows) > 1:
            del batch.rows[0]
        return batch

    monkeypatch.setattr(peer_role, "read_batch", lossy)


def _theirs_only(claims):
    def forgetful(db, ids, *, site):
        """What this site had itself is forgotten: nothing is known of its own stream."""
        own = db.row("SELECT site FROM stream WHERE own = 1")[0]
        from_copy = db.row("SELECT count(*) FROM lease")[0] == 0
        return claims(db, ids, site=site) if from_copy and own == site else {}

    return forgetful
