"""Which site serves whose traffic now, as far as this one knows: read once a second, told from memory.

Pages of a site that went silent ask here every two seconds, all of them: so the answer must cost nothing, and
must come also while the database stands still. Deciding who serves is router/sites; here is only reading.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON on its way to a page
from urllib.parse import urlsplit

import msgspec

from agents_ui.elsewhere.copy_reader import CopyReader
from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import secret_of
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.sites.credentials import PEER_KEY
from router.sites.moving import Seal
from router.sites.ownership import Owner, owners

EVERY_S: Final = 1.0
"""A take-over is seen by pages at most this much later."""

ALL_PCT: Final = 100

_log = logging.getLogger("muster.elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """The other site of the pair: its id, its name, and the address of its pages."""

    site_id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a site's traffic is not served at home: take_over, return or reroute, and since when."""

    why: str = ""
    since_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who serves each site's traffic, by site id, and why; and this site's state in words."""

    server_of: Mapping[str, str]
    reason_of: Mapping[str, Reason]
    state: str = "Normal"


class Whereabouts:
    """What a web process says about the two sites. Without a pair it says that there is no other one."""

    def __init__(self, settings: Settings, plan: Callable[[], Plan], database: Database) -> None:
        self._settings = settings
        self._plan = plan
        self._database = database
        self.copy = CopyReader(settings)
        self._known = Known(server_of={}, reason_of={})
        self._seal: Seal | None = None

    @property
    def here(self) -> str:
        """The id of this site; empty where there is no pair."""
        return self._settings.site if self.other() is not None else ""

    def other(self) -> Other | None:
        """The other site; None where this is one site alone, or where nobody has said where the other is."""
        pair, here = self._plan().pair, self._settings.site
        if pair is None or pair.site(here) is None:
            return None
        found = pair.other(here)
        url = self._settings.sites.get(found.site_id, found.url).rstrip("/")
        return Other(site_id=found.site_id, name=found.name, url=url) if origin_of(url) else None

    def name(self) -> str:
        """What people call this site."""
        pair = self._plan().pair
        site = pair.site(self._settings.site) if pair is not None else None
        return site.name if site is not None else self._plan().site.name

    def origin(self) -> str:
        """The other site's origin, as browsers write it; empty where there is none."""
        other = self.other()
        return origin_of(other.url) if other is not None else ""

    def seal(self) -> Seal | None:
        """What seals tickets; None as long as there is no key. Blocks: reads a file until there is one."""
        if self._seal is None and (key := secret_of(PEER_KEY, self._settings)) is not None:
            self._seal = Seal(key)
        return self._seal

    def serves(self) -> tuple[str, ...]:
        """The sites whose traffic this one serves, sorted."""
        here, other = self.here, self.other()
        sites = sorted(filter(None, (here, other.site_id if other else "")))
        return tuple(site for site in sites if self._known.server_of.get(site, site) == here)

    def beat(self) -> bytes:
        """What goes with the beats of desks and walls: whom this site serves; nothing where it is alone."""
        return b',"serves":%b' % msgspec.json.encode(self.serves()) if self.here else b""

    def reason(self, site: str) -> Reason:
        """Why that site's traffic is where it is; nothing for what was always at home."""
        return self._known.reason_of.get(site, Reason())

    def said(self) -> dict[str, Any]:
        """The answer of GET /api/site."""
        other, serves = self.other(), self.serves()
        return {
            "site": self.here,
            "name": self.name(),
            "state": self._known.state,
            "serves": list(serves),
            "moved": other is not None and other.site_id in serves,
            "why": {
                site: {"why": reason.why, "since_ms": reason.since_ms}
                for site, reason in sorted(self._known.reason_of.items())
            },
            "other": None if other is None else {"site": other.site_id, "name": other.name, "url": other.url},
        }

    async def run(self) -> None:
        """Look once a second. A database that is away for a while leaves what was known."""
        while True:
            if self.other() is not None:
                try:
                    await asyncio.to_thread(self.look)
                except (DatabaseBusy, DatabaseGone) as problem:
                    _log.warning("who serves is not known anew error=%s", type(problem).__name__)
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Read it now. Blocks. Raises DatabaseBusy, DatabaseGone."""
        other = self.other()
        if other is None:
            return
        here = self._settings.site
        with self._database.reading() as db:
            own = _told(db, here)
        there = self.copy.ask(lambda db: _told(db, other.site_id))
        self._known = _known(own, there, here=here, other=other.site_id)


def origin_of(url: str) -> str:
    """Scheme and host of an address, as browsers write an Origin; empty where it is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one site's tables say: claims by site, and what else is needed."""

    claims: Mapping[str, Owner]
    rerouted_since_ms: int
    """Since when everything of its own is handed to the other one; 0: it is not."""
    state: str


def _told(db: Connection, site: str) -> _Told:
    reroute = db.row("SELECT share_pct, since_ms FROM reroute WHERE scope = 'all'")
    state = db.row("SELECT override, observed FROM site_state WHERE site = :site", site=site)
    return _Told(
        claims=owners(db),
        rerouted_since_ms=reroute[1] if reroute is not None and reroute[0] >= ALL_PCT else 0,
        state=next(filter(None, state or ()), "Normal"),
    )


def _known(own: _Told, there: _Told | None, *, here: str, other: str) -> Known:
    """The highest claim that either site's tables have; a site that hands everything on is served there."""
    server_of, reason_of = {}, {}
    for site, told, another in ((here, own, other), (other, there, here)):
        found = [each.claims[site] for each in (own, there) if each is not None and site in each.claims]
        known = max(found, key=lambda each: (each.n, each.site), default=Owner(n=0, site=site))
        owner, mode, since_ms = known.site, known.mode, known.since_ms
        if owner == site and told is not None and told.rerouted_since_ms:
            owner, mode, since_ms = another, "reroute", told.rerouted_since_ms
        server_of[site], reason_of[site] = owner, Reason(why=mode, since_ms=since_ms)
    return Known(server_of=server_of, reason_of=reason_of, state=own.state)
