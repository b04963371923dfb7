"""Files of what somebody said at the other site: shown in the history here, and given out of its copy."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents_ui.desk.history import load_history
from config.settings import read_settings
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.appends import FactsAppend
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import Database
from router.records import fact
from router.sites.copies import open_copy
from tests.desk.small_site import Site, connected, running_site
from tests.desk.wire import Reply

pytestmark = pytest.mark.system

NUMBER = "+31612345678"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0" + bytes(range(256)) * 20


class There:
    """The other site, as its copy here has it."""

    def __init__(self, copy: Database) -> None:
        self.copy = copy
        self._committer = Committer(copy)

    def says(self, body: bytes, *, number: str = NUMBER, verified: bool = True, file_name: str = "") -> str:
        """A text or a file of this number, there; the interaction."""
        contact = Contact(
            channel="sms",
            account="main",
            provider_id=uuid.uuid4().hex,
            verified=verified,
            address_kind="phone",
            address=number,
            body=body,
            received_at_ms=wall_ms(),
            kind="attachment" if file_name else "text",
            media_type="image/png" if file_name else "text/plain",
            file_name=file_name,
        )
        keep = KeepContact(contact)
        self._committer.submit(keep).result()
        assert keep.kept is not None
        return keep.kept.interaction_id

    def with_media(self, interaction_id: str, body: bytes) -> str:
        """What was fetched of a message there, after it had come; its content."""
        salt, content_id = bytes(16), uuid.uuid4().hex
        with self.copy.writing() as db:
            db.run(
                "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
                " VALUES (:id, 'image/png', 'house.png', :salt, :body, 1)",
                id=content_id,
                salt=salt,
                body=body,
            )
            (message_id,) = db.row(
                "SELECT message_id FROM message WHERE interaction_id = :i", i=interaction_id
            ) or ("",)
        said: dict[str, Any] = {"number": 0, "part_kind": "file", "content_id": content_id}
        hashed = hashlib.sha256(salt + body).hexdigest()
        facts = (fact("part_added", message_id, **said, content_hash=hashed),)
        self._committer.submit(FactsAppend(facts_to_append=facts)).result()
        return content_id

    def close(self) -> None:
        self._committer.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, data_dir: Path) -> AsyncIterator[Site]:
    """One of a pair, on either database."""
    url = f"sqlite:///{data_dir}/muster.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    settings = read_settings({"MUSTER_DATA": str(data_dir), "DATABASE_URL": url, "MUSTER_UNSAFE": "1"})
    async with running_site(data_dir, url, settings=settings) as running:
        yield running
        running.services.whereabouts.copy.close()


@pytest.fixture
def there(site: Site) -> Iterator[There]:
    with closing(open_copy(site.services.settings, "b")) as copy, closing(There(copy)) as there:
        yield there


async def serves(site: Site, agent_id: str, number: str = NUMBER, *, verified: bool = True) -> str:
    """The agent holds a text of this number, here; its customer."""
    interaction_id = await site.texts(number, "it is me again", verified=verified)
    offer_id = await site.offered(interaction_id, agent_id)
    await site.decide(connected(interaction_id, offer_id, agent_id))
    with site.database.reading() as db:
        row = db.row("SELECT customer_id FROM interaction WHERE interaction_id = :i", i=interaction_id)
    assert row is not None
    return str(row[0])


def files(site: Site, there: There, customer_id: str) -> list[str]:
    """The addresses of all files in this customer's history, as the desk shows it."""
    found = load_history(site.database, customer_id, there.copy)
    shown = []
    for interaction in found["interactions"]:
        for message in interaction["messages"]:
            shown += [each["url"] for each in (message["file"], *message["files"]) if each]
    return shown


async def get(site: Site, agent_id: str, url: str) -> Reply:
    return await site.ask("GET", url, token=await site.session(agent_id))


def looks(site: Site) -> list[tuple[str, str, str]]:
    """(at what, by whom, how) of each look on record."""
    rows = [(ref, msgspec.json.decode(data)) for ref, data in site.rows("viewed")]
    return [(ref, data["agent_id"], data["what"]) for ref, data in rows]


async def test_a_file_that_was_sent_at_the_other_site_opens_from_the_history(
    site: Site, there: There
) -> None:
    """The photo of the house is what the second caller's agent needs, wherever the first call was."""
    earlier = there.says(PNG, file_name="house.png")
    content_id = there.with_media(there.says(b"see the picture"), PNG[::-1])
    customer_id = await serves(site, "ana")
    urls = files(site, there, customer_id)
    assert len(urls) == 2
    reply = await get(site, "ana", next(each for each in urls if earlier in each and content_id not in each))
    assert (reply.status, reply.body) == (200, PNG)
    fetched = await get(site, "ana", next(each for each in urls if content_id in each))
    assert (fetched.status, fetched.body) == (200, PNG[::-1])
    assert (earlier, "ana", "attachment") in looks(site)


async def test_a_picture_from_there_is_shown_in_place_piece_by_piece(site: Site, there: There) -> None:
    """As one of our own: by its first bytes, and in pieces."""
    there.says(PNG, file_name="house.png")
    (url,) = files(site, there, await serves(site, "ana"))
    headers = {"sec-fetch-dest": "image", "range": "bytes=8-15"}
    reply = await site.ask("GET", f"{url}&show=1", token=await site.session("ana"), headers=headers)
    assert (reply.status, reply.body) == (206, PNG[8:16])


async def test_only_who_may_see_the_person_here_sees_their_files_of_there(site: Site, there: There) -> None:
    """The address of a file is not the key to it (B-51); and a look that is refused shows nothing."""
    there.says(PNG, file_name="house.png")
    stranger = there.says(PNG, number="+31699999999", file_name="other.png")
    (url,) = files(site, there, await serves(site, "ana"))
    await serves(site, "ben", "+31688888888")
    with there.copy.reading() as db:
        row = db.row("SELECT content_id FROM message WHERE interaction_id = :i", i=stranger)
    assert row is not None
    theirs = f"/api/attachment/{row[0]}?of={stranger}"
    mixed = f"{url.partition('?')[0]}?of={stranger}"
    before = looks(site)
    for agent_id, asked in (("ben", url), ("ana", theirs), ("ana", mixed), ("ben", theirs)):
        assert (await get(site, agent_id, asked)).status == 404
    assert looks(site) == before
    assert (await get(site, "sue", url)).status == 200


async def test_who_only_claims_the_number_opens_nothing_of_it(site: Site, there: There) -> None:
    """Anybody can write any number into a form."""
    interaction_id = there.says(PNG, file_name="house.png")
    customer_id = await serves(site, "ana", verified=False)
    assert files(site, there, customer_id) == []
    with there.copy.reading() as db:
        row = db.row("SELECT content_id FROM message WHERE interaction_id = :i", i=interaction_id)
    assert row is not None
    assert (await get(site, "ana", f"/api/attachment/{row[0]}?of={interaction_id}")).status == 404


async def test_what_went_on_at_the_other_site_is_one_conversation_with_its_files(
    site: Site, there: There
) -> None:
    """It came here, was moved, and the photo came there: one line in the history, and the photo opens."""
    customer_id = await serves(site, "ana")
    with site.database.reading() as db:
        ((interaction_id,),) = db.rows("SELECT interaction_id FROM interaction")
    there.says(b"elsewhere")
    with there.copy.writing() as db:
        db.run("UPDATE interaction SET interaction_id = :i", i=interaction_id)
        db.run("UPDATE message SET interaction_id = :i", i=interaction_id)
    content_id = there.with_media(interaction_id, PNG)
    found = load_history(site.database, customer_id, there.copy)
    assert [each["interaction_id"] for each in found["interactions"]] == [interaction_id]
    words = [each["text"] for each in found["interactions"][0]["messages"]]
    assert words == ["it is me again", "elsewhere"]
    (url,) = files(site, there, customer_id)
    assert content_id in url
    assert (await get(site, "ana", url)).body == PNG
