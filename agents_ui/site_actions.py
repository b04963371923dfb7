"""Tells providers now whatever is due, for the command line and a console whose peer role is silent."""

import uuid
from typing import Any, Final  # Any: JSON

from router.sites.actions import Actions, shown
from router.sites.ground import Ground

ROUNDS_MAX: Final = 5
"""Of tries in one go; what a provider does not take then is tried again by the peer role, or by --run."""


async def run_due_actions(ground: Ground) -> list[dict[str, Any]]:
    """Tries what is due, and how each stands then; the peer role goes on with the rest."""
    actions = Actions(
        own=ground.own,
        committer=ground.committer,
        plan=ground.plan,
        settings=ground.settings,
        owner=f"site-{uuid.uuid4().hex[:8]}",
        copy=ground.copy,
    )
    found: dict[str, dict[str, Any]] = {}
    try:
        for _ in range(ROUNDS_MAX):
            tried = await actions.run_due()
            found |= {each.run_id: shown(each) for each in tried}
            if not tried:
                break
        return list(found.values())
    finally:
        await actions.close()
