"""What telephones send by themselves in an emergency call: published examples, damage, and no fix."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.places.aml import read_form, read_sms
from tests.places.test_written import assert_possible

# Published: of ETSI TS 103 625; a French builder's; aml-lib's, which lost two signs; Google's without a fix.
STANDARD = (
    'A"ML=1;lt=+54.76397;lg=-0.18305;rd=50;top=20130717141935;lc=90;pm=W;'
    "si=123456789012345;ei=1234567890123456;mcc=234;mnc=30;ml=128"
)
FRENCH = (
    'A"ML=1;lt=+48.902963;lg=+2.516582;rd=1964;top=20220210134654;lc=95;pm=G;'
    "si=234302543446355;ei=357365093474415;mcc=208;mnc=01;ml=131"
)
DAMAGED = (
    'A"ML=1;lt=48.82639;lg=-2.36619;rd=52;top=20191112112928;lc=68;pm=G;'
    "si=208201771948415;ei=353472104343540;mcc=208;mnc=20;ml=128"
)
NO_FIX = (
    'A"ML=1;lt=+00.00000;lg=+000.00000;rd=N;top=20220131173734;lc=0;pm=N;'
    "si=234159000000000;ei=123456789012345;mcc=234;mnc=15;ml=127"
)


def test_the_standards_example_says_where_how_exactly_and_when():
    """Every field: crews trust the radius, and the time says whether the caller has moved on."""
    aml = read_sms(STANDARD)
    assert aml is not None and aml.place is not None
    place = aml.place
    assert (place.lat_e7, place.lon_e7, place.radius_m) == (547639700, -1830500, 50)
    assert (place.fix_at_ms, place.confidence, place.how) == (1374070775000, 90, "wifi")
    assert (aml.imei, aml.country_code, aml.network_code, aml.whole) == (
        *("1234567890123456", "234", "30"),
        True,
    )


def test_the_zero_in_front_of_a_network_stays():
    """Network 01 is another one than 1."""
    aml = read_sms(FRENCH)
    assert aml is not None and (aml.network_code, aml.whole) == ("01", True)


def test_one_that_was_damaged_on_the_way_is_read_all_the_same():
    """Its length is wrong, its point is not: it is used, and marked."""
    aml = read_sms(DAMAGED)
    assert aml is not None and aml.place is not None
    assert (aml.whole, aml.place.lat_e7) == (False, 488263900)


@pytest.mark.parametrize(
    "text",
    [
        NO_FIX,
        NO_FIX.replace("pm=N", "pm=G"),
        NO_FIX.replace("rd=N", "rd=20"),
        STANDARD.replace("pm=W", "pm=N"),
        STANDARD.replace("lt=+54.76397;", ""),
        STANDARD.replace("54.76397", "94.76397"),
        'A"ML=1',
        'A"ML=1;lt=;lg=;rd=;top=;lc=;pm=',
    ],
)
def test_a_telephone_that_found_nothing_is_at_no_place(text: str):
    """Nobody is sent into the Gulf of Guinea."""
    aml = read_sms(text)
    assert aml is not None and aml.place is None


def test_the_second_version_has_its_times_from_the_call():
    """et is when the call began, lt how long before or after it the point was found."""
    aml = read_sms(
        'A"ML=2;en=112;et=1593187189;lo=37.4217845,-122.0847413,13;lt=-9999;lc=68;lz=5,3;ls=W;nc=31026'
    )
    assert aml is not None and aml.place is not None
    place = aml.place
    assert (place.fix_at_ms, place.radius_m, place.altitude_m, place.how) == (1593177190000, 13, 5, "wifi")
    assert (aml.dialled, aml.country_code, aml.network_code) == ("112", "310", "26")


def test_a_form_says_the_same():
    """As a telephone posts it: confidence as a share, times in milliseconds, a floor."""
    form = {
        "v": "3",
        "emergency_number": "112",
        "source": "CALL",
        "time": "1593187189000",
        "location_latitude": "37.4217845",
        "location_longitude": "-122.0847413",
        "location_time": "1593187180000",
        "location_altitude": "30.5",
        "location_floor": "4",
        "location_source": "gps",
        "location_accuracy": "9.3",
        "location_confidence": "0.6827",
        "device_number": "+447477593102",
        "device_imei": "354773072099116",
        "cell_home_mnc": "07",
    }
    aml = read_form(urlencode(form).encode())
    place = aml.place
    assert place is not None
    assert (place.lat_e7, place.radius_m, place.fix_at_ms, place.floor) == (374217845, 10, 1593187180000, "4")
    assert (place.confidence, place.how, aml.number, aml.network_code) == (68, "gnss", "+447477593102", "07")
    older = read_form(urlencode({**form, "location_confidence": "", "location_certainty": "83"}).encode())
    assert older.place is not None and older.place.confidence == 83


def test_a_form_may_say_nothing_at_all():
    """Every field of it is optional."""
    assert (read_form(b"").place, read_form(b"").number) == (None, "")
    assert read_form(b"&".join(b"a=1" for _ in range(1000))).place is None


@given(st.text(max_size=200))
def test_no_report_is_too_strange(more: str):
    """Whatever follows the mark, there is a point on earth in it, or none."""
    for head in ('A"ML=1;', 'A"ML=2;lo=', 'A"ML=1;lt=5;lg=6;top='):
        aml = read_sms(head + more)
        assert aml is not None
        if aml.place is not None:
            assert_possible(aml.place)


@given(st.binary(max_size=300))
def test_no_form_is_too_strange(body: bytes):
    """As above, as a form."""
    place = read_form(b"location_latitude=5&location_longitude=6&" + body).place
    if place is not None:
        assert_possible(place)


@given(st.text(max_size=60).filter(lambda text: 'A"ML=' not in text))
def test_what_is_no_report_is_none(text: str):
    """A customer's words stay a customer's words."""
    assert read_sms(text) is None
