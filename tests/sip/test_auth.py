"""Answers to challenges: the examples that the standards print, and what we do not know."""

import hashlib

import pytest

from router.channels.sip_auth import Credentials, answer_to, challenges_of, is_stale
from router.channels.sip_header import parameters_of
from router.channels.sip_message import SipMessage

MUFASA = Credentials(user="Mufasa", password="Circle of Life")
CNONCE_7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def md5(text: str) -> str:
    """The hash that old trunks want."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def challenged(*values: str, status: int = 401) -> SipMessage:
    """A response that asks for a password."""
    name = "www-authenticate" if status == 401 else "proxy-authenticate"
    return SipMessage(status=status, headers=tuple((name, each) for each in values))


def proof(
    response: SipMessage, credentials: Credentials, method: str, uri: str, cnonce: str
) -> dict[str, str]:
    """The parameters of our answer."""
    request = SipMessage(method=method, uri=uri)
    ((_, value),) = answer_to(response, request, credentials, cnonce=cnonce)
    return parameters_of(value.removeprefix("Digest ").replace(", ", ";"))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, expected: str):
    """Section 3.9.1: one wrong byte in the calculation and no call ever goes out."""
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    asked = challenged(
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    answer = proof(asked, MUFASA, "GET", "/dir/index.html", CNONCE_7616)
    assert (answer["response"], answer["qop"], answer["nc"]) == (expected, "auth", "00000001")


def test_the_example_of_rfc_2617():
    """The one that every trunk was tested with."""
    asked = challenged(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    )
    secret = Credentials(user="Mufasa", password="Circle Of Life")
    assert (
        proof(asked, secret, "GET", "/dir/index.html", "0a4f113b")["response"]
        == "6629fae49393a05397450978507c4ef1"
    )


def test_without_qop_as_before_rfc_2617():
    """Old trunks know nothing newer: MD5(HA1:nonce:HA2), with neither cnonce nor count."""
    answer = proof(challenged('Digest realm="r", nonce="n"'), MUFASA, "INVITE", "sip:a@b", "c")
    who, what = md5("Mufasa:r:Circle of Life"), md5("INVITE:sip:a@b")
    assert answer["response"] == md5(f"{who}:n:{what}")
    assert "cnonce" not in answer
    assert "qop" not in answer


def test_the_better_of_two_hashes_is_taken():
    """RFC 8760: a trunk offers both, old telephones take the old one."""
    both = challenged(
        'Digest realm="r", nonce="a", algorithm=MD5', 'Digest realm="r", nonce="b", algorithm=SHA-256'
    )
    assert [each.nonce for each in challenges_of(both)] == ["b"]


def test_each_realm_gets_its_answer():
    """Two proxies on one way may both ask."""
    both = challenged('Digest realm="one", nonce="a"', 'Digest realm="two", nonce="b"', status=407)
    answers = answer_to(both, SipMessage(method="INVITE", uri="sip:a@b"), MUFASA, cnonce="c")
    assert [name for name, _ in answers] == ["proxy-authorization", "proxy-authorization"]


@pytest.mark.parametrize(
    "value",
    [
        "Basic realm=x",
        'Digest realm="r", nonce="n", algorithm=ROT13',
        'Digest realm="r", nonce="n", qop="x"',
        "Digest",
        "",
    ],
)
def test_what_we_do_not_know_is_not_answered(value: str):
    """A password in the clear to whoever asks would be given away."""
    assert answer_to(challenged(value), SipMessage(method="INVITE", uri="sip:a@b"), MUFASA, cnonce="c") == ()


def test_an_old_nonce_is_no_wrong_password():
    """stale says that only the nonce was too old."""
    assert is_stale(challenged('Digest realm="r", nonce="n", stale=TRUE'))
    assert not is_stale(challenged('Digest realm="r", nonce="n", stale=false'))


def test_a_password_is_in_no_text_of_the_program():
    """Credentials are printed by mistakes."""
    assert "Circle" not in repr(MUFASA)
