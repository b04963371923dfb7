"""Times as people type them at the command line."""

from datetime import datetime
from zoneinfo import ZoneInfo

from config.settings import SettingsWrong


def moment_ms(text: str, time_zone: str) -> int:
    """Milliseconds UTC of an ISO date or time; local to the site unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsWrong(f"{text!r} is no time: give 2026-11-22, or 2026-11-22T03:40") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return round(moment.timestamp() * 1_000)
