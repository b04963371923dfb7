"""A mailbox on a real IMAP server: what waits in it becomes contacts, and the mailbox stays as it was."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mail.imap_server import OURS, PASSWORD, ImapServer, account, mail, number_of
from tests.mail.listening import Mailbox
from tests.mail.test_killed import Killable

pytestmark = pytest.mark.system

SECRETS = {"MUSTER_SECRET_DESK_MAIL": PASSWORD, "MUSTER_SECRET_OTHER_MAIL": "wrong"}


@pytest.fixture(scope="module")
def running_server() -> Iterator[ImapServer]:
    made = ImapServer()
    yield made
    made.stop()


@pytest.fixture
def server(running_server: ImapServer) -> ImapServer:
    running_server.empty()
    return running_server


class Followed(Mailbox):
    """A mail role that follows mailboxes."""

    def __init__(self, data_dir: Path, accounts: str, **changes: Any) -> None:
        super().__init__(data_dir, accounts=accounts, **{"secrets": SECRETS, **changes})

    def numbers(self) -> list[int]:
        return [number_of(bytes(body)) for _, body in self.messages()]

    def read_through(self) -> int:
        return sum(row[0] for row in self.rows("SELECT last_uid FROM mailbox"))

    def alarms(self) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.rows("SELECT code, ref FROM alarm ORDER BY alarm_id")]


def followed(data_dir: Path, accounts: str, **changes: Any) -> Iterator[Followed]:
    box = Followed(data_dir, accounts, **changes)
    yield box
    box.stop()


@pytest.fixture
def box(data_dir: Path, server: ImapServer) -> Iterator[Followed]:
    yield from followed(data_dir, account(server))


def test_what_waits_and_what_comes_is_kept_and_the_mailbox_stays_as_it_was(
    box: Followed, server: ImapServer
) -> None:
    """Nothing is marked, moved or deleted unless the plan says so; each mail is there once."""
    server.put(mail(1), mail(2))
    box.eventually(lambda: box.numbers() == [1, 2], "what waited")
    server.put(mail(3))
    box.eventually(lambda: box.numbers() == [1, 2, 3], "what came")
    server.take_away("mail 2")
    server.put(mail(4))
    box.eventually(lambda: box.numbers() == [1, 2, 3, 4], "after one was taken away")
    assert len(box.interactions()) == 4
    assert server.count(criterion="UNSEEN") == 3


def test_only_the_named_server_vouches_for_a_sender(box: Followed, server: ImapServer) -> None:
    """Anybody can write a result of somebody else's into a mail."""
    passed = "Authentication-Results: {}; dmarc=pass header.from=example.org\n"
    server.put(
        mail(1, head=passed.format("mx.lowen.example"), sender="ann@example.org"),
        mail(2, head=passed.format("mx.evil.example"), sender="bob@example.org"),
    )
    box.eventually(lambda: len(box.identity()) == 2)
    assert sorted(box.identity()) == [("ann@example.org", 1), ("bob@example.org", 0)]


def test_an_answer_joins_by_its_signed_token(box: Followed, server: ImapServer) -> None:
    """As for mail that comes by SMTP: what we signed, wherever the answer carries it."""
    from router.channels.mail_token import REPLY, TokenKey

    server.put(mail(1))
    (interaction,) = box.eventually(box.interactions)
    token = TokenKey.of(PASSWORD.encode()).token(REPLY, interaction)
    local, _, domain = OURS.partition("@")
    server.put(mail(2, head=f"Delivered-To: {local}+{token}@{domain}\n"))
    box.eventually(lambda: len(box.messages()) == 2)
    assert box.interactions() == [interaction]


def test_a_mailbox_that_lets_nobody_in_is_told_and_holds_up_no_other(
    data_dir: Path, server: ImapServer
) -> None:
    """Each has its own thread, and its own alarm."""
    wrong = account(server, name="other-mail", address="other@lowen.example")
    for box in followed(data_dir, wrong + account(server)):
        box.eventually(lambda box=box: box.alarms() == [("mailbox_refused", "other-mail")], "the alarm")
        server.put(mail(1))
        box.eventually(lambda box=box: box.numbers() == [1], "the other mailbox")


@pytest.mark.parametrize(
    ("after", "folder", "criterion"), [("seen", "INBOX", "SEEN"), ("Kept", "Kept", "ALL")]
)
def test_kept_mail_is_marked_or_moved_where_the_plan_says_so(
    data_dir: Path, server: ImapServer, after: str, folder: str, criterion: str
) -> None:
    """After it is on disk here, never before."""
    server.make_folder("Kept")
    for box in followed(data_dir, account(server, after=after)):
        server.put(mail(1), mail(2))
        box.eventually(lambda box=box: len(box.numbers()) == 2)
        box.eventually(lambda: server.count(folder, criterion) == 2, after)


def test_a_server_that_comes_back_with_another_mailbox_is_read_from_its_beginning(
    box: Followed, server: ImapServer
) -> None:
    """Another UIDVALIDITY; what was kept before is known by its bytes."""
    server.put(mail(1))
    box.eventually(lambda: box.numbers() == [1])
    server.cut_connections()
    server.put(mail(1), mail(2))
    box.eventually(lambda: box.numbers() == [1, 2], "after the server was killed")


def test_hostile_mail_is_kept_and_stops_nothing(box: Followed, server: ImapServer) -> None:
    """Whatever somebody writes into it: bytes that are no text, no head, no end."""
    server.put(b"\x80\xff\x00 {99999}\n* BYE\nA1 OK\n", b"\n", b"Subject: )\n\n(UID 7 BODY[] {3}\n", mail(4))
    box.eventually(lambda: len(box.messages()) == 4, "all four")


def test_of_a_huge_mail_the_beginning_is_kept_and_says_so(data_dir: Path, server: ImapServer) -> None:
    """25 MB is the limit of the plan; here it is made smaller."""
    from router.channels.mail_head import head_of
    from router.channels.mail_kind import is_cut

    for box in followed(data_dir, account(server), mail_bytes="400_000"):
        server.put(mail(1, body="x" * 998 + "\n" + ("y" * 998 + "\n") * 600), mail(2))
        box.eventually(lambda box=box: sorted(box.numbers()) == [1, 2])
        bodies = {number_of(bytes(body)): bytes(body) for _, body in box.messages()}
        assert is_cut(head_of(bodies[1])) and not is_cut(head_of(bodies[2]))
        assert len(bodies[1]) < 300_000


def test_no_mail_is_lost_or_doubled_by_kill_9(data_dir: Path, server: ImapServer) -> None:
    """The role dies at any moment, between keeping and counting as well; then it is read on from there."""
    # Without the secret this one only looks; the process below follows.
    for box in followed(data_dir, account(server), secrets={}):
        before_first = server.last_uid()
        stop = threading.Event()
        sent: list[int] = []

        def deliver(stop: threading.Event = stop, sent: list[int] = sent) -> None:
            number = 0
            while not stop.is_set() and number < 400:
                server.put(*(mail(number + each) for each in range(10)))
                sent.extend(range(number, number + 10))
                number += 10

        killable = Killable(box, data_dir, **SECRETS)
        courier = threading.Thread(target=deliver)
        courier.start()
        try:
            for _ in range(3):
                before = len(box.numbers())
                box.eventually(lambda box=box, before=before: len(box.numbers()) > before + 15)
                killable.kill()
                # Where it died before it counted anything, the position is still 0.
                assert box.read_through() - before_first <= len(box.numbers()), "counted, and not kept"
                killable.again()
        finally:
            stop.set()
            courier.join(30)
        box.eventually(
            lambda box=box, sent=sent: set(box.numbers()) == set(sent), "everything that was delivered"
        )
        assert len(box.numbers()) == len(sent)
        killable.stop()
