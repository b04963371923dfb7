"""What people read about calls: each alarm in words, each thing that a call leaves behind."""

from pathlib import Path

import pytest

from router.channels.showing import shown_of
from router.channels.web_call import (
    CALL_OUT_TYPE,
    DIGITS_TYPE,
    SENT_ON_TYPE,
    T140_TYPE,
    WEB_CALL_TYPE,
    dialable,
)

WORDS = Path(__file__).parents[2] / "agents_ui" / "static" / "words" / "desk.en.js"


@pytest.mark.parametrize("code", ["trunk_silent", "agent_unheard", "recording_failed", "overflow_full"])
def test_every_alarm_of_calls_has_words(code: str) -> None:
    """A code tells nobody what to do."""
    assert f"  alarm_{code}: " in WORDS.read_text(encoding="utf-8")


def test_what_was_typed_is_shown_as_it_stood_in_the_end() -> None:
    """Letters that were taken back are in the content, not on the page."""
    assert shown_of(T140_TYPE, "hexlp\b\b\blp me\u2028now\x07".encode()).text == "help me\nnow"
    assert shown_of(T140_TYPE, b"\b\b\xff").text == "\ufffd"
    assert shown_of(DIGITS_TYPE, b"112#").text == "112#"
    assert shown_of(CALL_OUT_TYPE, b"{}").text == "Called back."
    assert "+15550100555" in shown_of(SENT_ON_TYPE, b"+15550100555").text
    assert shown_of(WEB_CALL_TYPE, b"{}").notice == "A call from our page."


@pytest.mark.parametrize(
    ("number", "can"),
    [
        ("+15550100123", True),
        ("112", True),
        ("15550100123", True),
        ("+9115550123", False),
        ("9115550123", False),
        ("+19115550123", False),
        ("19115550123", False),
        ("911", True),
        ("", False),
        ("12", False),
        ("+1234567890123456", False),
        ("alice@example.org", False),
        ("٣٤٥٦", False),
    ],
)
def test_it_is_known_which_numbers_can_be_called(number: str, can: bool) -> None:
    """911 and seven digits stand for a telephone without a number (NENA-STA-020.1, 2.2.7)."""
    assert dialable(number) is can
