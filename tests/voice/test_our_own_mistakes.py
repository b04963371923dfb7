"""What goes wrong on our side costs one call at most, and people hear of it."""

from typing import Any

import pytest

from router.journal.appends import put_content
from router.journal.connection import Connection, DatabaseBusy
from router.records import Fact, fact
from router.run.voice import switchboard
from tests.voice.exchange import Exchange
from tests.voice.gear import OFFER_WITH_TEXT
from tests.voice.test_calling_back import dials, gave_up


class Says:
    """Append: an agent writes to a caller."""

    def __init__(self, interaction_id: str) -> None:
        self._interaction_id = interaction_id

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id="c-1", media_type="text/plain", body=b"Where are you?", at_ms=1)

    def facts(self, db: Connection, at_ms: int) -> list[Fact]:
        values = {"message_id": "m-1", "content_id": "c-1", "client_id": "x", "author_id": "ana"}
        return [fact("message_added", self._interaction_id, direction="out", reading="read", **values)]


def status(exchange: Exchange) -> list[tuple[Any, ...]]:
    return exchange.rows("SELECT status FROM message WHERE message_id = 'm-1'")


async def test_an_answer_is_typed_once_the_database_is_back(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot hear waits for it; and nobody would ever have known that it was forgotten."""
    monkeypatch.setattr(switchboard, "RETRY_S", 0.01)
    _, interaction_id = await exchange.talking(offer=OFFER_WITH_TEXT)
    load, away = exchange.board._load_words, [True, True]

    def fails_twice(message_ids: Any) -> Any:
        if message_ids and away:
            away.pop()
            raise DatabaseBusy("held by somebody")
        return load(message_ids)

    monkeypatch.setattr(exchange.board, "_load_words", fails_twice)
    await exchange.committer.append(Says(interaction_id))
    await exchange.until(lambda: exchange.media.trunk_legs[-1].texts == ["Where are you?"], "typed")
    await exchange.until(lambda: status(exchange) == [("sent",)], "sent")


async def test_an_answer_that_nobody_can_read_is_shown_as_failed(exchange: Exchange) -> None:
    """Promise 8: never silently lost. Their telephone took no text any more when it came."""
    phone, interaction_id = await exchange.talking()
    await exchange.committer.append(Says(interaction_id))
    await exchange.until(lambda: status(exchange) == [("failed",)], "failed")
    assert phone.said[-1] == "200"


async def test_a_recording_that_fails_is_an_alarm_and_shown(exchange: Exchange) -> None:
    """A full disk shows itself in the middle of a call: the desk must not say that it is recorded."""
    _, interaction_id = await exchange.talking()
    await exchange.until(lambda: exchange.call()[5] == 1, "recorded")
    (bridge,) = exchange.media.bridges
    bridge.recording_failed = "No space left on device"
    await exchange.until(lambda: exchange.call()[5] == 0, "not recorded")
    (alarm,) = await exchange.until(lambda: exchange.journal("trouble_noticed"), "an alarm")
    assert (alarm.ref, '"code":"recording_failed"' in alarm.data) == (interaction_id, True)
    assert bridge.recording is None and exchange.call()[0] == "connected"


async def test_a_call_that_makes_us_fail_ends_no_other(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls of a centre are in one process."""
    await exchange.talking()
    (call,) = exchange.board.calls.values()

    def fails() -> None:
        raise ValueError("our own mistake")

    monkeypatch.setattr(call, "look", fails)
    monkeypatch.setattr(call, "stands", lambda _: fails())
    exchange.board._touched.add(call.interaction_id)
    other = exchange.ring("call-2@trunk")
    await exchange.until(lambda: other.said, "182")
    looked: list[str] = []
    second = next(each for each in exchange.board.calls.values() if each is not call)
    monkeypatch.setattr(second, "look", lambda: looked.append("again"))
    await exchange.until(lambda: len(looked) >= 2, "looked after")
    assert call.live and second.live


async def test_a_number_that_leads_nowhere_ends_the_attempt(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent would listen to nothing for ever."""

    async def nowhere(*_: Any) -> Any:
        raise ValueError("no address that can be reached")

    monkeypatch.setattr(exchange.telephones, "dial", nowhere)
    interaction_id = await gave_up(exchange)
    await dials(exchange, interaction_id)
    exchange.media.page_legs[-1].flows()
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "failed"), "ended")
