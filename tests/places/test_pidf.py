# ruff: noqa: E501 - documents are easier to read whole
"""Places that come along with a call, in the documents of RFC 4119 and its kin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.places.pidf import Sent, read_pidf
from router.places.place import Place

HEAD = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" '
    'xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0" '
    'xmlns:con="urn:ietf:params:xml:ns:geopriv:conf" xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" '
    'entity="pres:x@example.com">'
)


def document(location: str, *, method: str = "", timestamp: str = "") -> bytes:
    """One tuple with this location."""
    said = f"<gp:method>{method}</gp:method>" if method else ""
    at = f"<timestamp>{timestamp}</timestamp>" if timestamp else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{HEAD}<tuple id="a"><status><gp:geopriv><gp:location-info>'
        f"{location}</gp:location-info><gp:usage-rules/>{said}</gp:geopriv></status>{at}</tuple></presence>"
    ).encode()


def point(lat: float, lon: float, **more: object) -> Place:
    """A place that came along with a call."""
    return Place(source="call", lat_e7=round(lat * 1e7), lon_e7=round(lon * 1e7), **more)  # type: ignore[arg-type]


CIRCLE = '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>42.5463 -73.2512</gml:pos><gs:radius>\n850.24\n</gs:radius></gs:Circle>'
SQUARE = "<gml:Polygon><gml:exterior><gml:LinearRing>{}</gml:LinearRing></gml:exterior></gml:Polygon>"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("<gml:Point><gml:pos>-34.407 150.88001</gml:pos></gml:Point>", point(-34.407, 150.88001)),
        ("<gml:Point><gml:pos>-34.407, 150.88001</gml:pos></gml:Point>", point(-34.407, 150.88001)),
        ("<gml:Point><gml:pos>-34.407 150.88001 24.8</gml:pos></gml:Point>", point(-34.407, 150.88001, altitude_m=25)),
        (CIRCLE, point(42.5463, -73.2512, radius_m=851)),
        (
            "<gs:Ellipse><gml:pos>42.5463 -73.2512</gml:pos><gs:semiMajorAxis>1275</gs:semiMajorAxis>"
            "<gs:semiMinorAxis>670</gs:semiMinorAxis></gs:Ellipse>",
            point(42.5463, -73.2512, radius_m=1275),
        ),
        (
            "<gs:ArcBand><gml:pos>42.5463 -73.2512</gml:pos><gs:innerRadius>100</gs:innerRadius>"
            "<gs:outerRadius>3594</gs:outerRadius></gs:ArcBand>",
            point(42.5463, -73.2512, radius_m=3594),
        ),
        (
            SQUARE.format("<gml:posList>43 -73 43 -73.01 43.01 -73.01 43.01 -73 43 -73</gml:posList>"),
            point(43.005, -73.005, radius_m=690),
        ),
        (
            SQUARE.format("".join(f"<gml:pos>{each}</gml:pos>" for each in ("43 -73", "43 -73.01", "43.01 -73.01", "43.01 -73"))),
            point(43.005, -73.005, radius_m=690),
        ),
    ],
)  # fmt: skip
def test_every_shape_is_a_point_with_a_radius(location: str, place: Place):
    """Whatever shape a network sends, somebody has to drive to a point and know how exact it is."""
    assert read_pidf(document(location)).places == (place,)


def test_when_how_and_how_sure_are_kept():
    """A fix of an hour ago from a mast is not one of now from a satellite."""
    location = f"{CIRCLE}<con:confidence pdf='normal'>95</con:confidence>"
    (place,) = read_pidf(document(location, method="Cell", timestamp="2024-05-01T12:00:00Z")).places
    assert (place.confidence, place.how, place.fix_at_ms) == (95, "cell", 1_714_564_800_000)
    (place,) = read_pidf(document(CIRCLE, method="A-GPS", timestamp="2024-05-01T12:00:00")).places
    assert (place.how, place.fix_at_ms) == ("gnss", 0)


def test_an_address_is_words_and_goes_with_its_point():
    """A landline has a house number and no coordinates."""
    civic = (
        "<ca:civicAddress><ca:country>US</ca:country><ca:A1>New York</ca:A1><ca:A3>New York</ca:A3>"
        "<ca:A6>Broadway</ca:A6><ca:HNO>123</ca:HNO><ca:LOC>Suite 75</ca:LOC><ca:PC>10027</ca:PC></ca:civicAddress>"
    )
    words = "Broadway 123, Suite 75, 10027 New York New York, US"
    assert read_pidf(document(civic)).addresses == (words,)
    assert read_pidf(document(civic)).places == ()
    assert read_pidf(document(CIRCLE + civic)).places[0].words == words


@pytest.mark.parametrize(
    "location",
    [
        "<gml:Point><gml:pos>0 0</gml:pos></gml:Point>",
        "<gml:Point><gml:pos>0.0000 0.0000</gml:pos></gml:Point>",
        "<gml:Point><gml:pos>91 0</gml:pos></gml:Point>",
        "<gml:Point><gml:pos>north</gml:pos></gml:Point>",
        "<gml:Point><gml:pos>NaN inf</gml:pos></gml:Point>",
        "<gml:Point/>",
        SQUARE.format("<gml:posList>43 -73 43</gml:posList>"),
        "",
    ],
)
def test_what_is_no_place_is_none(location: str):
    """Nobody is sent to where somebody only did not know."""
    assert read_pidf(document(location)).places == ()


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"<presence",
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 10_000,
        document(CIRCLE) + b"<",
    ],
)
def test_hostile_documents_say_nothing(hostile: bytes):
    """Entities that grow and files that are asked for are what such documents are misused for."""
    sent = read_pidf(hostile)
    assert (sent.places, sent.addresses) == ((), ())


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_say_nothing(data: bytes):
    """What stands beside a call may cost its place, and never the call."""
    assert isinstance(read_pidf(data).places, tuple)
    assert isinstance(read_pidf(document(CIRCLE) + data).places, tuple)


@pytest.mark.parametrize("encoding", ["shift_jis", "nobody-knows", "idna", "punycode", "base64", "\u00ff"])
def test_an_encoding_that_we_cannot_do_is_no_place(encoding: str):
    """A caller's device writes this: what it raised would have closed every desk that shows the call."""
    document = f'<?xml version="1.0" encoding="{encoding}"?><presence>112</presence>'
    assert read_pidf(document.encode("latin-1")) == Sent()
