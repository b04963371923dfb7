"""Where an interaction waits next: the QueueInteraction of every occasion. Reads only.

Each order's wish is worked out here, while deciding: a requirement that cannot be raises now, not when the
change is made.
"""

from typing import Final

from config.people import language_skill
from config.words import ELSEWHERE, MANUAL_QUEUE, PROBE, REHEARSAL, URGENT_MAX
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import OFFERED, WAITING
from router.centre import Centre
from router.decisions import CloseInteraction, Decision, EndOffer, HoldForAgent, QueueInteraction
from router.offer import RESCINDED
from skills.requirement import Requirement, SkillLevels

UNREAD_RULE: Final = "unread"
MANUAL_RULE: Final = "manual"
TRANSFER_RULE: Final = "transferred"

ON_STAGE: Final = ELSEWHERE + REHEARSAL
"""What a rehearsal made waits by this name, for no agent."""

STAGED_MS: Final = 60_000
"""How long it does: a rehearsal that was forgotten ends by itself."""


def queue(centre: Centre, order: QueueInteraction) -> QueueInteraction:
    """The order, once it is certain that it can be carried out."""
    centre.line.book.wish(order.queue_id, order.requirement)
    return order


def back_in_line(
    interaction: Interaction, now_ms: int, *, why: str, urgency: int = 0, command_id: str = ""
) -> QueueInteraction:
    """It waits for everybody again, as before; as urgent as before, unless told otherwise."""
    return QueueInteraction(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        queue_id=interaction.queue_id,
        urgency=urgency or interaction.urgency,
        requirement=interaction.requirement,
        rule_id=interaction.rule_id,
        why=why,
        command_id=command_id,
    )


def to_manual(centre: Centre, interaction: Interaction, now_ms: int) -> list[Decision]:
    """What the core cannot handle waits for a supervisor, whoever had it."""
    urgency = interaction.urgency or min(URGENT_MAX, centre.capacity.channel(interaction.kind).urgency)
    order = QueueInteraction(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        queue_id=MANUAL_QUEUE,
        urgency=urgency,
        requirement=ANYBODY,
        rule_id=MANUAL_RULE,
        why="manual",
    )
    return [*withdrawn(interaction, now_ms), queue(centre, order), *off_stage(interaction, now_ms)]


def asked_for(interaction: Interaction) -> bool:
    """Whether the other site is asked to take it at this moment: it may be that one's already."""
    named = interaction.named_agent_id
    return interaction.state == WAITING and named.startswith(ELSEWHERE) and named != ON_STAGE


def off_stage(interaction: Interaction, now_ms: int) -> list[Decision]:
    """What becomes of no customer's with the same decision that gives it its place: it never rings a desk.

    A probe ends: it has come the whole way that a customer's contact comes, on disk, read, decided, and
    committed. What a rehearsal made waits for nobody, to be given to the other site; then it ends.
    """
    if interaction.traffic == PROBE:
        return [ended(interaction, now_ms)]
    if interaction.traffic != REHEARSAL:
        return []
    ref, until_ms = interaction.interaction_id, now_ms + STAGED_MS
    return [HoldForAgent(at_ms=now_ms, interaction_id=ref, agent_id=ON_STAGE, until_ms=until_ms)]


def ended(interaction: Interaction, now_ms: int) -> CloseInteraction:
    """The end of what is no customer's."""
    return CloseInteraction(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        agent_id="",
        disposition="",
        why=interaction.traffic,
    )


def withdrawn(interaction: Interaction, now_ms: int) -> list[Decision]:
    """The end of its outstanding offer, if it has one. Nobody refused, so nobody has to cool down."""
    if interaction.state != OFFERED:
        return []
    return [
        EndOffer(
            at_ms=now_ms,
            offer_id=interaction.offer_id,
            interaction_id=interaction.interaction_id,
            agent_id=interaction.agent_id,
            outcome=RESCINDED,
        )
    ]


def languages_only(requirement: Requirement) -> Requirement:
    """What stays of a requirement in another queue: the customer still speaks the same language.

    The subject does not stay: who transfers a chat about chest pain to the fire queue says that it is a fire.
    """
    return Requirement(
        require=_languages(requirement.require), require_any=_languages(requirement.require_any)
    )


def _languages(pairs: SkillLevels) -> SkillLevels:
    prefix = language_skill("")
    return tuple((skill, level) for skill, level in pairs if skill.startswith(prefix))
