"""The judge of texts, mails and answers is no pushover: what must not happen is noticed when it does."""

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.journal.connection import Connection
from router.journal.database import open_database
from tests.system.answers import astray, lost, side_by_side, unseen
from tests.system.far_side import Arrival
from tests.system.outside import Kept
from tests.system.test_truth import rows

ARRIVED = Arrival(outbox_id="o1", to="+15550000001", text="help comes", at=1.0)


@pytest.fixture
def db(data_dir: Path) -> Iterator[Connection]:
    """Tables with one answer that was sent, and nothing else."""
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables()
    with database.writing() as db:
        put(db, "address", kind="phone", address="+15550000001", address_hash="h", salt=b"")
        ordered(db, "o1", "help comes", seq=5)
        yield db
    database.close()


def put(db: Connection, table: str, **values: object) -> None:
    """A row whose other columns are empty."""
    columns = db.rows(f"SELECT name, type, dflt_value, \"notnull\" FROM pragma_table_info('{table}')")
    empty = {name: b"" if kind == "BLOB" else 0 if "INT" in kind else "" for name, kind, _, _ in columns}
    whole = {**empty, **values}
    db.run(
        f"INSERT INTO {table} ({', '.join(whole)}) VALUES ({', '.join(f':{name}' for name in whole)})",
        **whole,
    )


def ordered(db: Connection, outbox_id: str, text: str, *, seq: int, trouble: str = "") -> None:
    """An answer that the tables hold as sent."""
    put(db, "content", content_id=outbox_id, body=text.encode())
    put(db, "message", message_id=outbox_id, content_id=outbox_id, direction="out", trouble=trouble, seq=seq)
    put(db, "outbox", outbox_id=outbox_id, message_id=outbox_id, address_hash="h", seq=seq, status="sent")


def came(db: Connection, message_id: str, body: bytes, *, media_type: str, reading: str = "read") -> None:
    """A text or mail that the tables hold, in an interaction of its own that is over."""
    put(db, "interaction", interaction_id=message_id, channel="sms", closed_seq=9)
    put(db, "content", content_id=message_id, media_type=media_type, body=body)
    put(
        db,
        "message",
        message_id=message_id,
        interaction_id=message_id,
        content_id=message_id,
        direction="in",
        reading=reading,
    )


def test_an_answer_that_arrived_once_is_fine(db: Connection):
    """With its words, at its number."""
    assert astray(db, [ARRIVED]) == []


@pytest.mark.parametrize(
    "arrivals",
    [
        [],
        [ARRIVED, ARRIVED],
        [replace(ARRIVED, to="+15550000002")],
        [replace(ARRIVED, text="help came")],
        [ARRIVED, replace(ARRIVED, outbox_id="o9")],
    ],
    ids=["never", "twice", "to somebody else", "other words", "one that nobody gave"],
)
def test_an_answer_that_went_astray_is_noticed(db: Connection, arrivals: list[Arrival]):
    """Each way in which an answer can go wrong."""
    assert len(astray(db, arrivals)) == 1


def test_twice_is_fine_only_when_it_says_so(db: Connection):
    """Nobody can do better after a kill between sending and recording; but the desk must know."""
    ordered(db, "o2", "stay there", seq=6, trouble="maybe_twice")
    second = replace(ARRIVED, outbox_id="o2", text="stay there", at=2.0)
    assert astray(db, [ARRIVED, second, replace(second, at=3.0)]) == []


def test_an_answer_that_overtakes_another_is_noticed(db: Connection):
    """`Go in` and `stop` in the wrong order may kill somebody."""
    ordered(db, "o2", "stop", seq=6)
    assert len(astray(db, [replace(ARRIVED, outbox_id="o2", text="stop", at=0.5), ARRIVED])) == 1


def test_a_text_or_mail_that_is_not_there_once_and_read_is_noticed(db: Connection):
    """Missing, twice, unread, or with other words."""
    kept = [Kept(client_id="x", message_id="", text="a fire", due_at=0.0, kept_at=0.0)]
    assert len(lost(db, kept)) == 1
    came(db, "m1", b"a fire", media_type="text/plain")
    assert lost(db, kept) == []
    came(db, "m2", b"a fire", media_type="text/plain")
    assert len(lost(db, kept)) == 1


def test_a_mail_counts_by_the_words_that_were_read_out_of_it(db: Connection):
    """The raw mail holds the words as well; what agents see is the part."""
    mail = EmailMessage()
    mail.set_content("a fire")
    kept = [Kept(client_id="x", message_id="", text="a fire", due_at=0.0, kept_at=0.0)]
    came(db, "m1", mail.as_bytes(), media_type=MAIL)
    assert len(lost(db, kept)) == 1
    put(db, "content", content_id="words", body=b"a fire\n")
    put(db, "part", message_id="m1", number=1, kind="text", content_id="words")
    assert lost(db, kept) == []
    db.run("UPDATE message SET reading = 'unparsed'")
    assert len(lost(db, kept)) == 1


def test_words_that_no_agent_had_on_the_screen_are_noticed(db: Connection):
    """Kept, closed, and never looked at: as good as lost."""
    came(db, "m1", b"a fire", media_type="text/plain")
    assert unseen(db, {"m1"}) == []
    assert len(unseen(db, set())) == 1


def test_two_conversations_where_one_could_be_joined_are_noticed():
    """One person, two agents, neither knows of the other."""
    first, second = ("arrived", "a", {"thread": "t"}), ("arrived", "b", {"thread": "t"})
    assert len(side_by_side(rows(first, second))) == 1
    over = ("disposition_given", "a", {})
    assert side_by_side(rows(first, over, second)) == []
    alone = ("arrived", "c", {"thread": ""})
    assert side_by_side(rows(first, alone, alone)) == []
