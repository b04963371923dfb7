"""The plan a web process works with, also when the newest one cannot be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_ui.plan_holder import load_plan
from tests.roles.hand_stepped import Site, new_site

UNREADABLE = '[site]\nid = "from another release"\n'


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    site = new_site(data_dir)
    yield site
    site.close()


def test_a_web_starts_with_the_newest_plan_that_can_be_read(site: Site):
    """A web that waits for a better plan keeps no contact at all."""
    before = load_plan(site.database)
    site.say("plan_activated", "digest", version=2, text=UNREADABLE, by="test")
    plan = load_plan(site.database)
    assert plan is not None
    assert before is not None
    assert plan() == before()


def test_a_web_that_runs_keeps_its_plan_when_it_cannot_read_a_newer_one(site: Site):
    """The desks' and the chat's other news come with the same rows."""
    plan = load_plan(site.database)
    assert plan is not None
    before = plan()
    site.say("plan_activated", "digest", version=2, text=UNREADABLE, by="test")
    plan.hear(site.rows())
    assert plan() is before
