"""A web process whose database takes nothing falls silent, so that pages look where something is kept."""

from agents_ui.silence import OUT_S, Silence, is_out
from router.journal.committer import CommitUnknown


class Keeps:
    """A committer whose database is out for as long as told."""

    def __init__(self) -> None:
        self.out_s = 0.0
        self.asked = 0

    async def append(self, append: object) -> tuple[()]:
        self.asked += 1
        if self.out_s:
            raise CommitUnknown("the database stands still")
        return ()


class Room:
    def __init__(self) -> None:
        self.keeps = Keeps()
        self.sent_away = 0
        self.silence = Silence(self.keeps, object(), self.send_away)  # type: ignore[arg-type]

    def send_away(self) -> None:
        self.sent_away += 1


async def test_pages_are_sent_away_once_for_each_outage() -> None:
    """Each time is a reconnect of everybody: once it is known, those who come again are not let in."""
    room = Room()
    for out_s in (0.0, OUT_S - 1, OUT_S, OUT_S + 1, OUT_S + 60):
        room.keeps.out_s = out_s
        await room.silence.look()
    assert room.sent_away == 1
    assert is_out(room.keeps)
    room.keeps.out_s = 0.0
    await room.silence.look()
    assert not is_out(room.keeps)
    room.keeps.out_s = OUT_S
    await room.silence.look()
    assert room.sent_away == 2


async def test_while_nothing_is_kept_this_asks_and_else_it_leaves_the_database_alone() -> None:
    """Nobody who was sent away writes anything: without this the process would be silent for ever."""
    room = Room()
    await room.silence.look()
    assert room.keeps.asked == 0
    room.keeps.out_s = 1.0
    await room.silence.look()
    await room.silence.look()
    assert room.keeps.asked == 2
