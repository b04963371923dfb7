"""A call from the first ring to the end, on a real journal with a real router."""

from tests.voice.exchange import Exchange


async def test_a_call_is_kept_before_its_network_hears_that_it_waits(exchange: Exchange) -> None:
    """182 is our promise: what it stands for must survive the process."""
    telephone = exchange.ring()
    await exchange.until(lambda: telephone.said, "the network hears something")
    assert telephone.said[0] == "182 1"
    assert len(exchange.journal("arrived")) == len(exchange.journal("read")) == 1
    assert exchange.call()[0] == "waiting"


async def test_a_call_rings_on_while_the_other_site_does_not_have_it_yet(exchange: Exchange) -> None:
    """Nobody in need hears silence because of another site; that it is here only is said beside it."""
    asked: list[int] = []
    exchange.board.beside = asked.append  # never ends: the other site never has it
    await exchange.signs_in()
    telephone = exchange.ring()
    interaction_id = await exchange.accepts()
    await exchange.connects(interaction_id)
    assert "200" in telephone.said
    (arrived,) = exchange.journal("arrived")
    assert len(asked) == 1 and asked[0] >= arrived.seq


async def test_the_agent_who_accepts_is_joined_with_the_caller(exchange: Exchange) -> None:
    """The caller is answered when the agent is there to talk, not before, and either way it ends in order."""
    await exchange.signs_in()
    telephone = exchange.ring()
    interaction_id = await exchange.accepts()
    leg = await exchange.connects(interaction_id, flows=False)
    assert "200" not in telephone.said
    leg.flows()
    await exchange.until(lambda: exchange.call()[0] == "connected", "connected")
    assert "200" in telephone.said
    assert exchange.media.bridges[-1].agent is leg
    await exchange.say("conversation_ended", interaction_id, agent_id="ana", command_id="c-1")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "agent_hung_up"), "ended")
    await exchange.until(lambda: "BYE" in telephone.said, "the caller's network is told")
    assert exchange.state(interaction_id) == "assigned"


async def test_a_caller_who_hangs_up_leaves_the_conversation_with_the_agent(exchange: Exchange) -> None:
    """It still has to be written up, and perhaps the caller has to be called back."""
    telephone, interaction_id = await exchange.talking()
    telephone.on_end("caller_hung_up")
    await exchange.until(lambda: exchange.call()[:2] == ("ended", "caller_hung_up"), "ended")
    assert exchange.open() == [("assigned", "", "ana")]
    assert "BYE" not in telephone.said
    assert exchange.media.bridges[-1].closed
    assert interaction_id
