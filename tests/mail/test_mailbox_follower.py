"""How a mailbox is followed: kept first and counted then, oldest first, and nothing stops it. No server."""

import pytest

from router.run.mailbox_follower import (
    DAY_MS,
    DOWN,
    NOT_SETTLED,
    REFUSED,
    REFUSED_S,
    TRIES_MAX,
    Position,
)
from tests.mail.mailbox_fake import FakeServer, FakeSurroundings


@pytest.fixture
def around() -> FakeSurroundings:
    return FakeSurroundings(FakeServer())


def test_what_waits_is_kept_oldest_first_and_then_counted(around: FakeSurroundings) -> None:
    """The position is what a restarted process trusts: it may never be ahead of what is on disk."""
    around.server.put(b"one", b"two", b"three")
    kept_when_noted: list[int] = []
    note = around.note
    around.note = lambda position: (kept_when_noted.append(len(around.kept)), note(position))[1]  # type: ignore[method-assign]
    around.follow()
    assert around.bodies == [b"one", b"two", b"three"]
    assert around.notes[-1] == Position(1, 3)
    assert kept_when_noted == [0, 3]
    assert around.alarms == []


def test_a_crash_between_keeping_and_counting_only_repeats(around: FakeSurroundings) -> None:
    """Repeats are harmless, gaps are not."""
    around.server.put(b"one", b"two")

    class Crash(BaseException):
        pass

    def die() -> None:
        raise Crash

    around.while_keeping = die
    with pytest.raises(Crash):
        around.follow()
    assert around.bodies == [b"one", b"two"]
    assert around.known == Position(1, 0)
    assert around.again().follow().bodies == [b"one", b"two"]


def test_another_uidvalidity_means_that_everything_is_looked_at_again(around: FakeSurroundings) -> None:
    """The numbers mean other mails then; what was kept before is recognised by its bytes."""
    around.server.put(b"one", b"two")
    around.follow()
    around.server.validity = 2
    around.server.put(b"three")
    assert around.again().follow().bodies == [b"one", b"two", b"three"]


def test_a_mailbox_may_begin_with_what_comes_from_now_on(around: FakeSurroundings) -> None:
    """Ten years of old mail are no emergency, where the plan says so; and only the first time."""
    around.server.put(b"old")
    around.follow(starts_new=True)
    assert around.bodies == []
    around.server.put(b"new")
    assert around.again().follow(starts_new=True).bodies == [b"new"]


def test_new_numbers_bring_up_nothing_that_was_old_at_the_beginning(around: FakeSurroundings) -> None:
    """A provider that moves a mailbox numbers it anew: ten years of mail would be ten thousand contacts."""
    for number, came_ms in enumerate((1, 2, 100), start=1):
        around.server.put(f"day {came_ms}".encode())
        around.server.came_ms[number] = came_ms * DAY_MS
    around.now_ms = 101 * DAY_MS
    around.follow(starts_new=True)
    around.server.put(b"while nobody looked")
    around.server.came_ms[4] = 103 * DAY_MS
    around.server.validity = 2
    again = around.again()
    again.now_ms = 104 * DAY_MS
    assert again.follow(starts_new=True).bodies == [b"day 100", b"while nobody looked"]


def test_a_backlog_that_was_never_done_is_not_skipped_because_numbers_are_new(
    around: FakeSurroundings,
) -> None:
    """What was kept last says nothing: the newest are kept ahead of the oldest."""
    around.follow(starts_new=True)
    around.server.put(b"waits for a week")
    around.server.came_ms[1] = 3 * DAY_MS
    around.server.validity = 2
    around.empty_ms, around.kept_ms = 2 * DAY_MS, 10 * DAY_MS
    assert around.again().follow(starts_new=True).bodies == [b"waits for a week"]


def test_new_numbers_of_a_mailbox_that_was_never_empty_mean_everything(around: FakeSurroundings) -> None:
    """Nobody knows what was kept: twice is better than never, and the bytes tell what is known."""
    around.known = Position(1, 3)
    around.server.put(b"one", b"two")
    around.server.validity = 2
    assert around.follow(starts_new=True).bodies == [b"one", b"two"]


def test_a_site_that_was_made_again_goes_on_where_its_mail_ended(around: FakeSurroundings) -> None:
    """How far it had read went with its disk: what came since is no old mail, and is not skipped."""
    for number, came_ms in enumerate((1, 10, 11), start=1):
        around.server.put(f"day {came_ms}".encode())
        around.server.came_ms[number] = came_ms * DAY_MS
    around.kept_ms = 11 * DAY_MS
    assert around.follow(starts_new=True).bodies == [b"day 10", b"day 11"]


def test_with_thousands_waiting_the_newest_get_their_turn(around: FakeSurroundings) -> None:
    """Who writes now must not wait until a week of mail is done; and nothing is kept twice or left out."""
    around.server.put(*(b"mail %d" % number for number in range(1, 2_001)))
    around.follow()
    order = [each.uid for each in around.kept]
    assert order.index(2_000) < 10
    assert sorted(order) == list(range(1, 2_001))
    assert around.known == Position(1, 2_000)


def test_what_comes_in_the_middle_of_a_backlog_is_soon_kept(around: FakeSurroundings) -> None:
    """The same, for a cry for help that arrives while the old mail is being worked through."""
    around.server.put(*(b"mail %d" % number for number in range(1, 1_001)))

    def one_comes() -> None:
        if len(around.kept) > 100 and 1_001 not in around.server.mails:
            around.server.put(b"help")

    around.while_keeping = one_comes
    around.follow()
    assert around.bodies.index(b"help") < 200


def test_a_mail_that_vanishes_before_it_is_fetched_holds_nothing_up(around: FakeSurroundings) -> None:
    """Its owner may take it away at any moment."""
    around.server.put(b"one", b"two", b"three")
    around.server.before_fetch = lambda: around.server.mails.pop(2, None)
    around.follow()
    assert around.bodies == [b"one", b"three"]
    assert around.known == Position(1, 3)


def test_a_mail_that_is_never_handed_over_is_put_in_front_of_a_human(around: FakeSurroundings) -> None:
    """It is not lost in silence, and holds up nobody for ever."""
    around.server.put(b"one", b"two", b"three")
    around.server.silent.add(2)
    around.follow()
    assert [(each.uid, each.body) for each in around.kept if each.uid == 2] == [(2, None)]
    assert {each.uid for each in around.kept} == {1, 2, 3}
    assert around.known == Position(1, 3)


def test_a_mail_that_costs_the_connection_does_not_hold_up_the_others(around: FakeSurroundings) -> None:
    """A server that chokes on one mail must not hide all that follow."""
    around.server.put(b"one", b"two", b"three")
    around.server.deadly.add(2)
    around.follow()
    assert sorted((each.uid, each.body) for each in around.kept if each.uid != 2) == [
        (1, b"one"),
        (3, b"three"),
    ]
    assert [each.body for each in around.kept if each.uid == 2] == [None]
    assert around.server.opened == TRIES_MAX + 1
    assert around.server.settled.count(2) == 0


def test_a_mail_that_makes_us_fail_does_not_hold_up_the_others(around: FakeSurroundings) -> None:
    """Promise 7. A person is told to open it with another program; somebody is told that it went wrong."""
    around.server.put(b"one", b"two", b"three")

    def fails_at_two() -> None:
        if b"two" in around.bodies:
            around.kept = [each for each in around.kept if each.body != b"two"]
            raise ValueError("our own mistake")

    around.while_keeping = fails_at_two
    around.follow()
    assert {each.uid for each in around.kept if each.body is not None} == {1, 3}
    assert [each.body for each in around.kept if each.uid == 2] == [None]
    assert around.known == Position(1, 3)
    assert around.alarms


def test_of_a_mail_that_is_too_large_the_beginning_is_kept(around: FakeSurroundings) -> None:
    """Marked, so that people know; and never more is asked for than fits."""
    around.server.put(b"x" * 5_000, b"small")
    around.follow(mail_bytes=1_000)
    assert [(each.uid, each.whole) for each in around.kept] == [(1, 5_000), (2, 0)]


def test_a_server_that_lies_about_sizes_gets_no_more_than_the_limit(around: FakeSurroundings) -> None:
    """Memory is ours to look after."""
    around.server.put(b"x" * 5_000)
    around.server.sizes[1] = 10
    around.follow(mail_bytes=1_000)
    assert around.kept[0].whole > 1_000
    assert max(around.server.asked_bytes) == 1_001


def test_a_refused_login_is_told_and_tried_slowly(around: FakeSurroundings) -> None:
    """Many servers lock an account that tries a wrong password quickly."""
    around.server.put(b"one")
    around.server.refuses = True

    def until_mended() -> bool:
        around.server.refuses = len(around.stop.pauses) < 3
        return False

    wait = around.stop.wait
    around.stop.wait = lambda timeout=None: (wait(timeout), until_mended())[1]  # type: ignore[method-assign]
    around.follow()
    assert set(around.alarms) == {REFUSED}
    assert around.stop.pauses[:3] == list(REFUSED_S[:3])
    assert around.bodies == [b"one"]


def test_a_lost_connection_is_no_alarm_and_a_lasting_one_is(around: FakeSurroundings) -> None:
    """Servers restart; a server that stays away is for people to know."""
    around.server.put(b"one")
    around.server.deadly.add(1)
    around.stop = around.stop.__class__(most=2)
    around.quiet = around.stop.set
    around.follow()
    assert around.alarms == []
    longer = around.again()
    longer.stop = longer.stop.__class__(most=4)
    longer.quiet = longer.stop.set
    assert set(longer.follow().alarms) == {DOWN}


def test_while_nothing_can_be_kept_nothing_is_counted(around: FakeSurroundings) -> None:
    """The database is away: the mailbox keeps the mail for us."""
    around.server.put(b"one")
    around.keeps = False
    around.stop = around.stop.__class__(most=3)
    around.follow()
    assert around.known == Position(1, 0)
    assert around.server.settled == []
    assert around.again().follow().bodies == [b"one"]


def test_what_is_done_with_kept_mail_never_decides_whether_it_is_kept(around: FakeSurroundings) -> None:
    """A folder that is not there costs an alarm, once, and no mail."""
    around.server.put(*(b"mail %d" % number for number in range(100)))
    around.server.settles = False
    around.follow()
    assert len(around.kept) == 100
    assert around.alarms == [NOT_SETTLED]
