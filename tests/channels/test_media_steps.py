"""Attachments in two steps: the provider's API says where they are, and only what it may say is followed."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from router.channels import whatsapp
from router.run.media_fetch import LATER, POINTER_BYTES_MAX, Fetched, MediaClient
from tests.channels.test_media import Store, gives
from tests.contracts.whatsapp import OUR_ID, WhatsApp

ASKED = f"271?phone_number_id={OUR_ID}"


@pytest.fixture
def store() -> Iterator[Store]:
    running = Store()
    yield running
    running.stop()


def fetch(store: Store) -> Fetched:
    async def one() -> Fetched:
        client = MediaClient()
        account = replace(WhatsApp().account, endpoint=store.url)
        try:
            return await client.fetch("whatsapp:271", provider=whatsapp, account=account, bytes_max=1_000)
        finally:
            await client.close()

    return asyncio.run(one())


def says(store: Store, address: object) -> None:
    store.answers[ASKED] = [gives(json.dumps({"url": address, "mime_type": "audio/ogg"}).encode())]


def test_the_api_says_where_and_there_it_is_fetched(store: Store) -> None:
    """Both with our token: neither gives anything without."""
    says(store, f"{store.url}/attachments/voice")
    store.answers["voice"] = [gives(b"OggS", Content_Type="audio/ogg")]
    assert fetch(store) == Fetched(body=b"OggS", media_type="audio/ogg")
    assert [token for _, token in store.asked] == ["Bearer EAAtoken"] * 2


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest", "https://evil.example/x", "file:///etc/passwd", "nowhere"]
)
def test_an_answer_that_leads_elsewhere_is_not_followed(store: Store, address: str) -> None:
    """Our token stays with the provider even where its own answer was tampered with."""
    says(store, address)
    assert fetch(store).lost == "not_the_providers"
    assert len(store.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"url": 7}', b"[]"])
def test_an_answer_without_an_address_is_asked_for_again(store: Store, body: bytes) -> None:
    """A proxy's page or half an answer: the file is there all the same."""
    store.answers[ASKED] = [gives(body)]
    assert fetch(store) == LATER


def test_what_the_api_refuses_or_floods_is_lost(store: Store) -> None:
    """Gone after seven days; and an answer without end fills no memory."""
    store.answers[ASKED] = [gives(b"{}", 400)]
    assert fetch(store).lost == "not_there"
    store.answers[ASKED] = [gives(b"x" * (POINTER_BYTES_MAX + 1))]
    assert fetch(store).lost == "too_large"


def test_answers_that_lead_in_circles_end(store: Store) -> None:
    """Whatever is answered, a try ends after a few steps."""
    store.answers["circle"] = [gives(b"", 302, Location=f"{store.url}/attachments/circle")]
    says(store, f"{store.url}/attachments/circle")
    assert fetch(store).lost == "not_there"
    assert len(store.asked) == 4
