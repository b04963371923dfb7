"""What is kept is shown, whatever it is and whatever we do wrong."""

import pytest

from router.channels import telegram
from router.channels.port import Shown
from router.channels.showing import shown_of


def test_a_body_that_we_fail_at_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 7. Intake reads hundreds in one go, oldest first: one that raises would leave all unread."""

    def fails(body: bytes) -> Shown:
        raise ValueError("our own mistake")

    monkeypatch.setattr(telegram, "shown", fails)
    body = b'{"message":{"text":"my father is not breathing"}}'
    assert shown_of(telegram.media_type, body) == Shown(text=body.decode())
