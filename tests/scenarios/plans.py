"""The small centre in which most scenarios happen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from config.plan import (
    ChannelPlan,
    Limits,
    PersonPlan,
    Plan,
    QueuePlan,
    Reason,
    RequirementPlan,
    Site,
    SkillPlan,
    WideningPlan,
)

SKILLS = ("fire", "lang-de", "lang-en", "lang-ti", "medical")


def channel(channel_id: str, **changes: object) -> ChannelPlan:
    """A channel that takes a whole agent and rings as the design says of voice, unless told otherwise."""
    plain = ChannelPlan(
        channel_id=channel_id,
        name=channel_id.title(),
        queue_id="general",
        urgency=3,
        load=100,
        max_at_once=1,
        offer_ms_urgent=8_000,
        offer_ms=15_000,
        body_bytes_max=65_536,
        message_characters_max=4_000,
        attachment_bytes_max=10_000_000,
        abandoned_after_ms=120_000,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


CHANNELS = (
    channel("call"),
    channel("chat", load=40, max_at_once=2, offer_ms_urgent=15_000, offer_ms=30_000),
    channel("mail", load=60, max_at_once=5, interrupted_by=("call",), offer_ms=30_000, urgency=4),
)

QUEUES = (
    QueuePlan(queue_id="general", name="General"),
    QueuePlan(queue_id="medical", name="Medical", requirement=RequirementPlan(require=(("medical", 2),))),
    QueuePlan(queue_id="fire", name="Fire", requirement=RequirementPlan(require=(("fire", 1),))),
    QueuePlan(queue_id="ahead", name="Ahead", head_start_ms=10_000),
    QueuePlan(queue_id="double", name="Double", ageing_pct=200),
    QueuePlan(
        queue_id="widening",
        name="Widening",
        requirement=RequirementPlan(require=(("medical", 4),)),
        widening=(
            WideningPlan(after_ms=30_000, lower=(("medical", 2),)),
            WideningPlan(after_ms=60_000, add_queues=("general",)),
        ),
    ),
)

NAMES = ("ana", "ben", "cem", "dia", "eve", "fay")


def plan_of(
    *,
    skills: Mapping[str, Sequence[tuple[str, int]]] | None = None,
    channels: Sequence[ChannelPlan] = CHANNELS,
    queues: Sequence[QueuePlan] = QUEUES,
    limits: Limits | None = None,
) -> Plan:
    """A plan with six agents (skills as given, none otherwise), a supervisor and an auditor."""
    given = skills or {}
    people = [
        PersonPlan(agent_id=name, name=name.title(), role="agent", skills=tuple(sorted(given.get(name, ()))))
        for name in NAMES
    ]
    people.append(PersonPlan(agent_id="sue", name="Sue", role="supervisor"))
    people.append(PersonPlan(agent_id="zed", name="Zed", role="auditor"))
    return Plan(
        site=Site(site_id="north", name="North", time_zone="UTC", languages=("en", "de", "ti")),
        skills=tuple(SkillPlan(skill_id=skill, name=skill) for skill in SKILLS),
        channels=tuple(channels),
        queues=tuple(queues),
        rules=(),
        people=tuple(people),
        reasons=(Reason(reason_id="break", name="Break"),),
        dispositions=(Reason(reason_id="helped", name="Helped"),),
        limits=limits or Limits(),
    )
