"""Which requests come from our own pages."""

import pytest

from agents_ui.access.backoff import DELAY_MS_MAX, FORGET_AFTER_MS, FREE_ATTEMPTS, PAIRS_MAX, Backoff
from agents_ui.access.origin import origin_allowed, same_site
from config.settings import read_settings

LOCAL = read_settings({})
PROXIED = read_settings({"MUSTER_PUBLIC_URL": "https://help.example.org"})


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://127.0.0.1:8001", "127.0.0.1:8000", False),
        ("http://LOCALHOST:8000", "localhost:8000", True),
        ("null", "127.0.0.1:8000", False),
        ("", "127.0.0.1:8000", False),
        ("file://", "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000.evil.example", "127.0.0.1:8000", False),
        ("http://[::1", "127.0.0.1:8000", False),
        ("http://", "", False),
    ],
)
def test_an_origin_is_ours_when_it_names_the_host_that_was_asked(
    origin: str, host: str, allowed: bool
) -> None:
    """A page on another port or under a longer name is another site (B-41)."""
    assert origin_allowed({"origin": origin, "host": host}, LOCAL) is allowed


def test_behind_a_proxy_the_public_name_counts_and_only_encrypted() -> None:
    """The proxy may ask us under an inner name; a page fetched in the clear may have been changed."""
    inner = {"host": "127.0.0.1:8000"}
    assert origin_allowed({**inner, "origin": "https://help.example.org"}, PROXIED)
    assert not origin_allowed({**inner, "origin": "http://help.example.org"}, PROXIED)
    assert not origin_allowed({**inner, "origin": "https://example.org"}, PROXIED)


def test_a_change_needs_the_header_that_only_our_modules_set() -> None:
    """A form of another site can send cookies, but no header of its own."""
    ours = {"host": "h", "origin": "http://h", "sec-fetch-site": "same-origin", "x-muster": "1"}
    assert same_site(ours, LOCAL)
    assert same_site({"host": "h", "x-muster": "1"}, LOCAL)
    for spoiled in ({"x-muster": "0"}, {"sec-fetch-site": "cross-site"}, {"origin": "http://other"}):
        assert not same_site({**ours, **spoiled}, LOCAL)


def test_waiting_grows_to_a_minute_and_no_further() -> None:
    """An emergency worker who mistypes must be able to work within a minute."""
    backoff, now_ms, waits = Backoff(), 0, []
    for _ in range(40):
        wait_ms = backoff.begin("ana", "here", now_ms)
        waits.append(wait_ms)
        now_ms += wait_ms
        assert wait_ms == 0 or backoff.begin("ana", "here", now_ms) == 0
    assert waits[: FREE_ATTEMPTS + 1] == [0] * (FREE_ATTEMPTS + 1)
    assert sorted(waits) == waits and max(waits) == DELAY_MS_MAX
    assert backoff.begin("ana", "elsewhere", now_ms) == 0
    assert backoff.begin("ana", "here", now_ms + FORGET_AFTER_MS + 1) == 0


def test_a_thousand_guesses_at_once_are_five() -> None:
    """Counting comes before comparing: nothing is gained by asking all at the same instant."""
    backoff = Backoff()
    assert sum(backoff.begin("ana", "here", 0) == 0 for _ in range(1_000)) == FREE_ATTEMPTS + 1


def test_remembering_guessers_costs_a_bounded_memory() -> None:
    """A million sources must not fill it."""
    backoff = Backoff()
    for number in range(PAIRS_MAX + 100):
        backoff.begin("ana", str(number), 0)
    assert len(backoff._pairs) == PAIRS_MAX
