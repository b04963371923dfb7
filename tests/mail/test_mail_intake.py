"""From a socket to the agent's desk: every mail is read, or shown as it is, at the urgency that it needs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents_ui.desk.entities import newest_messages
from router.channels.mail_token import tagged
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.records import fact
from tests.mail.listening import FOREIGN_SECRET, OURS, SECRET, Mailbox
from tests.web.sites import Web

pytestmark = pytest.mark.system

OUTBOX_ID = "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02"


class Centre:
    """A mailbox, and a web process that reads what it keeps."""

    def __init__(self, data_dir: Path, url: str = "") -> None:
        secrets = data_dir / "secrets"
        secrets.mkdir()
        (secrets / "help-mail").write_text(SECRET)
        (secrets / "info-mail").write_text(FOREIGN_SECRET)
        self.box = Mailbox(data_dir, url=url)
        self.web = Web(data_dir, self.box.url)

    def stop(self) -> None:
        self.web.stop()
        self.box.stop()

    def send(self, raw: bytes, *to: str, sender: str = "ann@example.org") -> str:
        """The interaction of the mail, once it is read."""
        assert self.box.send(raw, *to, sender=sender).startswith("250")
        return str(self.box.eventually(self._read, "read")[0])

    def _read(self) -> tuple[Any, ...] | None:
        rows = self.box.rows(
            "SELECT interaction_id, reading FROM message WHERE direction = 'in' ORDER BY seq"
        )
        return rows[-1] if all(row[1] != "unread" for row in rows) else None

    def need(self, interaction_id: str) -> tuple[str, int, str, str]:
        """(queue, urgency, rule, reading) as the newest reading has it."""
        rows = self.box.rows(
            "SELECT data FROM journal WHERE kind = 'read' AND ref = :i ORDER BY seq DESC", i=interaction_id
        )
        data = msgspec.json.decode(rows[0][0])
        return data["queue_id"], data["urgency"], data["rule_id"], data["reading"]

    def shown(self, interaction_id: str) -> dict[str, Any]:
        """The newest message as a desk has it."""
        with self.box.database.reading() as db:
            return newest_messages(db, interaction_id)[-1]


@pytest.fixture
def centre(data_dir: Path) -> Iterator[Centre]:
    made = Centre(data_dir)
    yield made
    made.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_centre(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Centre]:
    """The same on either database."""
    made = Centre(data_dir, "" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield made
    made.stop()


def mail(words: str, subject: str = "Question", **fields: str) -> bytes:
    head = {
        "From": "Ann <ann@example.org>",
        "Subject": subject,
        "Message-ID": f"<{time.monotonic_ns()}@x>",
        **fields,
    }
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
    return f"{lines}Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n".encode()


def test_a_mail_reaches_the_desk_with_its_words_and_files(centre: Centre) -> None:
    """Subject, whom it claims to be from, words, files; and the whole of it to save."""
    raw = (
        b"From: Ann <ann@example.org>\r\nSubject: A pothole\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nOn Main Street.\r\n--b\r\n"
        b"Content-Type: image/png; name=hole.png\r\n\r\n\x89PNG\r\n--b--\r\n"
    )
    message = centre.shown(centre.send(raw))
    assert message["text"] == "On Main Street."
    assert message["mail"]["subject"] == "A pothole"
    assert (message["mail"]["from_name"], message["mail"]["from_address"]) == ("Ann", "ann@example.org")
    assert message["mail"]["verified"] is False and message["mail"]["kind"] == "person"
    assert [each["name"] for each in message["files"]] == ["hole.png"]
    assert message["raw"] and message["reading"] == "read"


def test_what_databases_refuse_is_kept_and_shown_all_the_same(any_centre: Centre) -> None:
    """PostgreSQL takes no NUL and no half characters in text: names, words, addresses, types of files."""
    raw = (
        b"From: A\0nn <ann@example.org>\r\nSubject: \0 =?utf-16?b?2AA=?= \xed\xa0\x80\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwo\0rds \xed\xa0\x80\r\n"
        b'--b\r\nContent-Type: image/p\0ng; name="a\0b\xed\xa0\x80.png"\r\n\r\nx\r\n--b\r\n'
        b'Content-Type: image/png; name="a\0b\xed\xa0\x80.png"\r\n\r\nx\r\n--b--\r\n'
    )
    message = any_centre.shown(any_centre.send(raw))
    assert "wo\u2400rds" in message["text"] and message["reading"] == "read"
    assert message["files"] and "\0" not in str(message)
    again = any_centre.send(
        mail("and once more", References=f"<{any_centre.box.reply_token(message['said_in'])}@x>")
    )
    assert again == message["said_in"]


def test_what_a_mail_says_decides_how_urgent_it_is(centre: Centre) -> None:
    """Also its subject, and never what its sender claims about importance."""
    fire = centre.send(mail("please come to Elm Street", "my house is on fire"))
    assert centre.need(fire)[:2] == ("emergency", 1)
    loud = centre.send(mail("URGENT!!! " * 50 + "a pothole", X_Priority="1", Importance="high"))
    assert centre.need(loud)[1] >= 4


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"List_Id": "<l.example.org>"}, "list"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"Auto_Submitted": "auto-generated"}, "automatic"),
        ({"Authentication_Results": "mx.lowen.example; dmarc=fail header.from=example.org"}, "unauthentic"),
    ],
)
def test_doubtful_mail_is_looked_through_and_danger_in_it_is_danger(
    centre: Centre, fields: dict[str, str], kind: str
) -> None:
    """Never away; behind everything else, unless a life may depend on it."""
    doubtful = centre.send(mail("buy now", **fields))
    assert centre.need(doubtful) == ("review", 5, "doubtful-mail", "read")
    assert centre.shown(doubtful)["mail"]["kind"] == kind
    danger = centre.send(mail("he has a gun", **fields))
    assert centre.need(danger)[:2] == ("emergency", 1)


def test_what_an_answer_quotes_of_ours_is_not_said_again(centre: Centre) -> None:
    """We wrote of the fire; they write thank you. A first mail is read whole: who forwards, quotes."""
    first = centre.send(mail("> he has a gun", "he wrote me this"))
    assert centre.need(first)[1] == 1
    quiet = centre.send(mail("a pothole", "hello"))
    centre.box.append(
        fact(
            "message_added",
            quiet,
            message_id="m1",
            content_id="c1",
            client_id="",
            direction="out",
            author_id="hannah",
            message_kind="text",
            reading="read",
        )
    )
    answer = mail("Thank you!\n> The fire crew will look.", References=f"<{centre.box.reply_token(quiet)}@x>")
    assert centre.send(answer) == quiet
    assert centre.need(quiet)[1] >= 4


def test_coordinates_in_a_mail_are_a_place(centre: Centre) -> None:
    """Copied out of a map, or written by a beacon's provider: an agent needs them beside the words."""
    raw = b"From: ann@example.org\r\nSubject: boat\r\n\r\nWe drift at 52\xc2\xb022.2' N, 4\xc2\xb053.7' E\r\n"
    raw = raw.replace(b"Subject", b"Content-Type: text/plain; charset=utf-8\r\nSubject")
    interaction_id = centre.send(raw, OURS)
    rows = centre.box.rows("SELECT interaction_id, source, newest FROM place")
    assert rows == [(interaction_id, "coordinates", 1)]


def test_absence_notes_disturb_nobody(centre: Centre) -> None:
    """They quote what was urgent, and say what to do in an emergency."""
    note = mail("I am away. If there is a fire, call 911.", Auto_Submitted="auto-replied")
    assert centre.need(centre.send(note, sender="")) == ("review", 5, "answers-of-programs", "read")


def test_a_panel_that_sends_without_a_sender_is_heard(centre: Centre) -> None:
    """Many devices do, because nobody reads their mailbox; this is no answer to anything of ours."""
    assert centre.need(centre.send(mail("Fire alarm, hall 3."), sender=""))[1] == 1


def test_a_mail_that_no_machine_can_read_is_shown_as_it_is(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its subject and what people are shown of it still count, upwards only."""

    async def broken(raw: bytes) -> None:
        return None

    monkeypatch.setattr(centre.web.parts.mail._children, "read", broken)
    strange = centre.send(mail("strange words", "strange"))
    assert centre.need(strange) == ("non-emergency", 4, "channel", "unparsed")
    message = centre.shown(strange)
    assert "strange words" in message["text"] and message["mail"]["subject"] == "strange"
    assert message["raw"]
    urgent = centre.send(mail("x", "my father is not breathing"))
    assert centre.need(urgent)[1] == 1 and centre.need(urgent)[3] == "unparsed"
    also = centre.send(mail("my father is not breathing", "strange"))
    assert centre.need(also)[1] == 1 and centre.need(also)[3] == "unparsed"


def test_a_reading_that_cannot_be_written_leaves_the_mail_unparsed(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in reading, a human sees the mail."""

    async def wrong(raw: bytes) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(centre.web.parts.mail._children, "read", wrong)
    interaction_id = centre.send(mail("words"))
    assert centre.need(interaction_id)[3] == "unparsed"
    assert "words" in centre.shown(interaction_id)["text"]


def test_a_database_that_is_away_for_a_moment_costs_a_mail_no_urgency(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is wrong with the mail: marked unparsed it would stay routine for ever, with a fire in it."""
    intake = centre.web.parts.mail
    load, away = intake._load, [DatabaseBusy("locked"), DatabaseGone("away")]

    def sometimes(unread: Any) -> Any:
        if away:
            raise away.pop()
        return load(unread)

    monkeypatch.setattr(intake, "_load", sometimes)
    monkeypatch.setattr("router.run.mail_intake.FAILED_S", 0.05)
    interaction_id = centre.send(mail("there is a fire in our kitchen"))
    assert centre.need(interaction_id)[1:] == (1, "life-in-danger", "read")


def test_a_bounce_marks_the_answer_that_did_not_arrive(centre: Centre) -> None:
    """Only one with our signed name in it; it joins the conversation that it is about."""
    first = centre.send(mail("Please answer me"))
    address = tagged(OURS, centre.box.reply_token(first))
    centre.box.append(
        fact(
            "message_added",
            first,
            message_id="m1",
            content_id="c1",
            client_id="",
            direction="out",
            author_id="hannah",
            message_kind="text",
            reading="read",
        ),
        fact(
            "send_ordered",
            OUTBOX_ID,
            message_id="m1",
            interaction_id=first,
            channel="mail",
            account="help-mail",
            address_hash="h",
            due_at_ms=0,
        ),
    )
    status = "SELECT status FROM message WHERE message_id = 'm1'"
    for token, expected in (("m." + "a" * 42, ""), (centre.box.sent_token(OUTBOX_ID), "failed")):
        bounce = (
            f"From: mailer-daemon@example.org\r\nSubject: failure {expected}\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\n\r\nIt did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Action: failed\r\nStatus: 5.1.1\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: <{token}@lowen.example>\r\n--b--\r\n"
        ).encode()
        assert centre.send(bounce, address, sender="") == first
        assert centre.box.rows(status) == [(expected,)]
    assert len(centre.box.interactions()) == 1
    assert centre.shown(first)["mail"]["kind"] == "bounce"


def test_the_one_we_trust_makes_the_desk_say_verified(centre: Centre) -> None:
    """Nobody else does."""
    verdict = "mx.lowen.example; dmarc=pass header.from=example.org"
    assert centre.shown(centre.send(mail("hello", Authentication_Results=verdict)))["mail"]["verified"]
    forged = "mx.evil.example; dmarc=pass header.from=example.org"
    assert not centre.shown(centre.send(mail("hello", Authentication_Results=forged)))["mail"]["verified"]


def test_mail_holds_up_no_mail_and_all_of_it_is_read(centre: Centre) -> None:
    """A hundred at once, some hostile: each ends read or unparsed."""
    for number in range(40):
        words = (
            mail(f"number {number}") if number % 4 else b"Content-Type: text/html\r\n\r\n" + b"<" * 400_000
        )
        assert centre.box.send(words + str(number).encode()).startswith("250")
    centre.box.eventually(centre._read, "all read")
    assert len(centre.box.interactions()) == 40
    assert centre.box.rows("SELECT count(*) FROM journal WHERE kind = 'read'") == [(40,)]
