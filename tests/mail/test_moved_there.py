"""An answer to a mail that was moved to the other site is kept there, with what it answers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.channels.ingest import Kept
from router.channels.mail_contact import thread_of_mail
from router.channels.mail_token import tagged
from router.channels.port import Contact
from router.records import fact
from tests.mail.listening import OURS, Mailbox
from tests.mail.test_joining import answer, begun

pytestmark = pytest.mark.system


class There:
    """The other site: what it was asked, and whether it keeps it."""

    def __init__(self) -> None:
        self.keeps = True
        self.asked: list[Contact] = []

    async def joined(self, contact: Contact) -> Kept | None:
        self.asked.append(contact)
        kept = Kept(interaction_id="x", message_id="m", began=False, repeated=False, elsewhere=True)
        return kept if self.keeps else None


@pytest.fixture
def there() -> There:
    return There()


@pytest.fixture
def mailbox(data_dir: Path, there: There) -> Iterator[Mailbox]:
    box = Mailbox(data_dir, there=there.joined)
    yield box
    box.stop()


def test_an_answer_goes_where_what_it_answers_went(mailbox: Mailbox, there: There) -> None:
    """By the token alone. Who writes without one is somebody new, and no other site is asked about them."""
    first = begun(mailbox)
    now_ms = time.time_ns() // 1_000_000
    mailbox.append(fact("yielded", first, to_site="b", n=1, owner="b", why="handed_over", orders=[]))
    mailbox.append(fact("closed", first, at_ms=now_ms, agent_id="", disposition="", why="moved"))
    ours = tagged(OURS, mailbox.reply_token(first))
    assert mailbox.send(answer(), ours).startswith("250")
    assert [each.thread for each in there.asked] == [thread_of_mail(first)]
    assert len(mailbox.messages()) == 1
    assert mailbox.send(answer(Message_ID="<third@example.org>")).startswith("250")
    assert len(there.asked) == 1
    there.keeps = False
    assert mailbox.send(answer(Message_ID="<fourth@example.org>"), ours).startswith("250")
    assert len(there.asked) == 2
    assert len(mailbox.messages()) == len(mailbox.interactions()) == 3
