"""The whole routing state in memory, and what can be asked of it. What decisions do to it is change.py.

Everything here is either in router.state.CoreState or follows from it and the plan: a restored centre is the
same centre (restore.py).
"""

from config.people import SERVING, skills_of
from config.plan import Plan
from config.words import ELSEWHERE, MANUAL_QUEUE, URGENT_MAX
from queues.crew import Crew
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import ASSIGNED, WAITING
from queues.line import Line
from queues.wish import Ask, Audience
from router import deadlines
from router.agent import Agent
from router.capacity import Capacity
from router.deadlines import Deadlines
from router.ready import ReadyAgents


class Centre:
    """Interactions, agents and everything that makes choosing among them quick.

    Shape: `fresh` are interactions that came into line, or changed there, since the last matching (the value
           says whether an alarm may be raised about it); `freed` are agents who became ready for a channel
           since then; `came` says whether the first agent of a crew signed in since then (`first_came`: of
           all), `lost` holds the audiences whose last one signed out, `emptied` says whether the last one of
           all did. Which audiences there are depends on what was ever asked: a decision that a restored core
           must take as well may ask `lost` only about audiences of what waits.
    """

    def __init__(self, plan: Plan, plan_version: int = 0) -> None:
        self.plan = plan
        self.plan_version = plan_version
        self.limits = plan.limits
        self.now_ms = 0
        self.capacity = Capacity(plan)
        self.line = Line(plan)
        self.interactions: dict[str, Interaction] = {}
        self.agents: dict[str, Agent] = {}
        self.persons: dict[str, dict[str, Interaction]] = {}
        """Open interactions by the verified customer whom they are linked to."""
        self.ready = ReadyAgents(channel.channel_id for channel in plan.channels)
        self.deadlines = Deadlines()
        self.moments = Deadlines()
        self.fresh: dict[Interaction, bool] = {}
        self.freed: dict[Agent, None] = {}
        self.came = False
        self.first_came = False
        self.lost: dict[Audience, None] = {}
        self.emptied = False
        self.cooling: dict[Interaction, None] = {}
        """Interactions that some agent may not be offered at the moment (see blocked)."""
        self.population = 0
        self.rolls = 0
        """Counts changes of who is signed in and who is available, for what explain.py remembers."""
        self.present: object = None
        """What explain.py remembers about who is signed in."""
        self.overdue = 0
        """How many urgent interactions nobody holds, past the time when that raises an alarm."""
        self._people = {person.agent_id: person for person in plan.people if person.role in SERVING}
        self._dispositions = frozenset(each.reason_id for each in plan.dispositions)
        self._queues = frozenset((*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE))

    def knows_queue(self, queue_id: str) -> bool:
        """Whether the plan has this queue (the manual queue is in every plan)."""
        return queue_id in self._queues

    def knows_disposition(self, disposition: str) -> bool:
        """Whether the plan has this disposition."""
        return disposition in self._dispositions

    def knows_agent(self, agent_id: str) -> bool:
        """Whether the plan has this person, with a desk."""
        return agent_id in self._people

    def crew_of(self, agent_id: str) -> Crew | None:
        """The crew this person belongs to under the plan; None for somebody who serves nobody."""
        person = self._people.get(agent_id)
        return None if person is None else self.line.book.crew(skills_of(person, self.plan.site))

    def ask_of(self, interaction: Interaction) -> Ask:
        """What it asks at its step. One whose requirement cannot be worked out asks for a supervisor."""
        book = self.line.book
        try:
            return book.wish(interaction.queue_id, interaction.requirement).ask(interaction.step)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it must not be out of everybody's reach
            return book.wish(MANUAL_QUEUE, ANYBODY).ask(interaction.step)

    def blocked(self, interaction: Interaction, agent: Agent, now_ms: int) -> bool:
        """Whether this agent declined, missed or gave away this interaction so lately that it is not tried.

        After limits.only_candidate_ms it is tried again when nobody else who works could take it, however
        busy they are, who has not refused it as well.
        """
        offer = interaction.offers.get(agent.agent_id) if interaction.offers is not None else None
        if offer is None or offer.cooldown_until_ms <= now_ms:
            return False
        if now_ms < offer.ended_at_ms + self.limits.only_candidate_ms:
            return True
        return self._others(interaction, agent, now_ms) > 0

    def warm_up(self, interaction: Interaction, now_ms: int) -> None:
        """Forget the cool-downs of an interaction that are over; it is to be matched anew if it waits."""
        cooling = False
        for agent_id, offer in (interaction.offers or {}).items():
            if offer.cooldown_until_ms > now_ms:
                cooling = True
            else:
                self.agents[agent_id].cooled.pop(interaction.interaction_id, None)
        if not cooling:
            self.cooling.pop(interaction, None)
        if interaction.state == WAITING:
            self.fresh.setdefault(interaction, False)

    def _others(self, interaction: Interaction, agent: Agent, now_ms: int) -> int:
        """How many working agents, other than this one, may serve it and have not lately refused it."""
        audience = self.ask_of(interaction).audience
        count = sum(crew.working for crew in audience.crews)
        for offer in (interaction.offers or {}).values():
            other = self.agents[offer.agent_id]
            refused = offer.cooldown_until_ms > now_ms or other is agent
            if refused and other.working and other.crew is not None and audience in other.crew.serves:
                count -= 1
        return count

    def offer_due_ms(self, interaction: Interaction) -> int:
        """When an outstanding offer ends: at its deadline, or earlier with its agent's desk."""
        agent = self.agents[interaction.agent_id]
        offer = (interaction.offers or {})[interaction.agent_id]
        deadline_ms: int = offer.deadline_ms
        return min(deadline_ms, self._without_desk_ms(agent) or deadline_ms)

    def named_due_ms(self, interaction: Interaction) -> int:
        """When an interaction that waits for one agent waits for everybody again."""
        if interaction.named_agent_id.startswith(ELSEWHERE):
            return interaction.named_until_ms
        agent = self.agents.get(interaction.named_agent_id)
        if agent is None or not agent.signed_in:
            return 0
        return min(interaction.named_until_ms, self._without_desk_ms(agent) or interaction.named_until_ms)

    def _without_desk_ms(self, agent: Agent) -> int:
        """When an agent in its grace is thought to be gone as far as offers go; 0 while a desk is open."""
        limits = self.limits
        if not agent.grace_until_ms:
            return 0
        return (
            agent.grace_until_ms
            - limits.desk_grace_ms
            + min(limits.desk_grace_offer_ms, limits.desk_grace_ms)
        )

    def watch(self, interaction: Interaction, *, was_urgent: bool, now_ms: int) -> None:
        """Keep an eye on an interaction nobody holds: urgent ones must not wait long unnoticed."""
        if interaction.urgency > URGENT_MAX or interaction.state == ASSIGNED or interaction.scheduled:
            self.forget_overdue(interaction)
            return
        due_ms = interaction.accepted_at_ms + self.limits.unattended_alarm_ms
        if due_ms <= now_ms and was_urgent:
            self.note_overdue(interaction)
        else:
            self.moments.add(due_ms, deadlines.UNATTENDED, interaction.interaction_id)

    def note_overdue(self, interaction: Interaction) -> None:
        """It is urgent, and nobody has taken it in time."""
        self.overdue += not interaction.overdue
        interaction.overdue = True

    def forget_overdue(self, interaction: Interaction) -> None:
        """Somebody has it now, it is over, or it is not urgent any more."""
        self.overdue -= interaction.overdue
        interaction.overdue = False
