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
REAL: Final = "real"
REHEARSAL: Final = "rehearsal"
TRAFFIC: Final = (REAL, "drill", PROBE, REHEARSAL)
"""A drill is a partner's, and agents answer it. A probe and a rehearsal are our own: nobody's desk rings."""

STAGED: Final = (PROBE, REHEARSAL)

MOVED: Final = "moved"
"""Why an interaction is closed that the other site serves."""

ELSEWHERE: Final = "@"
"""Begins what stands in the place of an agent: `@<site>`, to which an interaction is being given."""

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

TAKE_OVERS: Final = ("manual", "automatic")
"""Who may move a centre whose other site is silent: a person only, or the site that still lives as well."""

MOVES: Final = ("take_over", "return")
"""The two ways in which the traffic of a site moves: to the other one, and home."""

ACTIONS: Final = ("http", "twilio_number", "command")
"""How a provider is told that it moves."""

SIGNATURES: Final = ("hmac", "bearer", "basic")
"""How an action of kind http proves itself: X-Muster-Signature over its body, or an Authorization header."""
