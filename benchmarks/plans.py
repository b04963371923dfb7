"""Plans of centres that are measured: one channel, one queue, as many alike agents as wanted."""

from typing import Final

PLAN: Final = """
[site]
id = "bench"
name = "Benchmark"
time_zone = "UTC"
languages = ["en"]

[[channels]]
id = "chat"
name = "Chat"
queue_id = "line"
urgency = 3
load = {load}
max_at_once = {at_once}
offer_ms_urgent = 60_000
offer_ms = 60_000
body_bytes_max = 65_536
message_characters_max = 4_000
attachment_bytes_max = 1_000_000
abandoned_after_ms = 3_600_000

[[queues]]
id = "line"
name = "Line"
requirement = {{ require = {{ answers = 1 }} }}

[[rules]]
id = "everything"
queue_id = "line"
urgency = 3
language_skill = false
when = {{ all = [] }}

[[reasons]]
id = "break"
name = "Break"

[[dispositions]]
id = "done"
name = "Done"
"""
SUPERVISOR: Final = """
[[people]]
id = "supervisor"
name = "Supervisor"
role = "supervisor"
"""
SKILL: Final = """
[[skills]]
id = "{skill}"
name = "{skill}"
"""
PERSON: Final = """
[[people]]
id = "agent-{number:03}"
name = "Agent {number}"
role = "agent"
skills = {{ {skills} }}
"""


def plan_text(*, agents: int, at_once: int = 1, skills: int = 0) -> str:
    """A plan whose agents can all answer, hold at_once chats, and have this many skills more at level 3."""
    names = ["answers", *(skill_name(number) for number in range(skills))]
    held = ", ".join(f"{name} = 3" for name in names)
    parts = [PLAN.format(load=100 // at_once, at_once=at_once)]
    parts += [SKILL.format(skill=name) for name in names]
    parts += [PERSON.format(number=number, skills=held) for number in range(agents)]
    return "".join([*parts, SUPERVISOR])


def skill_name(number: int) -> str:
    """The id of a skill that plan_text made."""
    return f"skill-{number:02}"
