"""What is at this site only: said, counted, listed and healed, whoever noticed and whoever died meanwhile."""

import json
import random

import pytest
from prometheus_client import generate_latest

from agents_ui.cli import main
from agents_ui.figures import Figures, load_figures
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.verify import verify
from router.records import fact
from router.sites.copy_gaps import (
    GONE,
    LAGGING,
    SLOW,
    UNSAID_MS,
    MarkMissed,
    SingleCopies,
    TendGaps,
    behind,
    has_peer,
    healing_due,
    open_gaps,
    single_copies,
)

DAY_MS = 1_760_000_000_000


class Journal:
    """A site's journal with a clock that somebody turns, and a peer that has as much of it as one says."""

    def __init__(self, database):
        self.database, self.now_ms, self.contacts = database, DAY_MS, 0
        self.committer = Committer(database, clock=lambda: self.now_ms)
        self.counter = SingleCopies()

    def append(self, append):
        return self.committer.submit(append).result(20)

    def contact(self):
        """The row with which a contact is in the journal."""
        self.contacts += 1
        said = Contact(
            channel="sms",
            account="sms",
            provider_id=str(self.contacts),
            address_kind="phone",
            address=f"+4420{self.contacts % 7:05d}",
            verified=True,
            body=b'help "direction":"in"',
            received_at_ms=self.now_ms,
        )
        return self.append(KeepContact(said))[-1].seq

    def other(self):
        """A row that is no contact."""
        return self.append_facts(fact("viewed", "c1", agent_id="ana", what="history"))

    def append_facts(self, *facts):
        return self.committer.submit(_Facts(facts)).result(20)[-1].seq

    def mark(self, seq, why):
        mark = MarkMissed(seq, why)
        return [row.kind for row in self.append(mark)], mark.copied

    def copies(self, through):
        with self.database.writing() as db:
            db.run("DELETE FROM position WHERE reader = 'peer'")
            db.run("INSERT INTO position (reader, read_through, now_ms) VALUES ('peer', :n, 0)", n=through)

    def tend(self, *, settled=True):
        with self.database.reading() as db:
            due = healing_due(db, settled=settled, now_ms=self.now_ms)
        rows = self.append(TendGaps(settled=settled))
        assert bool(rows) == due, "the look and the append agree"
        return [row.kind for row in rows]

    def single(self):
        with self.database.reading() as db:
            listed = [each.seq for each in single_copies(db)]
            assert self.counter.count(db) == len(listed), "the count is of what is listed"
        return listed

    def gaps(self):
        with self.database.reading() as db:
            return [(each.from_seq, each.through_seq) for each in open_gaps(db)]

    def alarms(self):
        with self.database.reading() as db:
            return [
                row[0]
                for row in db.rows("SELECT detail FROM alarm WHERE code = 'single_copy' ORDER BY at_ms")
            ]


class _Facts:
    def __init__(self, facts):
        self._facts = facts

    def write_content(self, db):
        pass

    def facts(self, db, at_ms):
        return self._facts


@pytest.fixture
def journal(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/muster.db", unsafe=True)
    database.create_tables(site="a")
    journal = Journal(database)
    yield journal
    journal.committer.close()
    with database.reading() as db:
        assert not verify(db).problems
    database.close()


def test_a_contact_that_was_not_copied_in_time_is_said_to_be_single(journal):
    """Promise 1: openly marked, counted and listed, until it is healed."""
    seq = journal.contact()
    assert journal.mark(seq, SLOW) == (["copy_missed"], False)
    assert journal.single() == [seq]
    assert journal.alarms() == ["copy_slow"]
    journal.copies(seq)
    assert journal.single() == [], "it is there now, healed or not"
    assert journal.tend() == ["copy_healed"]
    assert (journal.gaps(), journal.alarms()) == ([], ["copy_healed"])


def test_nobody_says_of_a_copied_contact_that_it_is_single(journal):
    """The acknowledgement came while the time-out was on its way into the journal."""
    seq = journal.contact()
    journal.copies(seq)
    assert journal.mark(seq, SLOW) == ([], True)
    assert journal.alarms() == []


def test_one_gap_stands_for_everything_while_nobody_waits(journal):
    """Two web processes notice the same outage; people hear of it once."""
    copied, first, second = (journal.contact() for _ in range(3))
    journal.copies(copied)
    assert journal.mark(first, SLOW)[0] == ["copy_missed"]
    assert journal.mark(second, LAGGING)[0] == ["copy_missed"]
    later = journal.contact()
    assert journal.mark(later, LAGGING)[0] == []
    assert journal.mark(later, SLOW)[0] == []
    assert journal.single() == [first, second, later]
    assert journal.alarms() == ["copy_slow"]


def test_a_gap_that_is_healed_does_not_cover_what_comes_after_it(journal):
    """A process that has not heard yet that the peer is back acknowledges at once: it says so anew."""
    first = journal.contact()
    journal.mark(first, LAGGING)
    late = journal.contact()
    journal.copies(first)
    assert journal.tend() == ["copy_healed"]
    assert journal.single() == [late], "what came before the healing is not forgotten"
    assert journal.mark(late, LAGGING)[0] == []
    newest = journal.contact()
    assert journal.mark(newest, LAGGING)[0] == ["copy_missed"]
    assert journal.single() == [late, newest]


def test_a_gap_without_an_end_stays_while_people_rely_on_it(journal):
    """The peer has just come back, and is far behind: nobody waits yet."""
    seq = journal.contact()
    journal.mark(seq, LAGGING)
    journal.copies(seq)
    assert journal.tend(settled=False) == []
    assert journal.gaps() == [(1, 0)]
    assert journal.tend(settled=True) == ["copy_healed"]


def test_only_contacts_are_single_copies(journal):
    """People ask how many who wrote to us would be lost."""
    first = journal.contact()
    journal.mark(first, LAGGING)
    journal.other()
    second = journal.contact()
    assert journal.single() == [first, second]


def test_what_nobody_said_is_said_by_whoever_tends(journal):
    """A web process died between its commit and its mark; or the peer lost its disk and begins again."""
    seqs = [journal.contact() for _ in range(3)]
    journal.copies(seqs[-1])
    assert journal.tend() == []
    journal.copies(seqs[0])
    assert journal.tend() == [], "somebody may wait for it at this moment"
    journal.now_ms += UNSAID_MS + 1
    assert journal.tend() == ["copy_missed"]
    assert journal.single() == seqs[1:]
    assert journal.tend(settled=False) == [], "once"


def test_an_outage_after_an_outage_is_an_alarm_of_its_own(journal):
    """Somebody saw to the first one."""
    for _ in range(2):
        seq = journal.contact()
        journal.mark(seq, LAGGING)
        journal.copies(seq + 1)
        journal.now_ms += 1_000
        journal.tend()
    assert journal.alarms() == ["copy_healed", "copy_healed"]


def test_how_far_behind_the_peer_is_is_known_in_rows_and_time(journal):
    """A figure in rows says nothing at night, one in time nothing in a rush."""
    seq = journal.contact()
    journal.now_ms += 700
    journal.other()
    with journal.database.reading() as db:
        assert behind(db, journal.now_ms + 50) == (seq + 1, 750)
    journal.copies(seq)
    with journal.database.reading() as db:
        assert behind(db, journal.now_ms + 50) == (1, 50)
    journal.copies(seq + 1)
    with journal.database.reading() as db:
        assert behind(db, journal.now_ms + 50) == (0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_copied_gaps_and_healed_always_say_the_contacts_that_are_here_only(journal, seed):
    """Whatever the order: an acknowledged contact is at the other site, or listed."""
    drawn = random.Random(seed)
    acknowledged, acked, newest = set(), 0, 0
    for _ in range(60):
        what = drawn.random()
        if what < 0.4:
            seq = journal.contact()
            if seq > acked:
                journal.mark(seq, drawn.choice([SLOW, LAGGING, GONE]))
            acknowledged.add(seq)
        elif what < 0.5:
            journal.other()
        elif what < 0.75:
            acked = drawn.randint(acked, newest)
            journal.copies(acked)
        else:
            journal.tend(settled=drawn.random() < 0.5)
        with journal.database.reading() as db:
            newest = db.row("SELECT last_seq FROM stream WHERE own = 1")[0]
        assert journal.single() == sorted(seq for seq in acknowledged if seq > acked)
    journal.copies(newest)
    journal.now_ms += 2 * UNSAID_MS
    journal.tend()
    assert (journal.single(), journal.gaps()) == ([], [])


def test_the_command_lists_who_would_be_lost(journal, tmp_path, monkeypatch, capsys):
    """Asked by somebody who stands before a smoking server room: who, and since when."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/muster.db")
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    assert main(["journal", "single-copies"]) == 0
    assert "one site alone" in capsys.readouterr().out
    first, second = journal.contact(), journal.contact()
    journal.mark(first, LAGGING)
    assert main(["journal", "single-copies", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["acked_through"], found["behind_rows"]) == (2, 0, second + 1)
    assert [each["seq"] for each in found["contacts"]] == [first, second]
    assert found["contacts"][0]["at"].startswith("2025-10-09T08:53:20")
    assert main(["journal", "single-copies", "--limit", "1"]) == 1
    told = capsys.readouterr().out
    assert found["contacts"][0]["interaction_id"] in told and "and 1 more" in told
    assert "2 contacts are at this site only" in told
    journal.copies(second + 1)
    assert main(["journal", "single-copies"]) == 0
    assert "No contact is at this site only" in capsys.readouterr().out


def test_figures_of_the_copy_are_there_where_there_is_another_site(journal):
    """They are what an alarm outside of Muster is made of."""
    with journal.database.reading() as db:
        assert not has_peer(db)
    journal.mark(journal.contact(), LAGGING)
    figures = Figures()
    figures.take(load_figures(journal.database, SingleCopies()))
    text = generate_latest(figures.registry).decode()
    assert "muster_single_copies 1.0" in text
    assert "muster_copy_acked_through 0.0" in text
    assert "muster_copy_behind_rows 3.0" in text
