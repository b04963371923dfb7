"""What keeps a session alive, and how one is noticed that is not; on our own clock."""

import pytest

from tests.sip.peer import SDP, Peer
from tests.sip.world import OURS, THEIRS, US, Story

HELD = THEIRS.replace("sendrecv", "sendonly")


async def test_an_offer_that_changes_nothing_is_answered_as_before():
    """Trunks refresh a session by the same offer again: nobody has to be asked."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    call.on_reoffer = lambda sdp: "asked"
    peer.asks("INVITE", 2, headers=(SDP,), body=THEIRS.encode())
    assert peer.story.world.said(US, "SIP/2.0 200")[-1].body == OURS.encode()


async def test_an_update_is_answered():
    """UPDATE refreshes a session, or changes it, without the ceremony of an INVITE (RFC 3311)."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    call.on_reoffer = lambda sdp: OURS
    peer.asks("UPDATE", 2)
    peer.asks("UPDATE", 3, headers=(SDP,), body=HELD.encode())
    await story.world.passes(0.1)
    assert [each.body for each in peer.got if each.cseq[1] == "UPDATE"] == [b"", OURS.encode()]


@pytest.mark.parametrize(
    ("asked", "agreed", "ours"),
    [
        ("90;refresher=uac", "90;refresher=uac", False),
        ("90;refresher=uas", "90;refresher=uas", True),
        ("90", "90;refresher=uac", False),
    ],
)
async def test_a_session_is_refreshed_by_whoever_is_to_do_it(asked: str, agreed: str, ours: bool):
    """RFC 4028: who does not refresh is hung up on by proxies in between."""
    story = Story()
    peer = Peer(story)
    told = (("session-expires", asked), ("supported", "timer"), ("allow", "INVITE, UPDATE"))
    call = await peer.talks(headers=told)
    answer = peer.last("200")
    assert (answer.first("session-expires"), answer.first("require")) == (agreed, "timer")
    await story.world.passes(50)
    assert peer.count("UPDATE") > 0 if ours else peer.count("UPDATE") == 0
    if ours:
        peer.answers(peer.last("UPDATE"), 200, headers=(("session-expires", agreed), ("require", "timer")))
        await story.world.passes(44)
    assert not call.ended


async def test_a_caller_who_vanished_without_a_word_is_noticed():
    """Nobody refreshes any more: we ask once more, and only silence ends the call."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks(headers=(("session-expires", "90;refresher=uac"), ("supported", "timer")))
    ends: list[str] = []
    call.on_end = ends.append
    await story.world.passes(59)
    assert peer.count("INVITE") == 0
    await story.world.passes(10)
    assert peer.count("INVITE") > 0
    assert ends == []
    await story.world.passes(60)
    assert ends == ["failed"]
    assert peer.count("BYE") > 0


async def test_a_caller_who_forgot_to_refresh_but_is_there_is_kept():
    """An answer to our question is proof enough."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks(headers=(("session-expires", "90;refresher=uac"), ("supported", "timer")))
    await story.world.passes(70)
    peer.answers(peer.last("INVITE"), 200, sdp=THEIRS)
    await story.world.passes(30)
    assert not call.ended
