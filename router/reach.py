"""Requirements that nobody signed in could ever meet: they widen at once, with an alarm. Reads only.

One alarm for each requirement and occasion, not for each interaction: a thousand people waiting for one
language are one thing to look into. With nobody signed in at all nothing widens (everybody lacks everything
then), and one alarm says that.
"""

from queues.interaction import Interaction
from queues.line import rank
from queues.wish import Audience, Wish
from router import alarms
from router.centre import Centre
from router.decisions import Decision, RaiseAlarm, WidenRequirement
from skills.match import Need


def has_changed(centre: Centre) -> bool:
    """Whether somebody came or left on whom it may depend who could ever serve anything."""
    return bool(centre.came or centre.lost or centre.emptied)


def in_question(centre: Centre) -> bool:
    """Whether anything has changed about who could ever serve what waits."""
    if has_changed(centre):
        return True
    for each in centre.fresh:
        if each.place is not None and each.ask is not None and not each.ask.audience.reach:
            return True
    return False


def unmet(centre: Centre) -> list[Interaction]:
    """The interactions to look at: in line, for an audience of nobody, and something has changed about it.

    In an order of their own: that of the audiences depends on what was asked first, and a restored core has
    been asked in another order.
    """
    if centre.came or centre.lost:
        found = centre.line.unreached()
    else:
        found = [
            each
            for each in centre.fresh
            if each.place is not None and each.ask is not None and not each.ask.audience.reach
        ]
    return sorted(found, key=lambda each: (each.urgency, each.accepted_at_ms, each.interaction_id))


def nobody_signed_in(centre: Centre, now_ms: int) -> list[Decision]:
    """Somebody waits and nobody is there: one alarm, when the first one waits or the last agent leaves."""
    fresh = [each for each, alarm in centre.fresh.items() if alarm and each.place is not None]
    if not centre.line.waiting or not (centre.emptied or (fresh and centre.line.waiting <= len(fresh))):
        return []
    first = min(centre.line.heads() if centre.emptied else fresh, key=lambda each: rank(each, now_ms))
    return [RaiseAlarm(at_ms=now_ms, code=alarms.NOBODY_SIGNED_IN, ref=first.interaction_id)]


def first_step_met(interaction: Interaction) -> int | None:
    """The first later step of its requirement that somebody signed in could meet, or None."""
    ask = interaction.ask
    if ask is None:
        return None
    steps = range(interaction.step + 1, ask.wish.last_step + 1)
    return next((step for step in steps if ask.wish.ask(step).audience.reach), None)


def widened(interaction: Interaction, now_ms: int) -> list[Decision]:
    """It asks less from now on, as what it asked cannot be had; nothing when asking less does not help."""
    step = first_step_met(interaction)
    if step is None:
        return []
    ref = interaction.interaction_id
    return [WidenRequirement(at_ms=now_ms, interaction_id=ref, step=step, why="unsatisfiable")]


def alarm(centre: Centre, interactions: list[Interaction], now_ms: int) -> list[Decision]:
    """At most one alarm about these unmet interactions, before they are widened."""
    fresh_of: dict[Wish, int] = {}
    for each, new in centre.fresh.items():  # what only changed waited before
        if new and each.place is not None and each.ask is not None:
            fresh_of[each.ask.wish] = fresh_of.get(each.ask.wish, 0) + 1
    wishes: dict[Wish, Interaction] = {}
    for each in sorted(interactions, key=lambda each: rank(each, now_ms)):
        ask = each.ask
        if ask is None or ask.wish in wishes:
            continue
        first_of_its_kind = centre.fresh.get(each, False) and ask.wish.waiting <= fresh_of.get(ask.wish, 0)
        if centre.first_came or ask.audience in centre.lost or first_of_its_kind:
            wishes[ask.wish] = each
    if not wishes:
        return []
    first = next(iter(wishes.values()))
    detail = described(first)
    if len(wishes) > 1:
        detail += f" (and {len(wishes) - 1} more requirements)"
    return [RaiseAlarm(at_ms=now_ms, code=alarms.NOBODY_CAN_SERVE, ref=first.interaction_id, detail=detail)]


def described(interaction: Interaction) -> str:
    """What it asks, for people: skill and level, one of several, and what must not be."""
    ask = interaction.ask
    if ask is None:
        return ""
    step = first_step_met(interaction)
    outlook = "no step of its widening helps" if step is None else f"widened to step {step}"
    return f"{_audience(ask.audience)} (queue {interaction.queue_id}): {outlook}"


def _audience(audience: Audience) -> str:
    return " or ".join(_need(need) for need in audience.needs)


def _need(need: Need) -> str:
    parts = [f"{skill} {level}" for skill, level in need.require]
    parts += [
        "one of " + ", ".join(f"{skill} {level}" for skill, level in group) for group in need.any_groups
    ]
    parts += [f"not {skill}" for skill in need.forbid]
    return ", ".join(parts) or "anybody"
