"""A site never starts over newer facts that the other one has of it; alone it starts, and says so."""

import pytest

from config.plan_file import parse_plan
from config.settings import SettingsWrong, read_settings
from router.journal.committer import Committer
from router.journal.restoring import finish
from router.journal.unfinished import mark
from router.run.plan_activation import ActivatePlan
from router.run.web_lease import end_web, renew_web
from router.sites import boot_gate
from router.sites.boot_gate import Gate, MayNotStart, check_start_apart, refuse_behind, refuse_unfinished
from router.sites.passage import AWAY_S, EVERY_S, began, vouched
from router.sites.recovering import CopyAtHand, recover
from tests.journal.conftest import committer, database, database_url
from tests.journal.writing import all_rows, append, arrived, checked
from tests.sites.copying import copy_all
from tests.sites.site_pair import plan_of
from tests.sites.test_recovering import another, copy
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["another", "committer", "copy", "database", "database_url", "postgres_server", "postgres_url"]

NOW_MS = 1_795_000_000_000


def begins(database, why):
    """Another life of it, as restore and recover begin it."""
    return finish(database, why=why, now_ms=NOW_MS)


def test_a_site_that_has_everything_starts(database, committer, copy):
    """Also where the other site has nothing yet, or is behind."""
    refuse_behind(database, CopyAtHand(copy))
    append(committer, arrived("a"), arrived("b"))
    refuse_behind(database, CopyAtHand(copy))
    copy_all(database, copy)
    refuse_behind(database, CopyAtHand(copy))
    append(committer, arrived("c"))
    refuse_behind(database, CopyAtHand(copy))


def test_a_site_with_an_older_database_does_not_start(database, committer, copy, another):
    """S-12, S-24: the line says how much is missing, and what to type."""
    another.create_tables(site="north")
    append(committer, arrived("a"), arrived("b"))
    copy_all(database, another)
    append(committer, arrived("c"))
    copy_all(database, copy)
    with pytest.raises(MayNotStart) as refused:
        refuse_behind(another, CopyAtHand(copy))
    assert "has 1 newer rows of this site (up to 3, here up to 2)" in str(refused.value)
    assert "type muster recover --from-peer first" in str(refused.value)
    assert "muster recover --alone" in str(refused.value)


def test_an_empty_database_does_not_start_where_the_other_site_has_rows(database, committer, copy, another):
    """A new disk in a machine that was a site: everything is over there."""
    another.create_tables(site="north")
    append(committer, arrived("a"))
    copy_all(database, copy)
    with pytest.raises(MayNotStart, match="this database is empty, and the other site has 1 rows"):
        refuse_behind(another, CopyAtHand(copy))


def test_an_old_backup_that_was_restored_does_not_start_either(database, committer, copy, another):
    """A new life alone is no excuse: what the other site has belongs into it. Then the way back is open."""
    another.create_tables(site="north")
    append(committer, arrived("a"), arrived("b"))
    copy_all(database, another)
    append(committer, arrived("c"), arrived("d"))
    copy_all(database, copy)
    begins(another, "restored")
    with pytest.raises(MayNotStart, match="other rows of this site"):
        refuse_behind(another, CopyAtHand(copy))
    recover(another, CopyAtHand(copy), site="north", now_ms=NOW_MS, say=lambda *_: None)
    begun = begins(another, "recovered")
    assert (begun.seq, all_rows(another)[:4]) == (5, all_rows(database))
    assert checked(another).problems == []
    refuse_behind(another, CopyAtHand(copy))


def test_whoever_chose_to_start_alone_may(database, committer, copy, another):
    """In an emergency somebody decides, and the decision is in the journal."""
    another.create_tables(site="north")
    append(committer, arrived("a"), arrived("b"))
    copy_all(database, another)
    append(committer, arrived("c"), arrived("d"), arrived("e"))
    copy_all(database, copy)
    begins(another, "alone")
    refuse_behind(another, CopyAtHand(copy))


def test_a_choice_of_long_ago_is_no_choice_now(database, committer, copy, another):
    """Somebody started alone last year; both sites have that since. The backup of then is still too old."""
    append(committer, arrived("a"))
    begins(database, "alone")
    another.create_tables(site="north")
    copy_all(database, another)
    append(committer, arrived("b"))
    copy_all(database, copy)
    with pytest.raises(MayNotStart):
        refuse_behind(another, CopyAtHand(copy))
    begins(another, "restored")
    with pytest.raises(MayNotStart):
        refuse_behind(another, CopyAtHand(copy))


@pytest.fixture
def started_apart(database, tmp_path, monkeypatch):
    """start(): what each role does that was started by itself; asked: how often the other site was."""
    plan, asked = parse_plan(plan_of()), []
    committer = Committer(database)
    committer.submit(ActivatePlan(plan=plan, by="up")).result()
    committer.close()
    monkeypatch.setattr(boot_gate, "refuse_behind", lambda database, peer: asked.append(peer))

    def start(only_takes=False, **environ):
        own = {"MUSTER_DATA": str(tmp_path), "MUSTER_SITE": "a", "MUSTER_SECRET_PEER_KEY": "k" * 32}
        line = {"MUSTER_PEERS": "a=http://127.0.0.1:9,b=http://127.0.0.1:9"}
        settings = read_settings(own | line | environ)
        start.seconds = check_start_apart(settings, database, only_takes=only_takes)
        return len(asked)

    return start


def test_whichever_role_comes_first_asks_for_newer_facts(database, started_apart):
    """Under systemd a web may write before there is a router: whoever finds nobody asks, each of them."""
    assert started_apart(only_takes=True) == 1
    assert started_apart(only_takes=True) == 2
    with database.writing() as db:
        renew_web(db, web_id="w")
    assert started_apart(only_takes=True) == 2, "who lives was asked"
    with database.writing() as db:
        end_web(db, web_id="w")
    assert started_apart(only_takes=True) == 3


def test_beside_a_role_that_starts_unasked_who_decides_or_sends_asks(database, started_apart):
    """A web without the keys takes contacts. A router beside it would go on over newer facts."""
    assert started_apart(only_takes=True, MUSTER_SECRET_PEER_KEY="") == 0
    with database.writing() as db:
        renew_web(db, web_id="w")
    assert started_apart() == 1
    assert started_apart.seconds > 0, "it waits for less afterwards: a site that is alone must answer"
    lives(database, "worker/1")
    assert started_apart() == 2, "a worker keeps its house before it asks"


@pytest.mark.parametrize("name", ["router", "router/1", "standby/1", "peer/1"])
def test_beside_who_decides_or_hears_the_other_site_nobody_asks_again(database, started_apart, name):
    """It asked; and a router that was killed is started anew without waiting for a line."""
    lives(database, name)
    assert started_apart() == 0
    assert started_apart(only_takes=True) == 0


def lives(database, name):
    """A lease of it is in force."""
    with database.writing() as db:
        until_ms = began(database) + 60_000
        db.run(
            "INSERT INTO lease (name, owner, epoch, until_ms) VALUES (:name, '', 0, :until_ms)",
            name=name,
            until_ms=until_ms,
        )


def test_a_machine_without_the_keys_starts_and_says_so(database, started_apart):
    """Customers who write to this web must not wait for a file. Who decides or sends must have asked."""
    assert started_apart(only_takes=True, MUSTER_SECRET_PEER_KEY="") == 0
    with database.reading() as db:
        assert db.rows("SELECT code, ref FROM alarm") == [(boot_gate.STARTED_UNASKED, "a")]
    with pytest.raises(SettingsWrong):
        started_apart(MUSTER_SECRET_PEER_KEY="")


def test_one_site_alone_asks_nobody(started_apart):
    """There is nobody."""
    assert started_apart(MUSTER_SITE="") == 0


@pytest.mark.parametrize(("made_of", "word"), [("backup", "restore"), ("peer", "recover")])
def test_a_database_that_is_half_made_does_not_start(database, made_of, word):
    """A restore that was killed leaves half a centre: it looks like one."""
    with database.writing() as db:
        mark(db, made_of, NOW_MS)
    with database.reading() as db, pytest.raises(MayNotStart, match=f"repeat muster {word}"):
        refuse_unfinished(db)


def is_open(database, since_ms=0):
    """Whether the peer role says, since then, that this site knows who serves."""
    with database.reading() as db:
        return vouched(db, since_ms=since_ms)


def test_the_router_waits_until_the_other_site_has_been_heard(database, committer, copy):
    """A site that comes back must not offer what the other one has adopted meanwhile."""
    append(committer, arrived("a"))
    gate = Gate(dict)
    gate.heard(None, beat(1, looked_ms=5, at_ms=5))
    gate.step(committer, database, copy)
    assert not is_open(database)
    copy_all(database, copy)  # what stands for the rows of the other site
    gate.step(committer, database, copy)
    assert is_open(database)


def test_what_came_while_the_others_looked_does_not_open_the_gate(database, committer, copy):
    """The last batch may say what was adopted there: nobody here has let go of it before the next look."""
    append(committer, arrived("a"))
    gate = Gate(dict)
    gate.heard(None, beat(1, looked_ms=5, at_ms=5))
    gate.mark(committer, database, copy)
    copy_all(database, copy)
    gate.step(committer, database, copy)
    assert not is_open(database)
    gate.mark(committer, database, copy)
    gate.step(committer, database, copy)
    assert is_open(database)


def test_what_was_claimed_before_it_was_known_that_this_site_is_back_is_waited_for(database, committer, copy):
    """The other site took over in the second between its look at itself and its beat: served at both."""
    append(committer, arrived("a"))
    copy_all(database, copy)
    gate = Gate(dict)
    gate.heard(None, beat(1, looked_ms=4_200, at_ms=5_000, hears_you=False))
    _stays_closed(gate, database, committer, copy)
    gate.heard(None, beat(1, looked_ms=5_900, at_ms=6_000, hears_you=False))
    _stays_closed(gate, database, committer, copy)  # it may still take over: it has not heard of this one
    gate.heard(None, beat(1, looked_ms=6_900, at_ms=7_000))
    _stays_closed(gate, database, committer, copy)  # what it said is of before it had
    append(committer, arrived("claimed there"))
    gate.heard(None, beat(2, looked_ms=7_900, at_ms=8_000))
    _stays_closed(gate, database, committer, copy)  # that is not here yet
    copy_all(database, copy)
    gate.mark(committer, database, copy)
    gate.step(committer, database, copy)
    assert is_open(database)


def test_what_an_older_release_says_opens_the_gate_a_little_later(database, committer, copy):
    """During an upgrade it does not say when it looked; it looks every second."""
    append(committer, arrived("a"))
    copy_all(database, copy)
    gate = Gate(dict)
    for at_ms in (5_000, 7_000):
        gate.heard(None, {"last_seq": 1, "at_ms": at_ms, "hears_you": True})
        _stays_closed(gate, database, committer, copy)
    gate.heard(None, {"last_seq": 1, "at_ms": 8_000, "hears_you": True})
    gate.step(committer, database, copy)
    assert is_open(database)


def _stays_closed(gate, database, committer, copy):
    gate.mark(committer, database, copy)
    gate.step(committer, database, copy)
    assert not is_open(database)


def beat(last_seq: int, *, looked_ms: int, at_ms: int, hears_you: bool = True) -> dict[str, object]:
    """What the other site says of itself."""
    return {"last_seq": last_seq, "looked_ms": looked_ms, "at_ms": at_ms, "hears_you": hears_you}


def later(database):
    """A moment after all that was written by then, by the database's clock."""
    until_ms = began(database) + 1
    while began(database) < until_ms:
        pass
    return until_ms


class Time:
    """Clocks that are set: the one that nobody sets, and the time of day."""

    def __init__(self):
        self.steady_s = self.day_s = 0.0

    def passes(self, seconds):
        self.steady_s += seconds
        self.day_s += seconds

    @property
    def clocks(self):
        return (lambda: self.steady_s, lambda: self.day_s)


def test_a_step_that_fails_keeps_the_gate_closed(database, committer, copy):
    """What it would have learned is missing here."""
    failing, time = {"reconcile": "LookupError"}, Time()
    gate = Gate(lambda: failing, clocks_s=time.clocks)
    time.passes(99)
    gate.step(committer, database, copy)
    assert not is_open(database)
    failing.clear()
    gate.step(committer, database, copy)
    assert is_open(database)


def test_the_gate_opens_where_nobody_is_heard(database, committer, copy):
    """The other site burnt: this one must answer, and soon."""
    time = Time()
    gate = Gate(dict, clocks_s=time.clocks)
    time.passes(1)
    gate.step(committer, database, copy)
    assert not is_open(database)
    time.passes(8)
    gate.step(committer, database, copy)
    assert is_open(database)


def test_what_stands_in_the_tables_since_the_last_life_opens_nothing(database, committer, copy):
    """Under systemd all roles start at once: nobody is there to take away what was true before."""
    time = Time()
    gate = Gate(dict, clocks_s=time.clocks)
    time.passes(9)
    gate.step(committer, database, copy)
    assert is_open(database)
    since_ms = later(database)
    assert not is_open(database, since_ms)
    another_life = Gate(dict, clocks_s=time.clocks)
    another_life.step(committer, database, copy)
    assert not is_open(database, since_ms), "it has heard of nobody yet"
    time.passes(EVERY_S)
    gate.step(committer, database, copy)
    assert is_open(database, since_ms), "it lived all the time: who starts beside it need not wait"


@pytest.mark.parametrize("stood", ["both", "steady", "day"])
def test_a_peer_role_that_was_away_learns_anew(database, committer, copy, stood):
    """Its database took nothing for 30 s, or the machine was frozen: the policy has taken this site over."""
    append(committer, arrived("a"))
    copy_all(database, copy)
    time, stuck = Time(), [0.0]
    gate = Gate(dict, stuck_s=lambda: stuck[0], clocks_s=time.clocks)
    gate.heard(None, {**beat(1, looked_ms=5_000, at_ms=5_000), "hears": gate.run})
    gate.step(committer, database, copy)
    assert is_open(database)
    before, since_ms = gate.run, later(database)
    time.steady_s += AWAY_S + 1 if stood != "day" else 0
    time.day_s += AWAY_S + 1 if stood != "steady" else 0
    stuck[0] = 31.0
    gate.step(committer, database, copy)
    assert gate.run == before, "while its beats say that it is stuck, the other site may still take it over"
    stuck[0] = 0.0
    gate.step(committer, database, copy)
    assert gate.run != before
    gate.heard(None, {**beat(1, looked_ms=40_000, at_ms=40_000), "hears": before})
    gate.step(committer, database, copy)
    assert not is_open(database, since_ms), "that was said before it was known to be back"
    gate.heard(None, {**beat(1, looked_ms=41_000, at_ms=41_000), "hears": gate.run})
    gate.step(committer, database, copy)
    assert is_open(database, since_ms)
