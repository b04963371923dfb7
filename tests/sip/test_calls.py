"""What happens in a call: hold, transfer, keys, refreshes, early ends; byte for byte, on our own clock."""

import asyncio

import pytest

from router.channels.sip_auth import Credentials
from router.channels.sip_call import CallEnded, Refused
from router.channels.sip_message import SipMessage
from router.channels.sip_outgoing import Dialled
from tests.sip.peer import SDP, Peer
from tests.sip.world import OURS, THEIRS, TRUNK, US, Story, dialled

HELD = THEIRS.replace("sendrecv", "sendonly")
OUT = Dialled(to_uri=f"sip:+15551234@{TRUNK}", from_uri=f"sip:112@{US}", sdp=OURS)


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


async def test_an_offer_that_changes_nothing_is_answered_as_before():
    """Trunks refresh a session by the same offer again: nobody has to be asked."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    call.on_reoffer = lambda sdp: "asked"
    peer.asks("INVITE", 2, headers=(SDP,), body=THEIRS.encode())
    assert peer.story.world.said(US, "SIP/2.0 200")[-1].body == OURS.encode()


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


async def test_a_caller_who_leaves_after_the_transfer_was_taken_is_transferred():
    """Some trunks hang up instead of saying that it is done."""
    story = Story()
    peer = Peer(story)
    call = await peer.talks()
    asking = asyncio.ensure_future(call.refer("sip:x@192.0.2.1"))
    await story.world.passes(0.5)
    peer.answers(peer.last("REFER"), 202)
    peer.asks("BYE", 2)
    assert await story.sees(asking) is True


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


async def test_a_second_way_of_the_same_call_is_no_second_call():
    """A network that forks an INVITE to one centre by two ways would ring two agents for one caller."""
    story = Story()
    peer = Peer(story)
    peer.invite()
    peer.invite()
    await story.world.passes(0.1)
    assert len(story.came) == 1
    assert peer.count("482") == 1


async def test_one_call_id_used_twice_is_two_calls():
    """There are switchboards that number their calls carelessly; the second caller is another person."""
    story = Story()
    peer = Peer(story)
    for tag in ("a", "b"):
        peer.invite(sender=f"<sip:+1555010{ord(tag)}@{TRUNK}>;tag={tag}")
    assert len({call.call_id for call in story.came}) == 2


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


async def test_the_end_of_the_process_is_told_to_everybody():
    """Who talks hears BYE; who waits hears 503, by which a network tries the other site."""
    story = Story()
    talking, _ = await story.talks()
    waiting = story.trunk.dial(dialled())
    ends: list[str] = []
    talking.on_end = waiting.on_end = ends.append
    await story.world.passes(0.5)
    story.us.close()
    await story.world.passes(60)
    assert sorted(ends) == ["caller_hung_up", "failed"]
    assert story.is_quiet()


async def test_a_full_table_refuses_nobody_for_ever():
    """At the limit an INVITE is not listened to: its network repeats it, and by then there may be room."""
    story = Story()
    story.us._calls_max = 1
    first = story.trunk.dial(dialled())
    second = story.trunk.dial(dialled())
    await story.world.passes(1)
    assert len(story.came) == 1
    assert story.us.counts["no_room"] > 0
    assert story.world.said(US, "SIP/2.0 486") == story.world.said(US, "SIP/2.0 503") == []
    story.us._calls_max = 2
    await story.world.passes(10)
    assert len(story.came) == 2
    assert not first.ended
    assert not second.ended


async def test_a_mistake_of_ours_costs_neither_this_call_nor_another(monkeypatch: pytest.MonkeyPatch):
    """A caller whom we cannot read for a reason of our own is refused, tried elsewhere, and called back."""
    story = Story()
    peer = Peer(story)

    def wrong(*arguments: object, **more: object) -> None:
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr("router.channels.sip_user_agent.caller_of", wrong)
        peer.invite()
    peer.invite(call_id="call-2")
    await story.world.passes(0.1)
    assert [(call.ended, call.problem) for call in story.came] == [("refused", "our own mistake"), ("", "")]
    assert (peer.count("500"), story.us.counts["mistake"]) == (1, 1)


async def test_options_say_what_we_can_and_when_we_cannot():
    """A trunk asks every few seconds whether we live, and sends its calls elsewhere if not."""
    story, status = Story(), [200]
    story.us._on_options = lambda: status[0]
    said: list[int] = []
    story.trunk.probe(f"sip:{US}", said.append)
    await story.world.passes(1)
    status[0] = 503
    story.trunk.probe(f"sip:{US}", said.append)
    await story.world.passes(1)
    assert said == [200, 503]
    assert story.world.said(US, "SIP/2.0 503")[0].first("retry-after") == "5"


@pytest.mark.parametrize(
    ("method", "status"),
    [("BYE", 481), ("REGISTER", 405), ("SUBSCRIBE", 405), ("JUGGLE", 501), ("CANCEL", 481), ("MESSAGE", 405)],
)
async def test_what_belongs_to_no_call_is_answered(method: str, status: int):
    """A request without an answer is repeated for half a minute."""
    story = Story()
    peer = Peer(story)
    via = ("via", f"SIP/2.0/UDP {TRUNK};branch=z9hG4bKx")
    told = (
        via,
        ("from", "<sip:a@b>;tag=1"),
        ("to", f"<sip:{US}>"),
        ("call-id", "x"),
        ("cseq", f"1 {method}"),
    )
    peer.sends(SipMessage(method=method, uri=f"sip:{US}", headers=told))
    await story.world.passes(0.1)
    assert [each.status for each in peer.got] == [status]


async def test_the_answer_goes_where_the_request_came_from():
    """RFC 3581: behind a translator of addresses, Via says an address that nobody can reach."""
    story = Story()
    peer = Peer(story)
    via = ("via", "SIP/2.0/UDP 10.99.99.99:9;branch=z9hG4bKx;rport")
    told = (via, ("from", "<sip:a@b>;tag=1"), ("to", f"<sip:{US}>"), ("call-id", "x"), ("cseq", "1 OPTIONS"))
    peer.sends(SipMessage(method="OPTIONS", uri=f"sip:{US}", headers=told))
    await story.world.passes(0.1)
    assert peer.got[0].first("via").endswith(f";rport=5060;received={TRUNK}")


def _event(state: str) -> tuple[tuple[str, str], ...]:
    return (
        ("event", "refer"),
        ("subscription-state", state),
        ("content-type", "message/sipfrag;version=2.0"),
    )
