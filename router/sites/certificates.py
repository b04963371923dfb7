"""When what two sites know each other by ends: on that day neither hears the other one any more.

Both certificates and the CA were made at once and end at once: the one that lies here tells for both sites.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from config.settings import Settings, SettingsWrong
from router.sites.credentials import tls_files
from router.sites.problems import Problem

WARNED_MS: Final = 60 * 86_400_000
"""Two months before the end: new ones are copied to both machines by a person, who may be away."""

_DAY_MS: Final = 86_400_000
_TODO: Final = (
    "type `muster site keys FOLDER`, copy what it makes into the data folders of both sites on the same day, "
    "and restart the roles at both: docs/deploy.md"
)


def certificate_problems(settings: Settings, now_ms: int) -> Iterator[Problem]:
    """That they have ended, end soon, or cannot be read. Nothing where the pair has none: on one machine."""
    try:
        files = tls_files(settings)
    except SettingsWrong as problem:
        yield Problem(code="certificate_missing", text=str(problem), todo=_TODO)
        return
    for what, path in (("CA", files.ca), ("certificate", files.certificate)) if files else ():
        try:
            until_ms = _until_ms(path)
        except (OSError, ValueError) as problem:
            text = f"the pair's {what} ({path}) cannot be read: {type(problem).__name__}"
            yield Problem(code="certificate_missing", text=text, todo=_TODO)
            return
        if found := _ending(what, until_ms, now_ms):
            yield found
            return  # of two that end together one line is enough


def _ending(what: str, until_ms: int, now_ms: int) -> Problem | None:
    day = datetime.fromtimestamp(until_ms / 1_000, UTC).date().isoformat()
    if now_ms >= until_ms:
        text = f"the pair's {what} ended on {day}: the two sites do not hear each other"
        return Problem(code="certificate_ended", text=text, todo=_TODO)
    if until_ms - now_ms < WARNED_MS:
        days = (until_ms - now_ms) // _DAY_MS
        text = f"the pair's {what} ends on {day}, in {days} days: then the sites do not hear each other"
        return Problem(code="certificate_ends", text=text, todo=_TODO)
    return None


def _until_ms(path: Path) -> int:
    """The earliest end in this file. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return min(int(each.not_valid_after_utc.timestamp()) * 1_000 for each in found)
