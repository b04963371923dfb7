"""Calls that we make: passwords, forks, why nobody answered; byte for byte, on our own clock."""

import asyncio

import pytest

from router.channels.sip_auth import Credentials
from router.channels.sip_call import CallEnded
from router.channels.sip_outgoing import Dialled
from tests.sip.peer import Peer
from tests.sip.world import OURS, THEIRS, TRUNK, US, Story

HELD = THEIRS.replace("sendrecv", "sendonly")
OUT = Dialled(to_uri=f"sip:+15551234@{TRUNK}", from_uri=f"sip:112@{US}", sdp=OURS)


async def test_reliable_words_of_theirs_are_acknowledged_once():
    """A trunk that rings reliably repeats it until we say PRACK; a repeat is no second one."""
    story = Story()
    peer = Peer(story)
    story.us.dial(OUT)
    await story.world.passes(0.1)
    invite = peer.last("INVITE")
    for _ in range(2):
        peer.answers(invite, 180, headers=(("require", "100rel"), ("rseq", "77")))
    await story.world.passes(0.1)
    assert peer.last("PRACK").first("rack") == "77 1 INVITE"
    assert peer.count("PRACK") == 1


@pytest.mark.parametrize(
    ("status", "why"),
    [(486, "busy"), (600, "busy"), (480, "no_answer"), (603, "refused"), (404, "failed"), (503, "failed")],
)
async def test_why_nobody_was_reached_is_told(status: int, why: str):
    """A call-back to a busy line is tried again soon, one to a wrong number is not."""
    story = Story()
    peer = Peer(story)
    call = story.us.dial(OUT)
    ends: list[str] = []
    call.on_end = ends.append
    await story.world.passes(0.1)
    peer.answers(peer.last("INVITE"), status)
    with pytest.raises(CallEnded):
        await story.sees(call.answered())
    await story.world.passes(1)
    assert ends == [why]
    assert peer.count("ACK") == 1
    await story.world.passes(60)
    assert story.is_quiet()


async def test_two_telephones_that_answer_at_once_leave_one_call():
    """A forked call is answered twice: the second one hears BYE, not silence."""
    story = Story()
    peer = Peer(story)
    call = story.us.dial(OUT)
    await story.world.passes(0.1)
    invite = peer.last("INVITE")
    peer.answers(invite, 200, sdp=THEIRS, tag="one")
    peer.answers(invite, 200, sdp=HELD, tag="two")
    assert await story.sees(call.answered()) == THEIRS
    await story.world.passes(0.1)
    bye = peer.last("BYE")
    assert bye.to_tag == "two"
    assert sorted(each.to_tag for each in peer.got if each.method == "ACK") == ["one", "two"]
    assert not call.ended


async def test_a_call_out_that_is_given_up_before_a_word_came_is_cancelled_after_it():
    """A CANCEL may not leave before a first word of theirs (section 9.1), and none is forgotten."""
    story = Story()
    peer = Peer(story)
    call = story.us.dial(OUT)
    await story.world.passes(0.1)
    ending = asyncio.ensure_future(call.hang_up())
    await story.world.passes(0.3)
    assert peer.count("CANCEL") == 0
    invite = peer.last("INVITE")
    peer.answers(invite, 180)
    await story.world.passes(0.1)
    peer.answers(peer.last("CANCEL"), 200)
    peer.answers(invite, 487)
    await story.world.passes(60)
    await ending
    assert peer.last("CANCEL").first("via") == invite.first("via")
    assert story.is_quiet()


async def test_nobody_rings_for_ever():
    """Three minutes after the last word of the other side nobody will answer any more."""
    story = Story()
    peer = Peer(story)
    call = story.us.dial(OUT)
    ends: list[str] = []
    call.on_end = ends.append
    await story.world.passes(0.1)
    peer.answers(peer.last("INVITE"), 180)
    await story.world.passes(240)
    assert peer.count("CANCEL") > 0
    assert ends == ["no_answer"]
    assert story.is_quiet()


async def test_a_password_is_given_where_it_is_asked_for():
    """Most trunks know us by a password: for the INVITE, its ACK, and for the BYE."""
    story = Story()
    peer = Peer(story)
    secret = Credentials(user="muster", password="carrier pigeon")
    dial = Dialled(to_uri=OUT.to_uri, from_uri=OUT.from_uri, sdp=OURS, credentials=secret)
    call = story.us.dial(dial)
    await story.world.passes(0.1)
    first = peer.last("INVITE")
    peer.answers(first, 401, headers=(("www-authenticate", 'Digest realm="r", nonce="n1", qop="auth"'),))
    await story.world.passes(0.1)
    second = peer.last("INVITE")
    assert (second.cseq[0], second.call_id, second.from_tag) == (2, first.call_id, first.from_tag)
    stale = 'Digest realm="r", nonce="n2", qop="auth", stale=true'
    peer.answers(second, 401, headers=(("www-authenticate", stale),))
    await story.world.passes(0.1)
    third = peer.last("INVITE")
    assert 'nonce="n2"' in third.first("authorization")
    peer.answers(third, 200, sdp=THEIRS)
    await story.sees(call.answered())
    await story.world.passes(0.1)
    assert peer.last("ACK").first("authorization") == third.first("authorization")
    ending = asyncio.ensure_future(call.hang_up())
    await story.world.passes(0.1)
    bye = peer.last("BYE")
    peer.answers(bye, 407, headers=(("proxy-authenticate", 'Digest realm="p", nonce="n3"'),))
    await story.world.passes(0.1)
    assert 'nonce="n3"' in peer.last("BYE").first("proxy-authorization")
    assert peer.last("BYE").cseq[0] == bye.cseq[0] + 1
    peer.answers(peer.last("BYE"), 200)
    await ending


async def test_a_wrong_password_is_not_tried_for_ever():
    """The second challenge without stale means no: a trunk locks out who goes on."""
    story = Story()
    peer = Peer(story)
    dial = Dialled(
        to_uri=OUT.to_uri, from_uri=OUT.from_uri, sdp=OURS, credentials=Credentials(user="a", password="b")
    )
    call = story.us.dial(dial)
    for number in (1, 2):
        await story.world.passes(0.1)
        asked = (("www-authenticate", f'Digest realm="r", nonce="n{number}"'),)
        peer.answers(peer.last("INVITE"), 401, headers=asked)
    await story.world.passes(1)
    assert call.ended == "failed"
    assert max(each.cseq[0] for each in peer.got if each.method == "INVITE") == 2
