"""A file from an agent: on disk and ordered in one transaction, refused where its channel takes none."""

import uuid

import pytest

from agents_ui.desk import sending_files
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import wall_ms
from router.journal.verify import verify
from tests.desk.small_site import Site, connected
from tests.desk.test_shown_files import png
from tests.desk.wire import Reply


async def _sent(
    site: Site, interaction_id: str, body: bytes, *, by: str = "ana", client_id: str = ""
) -> Reply:
    token = await site.session(by)
    client = client_id or str(uuid.uuid4())
    path = f"/api/attachment?of={interaction_id}&client_id={client}&name=..%2Fplan%20of%20the%20house.png"
    return await site.ask("POST", path, body, token=token)


async def _held(site: Site, channel: str) -> str:
    """A conversation of ana's on a social channel."""
    keep = KeepContact(
        Contact(
            channel=channel,
            account="bot",
            provider_id="1",
            verified=True,
            address_kind=f"{channel}:bot",
            address="77",
            body=b"help",
            received_at_ms=wall_ms(),
        )
    )
    await site.committer.append(keep)
    assert keep.kept is not None
    interaction_id = keep.kept.interaction_id
    offer_id = await site.offered(interaction_id, "ana")
    await site.decide(connected(interaction_id, offer_id, "ana"))
    return interaction_id


async def test_a_file_is_a_message_of_the_conversation_once(site: Site) -> None:
    """In a chat its customer sees it at once; a repeat with the same id changes nothing."""
    interaction_id = await site.held("ana")
    page = await site.desk("ana")
    client_id = str(uuid.uuid4())
    for _ in range(2):
        assert (await _sent(site, interaction_id, png(), client_id=client_id)).status == 200
    await page.until(lambda: any(each["file"] for each in page.entities["message"].values()))
    (message,) = [each for each in page.entities["message"].values() if each["file"]]
    assert (message["direction"], message["author_id"], message["client_id"]) == ("out", "ana", client_id)
    assert (message["file"]["name"], message["file"]["shows"]) == ("plan of the house.png", "image")
    assert site.rows("send_ordered") == []
    assert (await _sent(site, interaction_id, b"other", client_id=client_id)).json["code"] == "id_taken"
    with site.database.reading() as db:
        assert verify(db).problems == []


async def test_where_a_provider_takes_files_it_is_ordered_to_leave(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same transaction: what is acknowledged leaves."""
    monkeypatch.setattr(sending_files, "files_bytes_max", lambda plan, channel: 100_000)
    interaction_id = await _held(site, "telegram")
    assert (await _sent(site, interaction_id, png())).status == 200
    ((ref, data),) = site.rows("send_ordered")
    assert '"channel":"telegram"' in data and ref


async def test_what_cannot_be_sent_is_refused_with_its_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent must not believe that a plan arrived which never left."""
    texted = await site.texts("+31612345678", "help")
    offer_id = await site.offered(texted, "ana")
    await site.decide(connected(texted, offer_id, "ana"))
    assert (await _sent(site, texted, png())).json["code"] == "no_files"
    chat = await site.held("ana")
    monkeypatch.setattr(sending_files, "files_bytes_max", lambda plan, channel: 10)
    assert (await _sent(site, chat, png())).json["code"] == "file_too_large"
    monkeypatch.undo()
    assert (await _sent(site, chat, b"")).json["code"] == "empty"
    assert (await _sent(site, chat, png(), client_id="x")).json["code"] == "malformed"
    other = await _sent(site, chat, png(), by="ben")
    assert (other.status, other.json["code"]) == (409, "not_yours")
    assert site.rows("send_ordered") == []
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM message WHERE direction = 'out'") == (0,)
