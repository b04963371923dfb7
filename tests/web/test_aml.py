"""A telephone's report through the whole web process, on either database."""

from collections.abc import Iterator

import pytest

from router.journal.verify import verify
from tests.contracts.plays import Said
from tests.places.test_aml import STANDARD
from tests.web.sites import Site
from tests.web.texts import Texts

pytestmark = pytest.mark.system


@pytest.fixture
def any_texts(any_site: Site) -> Iterator[Texts]:
    return Texts(any_site)  # type: ignore[return-value]


def test_a_report_by_text_places_the_open_conversation_and_begins_none(any_texts: Texts) -> None:
    """From the webhook to the place beside the conversation, without a message of its own."""
    site = any_texts.site
    any_texts.says("help", provider_id="SM1")
    assert any_texts.post(any_texts.plays().message(Said(text=STANDARD, provider_id="SM2"))) == 200
    assert any_texts.post(any_texts.plays().message(Said(text=STANDARD, provider_id="SM2"))) == 200
    found = site.eventually(
        lambda: site.rows("SELECT interaction_id, source, radius_m, newest, tightest FROM place"), "placed"
    )
    ((interaction_id,),) = site.rows("SELECT interaction_id FROM interaction")
    assert found == [(interaction_id, "aml", 50, 1, 1)]
    assert site.rows("SELECT count(*) FROM message") == [(1,)]
    with site.database.reading() as db:
        assert verify(db).problems == []
    journal = "".join(row[0] for row in site.rows("SELECT data FROM journal WHERE kind <> 'plan_activated'"))
    assert "54.76" not in journal and "5476397" not in journal, "where somebody is, is content"
