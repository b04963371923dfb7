"""Files in pieces, places and reports on the other database: its types are stricter."""

from pathlib import Path

import pytest

from tests.desk import test_places, test_shown_files, test_sightings
from tests.desk.small_site import running_site

pytestmark = pytest.mark.system


async def test_files_reports_and_places_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """Many centres run on it: a file that cannot be opened there, or a place, is lost to them."""
    async with running_site(data_dir, postgres_url) as site:
        await test_shown_files.test_a_voice_note_is_played_in_pieces_and_is_one_look(site)
        await test_sightings.test_a_call_whose_number_was_withheld_or_is_only_claimed_is_found(site)
        await test_places.test_the_newest_and_the_tightest_are_shown_and_the_way_between(site)
