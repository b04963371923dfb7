"""Senders that are silent, slow, large, too many, or that try to hide one mail in another."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.channels.smtp_in import Limits
from tests.mail.listening import OURS, Mailbox, Talk

pytestmark = pytest.mark.system

MAIL = b"From: a@example.org\r\nSubject: s\r\n\r\nwords\r\n"


@pytest.fixture
def strict(data_dir: Path) -> Iterator[Mailbox]:
    """Small limits, so that a test sees them."""
    box = Mailbox(
        data_dir,
        limits=Limits(mail_bytes=50_000, silent_s=0.4, mail_s=1.5, recipients=3, connections=6),
    )
    yield box
    box.stop()


@pytest.fixture
def unknown_peer(data_dir: Path) -> Iterator[Mailbox]:
    """As seen by a sender that is not our own mail server."""
    box = Mailbox(data_dir, limits=Limits(mail_bytes=50_000, connections_per_peer=3, mails_per_minute=4))
    box.role.taker.upstream = lambda account_id: ()
    yield box
    box.stop()


def begun(box: Mailbox) -> Talk:
    """A connection on which words are expected."""
    talk = box.smtp()
    talk.hello()
    talk.ask("MAIL FROM:<a@example.org>")
    talk.ask(f"RCPT TO:<{OURS}>")
    assert talk.ask("DATA").startswith("354")
    return talk


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\n.\r"]
)
def test_a_mail_whose_end_could_be_read_in_two_ways_is_refused(mailbox: Mailbox, end: bytes) -> None:
    """SMTP smuggling: what one server takes for words, the next one takes for another mail, from anybody."""
    smuggled = (
        b"MAIL FROM:<chief@police.example>\r\nRCPT TO:<"
        + OURS.encode()
        + b">\r\nDATA\r\nSubject: forged\r\n\r\n"
    )
    with begun(mailbox) as talk:
        talk.put(MAIL + b"more" + end + smuggled + b"\r\n.\r\n")
        assert talk.answer().startswith("550")
        assert talk.closed()
    assert mailbox.messages() == []


def test_what_follows_the_end_unasked_is_not_read_as_commands(mailbox: Mailbox) -> None:
    """The mail is kept, because it was whole; who sent the rest did not wait for our answer."""
    with begun(mailbox) as talk:
        talk.put(MAIL + b".\r\nMAIL FROM:<chief@police.example>\r\nRCPT TO:<help@lowen.example>\r\nDATA\r\n")
        assert talk.answer().startswith("250")
        assert talk.answer().startswith("421")
        assert talk.closed()
    assert len(mailbox.messages()) == 1


def test_bare_line_feeds_elsewhere_are_kept_as_they_are(mailbox: Mailbox) -> None:
    """Clumsy programs send them; their people's words are not lost for it."""
    with begun(mailbox) as talk:
        talk.put(b"From: a@example.org\nSubject: clumsy\n\nwords\nof mine\r\n.\r\n")
        assert talk.answer().startswith("250")
    assert b"words\nof mine" in bytes(mailbox.messages()[0][1])


def test_a_mail_of_nothing_is_kept(mailbox: Mailbox) -> None:
    """Nobody knows why somebody sends nothing."""
    with begun(mailbox) as talk:
        talk.put(b".\r\n")
        assert talk.answer().startswith("250")
    assert len(mailbox.messages()) == 1


def test_lines_longer_than_the_standard_allows_are_taken(mailbox: Mailbox) -> None:
    """A web page in one line is bad manners, and may be a call for help."""
    assert mailbox.send(MAIL + b"y" * 900_000 + b"\r\n").startswith("250")


def test_a_mail_above_the_limit_is_refused(strict: Mailbox) -> None:
    """Said by the sender or not."""
    with strict.smtp() as talk:
        assert "SIZE 50000" in talk.hello()
        assert talk.ask("MAIL FROM:<a@example.org> SIZE=60000").startswith("552")
    assert strict.send(MAIL + b"z" * 60_000).startswith("552")
    assert strict.messages() == []


def test_a_flood_in_one_mail_ends_and_leaves_no_memory_behind(strict: Mailbox) -> None:
    """Without an end it would be read for ever."""
    with begun(strict) as talk:
        for _ in range(200):
            try:
                talk.put(b"x" * 65_536)
            except OSError:
                break
        assert talk.closed()
    strict.eventually(lambda: strict.role.taker.waiting_bytes == 0)
    assert strict.send(MAIL).startswith("250")


def test_a_connection_that_says_nothing_ends(strict: Mailbox) -> None:
    """Otherwise a few thousand of them would be all connections there are."""
    with strict.smtp() as talk:
        began = time.monotonic()
        assert talk.closed()
        assert time.monotonic() - began < 5


def test_a_mail_that_stops_half_way_ends(strict: Mailbox) -> None:
    """And is not kept: nobody was told that it was."""
    with begun(strict) as talk:
        talk.put(b"From: a@example.org\r\n")
        assert talk.answer().startswith("421")
        assert talk.closed()
    assert strict.messages() == []


def test_a_mail_that_drips_ends(strict: Mailbox) -> None:
    """A byte now and then keeps a connection busy without being silent."""
    with begun(strict) as talk:
        began = time.monotonic()
        while time.monotonic() - began < 10:
            try:
                talk.put(b"x")
                time.sleep(0.05)
            except OSError:
                break
        assert time.monotonic() - began < 8
    strict.eventually(lambda: strict.role.taker.connections.total() == 0)


def test_garbage_is_answered_and_ended(mailbox: Mailbox) -> None:
    """Long lines, binary, unknown words: no crash, no trace."""
    for garbage in (
        b"\xff\xfe\x00\r\n",
        b"GET / HTTP/1.1\r\n",
        b"A" * 100_000 + b"\r\n",
        b"EHLO " + b"(" * 400 + b"\r\n",
        b"MAIL FROM:<" + b"(" * 400 + b"@x>\r\n",
        b"VRFY \xff\xff\r\n",
        b"\r\n" * 50,
    ):
        with mailbox.smtp() as talk:
            talk.hello()
            talk.put(garbage)
            assert talk.answer()[:1] in ("4", "5", "2")
    assert mailbox.send(MAIL).startswith("250")


def test_too_many_recipients_are_put_off(strict: Mailbox) -> None:
    """The others of them come in another mail (RFC 5321, 4.5.3.1.10)."""
    with strict.smtp() as talk:
        talk.hello()
        talk.ask("MAIL FROM:<a@example.org>")
        answers = [talk.ask(f"RCPT TO:<help+{number}@lowen.example>") for number in range(5)]
    assert [answer[:3] for answer in answers] == ["250", "250", "250", "452", "452"]


def test_guessing_addresses_ends_the_connection(mailbox: Mailbox) -> None:
    """Nobody is told for ever what is not there."""
    with mailbox.smtp() as talk:
        talk.hello()
        talk.ask("MAIL FROM:<a@example.org>")
        answers = [talk.ask(f"RCPT TO:<user{number}@lowen.example>") for number in range(15)]
    assert answers[0].startswith("550")
    assert answers[-1] == ""


def test_one_sender_cannot_take_all_connections(unknown_peer: Mailbox) -> None:
    """The fourth connection is told to come back."""
    talks = [unknown_peer.smtp() for _ in range(3)]
    with unknown_peer.smtp() as fourth:
        assert fourth.greeting.startswith("421")
    for talk in talks:
        talk.close()
    unknown_peer.eventually(lambda: unknown_peer.role.taker.connections.total() == 0)
    with unknown_peer.smtp() as again:
        assert again.greeting.startswith("220")


def test_one_sender_cannot_take_all_the_time(unknown_peer: Mailbox) -> None:
    """Mail above the pace is put off, never lost."""
    answers = [unknown_peer.send(MAIL + str(number).encode()) for number in range(6)]
    assert [answer[:3] for answer in answers[:4]] == ["250"] * 4
    with unknown_peer.smtp() as talk:
        talk.hello()
        assert talk.ask("MAIL FROM:<a@example.org>").startswith("451")


def test_all_mails_together_have_a_limit_of_memory(data_dir: Path) -> None:
    """Many large mails at once are told to come again, before the machine has no memory left."""
    box = Mailbox(data_dir, limits=Limits(mail_bytes=400_000, waiting_bytes=500_000))
    box.role.taker.upstream = lambda account_id: ()
    try:
        with begun(box) as first:
            first.put(MAIL + b"x" * 390_000)
            box.eventually(lambda: box.role.taker.waiting_bytes > 380_000)
            assert box.send(MAIL + b"y" * 300_000).startswith("452")
            first.put(b"\r\n.\r\n")
            assert first.answer().startswith("250")
        assert box.send(MAIL + b"y" * 300_000).startswith("250")
    finally:
        box.stop()


def test_one_sender_cannot_keep_everybody_elses_mail_out(data_dir: Path) -> None:
    """Mails that never end, from a few connections, would fill what there is for all of them."""
    box = Mailbox(data_dir, limits=Limits(mail_bytes=100_000, waiting_bytes=800_000))
    taker = box.role.taker
    ours, taker.upstream = taker.upstream, lambda account_id: ()
    talks = [begun(box) for _ in range(3)]
    try:
        for talk in talks[:2]:
            talk.put(MAIL + b"x" * 90_000)
        box.eventually(lambda: taker.waiting_bytes > 180_000)
        talks[2].put(MAIL + b"x" * 90_000 + b"\r\n.\r\n")
        assert talks[2].answer().startswith("452")
        taker.upstream = ours
        assert box.send(MAIL + b"y" * 90_000).startswith("250")
    finally:
        for talk in talks:
            talk.close()
        box.eventually(lambda: taker.waiting_bytes == 0)
        box.stop()


def test_our_own_mail_server_gets_in_however_many_others_are_there(data_dir: Path) -> None:
    """The mail of the world comes by it; a few hundred idle connections must not hold that up."""
    box = Mailbox(data_dir, limits=Limits(mail_bytes=50_000, connections=3))
    try:
        for number in range(5):
            box.role.taker.enter(f"192.0.2.{number}")
        assert not box.role.taker.enter("192.0.2.9")
        assert box.send(MAIL).startswith("250")
    finally:
        box.stop()


def test_a_network_of_addresses_is_one_sender(unknown_peer: Mailbox) -> None:
    """Whoever has one address of IPv6 has more of them than there are limits."""
    taker = unknown_peer.role.taker
    assert [taker.enter(f"2001:db8::{number:x}") for number in range(5)] == [True] * 3 + [False] * 2
    assert taker.enter("2001:db8:0:1::1")
    assert [taker.may_begin(f"2001:db8::{number:x}") for number in range(6)] == [True] * 4 + [False] * 2
    taker.leave("2001:db8::9")
    assert taker.enter("2001:db8::8")


def test_half_closed_connections_end(mailbox: Mailbox) -> None:
    """A sender that stops talking in the middle of a mail leaves nothing behind."""
    with begun(mailbox) as talk:
        talk.put(MAIL)
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.closed()
    mailbox.eventually(lambda: mailbox.role.taker.connections.total() == 0)
    assert mailbox.role.taker.waiting_bytes == 0
    assert mailbox.messages() == []
