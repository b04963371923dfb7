"""A database made by an older release gets what this one needs, while the older one works on."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal import release
from router.journal.appends import FactsAppend
from router.journal.committer import Committer
from router.journal.connection import Connection, DatabaseGone, DatabaseUnsafe
from router.journal.database import Database, _driver, open_database
from router.journal.definitions import table_definitions
from router.journal.restore import load_state
from router.journal.verify import verify
from router.records import fact
from tests.roles.centre import arrival
from tests.roles.redis_process import wait_until

RECORDED = Path(__file__).parent / "releases"
"""The definitions of the release before there were numbers, as it made them: kept as they are."""

SHAPE = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
    " WHERE m.type = 'table'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema()",
}
INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
}
AN_OLD_ROW = """
    INSERT INTO interaction (interaction_id, channel, account, customer_id, identity_id, linked_to,
    address_hash, thread, traffic, follows, arrived_seq, accepted_at_ms, reading, language, single_copy,
    closed_seq, state, queue_id, urgency, requirement, rule_id, step, offer_count, offer_id, agent_id,
    parked_until_ms, named_agent_id, named_until_ms, connection_ids, abandon_at_ms, assigned_at_ms,
    answered_at_ms, answered_queue_id, wrap_up_since_ms, disposition, closed_by, closed_why, closed_at_ms)
    VALUES (:ref, 'chat', '', '', '', '', '', '', 'real', '', 1, 1, 'unread', '', 0, 0, 'parked',
    '', 0, '{}', '', 0, 0, '', '', 2001, '', 0, '[]', 0, 0, 0, '', 0, '', '', '', 0)
"""


@pytest.fixture
def old(database_url: str) -> Iterator[str]:
    """DATABASE_URL of a database that the older release made and used."""
    database = open_database(database_url, unsafe=True)
    db = database.connect()
    for statement in (RECORDED / f"tables-0-{database.dialect}.sql").read_text().split(";"):
        if statement.strip():
            db.run(statement)
    db.run(
        "INSERT INTO stream (site, incarnation, own, last_seq, last_at_ms, head_hash)"
        " VALUES ('north', 'i', 1, 0, 0, :hash)",
        hash=bytes(32),
    )
    db.run(AN_OLD_ROW, ref="of-before")
    db.close()
    database.close()
    yield database_url


def _columns(db: Connection) -> set[tuple[str, str]]:
    return {(str(table), str(column)) for table, column in db.rows(SHAPE[db.dialect])}


def _uses_its_key(db: Connection) -> bool:
    """Whether reading on in the journal is a search in an index, and not a walk over every row."""
    explain = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
    if db.dialect == "postgresql":
        db.run("SET enable_seqscan = off")
    found = str(db.rows(f"{explain} SELECT * FROM journal WHERE site = 'north' AND seq > 7 ORDER BY seq"))
    return ("seq>" in found or "seq >" in found) and "TEMP B-TREE" not in found and "Sort" not in found


def _wanted(database: Database) -> set[tuple[str, str]]:
    return {(t.name, column) for t in table_definitions(database.dialect) for column in t.columns}


def _append(database: Database, name: str) -> None:
    committer = Committer(database)
    for said in arrival(name, urgency=3, queue="q"):
        committer.submit(FactsAppend(facts_to_append=(said,))).result()
    committer.close()


def test_opening_an_older_database_adds_what_is_missing(old: str):
    """Nobody has to remember a step of migration on the night of an upgrade: a role that starts does it."""
    database = open_database(old, unsafe=True)
    with database.reading() as db:
        assert _wanted(database) <= _columns(db)
        assert {name for t in table_definitions(db.dialect) for name in t.indexes} <= {
            name for (name,) in db.rows(INDEXES[db.dialect])
        }
        assert db.rows("SELECT interaction_id FROM interaction") == [("of-before",)]
        assert _uses_its_key(db), "the journal's key was in another order"
        assert db.rows("SELECT number, oldest FROM tables_made") == [(release.NUMBER, release.OLDEST)]
    _append(database, "of-now")
    database.close()


def test_a_journal_goes_on_over_an_upgrade_and_stays_whole(database_url: str):
    """What was written before and after has to fold to the same tables: that is what a take-over reads."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    _append(database, "before")
    _make_older(database)
    database.close()
    database = open_database(database_url, unsafe=True)
    _append(database, "after")
    with database.reading() as db:
        assert verify(db).problems == []
        assert [str(ref) for (ref,) in db.rows("SELECT interaction_id FROM interaction ORDER BY 1")] == [
            "after",
            "before",
        ]
    database.close()


def test_an_order_to_move_everything_of_before_an_upgrade_holds_after_it(database_url: str):
    """It would move nothing that ever came from the other site, and `journal verify` would not be clean."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    committer = Committer(database)
    said = {"agent_id": "ana", "why": "", "command_id": ""}
    for share_pct in (50, 100):
        order = fact("reroute_set", "all", share_pct=share_pct, **said)
        committer.submit(FactsAppend(facts_to_append=(order,))).result()
    committer.close()
    with database.writing() as db:
        db.run("ALTER TABLE reroute DROP COLUMN seq")
        db.run("DELETE FROM tables_made")
    database.close()
    database = open_database(database_url, unsafe=True)
    with database.reading() as db:
        assert db.rows("SELECT share_pct, seq FROM reroute") == [(100, 2)]
        assert verify(db).problems == []
    database.close()


def _make_older(database: Database) -> None:
    """As if `named_agent_id`, a table and an index had come with this release."""
    with database.writing() as db:
        db.run("ALTER TABLE interaction DROP COLUMN named_agent_id")
        db.run("DROP INDEX interaction_open")
        db.run("DROP TABLE probe")
        db.run("DELETE FROM tables_made")


def test_a_centre_of_the_release_before_is_whole_after_the_upgrade(old: str):
    """Its journal, folded by this release, says what its tables say: new columns of old rows as well."""
    _load_rows(old)
    database = open_database(old, unsafe=True)
    with database.reading() as db:
        report = verify(db)
        assert report.problems == []
        assert report.rows > 20
        assert report.compared["person"] == 2
        load_state(db)
    database.close()


def test_what_the_older_release_wrote_meanwhile_is_made_up_for(old: str):
    """It does not know the new columns; `muster prepare`, typed once more after it has ended, fills them."""
    database = open_database(old, unsafe=True)
    database.close()
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one machine, whose roles are replaced together")
    _load_rows(old)
    database = open_database(old, unsafe=True)
    database.create_tables()
    with database.reading() as db:
        assert verify(db).problems == []
    database.close()


def _load_rows(url: str) -> None:
    """What a centre of the release before had written, as it stood in its tables; nothing is expanded."""
    database = Database(_driver(url, unsafe=True))
    with database.writing() as db:
        db.run("DELETE FROM interaction")
        db.run("DELETE FROM stream")
        for table, found in json.loads((RECORDED / "rows-0.json").read_text()).items():
            names = ", ".join(found["columns"])
            marks = ", ".join("?" for _ in found["columns"])
            for row in found["rows"]:
                values = [bytes.fromhex(each["hex"]) if isinstance(each, dict) else each for each in row]
                db.run_listed(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    database.close()


def test_the_older_release_works_on_beside_the_newer_one(old: str):
    """Machines are upgraded one by one under load: both releases insert rows into the same tables."""
    database = open_database(old, unsafe=True)
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one machine, whose roles are replaced together")
    with database.writing() as db:
        db.run(AN_OLD_ROW, ref="said by the old one")
    _append(database, "said-by-the-new-one")
    with database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (3,)
    database.close()


def test_a_row_that_does_not_know_a_column_gets_its_default(database_url: str):
    """Also in a database that was made new: after it an older release may be started again."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    with database.writing() as db:
        db.run("INSERT INTO person (agent_id, name, role) VALUES ('ana', 'Ana', 'agent')")
        assert db.row("SELECT active FROM person") == (1,)
    database.close()


def test_a_release_that_is_too_old_is_refused_in_one_line(database_url: str):
    """It would write rows that the newer one reads wrongly, and nobody would know until later."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    with database.writing() as db:
        db.run(
            "INSERT INTO tables_made (digest, number, oldest, at_ms) VALUES ('newer', :number, :oldest, 1)",
            number=release.NUMBER + 5,
            oldest=release.NUMBER + 1,
        )
    database.close()
    with pytest.raises(DatabaseUnsafe, match="newer release of Muster") as refused:
        open_database(database_url, unsafe=True)
    assert "\n" not in str(refused.value)


def test_a_newer_release_beside_which_we_can_work_is_no_reason_to_stop(database_url: str):
    """Rolling back one machine in the middle of an upgrade must be possible."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    with database.writing() as db:
        db.run("ALTER TABLE person ADD COLUMN of_later TEXT NOT NULL DEFAULT ''")
        db.run(
            "INSERT INTO tables_made (digest, number, oldest, at_ms) VALUES ('n', 9, :n, 1)", n=release.NUMBER
        )
    database.close()
    open_database(database_url, unsafe=True).close()


def test_two_that_start_at_once_expand_once(old: str):
    """All machines may be restarted in one moment."""
    made: list[Database] = []
    failed: list[BaseException] = []

    def start() -> None:
        try:
            made.append(open_database(old, unsafe=True))
        except BaseException as problem:  # noqa: BLE001 - the test shows it
            failed.append(problem)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(made) == 4
    for database in made:
        database.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_long_reader_delays_the_new_column_and_nobody_else(old: str):
    """A table waits for its readers before it gets a column; who writes must not queue up behind that."""
    with_reader = open_database(old, unsafe=True)
    with with_reader.writing() as db:
        db.run("ALTER TABLE interaction DROP COLUMN named_agent_id")
        db.run("DELETE FROM tables_made")
    opened: list[Database] = []
    with with_reader.reading() as reader:
        reader.row("SELECT count(*) FROM interaction")
        thread = threading.Thread(target=lambda: opened.append(open_database(old, unsafe=True)))
        thread.start()
        waits = (
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE i%'"
        )
        other = with_reader.connect()
        wait_until(lambda: other.row(waits) is not None, "it waits for the reader", within_s=20)
        other.run("UPDATE interaction SET urgency = 2")  # lock_timeout would end this after 2 s
        other.close()
        assert thread.is_alive()
    thread.join(60)
    with opened[0].reading() as db:
        assert ("interaction", "named_agent_id") in _columns(db)
    opened[0].close()
    with_reader.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_index_that_was_left_half_made_is_made_anew(old: str, postgres_server):
    """Killed while it made an index, a role leaves one that PostgreSQL keeps and never uses."""
    database = open_database(old, unsafe=True)
    with database.reading() as db:
        (schema,) = db.row("SELECT current_schema()") or ("",)
    postgres_server.execute(
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{schema}.interaction_open'::regclass"
    )
    with database.writing() as db:
        db.run("DELETE FROM tables_made")
    database.close()
    database = open_database(old, unsafe=True)
    with database.reading() as db:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'interaction_open'::regclass"
        assert db.row(valid) == (True,)
    database.close()


def test_every_column_since_then_has_a_default(database_url: str):
    """A column without one cannot be added to rows that are there, nor left out by an older release."""
    database = open_database(database_url, unsafe=True)
    recorded = (RECORDED / f"tables-0-{database.dialect}.sql").read_text()
    before = {each.split()[5]: each for each in recorded.split(";") if "CREATE TABLE" in each}
    for table in table_definitions(database.dialect):
        if table.name not in before:
            continue
        for name in table.columns:
            lines = [
                each for each in table.create.splitlines() if each.split()[:1] in ([name], [f'"{name}"'])
            ]
            (line,) = lines
            assert line.split()[0] in before[table.name].split() or "DEFAULT" in line, f"{table.name}.{name}"
    database.close()


def test_a_database_without_tables_stays_without(database_url: str):
    """Who makes them also makes people and the plan: `muster up` or `muster prepare`."""
    database = open_database(database_url, unsafe=True)
    with pytest.raises(DatabaseGone), database.reading() as db:
        db.row("SELECT 1 FROM stream")
    database.close()
