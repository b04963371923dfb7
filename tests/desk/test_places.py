"""Where the customer is, beside the conversation: as soon as it is known, and the same on a fresh page."""

from router.channels.located import KeptPlace, located, put_place
from router.journal.database import Connection
from router.journal.verify import verify
from router.places.place import Place, place_of
from router.records import Fact
from tests.desk.small_site import Site, connected


class Locate:
    """Append: a point of an interaction."""

    def __init__(self, interaction_id: str, kept: KeptPlace) -> None:
        self._interaction_id, self._kept = interaction_id, kept

    def write_content(self, db: Connection) -> None:
        put_place(db, self._kept, at_ms=self._kept.received_at_ms)

    def facts(self, db: Connection, at_ms: int) -> tuple[Fact, ...]:
        return (located(self._interaction_id, self._kept),)


def point(lat: float, *, radius_m: int = 0, fix_at_ms: int = 0, source: str = "aml") -> Place:
    place = place_of(source, lat, 4.895168, radius_m=radius_m, fix_at_ms=fix_at_ms)
    assert place is not None
    return place


async def locate(site: Site, interaction_id: str, place_id: str, place: Place, *, at_ms: int) -> None:
    kept = KeptPlace(place_id=place_id, place=place, received_at_ms=at_ms)
    await site.committer.append(Locate(interaction_id, kept))


async def test_the_newest_and_the_tightest_are_shown_and_the_way_between(site: Site) -> None:
    """A rough point of now and an exact one of before are both worth having; a person decides."""

    page = await site.desk("ana")
    interaction_id = await site.held("ana")
    await page.until(lambda: interaction_id in page.entities["conversation"])
    assert page.entities["conversation"][interaction_id]["place"] is None
    for number, (lat, radius, fix) in enumerate(
        [(52.1, 1500, 1_000), (52.2, 9, 2_000), (52.3, 300, 9_000), (52.4, 40, 5_000), (52.5, 0, 8_000)]
    ):
        await locate(
            site,
            interaction_id,
            f"p{number}",
            point(lat, radius_m=radius, fix_at_ms=fix),
            at_ms=10_000 + number,
        )
    await page.until(lambda: _points(page.entities, interaction_id) == 5)
    place = _place(page.entities, interaction_id)
    assert (place["newest"]["decimal"], place["newest"]["radius_m"]) == ("52.300000, 4.895168", 300)
    assert (place["tightest"]["decimal"], place["tightest"]["radius_m"]) == ("52.200000, 4.895168", 9)
    assert place["newest"]["sixtieths"] == "52°18'00.0\"N 4°53'42.6\"E"
    assert place["newest"]["plus_code"].startswith("9F46")
    assert [each["fix_at_ms"] for each in place["points"]] == [9_000, 8_000, 5_000, 2_000, 1_000]
    fresh = await site.desk("ana")
    await fresh.until(lambda: interaction_id in fresh.entities["conversation"])
    assert _place(fresh.entities, interaction_id) == place
    with site.database.reading() as db:
        assert verify(db).problems == []


async def test_a_clock_that_goes_ahead_makes_no_later_point(site: Site) -> None:
    """A telephone that believes in next year would otherwise have the newest point for a year."""

    interaction_id = await site.held("ana")
    await locate(site, interaction_id, "ahead", point(52.1, fix_at_ms=2**50), at_ms=10_000)
    await locate(site, interaction_id, "later", point(52.2, fix_at_ms=10_500), at_ms=11_000)
    page = await site.desk("ana")
    await page.until(lambda: interaction_id in page.entities["conversation"])
    place = _place(page.entities, interaction_id)
    assert place["newest"]["place_id"] == "later"
    assert place["points"][1]["fix_at_ms"] == 10_000


async def test_a_repeated_point_is_one_point(site: Site) -> None:
    """Whoever tells twice is in one place."""

    interaction_id = await site.held("ana")
    for _ in range(2):
        await locate(site, interaction_id, "same", point(52.1, radius_m=5), at_ms=10_000)
    page = await site.desk("ana")
    await page.until(lambda: interaction_id in page.entities["conversation"])
    assert len(_place(page.entities, interaction_id)["points"]) == 1


async def test_a_call_back_knows_where_the_first_call_came_from(site: Site) -> None:
    """Somebody hung up: the point that their telephone gave is where to send people."""

    first = await site.arrives("help")
    await locate(site, first, "p", point(52.1, radius_m=5), at_ms=10_000)
    second = await site.given_up(first)
    offer_id = await site.offered(second, "ana")
    page = await site.desk("ana")
    await site.decide(connected(second, offer_id, "ana"))
    await page.until(lambda: second in page.entities["conversation"])
    assert _place(page.entities, second)["newest"]["place_id"] == "p"


async def test_an_erased_point_is_shown_nowhere(site: Site) -> None:
    """Erasing somebody deletes content: what is left in the journal says no place."""

    interaction_id = await site.held("ana")
    await locate(site, interaction_id, "p", point(52.1, radius_m=5), at_ms=10_000)
    with site.database.writing() as db:
        db.run("DELETE FROM content WHERE content_id = 'p'")
    page = await site.desk("ana")
    await page.until(lambda: interaction_id in page.entities["conversation"])
    assert page.entities["conversation"][interaction_id]["place"] is None
    assert "52.1" not in str(site.rows("located")) and "521000000" not in str(site.rows("located"))


async def test_words_that_name_a_place_nobody_can_find_say_so(site: Site) -> None:
    """Three words look like an address; the agent is told to ask for another form."""

    page = await site.desk("ana")
    interaction_id = await site.held("ana", "we are at ///filled.count.soap, hurry")
    await page.until(lambda: interaction_id in page.entities["conversation"])
    await page.until(lambda: bool(page.entities["message"]))
    (message,) = page.entities["message"].values()
    assert "what3words" in message["notice"] and "///filled.count.soap" in message["notice"]


def _points(entities: dict[str, dict[str, dict[str, object]]], interaction_id: str) -> int:
    """How many are shown; the first may still be on its way."""
    place = entities["conversation"][interaction_id]["place"]
    return len(place["points"]) if isinstance(place, dict) else 0


def _place(entities: dict[str, dict[str, dict[str, object]]], interaction_id: str) -> dict[str, object]:
    place = entities["conversation"][interaction_id]["place"]
    assert isinstance(place, dict)
    return place
