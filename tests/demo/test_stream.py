"""The stream of demo customers, without a site."""

import asyncio
from itertools import islice
from random import Random

import pytest

from agents_ui.demo.sign_ins import SignIn, keep_sign_ins, read_sign_ins
from agents_ui.demo.stories import read_stories
from agents_ui.demo.stream import UNANSWERED_MAX, Allowance, DemoFailed, Options, arrivals, run_demo


def test_customers_come_as_often_as_asked():
    """Bursts are part of the rate: six a minute must not become eight because some come together."""
    some = list(islice(arrivals(read_stories(), 6.0, Random(7)), 6_000))
    minutes = sum(arrival.after_s for arrival in some) / 60
    assert 6_000 / minutes == pytest.approx(6.0, rel=0.1)


def test_a_seed_makes_the_same_customers_again():
    """A demo that showed a fault can be shown again."""
    first = list(islice(arrivals(read_stories(), 6.0, Random(3)), 50))
    assert first == list(islice(arrivals(read_stories(), 6.0, Random(3)), 50))
    assert first != list(islice(arrivals(read_stories(), 6.0, Random(4)), 50))


def test_the_stories_are_of_many_languages_and_scripts():
    """Whoever watches the demo should see that Muster is not only for Latin letters."""
    stories = read_stories()
    assert {"en", "es", "fr", "nl", "ar", "zh", "ru", "uk", "tr"} <= {story.language for story in stories}
    assert all(story.opening and story.bye for story in stories)
    assert any(story.incident for story in stories)


async def test_an_unwatched_demo_stops_sending():
    """Nobody answers at night: the line stays short however long the demo runs."""
    allowance = Allowance()
    for _ in range(UNANSWERED_MAX):
        await allowance.take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(allowance.take(), 0.02)
    allowance.give_back()
    await asyncio.wait_for(allowance.take(), 1)


async def test_a_demo_without_a_site_says_what_to_start():
    """The first mistake of everybody: the demo before the centre."""
    with pytest.raises(DemoFailed, match="muster up"):
        await run_demo(Options(url="http://127.0.0.1:9", data_dir=None), print)


def test_sign_ins_are_kept_for_their_owner_only(tmp_path):
    """The file holds passwords: other accounts of the machine may not read it."""
    ana = SignIn(agent_id="ana", name="Ana", role="agent", password="one")
    ben = SignIn(agent_id="ben", name="Ben", role="agent", password="two")
    path = keep_sign_ins(tmp_path, {"ana": ana})
    keep_sign_ins(tmp_path, {"ben": ben})
    assert read_sign_ins(tmp_path) == {"ana": ana, "ben": ben}
    assert path.stat().st_mode & 0o777 == 0o600
