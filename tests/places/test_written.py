"""Places in texts: what people and maps really write becomes a point, what only looks like it never does."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.places.place import E7, Place, place_of
from router.places.plus_code import DIGITS, decoded, encoded
from router.places.written import decimal, read_places, sixtieths

AMSTERDAM = (523702160, 48951680)

coordinates = st.tuples(st.integers(-90 * E7, 90 * E7), st.integers(-180 * E7, 180 * E7)).filter(
    lambda each: abs(each[0]) > 20_000 or abs(each[1]) > 20_000
)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("We are at 52.370216, 4.895168 help!", "52.370216, 4.895168"),
        ("52.370216,4.895168", "52.370216, 4.895168"),
        ("(-33.8688, 151.2093)", "-33.868800, 151.209300"),
        ("52,370216 4,895168", "52.370216, 4.895168"),
        ("52,370216; 4,895168", "52.370216, 4.895168"),
        ("N 52.3702 E 4.8952", "52.370200, 4.895200"),
        ("52.3702° N, 4.8952° W", "52.370200, -4.895200"),
        ("lat: 52.37 lon: 4.89", "52.370000, 4.890000"),
        ("Breite 52,3702; Länge 4,8952", "52.370200, 4.895200"),
        ("52°22'12.7\"N 4°53'42.8\"E", "52.370194, 4.895222"),
        ("52° 22.212' N, 4° 53.71' E", "52.370200, 4.895167"),
        ("33°51′31″S, 70°39′54″W", "-33.858611, -70.665000"),
        ("52 22 12.7 N 4 53 42.8 E", "52.370194, 4.895222"),
        ("geo:52.37,4.89", "52.370000, 4.890000"),
        ("geo:0,0?q=-34.99,106.61(Treasure)", "-34.990000, 106.610000"),
        ("https://maps.google.com/?q=52.370216,4.895168", "52.370216, 4.895168"),
        (
            "https://www.google.nl/maps/search/?api=1&query=47.5951518%2C-122.3316393",
            "47.595152, -122.331639",
        ),
        ("https://maps.apple.com/?ll=50.894967,4.341626&q=x", "50.894967, 4.341626"),
        ("https://www.openstreetmap.org/?mlat=52.37&mlon=4.89#map=17/52.3/4.8", "52.370000, 4.890000"),
        ("https://www.openstreetmap.org/#map=17/52.3/4.8", "52.300000, 4.800000"),
        ("8FVC9G8F+6X", "47.365563, 8.524938"),
        ("at 8fvc9g8f+6x, come", "47.365563, 8.524938"),
        ("https://plus.codes/8FVC9G8F+6X", "47.365563, 8.524938"),
    ],
)
def test_what_people_write_is_one_point(text: str, point: str):
    """As telephones, maps and field books write it, in the languages of those who copy it."""
    assert [decimal(each.lat_e7, each.lon_e7) for each in read_places(text).places] == [point]


def test_the_pin_goes_before_the_middle_of_the_map():
    """The middle is where somebody looked, hundreds of metres from what they meant."""
    link = "https://www.google.com/maps/place/Dam/@52.40,4.80,17z/data=!3m1!8m2!3d52.3731081!4d4.8932945"
    assert [decimal(each.lat_e7, each.lon_e7) for each in read_places(link).places] == ["52.373108, 4.893295"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "help", "0.0000, 0.0000", "0.00001, -0.00002", "91.0000, 5.0000", "12.0000, 181.0000"),
        *("192.168.10.20", "12.50 13.70", "12.3456.78 99.1234", "12.03.2024 at 14.30", "+31612345678, 4.5"),
        *(
            "2345+67",
            "geo:0,0",
            "52°70'00\"N 4°10'00\"E",
            "https://evil.example/?q=52.1,4.2",
            "48.8566, 2.3522 O",
        ),
        *("48°51'23\"N 2°21'07\"O", "geo:1,2;crs=moon-2011", "C++", "F999GGGG+22"),
    ],
)
def test_what_only_looks_like_it_is_no_point(text: str):
    """Better none than a wrong one: an agent sends people there. O is east to some and west to others."""
    assert read_places(text).places == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("https://maps.app.goo.gl/abcDEF12", ("short_link", "https://maps.app.goo.gl/abcDEF12")),
        ("see goo.gl/maps/xyz", ("short_link", "goo.gl/maps/xyz")),
        ("osm.org/go/0EEQjE--", ("short_link", "osm.org/go/0EEQjE--")),
        ("9G8F+6X Zürich", ("short_code", "9G8F+6X")),
        ("I am at ///filled.count.soap", ("three_words", "///filled.count.soap")),
        ("https://w3w.co/filled.count.soap", ("three_words", "///filled.count.soap")),
        ("///дом.море.лес", ("three_words", "///дом.море.лес")),
    ],
)
def test_what_cannot_be_resolved_here_is_named(text: str, named: tuple[str, str]):
    """Nothing is fetched, and three words belong to a company: the agent is told to ask for another form."""
    found = read_places(text)
    assert found.places == ()
    assert found.unresolved == (named,)


def test_several_places_of_one_text_are_all_kept_and_each_once():
    """From here to there; and the same point as link and as numbers is one."""
    found = read_places("from 52.1000, 4.1000 to 52.2000, 4.2000, https://maps.google.com/?q=52.1000,4.1000")
    assert sorted(each.lat_e7 for each in found.places) == [521000000, 522000000]


def test_a_coarse_code_says_how_coarse_it_is():
    """A code of a quarter of a kilometre is no point on a street."""
    (place,) = read_places("8FVC9G8F+").places
    assert 100 < place.radius_m < 300
    assert read_places("8FVC9G8F+6X").places[0].radius_m == 0


def test_only_the_beginning_of_a_long_text_is_read_and_quickly():
    """Two million signs that look like coordinates cost no more than a page of them."""
    assert read_places("x" * 20_000 + " 52.3702, 4.8952").places == ()
    assert len(read_places("52.3702, 4.8952\n53.3702, 4.8952\n" * 30_000).places) <= 8


@given(st.text(max_size=300))
@example("52°1'" * 60)
@example("/" * 300)
@example("geo:" + "9" * 20 + "," + "9" * 20)
def test_no_text_is_too_strange(text: str):
    """Anybody can write anything; what comes out is always a point on earth, and never 0, 0."""
    for place in read_places(text).places:
        assert_possible(place)


@given(
    latitude=st.one_of(st.floats(), st.integers(), st.text(max_size=20), st.none(), st.booleans()),
    longitude=st.one_of(st.floats(), st.integers(), st.text(max_size=20), st.none()),
    radius=st.one_of(st.floats(), st.text(max_size=8), st.none()),
)
@example(latitude=10**400, longitude=1, radius=1.0)
def test_a_place_is_on_earth_or_none(latitude: object, longitude: object, radius: object):
    """Whatever a provider's JSON holds."""
    place = place_of("pin", latitude, longitude, radius_m=radius)
    if place is not None:
        assert_possible(place)


@given(coordinates)
def test_what_we_write_we_read_again(point: tuple[int, int]):
    """An agent copies it into a chat to a colleague: it must be the same place there."""
    lat, lon = point
    (as_decimal,) = read_places(decimal(lat, lon)).places
    assert abs(as_decimal.lat_e7 - lat) <= 5 and abs(as_decimal.lon_e7 - lon) <= 5
    (as_sixtieths,) = read_places(sixtieths(lat, lon)).places
    assert abs(as_sixtieths.lat_e7 - lat) <= 150 and abs(as_sixtieths.lon_e7 - lon) <= 150


@given(coordinates)
def test_a_point_is_in_the_cell_of_its_code(point: tuple[int, int]):
    """The code that an agent reads out leads back to within its fourteen metres."""
    lat, lon = point
    cell = decoded(encoded(lat, lon))
    assert cell is not None
    latitude, longitude, height, width = cell
    assert abs(latitude * E7 - min(lat, 90 * E7 - 1)) <= height * E7 / 2 + 1
    around = abs(longitude * E7 - lon)
    assert min(around, 360 * E7 - around) <= width * E7 / 2 + 1


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [
        # From the specification's own test data (decoding.csv), the middles of the cells.
        ("7FG49Q00+", 20.375, 2.775),
        ("7FG49QCJ+2V", 20.3700625, 2.7821875),
        ("7FG49QCJ+2VX", 20.3701125, 2.782234375),
        ("7FG49QCJ+2VXGJ", 20.3701135, 2.78223535156),
        ("8FVC2222+22", 47.0000625, 8.0000625),
        ("4VCPPQGP+Q9", -41.2730625, 174.7859375),
        ("62G20000+", 0.5, -179.5),
    ],
)
def test_codes_are_decoded_as_everybody_does(code: str, latitude: float, longitude: float):
    """A code of our own making would be no code."""
    cell = decoded(code)
    assert cell is not None
    assert cell[:2] == pytest.approx((latitude, longitude), abs=1e-9)


@given(st.text(alphabet=DIGITS + "0+a", max_size=16))
def test_no_code_is_too_strange(code: str):
    """What is no code is none."""
    cell = decoded(code)
    assert cell is None or (-90 <= cell[0] <= 90 and -180 <= cell[1] <= 180)


def test_numbers_are_written_as_crews_read_them():
    """Leading zeros, sixty seconds carried, south and west by name."""
    assert sixtieths(*AMSTERDAM) == "52°22'12.8\"N 4°53'42.6\"E"
    assert sixtieths(-339999999, -10) == "34°00'00.0\"S 0°00'00.0\"W"
    assert decimal(-1, 5) == "0.000000, 0.000001"


def assert_possible(place: Place) -> None:
    assert abs(place.lat_e7) <= 90 * E7 and abs(place.lon_e7) <= 180 * E7
    assert abs(place.lat_e7) >= 10_000 or abs(place.lon_e7) >= 10_000
    assert place.radius_m >= 0 and place.fix_at_ms >= 0 and 0 <= place.confidence <= 100
