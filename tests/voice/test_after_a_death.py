"""What a voice process finds that another left: calls without an end, recordings without a conversation."""

from dataclasses import replace
from uuid import uuid4

from router.journal.appends import put_content
from router.journal.connection import Connection
from router.records import Fact, fact
from router.run.voice.lost_calls import EndLost
from router.run.voice.record import Record
from router.run.voice.recordings import AddRecording
from tests.voice.exchange import Exchange
from tests.voice.gear import OFFER_WITH_TEXT


async def left_behind(exchange: Exchange, *, recorded: bytes = b"OggS of the call") -> Record:
    """A call that is out and goes on in the tables, of a process that is dead; and its recording."""
    _, interaction_id = await exchange.talking()
    record = Record(
        call_id=str(uuid4()),
        interaction_id=interaction_id,
        account="trunk",
        direction="in",
        voice_id="dead",
        state="connected",
        agent_id="ana",
    )
    (exchange.role.recordings.folder / f"{record.call_id}.ogg").write_bytes(recorded)
    await exchange.committer.append_facts(record.changed())
    return record


async def test_calls_of_a_dead_process_have_ended_and_their_recordings_are_kept(exchange: Exchange) -> None:
    """The next process says so, and only of those."""
    record = await left_behind(exchange)

    def found() -> list[tuple[str, ...]]:
        return exchange.rows("SELECT state, why FROM call WHERE call_id = :c", c=record.call_id)

    await exchange.until(lambda: found() == [("ended", "lost")], "it is over")
    folder = exchange.role.recordings.folder
    await exchange.until(lambda: not list(folder.glob(f"{record.call_id}*")), "its recording is kept")
    (part,) = exchange.journal("part_added")
    message = exchange.rows("SELECT interaction_id FROM message WHERE message_id = :m", m=part.ref)
    assert message == [(record.interaction_id,)]
    (own,) = exchange.board.calls.values()
    assert own.live and own.record.state == "connected"


async def test_a_recording_is_kept_once_however_often_it_is_found(exchange: Exchange) -> None:
    """A process may die between keeping it and removing the file."""
    record = await left_behind(exchange)
    await exchange.until(lambda: exchange.journal("part_added"), "kept")
    name = f"{record.call_id}.ogg"
    for _ in range(2):
        await exchange.committer.append(AddRecording(call_id=record.call_id, name=name, body=b"OggS again"))
    assert len(exchange.journal("part_added")) == 1
    stored = exchange.rows("SELECT body FROM content WHERE file_name = :n", n=name)
    assert [bytes(row[0]) for row in stored] == [b"OggS of the call"]


async def test_a_recording_of_no_known_call_stays_where_it_is(exchange: Exchange) -> None:
    """Nobody knows whose it is; somebody may."""
    path = exchange.role.recordings.folder / f"{uuid4()}.ogg"
    path.write_bytes(b"OggS of whom")
    append = AddRecording(call_id=path.stem, name=path.name, body=b"OggS of whom")
    assert await exchange.committer.append(append) == ()
    assert path.exists()


async def test_a_call_that_lives_is_not_taken_for_lost(exchange: Exchange) -> None:
    """As long as its process renews its lease."""
    await exchange.talking()
    other = EndLost("somebody else")
    await exchange.committer.append(other)
    assert other.ended == ()


class Says:
    """Append: what a desk writes into a call."""

    def __init__(self, interaction_id: str) -> None:
        self._interaction_id = interaction_id

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id="c-1", media_type="text/plain", body=b"Where are you?", at_ms=1)

    def facts(self, db: Connection, at_ms: int) -> list[Fact]:
        values = {"message_id": "m-1", "content_id": "c-1", "client_id": "x", "author_id": "ana"}
        return [fact("message_added", self._interaction_id, direction="out", reading="read", **values)]


def status_of(exchange: Exchange) -> tuple[str, ...]:
    """Of what was written."""
    rows = exchange.rows("SELECT status FROM message WHERE message_id = 'm-1'")
    return tuple(rows[0]) if rows else ()


async def test_what_an_agent_writes_is_typed_to_who_can_read_it(exchange: Exchange) -> None:
    """Who cannot hear has called: the answer goes as text, and the desk sees that it left."""
    _, interaction_id = await exchange.talking(offer=OFFER_WITH_TEXT)
    await exchange.committer.append(Says(interaction_id))
    await exchange.until(lambda: exchange.media.trunk_legs[-1].texts == ["Where are you?"], "typed")
    await exchange.until(lambda: status_of(exchange) == ("sent",), "sent")


async def test_what_was_written_while_the_caller_hung_up_has_failed(exchange: Exchange) -> None:
    """The words were in the journal before the end was, and nobody typed them: the agent must know."""
    phone, interaction_id = await exchange.talking(offer=OFFER_WITH_TEXT)
    written = exchange.committer.submit(Says(interaction_id))
    phone.on_end("caller_hung_up")  # before the voice process has heard of the words
    written.result()
    await exchange.until(lambda: status_of(exchange) == ("failed",), "it has failed")
    assert exchange.media.trunk_legs[-1].texts == []


async def test_what_was_written_to_a_dead_process_has_failed(exchange: Exchange) -> None:
    """It died between the agent's words and typing them; the one that ends its calls says so."""
    await exchange.talking(offer=OFFER_WITH_TEXT)
    dead = replace(exchange.board.calls.popitem()[1].record, call_id=str(uuid4()), voice_id="dead")
    exchange.board._of.clear()  # as in a process that was started anew
    await exchange.committer.append(Says(dead.interaction_id))
    await exchange.committer.append_facts(dead.changed())
    await exchange.until(lambda: status_of(exchange) == ("failed",), "it has failed")


async def test_calls_are_counted(exchange: Exchange) -> None:
    """Who looks after a centre sees how many wait and talk, and why calls end."""
    from httpx2 import ASGITransport, AsyncClient

    phone, _ = await exchange.talking()
    async with AsyncClient(transport=ASGITransport(app=exchange.app), base_url="http://voice") as client:
        text = (await client.get("/metrics")).text
        assert 'muster_calls{state="connected"} 1.0' in text
        phone.on_end("caller_hung_up")
        await exchange.until(lambda: exchange.call()[0] == "ended", "ended")
        text = (await client.get("/metrics")).text
    assert 'muster_calls{state="connected"} 0.0' in text
    assert 'muster_calls_ended_total{why="caller_hung_up"} 1.0' in text
