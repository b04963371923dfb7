"""Many contacts in one transaction: decided in few statements, with what asking for each alone would give."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database, open_database
from router.records import Fact, Row
from tests.journal.writing import checked

pytestmark = pytest.mark.system


class _Holding:
    """An append without facts that keeps the committer busy until everything else has queued."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def write_content(self, db: Connection) -> None:
        self.go_on.wait(20)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return ()


def _text(person: int, number: int, **changes: object) -> Contact:
    values = {
        "channel": "sms",
        "account": "line",
        "provider_id": f"SM{number}",
        "address_kind": "phone",
        "address": f"+1555000{person:04}",
        "verified": True,
        "body": f"help {number}".encode(),
        "received_at_ms": 1,
    }
    return Contact(**{**values, **changes})  # type: ignore[arg-type]  # the fields' own types


def _keep(committer: Committer, contacts: Sequence[Contact], *, together: bool) -> list[KeepContact]:
    appends = [KeepContact(each) for each in contacts]
    holding = _Holding()
    first = committer.submit(holding) if together else None
    futures: list[Future[tuple[Row, ...]]] = []
    for append in appends:
        futures.append(committer.submit(append))
        if not together:
            futures[-1].result(20)
    holding.go_on.set()
    for each in [first, *futures]:
        if each is not None:
            each.result(20)
    return appends


def _told(appends: Sequence[KeepContact]) -> list[tuple[str, str, bool, bool]]:
    kept = [each.kept for each in appends]
    return [(k.interaction_id, k.message_id, k.began, k.repeated) for k in kept if k is not None]


def _counts(database: Database) -> dict[str, int]:
    tables = ("content", "message", "interaction", "customer", "identity", "address", "journal")
    with database.reading() as db:
        return {table: db.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def _several(seed: int) -> list[Contact]:
    """New people, people who write twice, repeats, odd addresses, in any order."""
    dice = random.Random(seed)
    contacts = []
    for number in range(40):
        person = dice.randrange(25)
        contact = _text(person, number)
        odd = dice.random()
        if odd < 0.1:
            contact = _text(person, number, linked=False)
        elif odd < 0.2:
            contact = _text(
                person, number, verified=False, address_kind="mail", address=f"p{person}@example.org"
            )
        elif odd < 0.25:
            contact = _text(person, number, address="")
        elif odd < 0.3:
            contact = _text(person, number, address="+1\0 555", joins=dice.random() < 0.5)
        elif odd < 0.5 and contacts:
            contact = dice.choice(contacts)  # the provider comes again
        contacts.append(contact)
    return contacts


@pytest.mark.parametrize("seed", range(4))
def test_together_and_one_by_one_come_to_the_same(
    database: Database, committer: Committer, seed: int, tmp_path_factory: pytest.TempPathFactory
):
    """Interactions, repeats and people are those that asking for each alone gives; replay agrees."""
    alone = open_database(f"sqlite:///{tmp_path_factory.mktemp('alone')}/a.db", unsafe=True)
    alone.create_tables(site="north")
    other = Committer(alone)
    contacts = _several(seed)
    try:
        one_by_one = _keep(other, contacts, together=False)
        at_once = _keep(committer, contacts, together=True)
        assert _told(at_once) == _told(one_by_one)
        assert _counts(database) == _counts(alone)
        again = _keep(committer, contacts, together=True)
        assert all(each.kept is not None and each.kept.repeated for each in again)
        assert _counts(database) == _counts(alone)
    finally:
        other.close()
        alone.close()
    assert checked(database).problems == []


def test_one_that_cannot_be_kept_takes_nobody_along(database: Database, committer: Committer):
    """A batch that is refused is tried one by one: the offender alone is told."""
    contacts = [_text(n, n) for n in range(5)]
    appends = [KeepContact(each) for each in contacts]
    appends[2]._content_id = appends[1]._content_id  # the database refuses the second row of one key
    holding = _Holding()
    futures = [committer.submit(each) for each in (holding, *appends)]
    holding.go_on.set()
    for n in (0, 1, 3, 4):
        assert len(futures[1 + n].result(20)) == 2
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        futures[3].result(20)
    assert _counts(database)["message"] == 4
    assert checked(database).problems == []


def test_two_bodies_under_one_id_in_one_batch_are_two_messages(database: Database, committer: Committer):
    """Words that were acknowledged are never lost, also when a provider gives one id twice."""
    appends = _keep(committer, [_text(1, 7, body=b"fire"), _text(1, 7, body=b"and smoke")], together=True)
    assert len({each[1] for each in _told(appends)}) == 2
    assert _counts(database)["content"] == 2


def test_what_somebody_says_after_a_probe_of_theirs_does_not_end_with_it(
    database: Database, committer: Committer
):
    """A probe ends by itself, unseen: a call for help that joined it in a rush would end unseen as well."""
    rush = [_text(1, 1, traffic="probe"), _text(2, 2), _text(1, 3)]
    probe, _, real = _told(_keep(committer, rush, together=True))
    assert real[0] != probe[0] and real[2]
    with database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction WHERE traffic = 'probe' AND thread = ''") == (1,)
        assert db.row("SELECT count(*) FROM customer") == (2,)
