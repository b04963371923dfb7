"""What concerns no single call: OPTIONS, limits, repeats, mistakes, the end of the process."""

import pytest

from router.channels.sip_message import SipMessage
from tests.sip.peer import Peer
from tests.sip.world import TRUNK, US, Story, dialled


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


async def test_a_call_begun_anew_beside_the_first_is_another_call():
    """A trunk that lost its own first try: an agent talks in that one, perhaps, and hanging up either must
    not be taken for the other."""
    story = Story()
    peer = Peer(story)
    peer.invite()
    first = story.came[0]
    anew = peer.invite(cseq="2")
    await story.world.passes(0.1)
    assert len(story.came) == 2
    assert story.came[1].call_id != first.call_id
    assert not first.ended and not story.came[1].ended
    peer.sends(anew)
    await story.world.passes(0.1)
    assert len(story.came) == 2


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
    story = Story(calls_max=1)
    first, _ = await story.rings()
    second = story.trunk.dial(dialled())
    await story.world.passes(1)
    assert len(story.came) == 1
    assert story.us.counts["no_room"] > 0
    assert story.world.said(US, "SIP/2.0 486") == story.world.said(US, "SIP/2.0 503") == []
    await story.sees(first.hang_up())
    await story.world.passes(10)
    assert len(story.came) == 2
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
    status = [200]
    story = Story(on_options=lambda: status[0])
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
