"""What the core decides about desks and presence. Reads only."""

from queues.lifecycle import ASSIGNED, OFFERED
from router import alarms, refusals
from router import events as e
from router.agent import Agent
from router.centre import Centre
from router.decisions import Decision, NoteDesks, RaiseAlarm, RefuseRequest, SetPresence
from router.placing import back_in_line, withdrawn


def joined(centre: Centre, event: e.DeskJoined, now_ms: int) -> list[Decision]:
    """One more window of this agent; a running grace is over."""
    agent = centre.agents.get(event.agent_id)
    open_ids = agent.desk_ids if agent is not None else ()
    if event.desk_id in open_ids:
        return []
    ids = tuple(sorted((*open_ids, event.desk_id)))
    return [NoteDesks(at_ms=now_ms, agent_id=event.agent_id, desk_ids=ids, grace_until_ms=0)]


def left(centre: Centre, event: e.DeskLeft, now_ms: int) -> list[Decision]:
    """One window less. The last one: a grace runs, after which the agent's work goes back in line."""
    agent = centre.agents.get(event.agent_id)
    if agent is None or event.desk_id not in agent.desk_ids:
        return []
    ids = tuple(each for each in agent.desk_ids if each != event.desk_id)
    grace_until_ms = 0 if ids else now_ms + centre.limits.desk_grace_ms
    return [NoteDesks(at_ms=now_ms, agent_id=event.agent_id, desk_ids=ids, grace_until_ms=grace_until_ms)]


def gone(centre: Centre, agent: Agent, now_ms: int) -> list[Decision]:
    """The grace is over. Conversations and wrap-ups wait again at their old places, flagged as orphans."""
    decisions: list[Decision] = [
        NoteDesks(at_ms=now_ms, agent_id=agent.agent_id, desk_ids=(), grace_until_ms=0)
    ]
    orphans = sum(each.state == ASSIGNED for each in agent.held.values())
    decisions += _handed_back(agent, now_ms, why="orphaned")
    if orphans:
        alarm = RaiseAlarm(at_ms=now_ms, code=alarms.AGENT_GONE, ref=agent.agent_id, detail=str(orphans))
        decisions.append(alarm)
    return decisions


def _handed_back(agent: Agent, now_ms: int, *, why: str) -> list[Decision]:
    """All that the agent holds, is offered, or that waits for the agent by name: in line again."""
    decisions: list[Decision] = []
    for interaction_id in sorted(agent.held):
        interaction = agent.held[interaction_id]
        if interaction.state == ASSIGNED:
            decisions.append(back_in_line(interaction, now_ms, why=why))
        else:
            decisions.extend(withdrawn(interaction, now_ms))
            if interaction.named_agent_id:
                decisions.append(back_in_line(interaction, now_ms, why="named_agent_gone"))
    for interaction_id in sorted(agent.named):
        decisions.append(back_in_line(agent.named[interaction_id], now_ms, why="named_agent_gone"))
    return decisions


def declared(centre: Centre, event: e.PresenceDeclared, now_ms: int) -> list[Decision]:
    """The agent's own word counts, or a supervisor's. Who is not available is offered nothing.

    What the agent holds stays, unless the supervisor says that it is to go back in line.
    """
    if event.by not in ("", event.agent_id) and not centre.knows_agent(event.agent_id):
        code = refusals.UNKNOWN_AGENT
        return [
            RefuseRequest(
                at_ms=now_ms, agent_id=event.by, command_id=event.command_id, code=code, ref=event.agent_id
            )
        ]
    presence = SetPresence(
        at_ms=now_ms,
        agent_id=event.agent_id,
        available=event.available,
        reason="" if event.available else event.reason,
        command_id=event.command_id,
    )
    agent = centre.agents.get(event.agent_id)
    if event.available or agent is None:
        return [presence]
    if event.hand_back:
        return [presence, *_handed_back(agent, now_ms, why="taken_away")]
    return [presence, *all_withdrawn(agent, now_ms)]


def all_withdrawn(agent: Agent, now_ms: int, *, but: str = "") -> list[Decision]:
    """The end of every outstanding offer of this agent, except for one interaction."""
    return [
        end
        for interaction_id in sorted(agent.held)
        if interaction_id != but and agent.held[interaction_id].state == OFFERED
        for end in withdrawn(agent.held[interaction_id], now_ms)
    ]
