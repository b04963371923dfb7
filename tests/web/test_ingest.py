"""Keeping a contact when the database is away, or refuses what is in it."""

import os
from concurrent.futures import Future

import pytest

from router.channels.chat import contact_of
from router.channels.ingest import KeepContact, Keeper, Kept, NotKept, keep
from router.channels.port import Contact
from router.channels.text import kept, shown
from router.journal.committer import CommitUnknown
from router.records import Row
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system


CLIENT_ID = "6f1f8d2c-3f0e-4a53-9a3e-3e5b8c8a1d11"


class Refusing:
    """A committer of a database that refuses some media types, or is away."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem
        self.tried: list[Contact] = []

    async def append(self, append: KeepContact) -> tuple[Row, ...]:
        self.tried.append(append._contact)
        if len(self.tried) == 1 or isinstance(self.problem, CommitUnknown):
            raise self.problem
        append.kept = Kept(interaction_id="i", message_id="m", began=True, repeated=False)
        return ()


def a_contact() -> Contact:
    return contact_of(session="s", client_id="c", body=b"\0", received_at_ms=1, file_name="a\0b")


async def test_what_the_database_refuses_is_kept_raw() -> None:
    """Content never causes loss (promise 7): the offender is kept as bytes, without claims."""
    committer = Refusing(ValueError("cannot contain NUL"))
    assert (await keep(committer, a_contact(), Keeper(web_id="w"))).message_id == "m"  # type: ignore[arg-type]  # a fake
    assert [each.media_type for each in committer.tried][1] == "application/x-muster-unparsed"
    assert committer.tried[1].body == b"\0"
    assert committer.tried[1].file_name == ""


async def test_an_unknown_outcome_is_never_acknowledged() -> None:
    """Promise 1. The sender repeats, which is harmless; a false yes would lose the words."""
    committer = Refusing(CommitUnknown("lost"))
    with pytest.raises(NotKept):
        await keep(committer, a_contact(), Keeper(web_id="w"))  # type: ignore[arg-type]  # a fake
    assert len(committer.tried) == 1


def test_a_chat_that_cannot_be_kept_is_not_acknowledged_and_told_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page shows it as not yet arrived and says it again; a file is answered 503."""
    cookie = site.webs[0].cookie()
    with Page(site.webs[0], cookie) as page, monkeypatch.context() as away:
        away.setattr(site.webs[0].parts.services.committer, "submit", _fail)
        page.say("help", CLIENT_ID)
        assert page.close_code() == 1013
        assert page.kept == {}
        status, headers, _ = site.webs[0].post(f"/chat/attachment?client_id={CLIENT_ID}&name=x", b"x", cookie)
        assert (status, headers["retry-after"]) == (503, "2")
    with Page(site.webs[0], cookie) as page:
        assert page.texts() == []
        page.say("help", CLIENT_ID)
        page.until(lambda page: page.kept)


def _fail(append: object) -> "Future[tuple[Row, ...]]":
    raise CommitUnknown("the connection was lost while committing")


def test_nothing_kept_raw_is_lost_in_a_real_database(any_site: Site) -> None:
    """PostgreSQL refuses NUL in text; SQLite takes it. Both must end with the bytes kept."""
    site = any_site
    body = b"\x89PNG\r\n\x1a\n\0"
    cookie = site.webs[0].cookie()
    path = "/chat/attachment?client_id=" + CLIENT_ID + "&name=a%00b.png"
    assert site.webs[0].post(path, body, cookie)[0] == 200
    assert bytes(site.rows("SELECT body FROM content")[0][0]) == body


def test_a_contact_from_an_address_that_nothing_can_index_is_kept(any_site: Site) -> None:
    """Whatever passes authentication is kept (promise 7), on every try as on the first."""
    contact = Contact(
        channel="sms",
        account="line",
        provider_id="huge",
        address_kind="phone",
        address=os.urandom(4_000).hex(),
        verified=True,
        body=b"help",
        received_at_ms=1,
    )
    any_site.webs[0].parts.services.committer.submit(KeepContact(contact)).result(10)
    assert bytes(any_site.rows("SELECT body FROM content")[0][0]) == b"help"


@pytest.mark.parametrize("text", ["plain", "\0", "\ud800x", "\U0001f600", "e\u0301"])
def test_what_is_kept_is_what_was_said_and_what_is_shown_is_valid(text: str) -> None:
    """Raw intact, display safe: for every database and every browser."""
    assert kept(text).decode("utf-8", "surrogatepass") == text
    clean = shown(kept(text))
    clean.encode()
    assert "\0" not in clean


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\xed\xa0\x80", b"caf\xe9", b"\xf0\x9f\x98"])
def test_bytes_that_are_no_text_can_be_shown(body: bytes) -> None:
    """B-29."""
    assert "\ufffd" in shown(body)
