"""Random plans that contradict nothing: a few queues, skills, channels and people."""

import json
import random

SKILLS = ("s0", "s1", "s2", "s3")
CHANNELS = ("chat", "mail", "voice")


def random_plan(dice: random.Random) -> str:
    """The TOML text of a plan in which `boss` can serve everything after all widening."""
    queues = [f"q{number}" for number in range(dice.randint(1, 4))]
    lines = [
        '[site]\nid = "sim"\nname = "Simulated"\ntime_zone = "UTC"\nlanguages = ["en"]',
        *(f'[[skills]]\nid = "{skill}"\nname = "{skill}"' for skill in (*SKILLS, "trainee")),
        *_channels(dice, queues),
        *(_queue(dice, queue_id, queues) for queue_id in queues),
        *(_person(dice, number) for number in range(dice.randint(2, 7))),
        '[[people]]\nid = "boss"\nname = "Boss"\nrole = "supervisor"\nskills = '
        + _levels(dict.fromkeys(SKILLS, 5)),
        '[[reasons]]\nid = "break"\nname = "Break"',
        '[[dispositions]]\nid = "done"\nname = "Done"',
        _limits(dice),
    ]
    return "\n\n".join(lines) + "\n"


def random_requirement(dice: random.Random) -> dict[str, object]:
    """What a contact asks for: often nothing. `boss` meets all of it."""
    asked: dict[str, object] = {}
    if dice.random() < 0.5:
        asked["require"] = _some_levels(dice, 2)
    if dice.random() < 0.15:
        asked["require_any"] = _some_levels(dice, 3)
    if dice.random() < 0.1:
        asked["forbid"] = ["trainee"]
    return asked


def _channels(dice: random.Random, queues: list[str]) -> list[str]:
    described = {
        "chat": {"load": 30, "max_at_once": 3, "interrupted_by": ["voice"], "abandoned_after_ms": 20_000},
        "mail": {
            "load": 20,
            "max_at_once": 4,
            "interrupted_by": ["voice", "chat"],
            "abandoned_after_ms": 10**9,
        },
        "voice": {"load": 100, "max_at_once": 1, "abandoned_after_ms": 1_000},
    }
    common = {
        "offer_ms_urgent": dice.choice((8_000, 15_000)),
        "offer_ms": dice.choice((15_000, 30_000)),
        "body_bytes_max": 1_000,
        "message_characters_max": 1_000,
        "attachment_bytes_max": 0,
    }
    return [
        _table(
            "[[channels]]",
            {"id": each, "name": each, "queue_id": dice.choice(queues), "urgency": 3} | own | common,
        )
        for each, own in described.items()
    ]


def _queue(dice: random.Random, queue_id: str, queues: list[str]) -> str:
    asked = "" if dice.random() < 0.3 else f"requirement = {{ require = {_levels(_some_levels(dice, 2))} }}\n"
    values = {
        "ageing_pct": dice.choice((1, 50, 100, 100, 100, 250)),
        "head_start_ms": dice.choice((0, 0, 0, 20_000)),
    }
    text = _table("[[queues]]", {"id": queue_id, "name": queue_id} | values) + "\n" + asked
    after_ms = 0
    for _ in range(dice.randint(0, 3)):
        after_ms += dice.randint(3, 25) * 1_000
        text += "\n" + _step(dice, after_ms, [each for each in queues if each != queue_id])
    return text


def _step(dice: random.Random, after_ms: int, others: list[str]) -> str:
    kind = dice.choice(("lower", "drop", "add_queues"))
    if kind == "add_queues" and others:
        widens = f"add_queues = {json.dumps([dice.choice(others)])}"
    elif kind == "drop":
        widens = f"drop = {json.dumps([dice.choice(SKILLS)])}"
    else:
        widens = f"lower = {_levels({dice.choice(SKILLS): 1})}"
    return f"[[queues.widening]]\nafter_ms = {after_ms}\n{widens}\n"


def _person(dice: random.Random, number: int) -> str:
    skills = {skill: dice.randint(1, 5) for skill in SKILLS if dice.random() < 0.6}
    if dice.random() < 0.15:
        skills["trainee"] = 1
    return f'[[people]]\nid = "agent-{number}"\nname = "Agent"\nrole = "agent"\nskills = {_levels(skills)}'


def _limits(dice: random.Random) -> str:
    values = {
        "cooldown_ms": dice.choice((20_000, 60_000)),
        "only_candidate_ms": dice.choice((2_000, 5_000)),
        "desk_grace_ms": dice.choice((8_000, 30_000)),
        "desk_grace_offer_ms": dice.choice((3_000, 5_000)),
        "named_agent_ms": dice.choice((10_000, 60_000)),
        "wrap_up_ms": 20_000,
        "unattended_alarm_ms": 20_000,
        "waiting_alarm": 10,
    }
    return _table("[limits]", values)


def _some_levels(dice: random.Random, most: int) -> dict[str, int]:
    return {skill: dice.randint(1, 4) for skill in sorted(dice.sample(SKILLS, dice.randint(1, most)))}


def _levels(levels: dict[str, int]) -> str:
    return "{ " + ", ".join(f"{skill} = {level}" for skill, level in levels.items()) + " }"


def _table(header: str, values: dict[str, object]) -> str:
    return "\n".join([header, *(f"{key} = {json.dumps(value)}" for key, value in values.items())])
