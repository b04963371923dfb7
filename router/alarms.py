"""What makes the core call for a supervisor: every code of RaiseAlarm that it uses, once."""

from typing import Final

NOBODY_CAN_SERVE: Final = "nobody_can_serve"
"""Nobody signed in could ever meet what an interaction asks; detail names the requirement.

Once for each requirement, not for each interaction: again when the last one that asks it has left the line,
or when the last agent who could meet it has gone.
"""
NOBODY_SIGNED_IN: Final = "nobody_signed_in"
"""Somebody waits and no agent is signed in. Once, until the line was empty or somebody signed in."""
UNATTENDED: Final = "unattended"
"""Urgency 1 or 2 has waited longer than limits.unattended_alarm_ms since it was accepted."""
WRAP_UP_LONG: Final = "wrap_up_long"
"""Wrap-up without a disposition for longer than limits.wrap_up_ms. It goes on."""
AGENT_GONE: Final = "agent_gone"
"""An agent's last desk closed and stayed closed; detail counts the interactions that went back in line."""
LINE_LONG: Final = "line_long"
"""More interactions wait than limits.waiting_alarm."""
CORE_ERROR: Final = "core_error"
"""The core failed on an event or interaction, which waits in the manual queue; detail says how."""

CODES: Final = (
    NOBODY_CAN_SERVE,
    NOBODY_SIGNED_IN,
    UNATTENDED,
    WRAP_UP_LONG,
    AGENT_GONE,
    LINE_LONG,
    CORE_ERROR,
)
