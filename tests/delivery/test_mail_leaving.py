"""Answers by mail through a server that drops, puts off or stalls: each arrives, no other account waits."""

import email
from collections import Counter

import pytest

from router.run.delivery_senders import SmtpSender
from tests.delivery.office import Office, Outlets
from tests.mail.servers import Server, running
from tests.mail.test_sending import account

pytestmark = pytest.mark.system


class MailOutlets(Outlets):
    """The account `mail` leaves by a real server, all others by the played provider."""

    def __init__(self, office: Office, server: Server) -> None:
        super().__init__(office.provider)
        self._server = server

    def get(self, account_id: str):  # type: ignore[no-untyped-def]
        return (account(self._server), SmtpSender()) if account_id == "mail" else super().get(account_id)


def with_server(office: Office, server: Server) -> None:
    """From here on the office's worker sends mail there."""
    office.outlets = MailOutlets(office, server)
    office.delivery = office.another()


async def mails(office: Office, count: int) -> list[str]:
    """So many answers, each to somebody else."""
    return [
        await office.says(f"words {number}", to=f"person{number}@example.org", account="mail")
        for number in range(count)
    ]


def message_ids(server: Server) -> Counter[str]:
    """How often each Message-ID was handed over."""
    return Counter(str(email.message_from_bytes(body)["Message-ID"]) for _, _, body in server.mails)


async def test_a_server_that_drops_after_the_words_gets_them_again_under_the_same_id(office: Office):
    """It may have taken the mail: two of one Message-ID are one to most programs, and the desk says so."""
    async with running(Server(says={"end": "drop"})) as server:
        with_server(office, server)
        [message_id] = await mails(office, 1)
        await office.delivers(lambda: office.outbox()[message_id][1] == 1)
        assert office.outbox()[message_id] == ("due", 1, "connection_lost")
        del server.says["end"]
        office.hands.passes(seconds=2)
        await office.delivers(lambda: office.status(message_id) == "sent")
        assert list(message_ids(server).values()) == [2]
        assert office.trouble(message_id) == "maybe_twice"


async def test_a_server_that_puts_off_for_ten_minutes_gets_every_mail_once(office: Office):
    """Greylisting of every recipient: no alarm, no doubt, and afterwards everything is there."""
    async with running(Server(says={"RCPT": "450 try again later"})) as server:
        with_server(office, server)
        ids = await mails(office, 7)
        for _ in range(6):
            await office.delivers(lambda: all(row[2] == "smtp_450" for row in office.outbox().values()))
            office.hands.passes(seconds=100)
        server.says.clear()
        office.hands.passes(seconds=100)
        await office.delivers(lambda: {row[0] for row in office.outbox().values()} == {"sent"})
        assert sorted(message_ids(server).values()) == [1] * 7
        assert [office.trouble(each) for each in ids] == [""] * 7
        assert office.alarms() == []


async def test_a_server_that_stalls_holds_up_no_other_account(office: Office):
    """A tarpit takes a minute for every line; text messages leave as if nothing were."""
    async with running(Server(says={"EHLO": "silence"})) as server:
        with_server(office, server)
        await mails(office, 12)
        text = await office.says("by text", account="line")
        await office.delivers(lambda: office.status(text) == "sent")
        assert office.provider.words() == ["by text"]
        assert server.mails == []


async def test_a_server_that_closes_with_421_rests_and_somebody_is_told(office: Office):
    """It is going down: the account rests, one mail at a time looks whether it is back."""
    async with running(Server(says={"MAIL": "421 closing down"})) as server:
        with_server(office, server)
        await mails(office, 7)
        await office.delivers(lambda: bool(office.alarms()))
        assert office.alarms() == [("account_down", "mail", "smtp_421")]
        server.says.clear()
        office.hands.passes(seconds=15)
        await office.delivers(lambda: {row[0] for row in office.outbox().values()} == {"sent"})
        assert sorted(message_ids(server).values()) == [1] * 7
