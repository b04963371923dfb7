"""Calls over a network that loses, doubles and reorders, on a clock that is ours: every seed is one story."""

import asyncio

import pytest

from router.channels.sip_call import CallEnded
from tests.sip.world import OURS, TRUNK, US, Story, dialled


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_lost_the_call_is_answered_and_ended_once(seed: int):
    """One message in five is lost, on either way: RFC 3261's repeats are made for that."""
    story = Story(seed)
    story.world.loses = lambda data, to: story.world.random.random() < 0.2
    theirs, ours = await story.rings()
    for position in (3, 2, 1):
        ours.queued(position)
        await story.world.passes(2)
    await story.sees(ours.answer(OURS), 60)
    assert await story.sees(theirs.answered(), 60) == OURS
    await story.sees(theirs.hang_up())
    await story.world.passes(120)
    assert story.ends == [("us", "caller_hung_up")]
    assert len(story.came) == 1
    assert story.is_quiet()


@pytest.mark.parametrize("seed", range(8))
async def test_a_network_that_doubles_and_reorders_changes_nothing(seed: int):
    """A route that flaps delivers twice and late; a second call out of one would be answered by nobody."""
    story = Story(seed)
    carry = story.world.carry

    def doubled(data: bytes, source: str, flow: object, *, wait_ms: int = 20) -> None:
        for _ in range(story.world.random.choice((1, 2, 3))):
            carry(data, source, flow, wait_ms=story.world.random.randrange(1, 400))  # type: ignore[arg-type]

    story.world.carry = doubled  # type: ignore[method-assign]
    theirs, ours = await story.rings()
    ours.queued(1)
    await story.sees(ours.answer(OURS))
    await story.sees(ours.hang_up())
    await story.world.passes(120)
    assert story.ends == [("trunk", "caller_hung_up")]
    assert len(story.came) == 1
    assert theirs.ended == "caller_hung_up"
    assert story.is_quiet()


@pytest.mark.parametrize("late_ms", range(0, 60, 5))
async def test_a_cancel_that_crosses_the_answer_leaves_no_half_call(late_ms: int):
    """The caller hangs up in the very moment in which the agent answers: neither may be left talking."""
    story = Story()
    theirs, ours = await story.rings()
    ours.queued(1)
    await story.world.passes(0.5)
    answering = asyncio.ensure_future(ours.answer(OURS))
    await story.world.passes(late_ms / 1_000)
    await story.sees(theirs.hang_up())
    await story.world.passes(60)
    try:
        await answering
    except CallEnded as end:
        assert end.why in ("cancelled", "caller_hung_up")
    assert ours.ended in ("cancelled", "caller_hung_up")
    assert [who for who, _ in story.ends] == ["us"]
    await story.world.passes(60)
    assert story.is_quiet()


async def test_a_caller_whose_network_dies_before_the_ack_does_not_hold_an_agent():
    """The 200 is repeated for 32 s; then nobody is there, and the agent is told."""
    story = Story()
    _, ours = await story.rings()
    story.world.loses = lambda data, to: to == TRUNK
    with pytest.raises(CallEnded) as end:
        await story.sees(ours.answer(OURS), 60)
    assert end.value.why == "failed"
    repeats = [at for at in story.world.said(US, "SIP/2.0 200") if at.cseq[1] == "INVITE"]
    assert len(repeats) == 11  # Table 4 of RFC 3261: 0.5, 1, 2 and then every 4 s, 32 s long
    assert story.world.said(US, "BYE")


async def test_an_invite_is_repeated_at_the_times_of_the_standard():
    """Timer A doubles without an end; timer B gives up at 64 times T1."""
    story = Story()
    story.world.loses = lambda data, to: True
    at: list[int] = []
    carry = story.world.carry

    def noted(*arguments: object, **more: object) -> None:
        at.append(story.world.now_ms)
        carry(*arguments, **more)  # type: ignore[arg-type]

    story.world.carry = noted  # type: ignore[method-assign]
    call = story.trunk.dial(dialled())
    call.on_end = lambda why: story.ends.append(("trunk", why))
    await story.world.passes(40)
    assert [each - at[0] for each in at] == [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]
    assert story.ends == [("trunk", "failed")]


async def test_an_option_request_is_repeated_at_the_times_of_the_standard():
    """Timer E doubles up to T2; a trunk that is silent for 32 s does not live."""
    story = Story()
    story.world.loses = lambda data, to: True
    said: list[int] = []
    story.us.probe(f"sip:{TRUNK}", said.append)
    await story.world.passes(40)
    assert len(story.world.said(US, "OPTIONS")) == 11
    assert said == [408]


async def test_a_trunk_that_lives_says_so():
    """A trunk that is down is known before somebody needs it."""
    story, said = Story(), list[int]()
    story.us.probe(f"sip:{TRUNK}", said.append)
    await story.world.passes(1)
    assert said == [200]
    assert story.world.said(TRUNK, "SIP/2.0 200")[0].first("allow").startswith("INVITE")


async def test_who_waits_long_is_told_again_and_again():
    """Proxies give a call up that they hear nothing of for three minutes; ten in line are not rare."""
    story = Story()
    theirs, ours = await story.rings()
    ours.queued(7)
    await story.world.passes(600)
    told = story.world.said(US, "SIP/2.0 182")
    assert len(told) == 13
    assert {message.first("reason") for message in told} == {'SIP;cause=182;text="position 7"'}
    assert not ours.ended
    await story.sees(theirs.hang_up())
    assert story.ends == [("us", "cancelled")]


async def test_the_place_in_line_is_told_when_it_changes():
    """Who hears that the line moves stays in it."""
    story = Story()
    _, ours = await story.rings()
    for position in (2, 2, 2, 1):
        ours.queued(position)
    await story.world.passes(1)
    places = [message.first("reason") for message in story.world.said(US, "SIP/2.0 182")]
    assert places == [f'SIP;cause=182;text="position {position}"' for position in (2, 1)]


async def test_the_first_word_is_at_once():
    """100 stops the repeats of a caller's network before anything else is done."""
    story = Story()
    await story.rings()
    first = story.world.said(US, "SIP/2.0")[0]
    assert (first.status, first.to_tag) == (100, "")
