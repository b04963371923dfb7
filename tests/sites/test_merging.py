"""Two streams joined: the same at both sites, whatever came first and however often it was looked at."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from router.journal.connection import Connection
from router.journal.twin import empty_twin
from router.sites.merging import (
    Leg,
    Record,
    accepted_at_of,
    is_dual,
    is_open,
    join,
    joined,
    merged_hash,
    records_of,
    serving,
    urgency_of,
)
from router.sites.reconciling import Reconciler

AGENTS = ("ana", "ben", "cleo")
HELD = {"open": True, "held": True, "present": True}
ENDED = {"open": False, "closed_why": "disposed"}


def leg(site: str, n: int = 0, **values: object) -> Leg:
    """A leg of this site, waiting unless told otherwise."""
    said = {"read_through": 5, "open": True, "urgency": 3, "accepted_at_ms": 100, **values}
    return Leg(site=site, claim=(n, site), **said)  # type: ignore[arg-type]  # values of its own fields


@st.composite
def legs(draw: st.DrawFn, site: str) -> Leg:
    """Anything that a site's stream can say: a claim is always the site's own."""
    values: dict[str, object] = {
        "read_through": draw(st.integers(0, 3)),
        "urgency": draw(st.integers(0, 5)),
        "accepted_at_ms": draw(st.integers(0, 3)),
    }
    state = draw(st.sampled_from(("waiting", "held", "left", "disposed", "moved", "abandoned")))
    if state in ("held", "left"):
        values |= {"open": True, "held": True, "agent_id": draw(st.sampled_from(AGENTS))}
        values |= {"present": state == "held"}
    elif state != "waiting":
        agent_id = draw(st.sampled_from(AGENTS)) if state == "disposed" else ""
        values |= {"open": False, "closed_why": state, "agent_id": agent_id}
    return leg(site, draw(st.integers(0, 3)), **values)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """What one reading gives: of either site, both or none."""
    sites = draw(st.sets(st.sampled_from(("a", "b"))))
    return Record({site: draw(legs(site)) for site in sorted(sites)})


pairs = st.tuples(legs("a"), legs("b"))


def of(*told: Leg) -> Record:
    return Record({each.site: each for each in sorted(told, key=lambda each: each.site)})


@given(records(), records(), records())
def test_joining_is_commutative_associative_and_idempotent(one, two, three):
    """Batches come late, twice and in any order; both sites must end with the same."""
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one
    assert join(join(one, two), two) == join(one, two)


@given(st.lists(st.dictionaries(st.sampled_from(("i-1", "i-2", "i-3")), records()), max_size=6), st.randoms())
def test_both_sites_say_the_same_whatever_they_read_first(readings, dice):
    """Who serves it, whether it was answered twice, how urgent, since when: one answer, one hash."""
    shuffled = [*readings, *readings[:2]]
    dice.shuffle(shuffled)
    here = {key: each for key, each in joined(*readings).items() if each.legs}
    there = {key: each for key, each in joined(*shuffled).items() if each.legs}
    assert merged_hash(here) == merged_hash(there)
    for key, record in here.items():
        other = there[key]
        assert (serving(record), is_dual(record), is_open(record)) == (
            serving(other),
            is_dual(other),
            is_open(other),
        )
        assert (urgency_of(record), accepted_at_of(record)) == (urgency_of(other), accepted_at_of(other))


@given(pairs)
def test_a_hash_tells_records_apart(pair):
    """Equal hashes are what says that two sites agree: they must not be equal for another reason."""
    one, other = pair
    changed = of(one, leg("b", other.claim[0] + 1, open=other.open, closed_why=other.closed_why))
    assert merged_hash({"i-1": of(one, other)}) != merged_hash({"i-1": changed})
    assert merged_hash({"i-1": of(one, other)}) != merged_hash({"i-2": of(one, other)})


@given(pairs)
@example((leg("a"), leg("b", 1, agent_id="ana", **ENDED)))
@example((leg("a", agent_id="ben", **HELD), leg("b", 1, agent_id="ana", **ENDED)))
def test_open_beats_closed_unless_an_agent_of_a_higher_claim_finished_it(pair):
    """What one site has ended without a word of an agent goes on at the other; nobody falls between them."""
    record = of(*pair)
    opened = [each for each in pair if each.open]
    if not opened:
        assert serving(record) == ""
        assert not is_open(record)
        return
    finished = [
        each
        for each in pair
        if each.closed_why == "disposed" and all(each.claim > other.claim for other in opened)
    ]
    if finished and not any(each.held for each in opened):
        assert serving(record) == ""
    else:
        assert serving(record) in [each.site for each in opened]
        assert is_open(record)


@given(pairs)
def test_who_holds_it_alone_serves_it_and_otherwise_the_highest_claim(pair):
    """A conversation is not taken away by a take-over; without one the latest act counts."""
    opened = [each for each in pair if each.open]
    assume(len(opened) == 2)
    held = [each for each in opened if each.held]
    wanted = held[0] if len(held) == 1 else max(opened, key=lambda each: each.claim)
    assert serving(of(*pair)) == wanted.site


@given(pairs)
def test_only_two_people_who_both_answered_are_told_of_each_other(pair):
    """One agent who moved with her work is no dual answer, and a customer who gave up has answered nobody."""
    one, other = pair
    if is_dual(of(one, other)):
        assert one.agent_id != other.agent_id
        for each in pair:
            assert (each.held and each.present) or each.closed_why == "disposed"


@pytest.fixture(scope="module")
def twins() -> Iterator[dict[str, Connection]]:
    """The tables of both sites: made once, because making them takes longer than all the rest."""
    with closing(empty_twin()) as a, closing(empty_twin()) as b:
        yield {"a": a, "b": b}


def tables(twins: dict[str, Connection], told: Leg) -> Connection:
    """The tables of a site that say what this leg says of interaction i-1, and nothing else."""
    db = twins[told.site]
    for name in ("interaction", "adoption", "agent"):
        db.run(f"DELETE FROM {name}")
    _put(db, told, told.site)
    return db


def _put(db: Connection, each: Leg, site: str) -> None:
    state = "closed" if not each.open else "assigned" if each.held else "waiting"
    columns = [str(row[1]) for row in db.rows("PRAGMA table_info(interaction)")]
    texts = [str(row[2]) for row in db.rows("PRAGMA table_info(interaction)")]
    values: dict[str, object] = {
        name: 0 if kind in ("INTEGER", "BIGINT") else "" for name, kind in zip(columns, texts, strict=True)
    }
    values |= {"interaction_id": "i-1", "state": state, "closed_seq": int(not each.open)}
    values |= {"agent_id": each.agent_id if each.held else "", "urgency": each.urgency}
    values |= {"closed_by": "" if each.open else each.agent_id, "closed_why": each.closed_why}
    values |= {"accepted_at_ms": each.accepted_at_ms, "requirement": "{}", "connection_ids": "[]"}
    names = ", ".join(values)
    db.run(f"INSERT INTO interaction ({names}) VALUES ({', '.join(f':{each}' for each in values)})", **values)  # type: ignore[arg-type]
    if each.claim[0]:
        db.run(
            """INSERT INTO adoption (interaction_id, from_site, n, owner, at_ms, seq, held_by)
               VALUES ('i-1', :other, :n, :site, 0, 0, '')""",
            other="b" if site == "a" else "a",
            n=each.claim[0],
            site=site,
        )
    if each.present:
        db.run(
            """INSERT INTO agent (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids,
                   grace_until_ms)
               VALUES (:agent_id, 1, '', 0, 0, '["d"]', 0)""",
            agent_id=each.agent_id,
        )


@given(pair=pairs)
def test_two_reconcilers_of_equal_streams_leave_one_who_serves(twins, pair):
    """They never both let go of what is open, never both go on with it unheld, and tell both or none."""
    at_a, at_b = pair
    a, b = tables(twins, at_a), tables(twins, at_b)
    here = Reconciler(site="a", peer="b").compare(a, b, ["i-1"])
    there = Reconciler(site="b", peer="a").compare(b, a, ["i-1"])
    lets_go = [each for each, found in ((at_a, here), (at_b, there)) if found.yields]
    goes_on = [each for each in pair if each.open and each not in lets_go]
    told = [bool(here.duals), bool(there.duals)]
    assert all(each.open and not each.held for each in lets_go)
    assert len(lets_go) < 2
    if len(goes_on) == 2:
        assert any(each.held for each in goes_on)
    if not goes_on and any(each.open for each in pair):
        assert [each.closed_why for each in pair if not each.open] == ["disposed"]
    assert told == [is_dual(of(*pair))] * 2


@pytest.mark.parametrize("site", ["a", "b"])
def test_what_tables_say_is_the_leg_that_was_put_there(twins, site):
    """The strategy above speaks of tables as they are: else its tests would prove nothing of the product."""
    said = leg(site, 2, agent_id="ana", **HELD)
    found = records_of(tables(twins, said), ["i-1"], site=site, read_through=5)["i-1"]
    assert found == of(said)
