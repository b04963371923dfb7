"""Files in pieces, places and reports on the other database: its types are stricter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk import test_places, test_sending_files, test_shown_files, test_sightings
from tests.desk.small_site import Site, running_site

pytestmark = pytest.mark.system


@pytest.fixture
async def elsewhere(data_dir: Path, postgres_url: str) -> AsyncIterator[Site]:
    """A site on PostgreSQL."""
    async with running_site(data_dir, postgres_url) as site:
        yield site


async def test_a_voice_note_is_played_in_pieces(elsewhere: Site) -> None:
    """Half of all centres run on it; a file that cannot be opened there is lost to them."""
    await test_shown_files.test_a_voice_note_is_played_in_pieces_and_is_one_look(elsewhere)


async def test_places_are_shown(elsewhere: Site) -> None:
    """Newest and tightest, marked by the fold."""
    await test_places.test_the_newest_and_the_tightest_are_shown_and_the_way_between(elsewhere)


async def test_reports_find_their_calls(elsewhere: Site) -> None:
    """By number, also where it was withheld."""
    await test_sightings.test_a_call_whose_number_was_withheld_or_is_only_claimed_is_found(elsewhere)


async def test_files_are_sent(elsewhere: Site) -> None:
    """As messages, once."""
    await test_sending_files.test_a_file_is_a_message_of_the_conversation_once(elsewhere)
