"""`muster journal verify` names what is wrong, whoever made it so."""

import json

import pytest

from agents_ui.cli import main
from router.records import fact
from tests.journal.writing import Arrival, all_rows, append, arrived, checked

PEOPLE = [
    fact("person_added", "ana", name="Ana", role="agent", active=1, credential_digest="d1"),
    fact("person_added", "ben", name="Ben", role="agent", active=1, credential_digest="d2"),
    fact("person_changed", "ben", name="Ben B.", role="supervisor", active=1, credential_digest="d3"),
]


@pytest.fixture
def history(database, committer):
    """Ten rows: seven contacts and three facts about people."""
    for number in range(7):
        committer.submit(Arrival(number)).result(20)
    append(committer, *PEOPLE)
    return database


def tamper(database, sql, **values):
    """Writes past the committer, as an intruder or a broken disk would."""
    with database.writing() as db:
        assert db.run(sql, **values)


def texts(database):
    """The problems found, in words."""
    return [problem.text for problem in checked(database).problems]


def test_a_whole_journal_has_no_problems(history):
    """No false alarms: otherwise nobody believes the true one."""
    report = checked(history)
    assert (report.rows, report.head_seq, report.problems) == (10, 10, [])
    assert report.compared["interaction"] == 7
    assert report.compared["person"] == 2


@pytest.mark.parametrize("column", ["data", "ref", "kind", "at_ms"])
def test_a_flipped_row_is_named_and_no_other(history, column):
    """A bit that fell over on the disk (S-25): this row, and not the hundred after it."""
    row = all_rows(history)[4]
    changed = {"data": row.data.replace("chat", "chit"), "ref": "x", "kind": "viewed", "at_ms": row.at_ms - 1}
    tamper(history, f"UPDATE journal SET {column} = :value WHERE seq = 5", value=changed[column])
    found = [text for text in texts(history) if text.startswith("row")]
    assert found
    assert all(text.startswith("row 5 ") for text in found)


def test_a_torn_row_is_named(history):
    """Half a row, as a crash of the machine may leave it."""
    row = all_rows(history)[2]
    tamper(history, "UPDATE journal SET data = :data WHERE seq = 3", data=row.data[: len(row.data) // 2])
    assert "row 3 (arrived) is not what was written, or not at its place" in texts(history)
    assert any(text.startswith("row 3 (arrived) cannot be folded") for text in texts(history))


def test_a_deleted_row_is_named(history):
    """Somebody removes the record of what they did."""
    tamper(history, "DELETE FROM journal WHERE seq = 6")
    assert texts(history)[0] == "row 6 is missing"


def test_a_deleted_end_is_named(history):
    """The last rows are the easiest to cut off; the counter remembers them."""
    tamper(history, "DELETE FROM journal WHERE seq > 7")
    assert "the counter says 10 rows, the journal ends at 7" in texts(history)


def test_swapped_rows_are_both_named(history):
    """Order is part of the record: two contacts exchanged are two lies."""
    two, three = all_rows(history)[1:3]
    for row, seq in ((two, 3), (three, 2)):
        tamper(
            history,
            "UPDATE journal SET ref = :ref, data = :data WHERE seq = :seq",
            ref=row.ref,
            data=row.data,
            seq=seq,
        )
    found = texts(history)
    assert {"row 2", "row 3"} <= {" ".join(text.split()[:2]) for text in found}


def test_a_forged_end_with_matching_counter_is_named(history):
    """Whoever rewrites the last row's hash must rewrite the counter as well; each alone shows."""
    tamper(history, "UPDATE stream SET head_hash = :hash", hash=bytes(32))
    assert texts(history) == ["the counter's hash is not that of the last row"]


def test_tables_that_do_not_follow_the_journal_are_named(history):
    """Changed, added and removed behind the journal's back: key and column, what is and what was said."""
    tamper(history, "UPDATE interaction SET urgency = 5 WHERE interaction_id = 'c-000003'")
    tamper(history, "DELETE FROM message WHERE message_id = 'c-000002-m'")
    tamper(
        history, "INSERT INTO customer (customer_id, created_at_ms, name_content_id) VALUES ('nobody', 1, '')"
    )
    assert texts(history) == [
        "interaction c-000003: urgency is 5, the journal says 0",
        "message c-000002-m: in the journal, but not in the table",
        "customer nobody: in the table, but not in the journal",
    ]


def test_long_journals_and_tables_are_compared_page_by_page(database, committer):
    """More rows than one page holds, so that paging itself is tested."""
    for start in range(0, 5_000, 500):
        append(committer, *(arrived(f"i-{number:05}") for number in range(start, start + 500)))
    tamper(database, "UPDATE interaction SET account = 'x' WHERE interaction_id = 'i-04321'")
    report = checked(database)
    assert report.compared["interaction"] == 5_000
    assert [problem.text for problem in report.problems] == [
        "interaction i-04321: account is 'x', the journal says 'web'"
    ]


def test_the_command_says_it_in_words_and_in_json(history, database_url, monkeypatch, capsys):
    """People read it at night, machines read it every hour; the exit status is for both."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    assert main(["journal", "verify"]) == 0
    assert "The journal is whole and the tables say the same." in capsys.readouterr().out
    tamper(history, "DELETE FROM journal WHERE seq = 6")
    assert main(["journal", "verify"]) == 1
    assert "journal: row 6 is missing" in capsys.readouterr().out
    assert main(["journal", "verify", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["fine"], said["problems"][0]["seq"]) == (False, 7)


def test_a_database_that_was_never_started_is_explained(database_url, monkeypatch, capsys):
    """One line that says what to type."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    assert main(["journal", "verify"]) == 2
    assert capsys.readouterr().err == (
        "muster: the database has no tables yet: start it once with `muster up`\n"
    )
