"""The shared words of the project that are more than one package's business (docs/style.md, 3)."""

from typing import Final

URGENCIES: Final = (1, 2, 3, 4, 5)
"""1 immediate (life at risk now), 2 emergency, 3 urgent, 4 routine, 5 low. Strict between levels."""

URGENT_MAX: Final = 2
"""Urgency 1 and 2 end only by a human's disposition and are never held for a preferred agent."""

MANUAL_QUEUE: Final = "manual"
"""The queue that is always there: what the core could not handle waits here for any supervisor."""

SUPERVISOR_SKILL: Final = "supervisor"
"""The skill every supervisor and admin holds at level 5, and nobody else."""

ROLES: Final = ("agent", "supervisor", "admin", "auditor")

PROBE: Final = "probe"
TRAFFIC: Final = ("real", "drill", PROBE)

STRATEGIES: Final = ("longest_idle",)
"""How a queue chooses among agents who may all serve."""

NOTICES: Final = ("text-off", "opted-out", "opted-in", "help", "calls-down")
"""What Muster itself says by text: texts are switched off; no more messages; messages again; who we are. And
what callers hear when everything is down."""

TEMPLATE_CATEGORIES: Final = ("utility", "marketing", "authentication")
"""WhatsApp's own. Marketing goes to nobody who did not ask for it."""

CONSENTS: Final = ("reply", "service", "bulk")
"""What somebody may have asked not to get: answers to what they wrote, what we begin, and mass messages."""

SPOKEN: Final = ("en", "es", "fr", "de", "nl", "ar", "zh", "ru", "uk")
"""Languages in which callers can be spoken to who wait in the network of a provider."""
