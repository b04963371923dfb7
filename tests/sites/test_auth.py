"""Only the other site of the pair comes in, each time with something new."""

import hashlib
import hmac

import pytest

from router.sites.auth import (
    NONCE,
    SIGNATURE,
    TIME,
    WINDOW_MS,
    Door,
    Ends,
    NotThePeer,
    answer_is_genuine,
    new_nonce,
    sign,
    sign_answer,
)

KEY = bytes(range(32))
NOW_MS = 1_795_000_000_000
A_TO_B = Ends(site="a", to="b")
BODY = b"rows"


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def request(**other: object) -> dict[str, str]:
    """Headers of a request of a to b."""
    values = {"method": "POST", "target": "/peer/rows", "body": BODY, "time_ms": NOW_MS, "nonce": "n-1"}
    return sign(other.pop("key", KEY), other.pop("ends", A_TO_B), **{**values, **other})  # type: ignore[arg-type]


def refused(door: Door, headers: dict[str, str], target: str = "/peer/rows", method: str = "POST") -> str:
    """The code with which a request is refused; empty: it is not."""
    try:
        door.check(method, target, headers)
    except NotThePeer as problem:
        return problem.code
    return ""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Door:
    """The listener of b."""
    return Door(KEY, A_TO_B, clock_ms=clock)


def test_the_signature_is_the_one_that_is_written_down(door: Door) -> None:
    """Another release must come to the same bytes: HMAC over length, colon, part, line break."""
    digest = hashlib.sha256(BODY).hexdigest()
    parts = ("muster peer request 1", "POST", "/peer/rows", "a", "b", str(NOW_MS), "n-1", digest)
    text = "".join(f"{len(part)}:{part}\n" for part in parts)
    by_hand = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    assert request()[SIGNATURE] == by_hand
    assert by_hand == "fda4052e6e4c0df99ac2a0f4a887df5388da150af32559f25755b72b0df2db92"
    answer = sign_answer(KEY, Ends(site="b", to="a"), nonce="n-1", status=200, body=b"{}")
    assert answer == "360b562cf02d1e6efda0be96549ccbf5d1441159f660ab02b5f8ba66d6c2566c"


def test_the_other_site_comes_in_once(door: Door) -> None:
    """A recorded request that is sent again must not happen again."""
    assert door.check("POST", "/peer/rows", request()) == "n-1"
    door.check_body(request(), BODY)
    assert refused(door, request()) == "repeat"
    assert refused(door, request(nonce="n-2")) == ""


def test_one_flipped_bit_anywhere_is_refused(door: Door) -> None:
    """In every header, at every position; and in the body."""
    good = request()
    for name, value in good.items():
        for position in range(len(value) * 8):
            damaged = bytearray(value.encode())
            damaged[position // 8] ^= 1 << position % 8
            assert refused(door, {**good, name: damaged.decode("latin-1")}) != "", (name, position)
    for position in range(len(BODY) * 8):
        body = bytearray(BODY)
        body[position // 8] ^= 1 << position % 8
        with pytest.raises(NotThePeer, match="body"):
            door.check_body(good, bytes(body))
    assert refused(door, good) == ""


def test_a_signature_is_of_one_request_only(door: Door) -> None:
    """What was signed for one route, method or site is worth nothing at another."""
    assert refused(door, request(), target="/peer/beat") == "signature"
    assert refused(door, request(), target="/peer/rows?x=1") == "signature"
    assert refused(door, request(), method="GET") == "signature"
    assert refused(door, request(key=bytes(32))) == "signature"
    assert refused(door, {}) == "unsigned"


def test_what_a_site_sent_is_not_taken_by_itself(door: Door) -> None:
    """Both have one key: a request thrown back at its sender must not be taken for the other one's."""
    assert refused(door, request(ends=Ends(site="b", to="a"))) == "site"
    assert refused(door, request(ends=Ends(site="c", to="b"))) == "site"


def test_parts_cannot_be_moved_into_each_other(door: Door) -> None:
    """Without lengths, site `a` to `bc` and site `ab` to `c` would have one signature."""
    one = request(ends=Ends(site="a", to="bc"))
    assert one[SIGNATURE] != request(ends=Ends(site="ab", to="c"))[SIGNATURE]


@pytest.mark.parametrize("off_ms", [-WINDOW_MS - 1, WINDOW_MS + 1])
def test_a_request_of_another_time_is_refused(clock: Clock, off_ms: int) -> None:
    """Nothing is remembered for ever, so nothing may come for ever."""
    clock.now_ms = NOW_MS - 2 * WINDOW_MS
    door = Door(KEY, A_TO_B, clock_ms=clock)
    clock.now_ms = NOW_MS
    assert refused(door, request(time_ms=NOW_MS + off_ms)) == "time"
    assert refused(door, request(time_ms=NOW_MS + off_ms - (1 if off_ms > 0 else -1))) == ""


def test_what_was_sent_before_this_process_began_is_refused(clock: Clock) -> None:
    """It remembers no numbers of its predecessor, so a recording could be played once more."""
    clock.now_ms += 1_000
    again = Door(KEY, A_TO_B, clock_ms=clock)
    assert refused(again, request()) == "time"
    assert refused(again, request(time_ms=NOW_MS + 1_000)) == ""


def test_numbers_are_forgotten_only_when_their_time_is_over(door: Door, clock: Clock) -> None:
    """As long as a request could still be taken for new, it is known."""
    assert refused(door, request(time_ms=NOW_MS + WINDOW_MS)) == ""
    clock.now_ms += 2 * WINDOW_MS - 1
    assert refused(door, request(time_ms=NOW_MS + WINDOW_MS)) == "repeat"
    clock.now_ms += 2
    assert refused(door, request(time_ms=NOW_MS + WINDOW_MS)) == "time"
    for text in ("-5", "1e9", "９" * 13, "9" * 30):
        headers = request()
        assert refused(door, {**headers, TIME: text}) != ""


def test_an_answer_is_genuine_only_as_it_was_given(door: Door) -> None:
    """A false acknowledgement would be a contact in one place that counts as in two."""
    nonce = new_nonce()
    sealed = door.sealed(nonce, 200, b'{"acked_through":7}')
    b_to_a = Ends(site="b", to="a")

    def genuine(nonce: str = nonce, status: int = 200, body: bytes = b'{"acked_through":7}') -> bool:
        return answer_is_genuine(KEY, b_to_a, nonce=nonce, status=status, body=body, signature=sealed)

    assert genuine()
    assert not genuine(body=b'{"acked_through":8}')
    assert not genuine(status=409)
    assert not genuine(nonce=new_nonce())
    assert not answer_is_genuine(KEY, A_TO_B, nonce=nonce, status=200, body=b"", signature=sealed)
    assert not answer_is_genuine(KEY, b_to_a, nonce=nonce, status=200, body=b"", signature="é")


def test_a_request_says_its_number(door: Door) -> None:
    """The answer is bound to it."""
    headers = request(nonce="n-77")
    assert headers[NONCE] == door.check("POST", "/peer/rows", headers) == "n-77"
