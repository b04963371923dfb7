"""Both sites come to the same people, sessions and plan, whatever was changed where, in whatever order."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from config.plan_file import parse_plan
from router.journal.verify import verify
from router.records import fact
from router.run.plan_activation import ActivatePlan
from router.sites.copies import REFUSALS
from router.sites.learning import Learn, Learning
from router.sites.sender import Sending
from router.sites.sending_trouble import COPY_REFUSED, HOLD_S, PASSING, SendingTrouble
from tests.sites.site_pair import OneSite, SitePair, plan_of, site_pair

PEOPLE = "SELECT agent_id, name, role, active, credential_digest, changed_at_ms, changed_site FROM person"
PLAN = "SELECT digest FROM plan ORDER BY version DESC LIMIT 1"
LEARNED = "SELECT count(*) FROM journal WHERE data LIKE '%\"learned\"%'"


class Learners:
    """Both sites' steps."""

    def __init__(self) -> None:
        self._steps = {"a": Learning(), "b": Learning()}

    def learns(self, pair: SitePair, site: str) -> None:
        """What the other one has is sent here and learned."""
        here = pair.sites[site]
        pair.sends(here.peer)
        self._steps[site].step(here.committer, here.own, here.copy)

    def settle(self, pair: SitePair) -> None:
        """Until nothing is left to learn; more than a few rounds would be going round in circles."""
        for _ in range(3):
            for site in ("a", "b"):
                self.learns(pair, site)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[SitePair]:
    with site_pair(tmp_path) as pair:
        yield pair


def changes(site: OneSite, agent_id: str = "ana", **other: object) -> None:
    """An admin of this site changes somebody; the password goes along."""
    values = {"name": "Ana", "role": "agent", "active": True, "credential_digest": "d", **other}
    with site.own.writing() as db:
        db.run("DELETE FROM credential WHERE agent_id = :a", a=agent_id)
        password = f"hash {values['credential_digest']}"
        db.run(
            "INSERT INTO credential (agent_id, password_hash, must_change) VALUES (:a, :p, 0)",
            a=agent_id,
            p=password,
        )
    site.append(fact("person_changed", agent_id, **values))


def test_a_change_is_learned_with_its_password(pair: SitePair) -> None:
    """Whoever signed in at one site can sign in at the other one."""
    changes(pair.a, credential_digest="first")
    learners = Learners()
    learners.settle(pair)
    assert pair.b.all(PEOPLE) == pair.a.all(PEOPLE) != []
    assert pair.b.one("SELECT password_hash FROM credential") == ("hash first",)
    changes(pair.b, credential_digest="second")
    learners.settle(pair)
    assert pair.a.one("SELECT password_hash FROM credential") == ("hash second",)
    assert pair.b.all(PEOPLE) == pair.a.all(PEOPLE)


def test_a_change_here_counts_as_later_than_what_it_changes_whatever_the_clocks_say(pair: SitePair) -> None:
    """An admin takes somebody's rights away at b, whose clock is a minute behind: they must be gone at a."""
    learners = Learners()
    pair.clock[0] += 60_000
    changes(pair.a, role="admin")
    learners.settle(pair)
    pair.clock[0] -= 60_000
    changes(pair.b, role="agent")
    learners.settle(pair)
    assert [row[2] for row in pair.a.all(PEOPLE)] == ["agent"]
    assert pair.b.all(PEOPLE) == pair.a.all(PEOPLE)


ORDERS = [
    ("a", "b", "learn a", "learn b"),
    ("b", "a", "learn a", "learn b"),
    ("a", "b", "learn b", "learn a"),
    ("a", "learn b", "b", "learn a"),
    ("b", "learn a", "a", "learn b"),
    ("learn a", "a", "learn b", "b"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_two_changes_at_once_end_the_same_at_both_sites(pair: SitePair, order: tuple[str, ...]) -> None:
    """In the same millisecond, learned in any order in between: one of both holds, and the same one."""
    learners = Learners()
    for what in order:
        if what.startswith("learn"):
            learners.learns(pair, what[-1])
        else:
            changes(pair.sites[what], name=f"Ana of {what}")
    learners.settle(pair)
    assert pair.a.all(PEOPLE) == pair.b.all(PEOPLE)
    assert len(pair.a.all(PEOPLE)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_at_both_sites_they_come_to_the_same(pair: SitePair, seed: int) -> None:
    """And once they have, nothing is said again, not by steps that begin anew either."""
    random, learners = Random(seed), Learners()
    for n in range(40):
        site = random.choice(["a", "b"])
        what = random.choice(["change", "change", "begin", "end", "learn", "pass"])
        if what == "change":
            changes(
                pair.sites[site],
                random.choice(["ana", "ben"]),
                name=f"{site}{n}",
                credential_digest=f"{site}{n}",
            )
        elif what == "begin":
            pair.sites[site].append(fact("session_begun", f"t-{n}", agent_id="ana", expires_at_ms=1 << 50))
        elif what == "end":
            known = [str(row[0]) for row in pair.sites[site].all("SELECT token_hash FROM session")]
            if known:
                pair.sites[site].append(fact("session_ended", random.choice(known), agent_id="ana"))
        elif what == "learn":
            learners.learns(pair, site)
        else:
            pair.passes(seconds=random.choice([0, 0.001, 5]))
    learners.settle(pair)
    ended = "SELECT token_hash, ended_at_ms > 0 FROM session ORDER BY token_hash"
    for sql in (f"{PEOPLE} ORDER BY agent_id", ended, "SELECT * FROM credential ORDER BY agent_id"):
        assert pair.a.all(sql) == pair.b.all(sql)
    said = pair.a.one(LEARNED), pair.b.one(LEARNED)
    Learners().settle(pair)
    assert (pair.a.one(LEARNED), pair.b.one(LEARNED)) == said
    for site in pair.sites.values():
        with site.own.reading() as db:
            assert verify(db).problem_count == 0


def test_a_session_that_ended_anywhere_has_ended_everywhere(pair: SitePair) -> None:
    """Somebody lost their telephone: signed out at one site, at both at once while the line was down."""
    learners = Learners()
    pair.a.append(fact("session_begun", "t", agent_id="ana", expires_at_ms=1 << 50))
    pair.a.append(fact("session_ended", "t", agent_id="ana"))
    learners.settle(pair)
    assert pair.b.one("SELECT ended_at_ms > 0 FROM session WHERE token_hash = 't'") == (1,)
    pair.a.append(fact("session_begun", "old", agent_id="ana", expires_at_ms=5))
    learners.settle(pair)
    assert pair.b.one("SELECT 1 FROM session WHERE token_hash = 'old'") is None


def test_one_that_cannot_be_learned_keeps_no_session_open(
    pair: SitePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was signed out at one site must be out at the other, whatever else came with it."""

    def refuse(learn: Learn, person: object) -> None:
        raise ValueError("a role that this release does not know")

    monkeypatch.setattr(Learn, "_person", refuse)
    changes(pair.a)
    pair.a.append(fact("session_begun", "t", agent_id="ana", expires_at_ms=1 << 50))
    pair.a.append(fact("session_ended", "t", agent_id="ana"))
    learners = Learners()
    learners.learns(pair, "b")
    assert pair.b.one("SELECT ended_at_ms > 0 FROM session WHERE token_hash = 't'") == (1,)
    assert pair.b.one("SELECT count(*) FROM alarm WHERE code = 'not_learned'") == (1,)
    assert pair.b.all(PEOPLE) == []


def test_a_plan_of_the_console_is_learned_and_that_of_a_file_is_not(pair: SitePair) -> None:
    """What an admin puts in force holds for the pair; a file is each machine's own, its restart no news."""
    learners = Learners()
    changes(pair.a, "amira", role="admin")
    by_file, by_person = parse_plan(plan_of("# one\n")), parse_plan(plan_of("# two\n"))
    pair.passes(seconds=1)
    pair.a.committer.submit(ActivatePlan(plan=by_file, by="up")).result()
    learners.settle(pair)
    assert pair.b.one(PLAN) == (pair.plan.digest,)
    pair.passes(seconds=1)
    pair.a.committer.submit(ActivatePlan(plan=by_person, by="amira")).result()
    learners.settle(pair)
    assert pair.b.one(PLAN) == (by_person.digest,) == pair.a.one(PLAN)
    pair.passes(seconds=1)
    pair.b.committer.submit(ActivatePlan(plan=by_file, by="amira")).result()
    learners.settle(pair)
    assert pair.a.one(PLAN) == (by_file.digest,) == pair.b.one(PLAN)
    assert pair.a.one(LEARNED) == (1,)


def test_a_plan_that_this_site_cannot_read_is_not_put_in_force(pair: SitePair) -> None:
    """The other site may run the newer release; this one goes on with what it knows."""
    changes(pair.a, "amira", role="admin")
    pair.passes(seconds=1)
    pair.a.append(fact("plan_activated", "digest", version=2, text="[site]\nmood = 'new'\n", by="amira"))
    Learners().settle(pair)
    assert pair.b.one(PLAN) == (pair.plan.digest,)


def test_what_the_other_site_refuses_for_long_is_an_alarm_once(pair: SitePair) -> None:
    """A copy that is refused for good must not look like one that is a little late."""
    now, state = [0.0], [Sending()]
    step = SendingTrouble(lambda: state[0], clock_s=lambda: now[0]).step

    def alarms_after(problem: str, seconds: float) -> int:
        state[0] = Sending(problem=problem, at_seq=7, detail="why")
        for _ in range(3):
            step(pair.a.committer, pair.a.own, pair.a.copy)
        now[0] += seconds
        step(pair.a.committer, pair.a.own, pair.a.copy)
        found = pair.a.one("SELECT count(*) FROM alarm WHERE code = :c AND seen_at_ms = 0", c=COPY_REFUSED)
        return int(str((found or (0,))[0]))

    assert [alarms_after(problem, 10 * HOLD_S) for problem in sorted(PASSING)] == [0] * len(PASSING)
    assert alarms_after("hash", HOLD_S / 2) == 0
    assert alarms_after("hash", HOLD_S) == 1
    assert alarms_after("hash", HOLD_S) == 1
    assert "hash" in REFUSALS
    assert pair.a.one("SELECT ref, detail FROM alarm") == ("copy", "hash, row 7: why")
