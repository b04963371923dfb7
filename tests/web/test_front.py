"""What the front and the guard answer to bytes nobody nice would send (ids: the catalogue of bad input)."""

import re
import time

import pytest

from config.settings import SettingsWrong, read_settings
from tests.web.fronts import BODY_MAX, LIMITS, Front
from tests.web.raw import Answer, Wire, ask, get

pytestmark = pytest.mark.system


def still_serves(front: Front) -> bool:
    return ask(front.port, get("/", front.port)).status == 200


@pytest.mark.parametrize("size", [17_000, 70_000])
def test_one_huge_header_is_refused(front: Front, size: int) -> None:
    """B-01. Headers are held in memory before anybody is known."""
    assert ask(front.port, get("/", front.port, f"X: {'x' * size}")).status == 431
    assert still_serves(front)


def test_very_many_headers_are_refused(front: Front) -> None:
    """B-01. Each header costs more than its bytes."""
    assert ask(front.port, get("/", front.port, *[f"X-{number}: y" for number in range(200)])).status == 431


def test_a_header_that_never_ends_is_refused_before_it_fills_memory(front: Front) -> None:
    """B-01. The parser shows a header only when it is whole, so it must be counted before."""
    with Wire(front.port) as wire:
        wire.send(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{front.port}\r\nX: ".encode())
        for _ in range(40):
            if not wire.send_quietly(b"x" * 1_000):
                break
        assert wire.answer().status == 431


def test_headers_of_sixteen_kilobytes_pass(front: Front) -> None:
    """The limit must not hit honest people behind proxies that add headers."""
    assert ask(front.port, get("/", front.port, f"X: {'x' * 15_900}")).status == 200


def test_three_hundred_silent_half_requests_are_closed(front: Front) -> None:
    """B-02. Slow headers keep a bare uvicorn busy for ever."""
    wires = [Wire(front.port) for _ in range(300)]
    for wire in wires:
        wire.send(b"GET / HTTP/1.1\r\nHost: x")
    assert still_serves(front)
    began = time.monotonic()
    for wire in wires:
        assert wire.ending() in (408, 0)
        wire.close()
    assert time.monotonic() - began < 10


def test_a_connection_that_says_nothing_is_closed(front: Front) -> None:
    """B-02. So is one that only connects."""
    with Wire(front.port) as wire:
        assert wire.is_closed()


def test_a_header_sent_byte_by_byte_is_late(front: Front) -> None:
    """B-02. Each byte must not start the time anew."""
    with Wire(front.port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nX: ")
        began = time.monotonic()
        while time.monotonic() - began < LIMITS.header_s + 0.3 and wire.send_quietly(b"x"):
            time.sleep(0.05)
        assert wire.answer().status == 408


def test_a_body_sent_byte_by_byte_is_late(front: Front) -> None:
    """B-03. The request holds its place until its body is whole."""
    with Wire(front.port) as wire:
        wire.send(get("/", front.port, "Content-Length: 1000", method="POST"))
        began = time.monotonic()
        while time.monotonic() - began < LIMITS.body_s + 0.3 and wire.send_quietly(b"x"):
            time.sleep(0.05)
        assert wire.answer().status == 408
    assert still_serves(front)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: -3",),
        ("Content-Length: 100000000000000000000",),
        ("Content-Length: +3",),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding : chunked",),
        ("X: a", " folded"),
    ],
)
def test_a_body_of_unclear_length_is_refused(front: Front, headers: tuple[str, ...]) -> None:
    """B-04. Two programs that disagree where a request ends let one person's words into another's request."""
    with Wire(front.port) as wire:
        wire.send(get("/", front.port, *headers, method="POST") + b"abc")
        assert wire.answer().status == 400
        assert wire.is_closed()
    assert front.seen == 0


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "a b"])
def test_a_foreign_host_is_refused_and_never_redirected_to(front: Front, host: str) -> None:
    """B-05. A bare stack sends people on to evil.example; a page there could read what is here."""
    answer = ask(front.port, f"GET /number/1/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.status == 400
    assert "location" not in answer.headers


def test_a_request_needs_exactly_one_host(front: Front) -> None:
    """B-05. With two, the proxy may have checked the other one."""
    own = f"Host: 127.0.0.1:{front.port}\r\n"
    assert ask(front.port, f"GET / HTTP/1.1\r\n{own}{own}\r\n".encode()).status == 400
    assert ask(front.port, b"GET / HTTP/1.1\r\n\r\n").status == 400


def test_forwarded_headers_are_not_believed(front: Front) -> None:
    """B-06. Anybody can write them."""
    headers = ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-Host: evil.example", "Forwarded: for=9.9.9.9"]
    answer = ask(front.port, get("/", front.port, *headers, "X-Forwarded-Proto: https"))
    assert answer.body == b'{"client":"127.0.0.1","forwarded":[],"bytes":0}'


def test_a_proxy_on_this_machine_is_believed_when_we_are_told_to_have_one() -> None:
    """B-06. Otherwise everybody behind the proxy would be one network to the limits."""
    front = Front(public_url="https://help.example")
    try:
        request = "GET / HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n\r\n"
        assert b'"client":"9.9.9.9"' in ask(front.port, request.encode()).body
    finally:
        front.stop()


@pytest.mark.parametrize(
    ("proxies", "said", "believed"),
    [
        ("127.0.0.1,10.1.0.0/16", "1.1.1.1, 9.9.9.9, 10.1.0.7", "9.9.9.9"),
        ("127.0.0.1,10.1.0.0/16", "1.1.1.1, nonsense, 10.1.0.7", "127.0.0.1"),
        ("10.1.0.0/16", "9.9.9.9", "127.0.0.1"),
    ],
)
def test_only_the_proxies_we_are_told_of_are_believed(proxies: str, said: str, believed: str) -> None:
    """B-06. A proxy on another machine must not make all customers one network, nor anybody else lie."""
    settings = read_settings({"MUSTER_TRUSTED_PROXIES": proxies})
    front = Front(public_url="https://help.example", trusted_proxies=settings.trusted_proxies)
    try:
        request = f"GET / HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: {said}\r\n\r\n"
        assert f'"client":"{believed}"'.encode() in ask(front.port, request.encode()).body
    finally:
        front.stop()


def test_a_wrong_list_of_proxies_says_what_to_type() -> None:
    """A network with a slip in it must not silently mean another one."""
    with pytest.raises(SettingsWrong, match=r"MUSTER_TRUSTED_PROXIES=10\.0\.0\.5"):
        read_settings({"MUSTER_TRUSTED_PROXIES": "10.0.0.5/8"})


def test_an_announced_huge_body_is_refused_at_once(front: Front) -> None:
    """B-07. 200 MB would otherwise be read into memory first."""
    answer = ask(front.port, get("/", front.port, f"Content-Length: {200_000_000}", method="POST"))
    assert answer.status == 413
    assert front.seen == 0


def test_an_endless_chunked_body_is_refused_at_the_limit(front: Front) -> None:
    """B-07. Without an announced length the limit must count."""
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    with Wire(front.port) as wire:
        wire.send(get("/", front.port, "Transfer-Encoding: chunked", method="POST"))
        for _ in range(40):
            if not wire.send_quietly(chunk):
                break
        assert wire.answer().status == 413
    assert front.seen <= BODY_MAX
    assert still_serves(front)


def test_a_compressed_body_is_refused(front: Front) -> None:
    """B-08. 99 KB may unfold to 100 MB."""
    headers = ["Content-Encoding: gzip", "Content-Length: 3"]
    assert ask(front.port, get("/", front.port, *headers, method="POST") + b"abc").status == 415


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/../etc",
        "/a/%2e%2e/b",
        "//evil.example",
        "//evil.example/..",
        "/a\\b",
        "/%0d%0aX:1",
    ],
)
def test_a_crooked_path_leads_nowhere(front: Front, path: str) -> None:
    """B-10. Nowhere, and in no case to another host."""
    answer = ask(front.port, get(path, front.port))
    assert answer.status in (400, 404)
    assert "location" not in answer.headers


def test_a_path_of_ten_kilobytes_is_too_long(front: Front) -> None:
    """B-10."""
    assert ask(front.port, get("/" + "a" * 10_000, front.port)).status == 414


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "PROPFIND", "A" * 8_000, "get"])
def test_an_unknown_method_is_refused(front: Front, method: str) -> None:
    """B-11. TRACE shows cookies back; CONNECT asks for a tunnel."""
    assert ask(front.port, get("/", front.port, method=method)).status in (400, 405)


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "evil.example:80"])
def test_only_a_path_is_a_target(front: Front, target: str) -> None:
    """B-10. Absolute forms name a host besides Host."""
    assert ask(front.port, get(target, front.port)).status == 400


def test_a_thousand_pipelined_requests_are_answered_in_order(front: Front) -> None:
    """B-13. And somebody else is served meanwhile."""
    with Wire(front.port) as wire:
        wire.send(b"".join(get(f"/number/{number}", front.port) for number in range(1_000)))
        assert still_serves(front)
        assert [int(wire.answer().body) for _ in range(1_000)] == list(range(1_000))


def test_a_mistake_of_ours_shows_a_number_and_nothing_else(front: Front) -> None:
    """A stack trace tells an attacker what to try next; the number lets us find it in the log."""
    answer = ask(front.port, get("/mistake", front.port))
    assert answer.status == 500
    assert re.search(rb"[0-9a-f]{12}", answer.body)
    assert b"secret" not in answer.body
    assert b"ValueError" not in answer.body


def test_every_answer_carries_the_security_headers(front: Front) -> None:
    """ASVS 3.4. Also refusals: a browser shows them as well."""
    answers: list[Answer] = [
        ask(front.port, get("/", front.port)),
        ask(front.port, get("/nothing", front.port)),
        ask(front.port, get("/mistake", front.port)),
        ask(front.port, get("/%00", front.port)),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


def test_a_refusal_ends_the_connection_but_not_others(front: Front) -> None:
    """What follows a refused request on the same connection may be its body, and is never a request."""
    with Wire(front.port) as wire:
        wire.send(get("/", front.port, "Content-Length: 9999999", method="POST"))
        wire.send_quietly(get("/number/7", front.port))
        assert wire.answer().status == 413
        assert wire.is_closed()
    assert still_serves(front)


def test_one_connection_too_many_is_told_so() -> None:
    """At the system's own limit nobody would be told anything, and the others would suffer too."""
    front = Front()
    wires = [Wire(front.port) for _ in range(LIMITS.connections + 1)]
    assert wires[-1].answer().status == 503
    for wire in wires:
        wire.close()
    front.stop()
