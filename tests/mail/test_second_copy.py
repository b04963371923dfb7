"""Mail is acknowledged when the other site has it too: 250 to a server, a position in a mailbox."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.imap_server import ImapServer, account, mail
from tests.mail.listening import Mailbox
from tests.mail.test_mailbox import Followed
from tests.mail.test_taking import MAIL
from tests.sites.gate import Gate

pytestmark = pytest.mark.system


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def mailbox(data_dir: Path, gate: Gate) -> Iterator[Mailbox]:
    box = Mailbox(data_dir, second=gate)
    yield box
    gate.open()
    box.stop()


def test_250_means_that_both_sites_have_it(mailbox: Mailbox, gate: Gate) -> None:
    """The server that sends it forgets it with our answer."""
    answers: list[str] = []
    sending = threading.Thread(target=lambda: answers.append(mailbox.send(MAIL)))
    sending.start()
    mailbox.eventually(lambda: gate.asked, "somebody waits")
    assert len(mailbox.messages()) == 1
    assert sending.is_alive() and not answers
    gate.open()
    sending.join(20)
    assert answers[0].startswith("250")


def test_a_mailbox_is_not_read_on_before_both_sites_have_it(data_dir: Path, gate: Gate) -> None:
    """After a disaster the other site reads on from the position that it has."""
    server = ImapServer()
    box = Followed(data_dir, account(server), second=gate)
    try:
        before = box.read_through()
        server.put(mail(1), mail(2))
        box.eventually(lambda: len(gate.asked) == 2, "both wait")
        assert len(box.messages()) == 2
        assert box.read_through() == before
        gate.open()
        box.eventually(lambda: box.read_through() > before, "it reads on")
    finally:
        gate.open()
        box.stop()
        server.stop()
