"""What answers of providers' APIs have in common. What their codes mean is each provider's own module."""

from typing import Final

from router.channels.port import HttpReply

RETRY_AFTER_MAX_MS: Final = 3_600_000
"""Whoever asks for more is asked again after an hour all the same: an answer is waiting."""


def retry_after_ms(reply: HttpReply) -> int:
    """The header in seconds; a date, or anything else, is as delivery likes."""
    text = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "").strip()
    return seconds_ms(text)


def seconds_ms(text: str) -> int:
    """These seconds, at most an hour; 0 where they are none."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return 0
    return min(int(text) * 1000, RETRY_AFTER_MAX_MS)
