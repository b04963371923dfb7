"""A small plan that contradicts nothing, and ways to spoil it."""

from config.plan import Plan
from config.plan_file import PlanWrong, parse_plan

SMALL = """\
[site]
id = "here"
name = "Here"
time_zone = "Europe/Amsterdam"
languages = ["nl", "en"]

[[skills]]
id = "medical"
name = "Medical"

[[skills]]
id = "lang-en"
name = "English"

[[channels]]
id = "chat"
name = "Chat"
queue_id = "first"
urgency = 3
load = 30
max_at_once = 3
offer_ms_urgent = 15_000
offer_ms = 30_000
body_bytes_max = 65_536
message_characters_max = 4_000
attachment_bytes_max = 0
abandoned_after_ms = 120_000

[[queues]]
id = "first"
name = "First"
requirement = { require = { medical = 2 } }

[[queues.widening]]
after_ms = 10_000
lower = { medical = 1 }

[[rules]]
id = "hurt"
urgency = 1
when = { field = "words", operator = "has_any", value = ["hurt"] }

[[rules]]
id = "night"
urgency = 4
when = { field = "hours", operator = "between", value = ["22:00", "07:00"] }

[[people]]
id = "ana"
name = "Ana"
role = "agent"
skills = { medical = 3, lang-en = 2 }

[[people]]
id = "sam"
name = "Sam"
role = "supervisor"

[[reasons]]
id = "break"
name = "Break"

[[dispositions]]
id = "done"
name = "Done"
"""


def small() -> Plan:
    """The small plan."""
    return parse_plan(SMALL)


def spoiled(*changes: tuple[str, str], add: str = "") -> list[tuple[str, str]]:
    """What is wrong with the small plan after these replacements: (the line's text, the problem's text)."""
    text = SMALL
    for old, new in changes:
        assert old in text, f"the small plan does not say {old!r}"
        text = text.replace(old, new, 1)
    text += add
    try:
        parse_plan(text, "small.toml")
    except PlanWrong as wrong:
        lines = ["", *text.splitlines()]
        return [(lines[problem.line].strip(), problem.text) for problem in wrong.problems]
    return []
