"""A customer's device says where it is: a message the first time, from then on points without words."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.web.playing import interactions
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system


def points(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT p.source, p.radius_m, p.newest, p.tightest, p.message_id, c.body FROM place p"
        " JOIN content c ON c.content_id = p.content_id ORDER BY p.seq"
    )


def place(latitude: float, *, again: bool = False, **more: Any) -> dict[str, Any]:
    where = {"latitude": latitude, "longitude": 4.895168, "accuracy_m": 18.3}
    return {"kind": "place", "client_id": str(uuid4()), **where, "again": again, **more}


def test_a_press_of_the_button_alone_is_a_cry_for_help(site: Site) -> None:
    """Somebody who cannot write can still press: it is a contact, on disk before it is confirmed."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        said = place(52.370216)
        page.send(**said)
        message_id = page.until(lambda page: page.kept.get(said["client_id"]))
        assert page.until(lambda page: page.texts()) == ["52.370216, 4.895168 (within 19 m)"]
        assert page.messages[message_id]["kind"] == "place"
        assert len(interactions(site)) == 1
        ((source, radius, newest, tightest, of, body),) = site.eventually(lambda: points(site), "read")
        assert (source, radius, newest, tightest, of) == ("device", 19, 1, 1, message_id)
        assert json.loads(body)["lat_e7"] == 523702160


def test_whoever_goes_on_telling_fills_no_conversation(site: Site) -> None:
    """A point every ten seconds as a message each would bury the words."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.send(**place(52.370216))
        site.eventually(lambda: len(points(site)) == 1, "the first")
        page.send(**place(52.371216, again=True, accuracy_m=40))
        site.eventually(lambda: len(points(site)) == 2, "the second")
        assert [(each[1], each[2], each[3]) for each in points(site)] == [(19, 0, 1), (40, 1, 0)]
        assert len(page.until(lambda page: page.texts())) == 1
        assert site.rows("SELECT count(*) FROM message") == [(1,)]


def test_a_later_point_without_a_conversation_is_nothing(site: Site) -> None:
    """A page left open after the end must not begin a conversation every ten seconds."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.send(**place(52.370216, again=True))
        page.say("are you there?")  # in order: when this is kept, the point was dealt with
        page.until(lambda page: page.kept)
        assert site.rows("SELECT count(*) FROM place") == [(0,)]
        assert site.rows("SELECT count(*) FROM content WHERE media_type LIKE '%place%'") == [(0,)]


@pytest.mark.parametrize(
    "wrong", [{"latitude": 0, "longitude": 0}, {"latitude": 91}, {"longitude": -180.5}, {"latitude": 1e300}]
)
def test_a_device_that_does_not_know_is_told_so(site: Site, wrong: dict[str, float]) -> None:
    """Nobody is looked for at 0, 0, and the person writes where they are instead."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.send(**{**place(52.370216), **wrong})
        (refused,) = page.until(lambda page: page.refused)
        assert refused["code"] == "no_place"
        assert interactions(site) == []


def test_the_same_point_sent_twice_is_one(site: Site) -> None:
    """Promise 8: a page that came back sends again what was not confirmed."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        said = place(52.370216)
        for _ in range(2):
            page.send(**said)
        page.say("and words")
        page.until(lambda page: len(page.kept) == 2)
        assert site.rows("SELECT count(*) FROM message") == [(2,)]
        site.eventually(lambda: points(site), "read")
        assert len(points(site)) == 1


def test_coordinates_in_words_are_a_place_as_well(site: Site) -> None:
    """Copied out of a map: read with everything else that reading finds."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.say("We are at https://maps.google.com/?q=52.370216,4.895168 please hurry")
        ((source, *_, body),) = site.eventually(lambda: points(site), "read")
        assert (source, json.loads(body)["lon_e7"]) == ("link", 48951680)
