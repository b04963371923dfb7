"""Only what we signed joins a conversation; everything else begins one of its own."""

import pytest

from router.channels.mail_token import REPLY, SENT, TokenKey, tagged, untagged
from tests.mail.listening import FOREIGN_SECRET, OURS, Mailbox

pytestmark = pytest.mark.system

ID = "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e01"
FIRST = b"From: citizen@example.org\r\nSubject: Help\r\nMessage-ID: <first@example.org>\r\n\r\nHelp me.\r\n"


def answer(subject: str = "Re: Help", sender: str = "citizen@example.org", **fields: str) -> bytes:
    """A mail that answers one of ours, or pretends to."""
    head = {"From": sender, "Subject": subject, "Message-ID": "<second@example.org>", **fields}
    return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items()).encode() + (
        b"\r\nThank you, it is worse now.\r\n"
    )


def begun(box: Mailbox, raw: bytes = FIRST) -> str:
    """The interaction that this mail began."""
    assert box.send(raw).startswith("250")
    return box.interactions()[-1]


def test_an_answer_to_our_reply_address_joins(mailbox: Mailbox) -> None:
    """The token is in the address; mail systems may shout it."""
    first = begun(mailbox)
    address = tagged(OURS, mailbox.reply_token(first))
    mailbox.send(answer("Something else"), address)
    mailbox.send(answer("And more", Message_ID="<third@example.org>"), address.upper())
    assert [row[0] for row in mailbox.messages()] == [first, first, first]


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_an_answer_that_refers_to_our_mail_joins(mailbox: Mailbox, field: str) -> None:
    """Some programs answer to From; our Message-ID has the token too."""
    first = begun(mailbox)
    ours = f"<m.{'a' * 42}.{mailbox.reply_token(first)}@lowen.example>"
    mailbox.send(answer(**{field: f"<first@example.org> {ours}"}))
    assert [row[0] for row in mailbox.messages()] == [first, first]


def test_nothing_else_joins(mailbox: Mailbox) -> None:
    """A subject, the customer's own Message-ID, a token of another mailbox, a forged or cut one: all new."""
    first = begun(mailbox)
    good = mailbox.reply_token(first)
    foreign = TokenKey.of(FOREIGN_SECRET.encode()).token(REPLY, first)
    forged = good[:-1] + ("a" if good[-1] != "a" else "b")
    attempts = [
        (answer(In_Reply_To="<first@example.org>", References="<first@example.org>"), OURS),
        (answer(f"Re: Help [{first}]"), OURS),
        (answer(Message_ID="<3@x>"), tagged(OURS, foreign)),
        (answer(Message_ID="<4@x>"), tagged(OURS, forged)),
        (answer(Message_ID="<5@x>"), tagged(OURS, good[:-4])),
        (answer(Message_ID="<6@x>"), tagged(OURS, mailbox.key.token(SENT, first).replace("m.", "r.", 1))),
        (answer(Message_ID="<7@x>", In_Reply_To=f"<{foreign}@lowen.example>"), OURS),
    ]
    for raw, address in attempts:
        assert mailbox.send(raw, address).startswith("250")
    assert len(mailbox.interactions()) == 1 + len(attempts)


def test_an_answer_to_what_has_ended_begins_anew_for_the_same_person(mailbox: Mailbox) -> None:
    """And answers to either find the new one: the history is one click away."""
    first = begun(mailbox)
    mailbox.close(first)
    old = tagged(OURS, mailbox.reply_token(first))
    mailbox.send(answer(), old)
    second = mailbox.interactions()[-1]
    assert second != first
    new = tagged(OURS, mailbox.reply_token(second))
    mailbox.send(answer(Message_ID="<third@example.org>"), new)
    mailbox.send(answer(Message_ID="<fourth@example.org>"), old)
    assert [row[0] for row in mailbox.messages()] == [first, second, second, second]
    customers = mailbox.rows("SELECT DISTINCT customer_id FROM interaction")
    assert len(customers) == 1 and customers[0][0]


def test_who_writes_is_believed_only_when_our_server_vouches(mailbox: Mailbox) -> None:
    """Everybody can write any name into a mail."""
    passes = b"Authentication-Results: mx.lowen.example; dmarc=pass header.from=example.org\r\n"
    foreign = b"Authentication-Results: mx.evil.example; dmarc=pass header.from=example.org\r\n"
    mailbox.send(passes + FIRST)
    mailbox.send(foreign + FIRST)
    mailbox.send(FIRST)
    assert sorted(mailbox.identity()) == [("citizen@example.org", 0), ("citizen@example.org", 1)]
    customers = mailbox.rows("SELECT customer_id FROM interaction ORDER BY arrived_seq")
    assert customers[0] != customers[1] == customers[2]


def test_a_token_vouches_for_nobody_who_is_known_to_be_somebody_else(mailbox: Mailbox) -> None:
    """Mails are passed on, and their tokens with them: the words join, whoever wrote them is only claimed."""
    passes = b"Authentication-Results: mx.lowen.example; dmarc=pass header.from=example.org\r\n"
    fails = b"Authentication-Results: mx.lowen.example; dmarc=fail header.from=example.org\r\n"
    other = b"Authentication-Results: mx.lowen.example; dmarc=pass header.from=evil.example\r\n"
    first = begun(mailbox, passes + FIRST)
    mailbox.close(first)
    ours = tagged(OURS, mailbox.reply_token(first))
    mailbox.send(fails + answer(), ours)
    mailbox.close(mailbox.interactions()[-1])
    mailbox.send(other + answer(sender="m@evil.example", Reply_To="citizen@example.org"), ours)
    customers = mailbox.rows("SELECT customer_id FROM interaction ORDER BY arrived_seq")
    assert len(customers) == 3 and customers[0] not in customers[1:]


def test_results_that_came_another_way_than_by_our_server_mean_nothing(mailbox: Mailbox) -> None:
    """Whoever reaches the listener directly could write them."""
    mailbox.role.taker.upstream = lambda account_id: ()
    passes = b"Authentication-Results: mx.lowen.example; dmarc=pass header.from=example.org\r\n"
    mailbox.send(b"X-Muster-Received: upstream\r\n" + passes + FIRST)
    assert mailbox.identity() == [("citizen@example.org", 0)]


def test_answers_go_where_the_writer_wants_them(mailbox: Mailbox) -> None:
    """A form sends for a citizen, who is answered, and is only claimed, whoever vouches for the form."""
    passes = b"Authentication-Results: mx.lowen.example; dmarc=pass header.from=forms.example\r\n"
    form = b"From: form@forms.example\r\nReply-To: Mia <mia@home.example>\r\nSubject: form\r\n\r\nHelp\r\n"
    mailbox.send(passes + form)
    assert mailbox.identity() == [("mia@home.example", 0)]


def test_nobody_is_made_of_machines(mailbox: Mailbox) -> None:
    """Lists, bounces and our own address are answered or not, but are no customers."""
    mailbox.send(b"From: list@example.org\r\nList-Id: <l.example.org>\r\n\r\nnews\r\n")
    mailbox.send(b"From: mailer-daemon@example.org\r\nContent-Type: multipart/report; boundary=x\r\n\r\n\r\n")
    mailbox.send(f"From: {OURS}\r\n\r\nloop\r\n".encode())
    mailbox.send(b"From: a@x.example, b@x.example\r\n\r\ntwo\r\n")
    assert mailbox.rows("SELECT DISTINCT customer_id FROM interaction") == [("",)]
    assert len(mailbox.interactions()) == 4


def test_a_token_names_one_thing_for_one_purpose() -> None:
    """What signs a conversation does not sign a mail, and without a secret nothing is signed."""
    key = TokenKey.of(b"secret")
    assert key.ref_of(REPLY, key.token(REPLY, ID).upper()) == ID
    assert key.ref_of(SENT, key.token(REPLY, ID)) == ""
    assert key.ref_of(SENT, key.token(REPLY, ID).replace("r.", "m.", 1)) == ""
    assert TokenKey.of(b"other").ref_of(REPLY, key.token(REPLY, ID)) == ""
    empty = TokenKey.of(b"")
    assert empty.token(REPLY, ID) == "" and empty.ref_of(REPLY, key.token(REPLY, ID)) == ""
    assert key.token(REPLY, "not a uuid") == ""


def test_a_tagged_address_fits_into_an_address() -> None:
    """64 bytes before the @; where the tag does not fit, the Message-ID has it still."""
    key = TokenKey.of(b"secret")
    address = tagged("emergency-services@example.org", key.token(REPLY, ID))
    assert len(address.partition("@")[0]) <= 64
    assert untagged(address.upper()) == "emergency-services@example.org"
    assert tagged(f"{'x' * 40}@example.org", key.token(REPLY, ID)) == f"{'x' * 40}@example.org"
