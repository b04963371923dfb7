"""The plan of these tests: people of each role, three of them agents, one skill, two queues."""

from config.plan import Plan
from config.plan_file import parse_plan

PEOPLE = {
    "ana": "agent",
    "ben": "agent",
    "cai": "agent",
    "sue": "supervisor",
    "ada": "admin",
    "olga": "auditor",
}

_SKILL = "skills = { general = 3 }\n"

TEXT = """\
[site]
id = "here"
name = "Here"
time_zone = "Europe/Amsterdam"
languages = ["en"]

[[skills]]
id = "general"
name = "General"

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
attachment_bytes_max = 100_000
abandoned_after_ms = 120_000

[[queues]]
id = "first"
name = "First"
requirement = { require = { general = 1 } }

[[queues]]
id = "second"
name = "Second"
requirement = { require = { general = 1 } }

[[rules]]
id = "all"
urgency = 3
when = { all = [] }

[[reasons]]
id = "break"
name = "Break"

[[dispositions]]
id = "done"
name = "Done"

"""


def plan() -> Plan:
    """The plan, checked as every plan is."""
    people = "\n".join(
        f'[[people]]\nid = "{agent_id}"\nname = "{agent_id.title()}"\nrole = "{role}"\n'
        f"{_SKILL if role == 'agent' else ''}"
        for agent_id, role in PEOPLE.items()
    )
    return parse_plan(TEXT + people)
