# ruff: noqa: E501 - sentences as they are shown, whole
"""Who calls: what an INVITE says, how much of it a network vouches for, and the sentences made of it."""

import pytest

from router.channels.showing import shown_of
from router.channels.sip_caller import Caller, caller_of
from router.channels.sip_header import name_address, number_of, uri_of, via_of
from router.channels.sip_message import SipMessage, written

NOBODY = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'


def invite(sender: str = '"Bob" <sip:+15550100@192.0.2.1>;tag=1', *more: tuple[str, str]) -> SipMessage:
    """A call with these headers."""
    told = (("from", sender), ("to", "<sip:112@10.0.0.1>"), ("call-id", "x"), ("cseq", "1 INVITE"), *more)
    return SipMessage(method="INVITE", uri="sip:112@10.0.0.1", headers=told)


def asserted(value: str) -> tuple[str, str]:
    """What the network says of the caller."""
    return "p-asserted-identity", value


def who(sender: str, *more: tuple[str, str], trusted: bool = True) -> Caller:
    """The caller of such a call."""
    return caller_of(invite(sender, *more), trusted=trusted)


def test_the_network_is_believed_before_the_caller():
    """Anybody can write any number into From; P-Asserted-Identity is the network's."""
    caller = who('"Bob" <sip:+15559999@x>', asserted("<sip:+15550100@carrier;user=phone>"))
    assert (caller.number, caller.name, caller.asserted) == ("+15550100", "Bob", True)


def test_a_stranger_vouches_for_nobody():
    """Only a network of ours may assert anything (RFC 3325 section 9.1)."""
    caller = who("<sip:+15559999@x>", asserted("<tel:+15550100>"), trusted=False)
    assert (caller.number, caller.asserted) == ("+15559999", False)


@pytest.mark.parametrize("privacy", ["id", "user;id", "header;session", "critical;id"])
def test_a_withheld_number_stays_withheld_even_where_the_network_tells_it(privacy: str):
    """An emergency call's network may tell the number; it is nobody's wish to be linked by it."""
    caller = who(NOBODY, asserted("<tel:+15550100>"), ("privacy", privacy))
    assert (caller.number, caller.name, caller.withheld, caller.asserted) == ("+15550100", "", True, True)


@pytest.mark.parametrize(
    "sender",
    [NOBODY, "<sip:anonymous@carrier>;tag=1", "<sip:Unknown@x>", '"x" <sip:restricted@x>', ""],
)
def test_nobody_is_nobody(sender: str):
    """A word that stands for no number must never become a customer whom thousands share."""
    caller = who(sender)
    assert (caller.number, caller.name, caller.withheld, caller.asserted) == ("", "", True, False)


def test_remote_party_id_is_read_where_there_is_nothing_newer():
    """Old switchboards say it in a header that never became a standard."""
    party = ("remote-party-id", '"Ann" <sip:+15550100@x>;party=calling;privacy=full')
    caller = who(NOBODY, party)
    assert (caller.number, caller.withheld, caller.asserted) == ("+15550100", True, True)


def test_the_network_s_check_of_the_number_is_kept():
    """STIR: a number that failed its check may be somebody else's house."""
    passed = who("<sip:+15550100;verstat=TN-Validation-Passed@carrier;user=phone>;tag=1")
    failed = who("<sip:x@y>", asserted("<tel:+15550100;verstat=TN-Validation-Failed>"))
    assert (passed.verstat, passed.number) == ("TN-Validation-Passed", "+15550100")
    assert failed.verstat == "TN-Validation-Failed"


def test_who_passed_the_call_on_is_named():
    """A call that a switchboard diverted comes from where the caller is not."""
    diverted = who("<sip:1@x>", ("diversion", "<sip:+15550111@x>;reason=no-answer, <tel:+15550112>"))
    history = ("history-info", "<sip:+15550113@x>;index=1, <sip:112@10.0.0.1>;index=1.1")
    assert diverted.diverted_from == ("+15550111", "+15550112")
    assert who("<sip:1@x>", history).diverted_from == ("+15550113",)


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("tel:+1-555-(010)-0.0", "+155501000"),
        ("sip:+15550100@x;user=phone", "+15550100"),
        ("sip:%2B15550100@x", "+15550100"),
        ("sip:+15550100;rn=1;npdi@x", "+15550100"),
        ("sip:alice@example.org", "alice@example.org"),
        ("urn:service:sos.fire", "urn:service:sos.fire"),
        ("sip:example.org", ""),
        ("", ""),
    ],
)
def test_a_number_is_found_however_it_is_written(uri: str, number: str):
    """One person's number written two ways must not be two people."""
    assert number_of(uri) == number


def test_addresses_and_vias_are_taken_apart():
    """Where an answer goes stands in them."""
    uri = uri_of("sip:a;b=c%40d@[2001:db8::1]:5070;transport=TCP;lr?Subject=x")
    assert uri is not None
    assert (uri.user, uri.host, uri.port, uri.parameters) == (
        "a;b=c%40d",
        "2001:db8::1",
        5070,
        {"transport": "TCP", "lr": ""},
    )
    via = via_of('SIP / 2.0 / UDP  [::1] : 5062 ; branch = z9 ; received="x;y"')
    assert via is not None
    assert (via.transport, via.host, via.port, via.parameters) == (
        "udp",
        "::1",
        5062,
        {"branch": "z9", "received": "x;y"},
    )
    named = name_address('"A \\"B\\" <c>" <sip:x;p@y>;tag=1')
    assert (named.name, named.uri, named.parameters) == ('A "B" <c>', "sip:x;p@y", {"tag": "1"})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (invite(), "A call from +15550100. Only the caller's telephone says so, not its network. The name that came with it: Bob. Called: 112."),
        (invite(NOBODY), "A call with a withheld number. Called: 112."),
        (
            invite(NOBODY, asserted("<tel:+15550100;verstat=TN-Validation-Passed>"), ("privacy", "id")),
            "A call from +15550100, which the caller asked to withhold. Its network has checked the number. Called: 112.",
        ),
        (
            invite("<sip:1@x>", asserted("<tel:+1555;verstat=TN-Validation-Failed>"), ("diversion", "<tel:+777>")),
            "A call from +1555. Its network's check of the number failed: it may be false. Called: 112. Passed on by +777.",
        ),
    ],
)  # fmt: skip
def test_a_kept_call_is_a_sentence(message: SipMessage, words: str):
    """An agent reads who calls, and how sure that is; what arrived stays as it came."""
    shown = shown_of("message/sip", written(message))
    assert (shown.text, shown.notice, shown.things) == ("", words, 1)


def test_what_stands_in_a_name_stays_one_line_of_words():
    """A name is somebody else's text: no line ends, no control signs, no end of it."""
    hostile = '"Bob\u202e\r\n\x07<script>' + "x" * 500 + '" <sip:+1555@x>'
    name = who(hostile).name
    assert name.isprintable()
    assert len(name) == 120


def test_a_place_that_came_along_is_the_call_s_place():
    """A network that knows where its caller is sends it in the same message as the call."""
    pidf = (
        '<presence xmlns:gml="http://www.opengis.net/gml" xmlns:ca="urn:x"><geopriv><gml:Point><gml:pos>52.5 13.4'
        "</gml:pos></gml:Point><ca:civicAddress><ca:RD>Hill Street</ca:RD><ca:HNO>7</ca:HNO></ca:civicAddress>"
        "</geopriv></presence>"
    )
    body = f"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\nContent-Type: application/pidf+xml\r\n\r\n{pidf}\r\n--b--"
    told = (*invite().headers, ("content-type", "multipart/mixed; boundary=b"))
    message = SipMessage(method="INVITE", uri="urn:service:sos", headers=told, body=body.encode())
    shown = shown_of("message/sip", written(message))
    (place,) = shown.places
    assert (place.source, place.lat_e7, place.lon_e7) == ("call", 525_000_000, 134_000_000)
    assert shown.notice.endswith("Address sent along: Hill Street 7.")


def test_a_place_that_could_be_asked_for_is_named():
    """An agent who knows that the network knows can have somebody ask."""
    reference = ("geolocation", "<https://lis.example.net/secret>;routing-allowed=yes")
    notice = shown_of("message/sip", written(invite("<sip:+1555@x>", reference))).notice
    assert notice.endswith("Its network knows the caller's place, and did not send it along.")
    assert "lis.example.net" not in notice
