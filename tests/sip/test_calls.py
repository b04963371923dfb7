"""What happens in a call: hold, transfer, keys, early ends; byte for byte, on our own clock."""

import asyncio

import pytest

from router.channels.sip_call import CallEnded, Refused
from tests.sip.peer import SDP, Peer
from tests.sip.world import OURS, THEIRS, TRUNK, US, Story

HELD = THEIRS.replace("sendrecv", "sendonly")


async def test_hold_and_resume_from_our_side():
    """An agent who asks a colleague something holds the line; the caller must be there again afterwards."""
    story = Story()
    theirs, ours = await story.talks()
    offers: list[str] = []
    theirs.on_reoffer = lambda sdp: (offers.append(sdp), THEIRS)[1]
    held = OURS.replace("sendrecv", "sendonly")
    assert await story.sees(ours.reoffer(held)) == THEIRS
    assert await story.sees(ours.reoffer(OURS)) == THEIRS
    assert offers == [held, OURS]


async def test_hold_from_their_side():
    """A switchboard puts us on hold and takes us back; each time it gets an answer to what it offers."""
    story = Story()
    theirs, ours = await story.talks()
    ours.on_reoffer = lambda sdp: OURS.replace("sendrecv", "recvonly" if "sendonly" in sdp else "sendrecv")
    assert "recvonly" in str(await story.sees(theirs.reoffer(HELD)))
    assert "sendrecv" in str(await story.sees(theirs.reoffer(THEIRS)))


async def test_both_hold_at_once_and_both_are_held():
    """Two re-INVITEs that cross are refused with 491 on both sides, and tried again one after the other."""
    story = Story()
    theirs, ours = await story.talks()
    theirs.on_reoffer = lambda sdp: THEIRS
    ours.on_reoffer = lambda sdp: OURS
    one = asyncio.ensure_future(theirs.reoffer(HELD))
    other = asyncio.ensure_future(ours.reoffer(OURS.replace("sendrecv", "sendonly")))
    await story.world.passes(30)
    assert (await one, await other) == (OURS, THEIRS)
    assert len(story.world.said(US, "SIP/2.0 491")) == len(story.world.said(TRUNK, "SIP/2.0 491")) == 1


async def test_a_call_that_they_know_nothing_of_is_over_here_as_well():
    """481 to a hold means that their side of the call is gone: the agent must not wait for it."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    ends: list[str] = []
    call.on_end = ends.append
    holding = asyncio.ensure_future(call.reoffer(OURS))
    await story.world.passes(0.1)
    peer.answers(peer.last("INVITE"), 481)
    with pytest.raises(CallEnded):
        await story.sees(holding)
    assert ends == ["failed"]


async def test_a_session_that_we_cannot_have_changes_nothing():
    """488 to an offer without a codec that we know: the call goes on as it was."""
    story = Story()
    theirs, ours = await story.talks()
    ours.on_reoffer = lambda sdp: ""
    with pytest.raises(Refused) as no:
        await story.sees(theirs.reoffer(HELD))
    assert no.value.status == 488
    assert not ours.ended
    assert not theirs.ended


async def test_a_mistake_above_costs_the_offer_and_not_the_call():
    """What whoever holds a call does wrong must not end it, nor any other."""
    story = Story()
    theirs, ours = await story.talks()

    def wrong(sdp: str) -> str:
        raise KeyError(sdp)

    ours.on_reoffer = wrong
    with pytest.raises(Refused):
        await story.sees(theirs.reoffer(HELD))
    assert not ours.ended


async def test_a_call_without_an_offer_gets_ours_and_its_answer_with_the_ack():
    """Some gateways want the other side to say first what it can."""
    story = Story()
    peer = Peer(story)
    peer.invite(sdp="")
    (call,) = story.came
    assert call.offer == ""
    story.world.timers.after(200, lambda: peer.asks("ACK", 1, headers=(SDP,), body=THEIRS.encode()))
    await story.sees(call.answer(OURS))
    assert peer.last("200").body == OURS.encode()
    assert call.answer_sdp == THEIRS


async def test_a_hold_without_an_offer_asks_for_ours():
    """The same inside a call: their answer comes with the ACK, and is told."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    answers: list[str] = []
    call.on_answer_sdp = answers.append
    call.on_reoffer = lambda sdp: OURS if sdp == "" else ""
    peer.asks("INVITE", 2)
    peer.asks("ACK", 2, headers=(SDP,), body=HELD.encode())
    await story.world.passes(1)
    assert answers == [HELD]


async def test_the_way_through_proxies_is_kept():
    """Requests inside a call go the way that the INVITE came, in its order (section 12.1.1)."""
    story = Story()
    peer = Peer(story)
    proxy = story.world.listens("192.0.2.77")
    call = await peer.talks(headers=(("record-route", "<sip:192.0.2.77;lr>, <sip:192.0.2.78;lr>"),))
    ending = asyncio.ensure_future(call.hang_up())
    await story.world.passes(1)
    bye = proxy[0]
    assert (bye.method, bye.uri) == ("BYE", f"sip:caller@{TRUNK}")
    assert bye.every("route") == ["<sip:192.0.2.77;lr>", "<sip:192.0.2.78;lr>"]
    assert peer.last("200").every("record-route") == ["<sip:192.0.2.77;lr>", "<sip:192.0.2.78;lr>"]
    await story.world.passes(40)
    await ending


async def test_a_proxy_of_the_old_kind_gets_what_it_expects():
    """Without lr the request is addressed to the proxy, and the caller stands last in Route."""
    story = Story()
    peer = Peer(story)
    proxy = story.world.listens("192.0.2.77")
    call = await peer.talks(headers=(("record-route", "<sip:192.0.2.77>"),))
    ending = asyncio.ensure_future(call.hang_up())
    await story.world.passes(1)
    assert (proxy[0].uri, proxy[0].every("route")) == ("sip:192.0.2.77", [f"<sip:caller@{TRUNK}>"])
    await story.world.passes(40)
    await ending


async def test_a_caller_who_moves_is_found():
    """A new Contact in a re-INVITE is where the next request goes (section 12.2.2)."""
    story = Story()
    peer = Peer(story)
    moved = story.world.listens("192.0.2.99")
    call = await peer.talks()
    call.on_reoffer = lambda sdp: OURS
    peer.asks("INVITE", 2, headers=(("contact", "<sip:new@192.0.2.99>"), SDP), body=HELD.encode())
    peer.asks("ACK", 2)
    ending = asyncio.ensure_future(call.hang_up())
    await story.world.passes(0.3)
    assert [each.uri for each in moved] == ["sip:new@192.0.2.99"]
    await story.world.passes(40)
    await ending


@pytest.mark.parametrize(("fragment", "moved"), [("200 OK", True), ("486 Busy Here", False)])
async def test_a_cold_transfer_ends_when_the_other_side_says_so(fragment: str, moved: bool):
    """REFER is only a request: an agent who hangs up too early leaves the caller alone."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    asking = asyncio.ensure_future(call.refer("sip:+15559999@192.0.2.1"))
    await story.world.passes(0.5)
    refer = peer.last("REFER")
    assert refer.first("refer-to") == "<sip:+15559999@192.0.2.1>"
    peer.answers(refer, 202)
    peer.asks("NOTIFY", 2, headers=_event("active"), body=b"SIP/2.0 100 Trying\r\n")
    await story.world.passes(1)
    assert not asking.done()
    peer.asks("NOTIFY", 3, headers=_event("terminated"), body=f"SIP/2.0 {fragment}\r\n".encode())
    assert await story.sees(asking) is moved


@pytest.mark.parametrize("status", [405, 501, 603, 202])
async def test_a_trunk_that_does_no_transfer_says_so_or_nothing(status: int):
    """Then the agent keeps the caller. 202 and silence is no transfer either."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    asking = asyncio.ensure_future(call.refer("sip:x@192.0.2.1"))
    await story.world.passes(0.5)
    peer.answers(peer.last("REFER"), status)
    assert await story.sees(asking, 90) is False
    assert not call.ended


@pytest.mark.parametrize("taken", [True, False])
async def test_a_caller_who_leaves_without_a_word_may_be_talking_with_nobody(taken: bool):
    """Some telephones hang up as soon as they try the other call: a person has to look after the caller."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    asking = asyncio.ensure_future(call.refer("sip:x@192.0.2.1"))
    await story.world.passes(0.1)
    if taken:
        peer.answers(peer.last("REFER"), 202)
        peer.asks("NOTIFY", 2, headers=_event("active"), body=b"SIP/2.0 100 Trying\r\n")
    peer.asks("BYE", 3)
    with pytest.raises(CallEnded) as end:
        await story.sees(asking)
    assert end.value.why == "caller_hung_up"


async def test_who_says_that_it_is_done_and_leaves_is_transferred():
    """The usual end of a transfer that worked."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    asking = asyncio.ensure_future(call.refer("sip:x@192.0.2.1"))
    await story.world.passes(0.1)
    peer.answers(peer.last("REFER"), 202)
    peer.asks("NOTIFY", 2, headers=_event("terminated"), body=b"SIP/2.0 200 OK\r\n")
    peer.asks("BYE", 3)
    assert await story.sees(asking) is True


async def test_two_holds_in_a_row_happen_in_a_row():
    """An agent presses hold and resume faster than the network answers."""
    story = Story()
    theirs, ours = await story.talks()
    offers: list[str] = []
    theirs.on_reoffer = lambda sdp: (offers.append(sdp), THEIRS)[1]
    held = OURS.replace("sendrecv", "sendonly")
    both = asyncio.gather(ours.reoffer(held), ours.reoffer(OURS))
    assert await story.sees(both) == [THEIRS, THEIRS]
    assert offers == [held, OURS]


async def test_keys_and_words_inside_a_call_are_told():
    """Old gateways send keys as INFO; words in a MESSAGE are content, and content is never lost."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    told: list[tuple[str, bytes]] = []
    call.on_info = lambda kind, body: told.append((kind, body))
    relay = ("content-type", "application/dtmf-relay")
    for _ in range(2):  # The second one is a repeat of the first.
        peer.asks("INFO", 2, headers=(relay,), body=b"Signal=5\r\nDuration=160\r\n", branch="info")
    peer.asks("MESSAGE", 3, headers=(("content-type", "text/plain"),), body=b"help")
    assert told == [("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"), ("text/plain", b"help")]


async def test_requests_out_of_order_are_refused_and_unknown_ones_named():
    """CSeq guards against an old request that a slow route delivers late."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    peer.asks("OPTIONS", 5)
    peer.asks("INFO", 4)
    peer.asks("REFER", 6)
    peer.asks("JUGGLE", 7)
    peer.asks("UPDATE", 8, headers=(("require", "magic"),))
    await story.world.passes(0.1)
    assert [each.status for each in peer.got if each.cseq[0] >= 4] == [200, 500, 603, 501, 420]
    assert not call.ended


async def test_a_bye_before_the_answer_ends_the_call():
    """A caller's network may say BYE instead of CANCEL: the INVITE has to be answered all the same."""
    story = Story()
    peer = Peer(story)
    peer.invite()
    (call,) = story.came
    ends: list[str] = []
    call.on_end = ends.append
    call.queued(1)
    await story.world.passes(0.1)
    peer.asks("BYE", 2)
    await story.world.passes(0.1)
    assert ends == ["caller_hung_up"]
    assert (peer.last("487").cseq, peer.last("200").cseq) == ((1, "INVITE"), (2, "BYE"))
    with pytest.raises(CallEnded):
        await call.answer(OURS)


async def test_who_needs_reliable_words_gets_them():
    """100rel: a place in line is repeated until PRACK says that it was heard; the next one waits for that."""
    story = Story()
    peer = Peer(story)
    peer.invite(headers=(("require", "100rel"),))
    (call,) = story.came
    call.queued(3)
    call.queued(2)
    await story.world.passes(4)
    first = peer.last("182")
    assert peer.count("182") == 4
    assert "100rel" in first.tokens("require")
    assert first.first("reason").endswith('"position 3"')
    peer.asks("PRACK", 2, headers=(("rack", f"{int(first.first('rseq')) + 7} 1 INVITE"),))
    peer.asks("PRACK", 3, headers=(("rack", f"{first.first('rseq')} 1 INVITE"),))
    await story.world.passes(0.1)
    assert [each.status for each in peer.got if each.cseq[1] == "PRACK"] == [481, 200]
    second = peer.last("182")
    assert second.first("reason").endswith('"position 2"')
    assert int(second.first("rseq")) == int(first.first("rseq")) + 1
    await story.world.passes(60)  # Never acknowledged: the RFC would refuse the call now, we do not.
    story.world.timers.after(200, lambda: peer.asks("ACK", 1))
    await story.sees(call.answer(OURS))


def _event(state: str) -> tuple[tuple[str, str], ...]:
    return (
        ("event", "refer"),
        ("subscription-state", state),
        ("content-type", "message/sipfrag;version=2.0"),
    )
