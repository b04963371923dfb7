"""May this site start? Not over newer facts that the other site has of it, nor before it knows who serves.

An old backup, or a standby that lagged, would give numbers a second time that customers and desks have seen.
So before anything is appended the other site is asked how much of this site's stream it has, by whichever
role comes first. And before the router serves, the peer role has learned which domains the other site has
adopted meanwhile (Gate here; who waits for it is passage.py).
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final  # Any: JSON

import msgspec

from config.plan import Plan
from config.settings import Settings, SettingsWrong
from router.journal import stream
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.connection import Connection, DatabaseUnsafe
from router.journal.database import Database
from router.journal.unfinished import BACKUP, unfinished
from router.run.lease import NOW_MS
from router.run.plan_activation import plan_in_force
from router.run.trouble import NoticeTrouble
from router.sites.credentials import peer_access
from router.sites.passage import AWAY_S, GATE, PEER_RUN, Gap, Vouch
from router.sites.peer_client import PeerClient
from router.sites.peer_rows import RowsOverThere
from router.sites.recovering import PeerGone, PeerRows

ASK_S: Final = 3.0
"""Longer than this a site does not wait for a line before it starts."""

SILENT_S: Final = 4.0
"""After this without a beat of the other site the peer role opens the gate: it is not there."""

RENEW_S: Final = 0.5
"""The follower looks every second at least, under load all the time: two of its looks a second vouch."""

FRESH_S: Final = 10.0
"""A beat that is older says how things were."""

UNSAID_MS: Final = 3_000
"""An older release does not say when it looked: it does every second."""

STARTED_UNASKED: Final = "started_unasked"
"""Code of the alarm that the other site could not be asked."""

_LIVING: Final = "SELECT name FROM lease WHERE until_ms > {now}"
_ASKERS: Final = ("router", "standby/", "peer/")
_RECOVER: Final = (
    "type muster recover --from-peer first. Only in an emergency, when the other site cannot give them: "
    "muster recover --alone starts with what is here"
)
_ALONE: Final = f"""
    SELECT {stream.COLUMNS} FROM journal
    WHERE {stream.OWN_ROWS} AND kind = '{stream.BEGUN}' ORDER BY seq DESC
"""


class MayNotStart(DatabaseUnsafe):
    """The database is older than what others saw of it; the message is one line that says what to do."""


def check_start(
    settings: Settings, plan: Plan, database: Database, *, say: Callable[[str], None] = lambda line: None
) -> None:
    """Before the first row of a start. Raises MayNotStart, SettingsWrong (a key is missing), DatabaseGone.

    A site of its own is asked only whether its database is whole.
    """
    with database.reading() as db:
        refuse_unfinished(db)
    if not settings.site or plan.pair is None:
        return
    access = peer_access(settings, plan)
    client = PeerClient(access, clock_ms=wall_ms, answer_s=ASK_S)
    try:
        refuse_behind(database, RowsOverThere(client, access.site))
    except PeerGone as gone:
        say(f"  the other site cannot be asked ({gone}): this one starts with what it has")
        _alarm(database, access.peer, str(gone))
    finally:
        client.close()


def check_start_apart(settings: Settings, database: Database, *, only_takes: bool = False) -> float:
    """The same for a role that was started by itself, before it says that it lives, or appends anything.

    Whoever comes first asks, and all of those who come at once: where one lives, it was asked. Not by a role
    that only takes what comes (web, mail, voice): that one starts also where it cannot ask.

    Returns the seconds that it took beside one of those: a site whose other one is dead waits no longer for
    being asked about it twice.
    """
    if settings.beat_fd >= 0:
        return 0.0  # `muster up` has asked
    with database.reading() as db:
        living = [str(name) for (name,) in db.rows(_LIVING.format(now=NOW_MS[db.dialect]))]
        asked = living if only_takes else [name for name in living if name.startswith(_ASKERS)]
        in_force = None if asked else plan_in_force(db)
    if in_force is None:
        return 0.0
    began_s = time.monotonic()
    try:
        check_start(settings, in_force[1], database)
    except SettingsWrong as wrong:
        if not only_takes:
            raise
        # A machine without the pair's keys takes contacts all the same.
        _alarm(database, settings.site, str(wrong))
    return time.monotonic() - began_s if living else 0.0


def refuse_unfinished(db: Connection) -> None:
    """Raises MayNotStart where a restore or a recovery did not come to its end."""
    made_of = unfinished(db)
    if made_of:
        way = "repeat muster restore FILE" if made_of == BACKUP else "repeat muster recover --from-peer"
        raise MayNotStart(f"this database is being made again, and that did not come to its end: {way}")


def refuse_behind(database: Database, peer: PeerRows) -> None:
    """Raises MayNotStart where the other site has rows of this site's stream that are not here, PeerGone."""
    with database.reading() as db:
        head = stream.read_head(db)
    batch = peer.rows(max(head.seq - 1, 0))
    theirs = batch.head_seq
    if not theirs:
        return
    if not head.seq:
        raise MayNotStart(
            f"this database is empty, and the other site has {theirs} rows of this site: {_RECOVER}"
        )
    if theirs < head.seq:
        batch = peer.rows(theirs - 1)
    with database.reading() as db:
        head = stream.read_head(db)  # a web that lives may have appended, and the other site have it
        same = bool(batch.rows) and stream.has_row(db, batch.rows[0].seq, batch.rows[0].hash)
    if same and theirs <= head.seq:
        return
    if same:
        raise MayNotStart(
            f"the other site has {theirs - head.seq} newer rows of this site (up to {theirs}, here up to "
            f"{head.seq}): {_RECOVER}"
        )
    if not _chosen(database, peer, theirs):
        raise MayNotStart(f"the other site has other rows of this site than are here: {_RECOVER}")


class Gate:
    """The last step of the peer role's follower: vouches once the copy is what the other site has.

    What a beat says of that site's journal is a second old, and that site may take this one over as long as
    it has not heard that it is back. So what counts is only what it looked up after it had: by its own clock,
    from the first beat on that names this `run`. Whoever takes over from then on does it from a site that
    lives. A site whose database took nothing for so long that it may have been taken over is back under
    another run, once its beats no longer say so.

    failing says which other steps failed the last time: what they do may be missing here. stuck_s for how
    long the beats say that the database takes nothing.
    """

    def __init__(
        self,
        failing: Callable[[], object],
        *,
        stuck_s: Callable[[], float] = float,
        clocks_s: Sequence[Callable[[], float]] = (time.monotonic, time.time),
    ) -> None:
        self._failing, self._stuck_s = failing, stuck_s
        self._elapsed_s = clocks_s[0]
        self._gap = Gap(clocks_s)
        self._open = False
        self._away = False
        self._copied: int | None = None
        self._said: dict[str, str | int] = {}
        self._lock = threading.Lock()
        self._begin()

    @property
    def run(self) -> str:
        """What the beats call this life. Any thread."""
        return self._run

    def _begin(self) -> None:
        with self._lock:
            self._beat: tuple[float, Mapping[str, Any]] | None = None
            self._known_ms: int | None = None
            """Since when the other site knows that this one is back, by the other site's clock."""
            self._since_s = self._elapsed_s()
            self._run = uuid.uuid4().hex

    def heard(self, look: object, said: Mapping[str, Any]) -> None:
        """After each beat of this life: what the other site said, empty where it said nothing. Any thread."""
        if not said:
            return
        with self._lock:
            known = said["hears"] == self._run if "hears" in said else said.get("hears_you") is not False
            if self._known_ms is None and known:
                self._known_ms = _number(said, "at_ms")
            self._beat = self._elapsed_s(), said

    def mark(self, committer: Committer, own: Database, copy: Database) -> None:
        """The first step: how far the copy was before the others looked at it. What comes while they look
        may be something that was adopted there, and is not let go of here yet."""
        with copy.reading() as db:
            self._copied = stream.last_seq(db)

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """One look."""
        if self._open and self._gap.seconds > AWAY_S:
            self._open, self._away = False, True
        if self._away:
            if self._stuck_s():
                return
            self._away = False
            self._begin()
            return
        if self._open:
            if self._gap.seconds >= RENEW_S:
                self._vouch(committer)
            return
        with copy.reading() as db:
            copied = stream.last_seq(db) if self._copied is None else self._copied
        why = self._why(copied)
        if why and not self._failing():
            self._gap.mark()
            self._said = {"why": why, "copied": copied, PEER_RUN: self._run}
            self._vouch(committer)

    def _vouch(self, committer: Committer) -> None:
        """A commit like those of contacts: where one of them may have hung for too long, this has as well."""
        fit = self._is_fit
        committer.submit(Vouch(key=GATE, fit=fit, data=self._said)).result()
        self._away = not fit()
        self._open = fit()
        if self._open:
            self._gap.mark()

    def _is_fit(self) -> bool:
        return self._gap.seconds <= AWAY_S

    def _why(self, copied: int) -> str:
        """Why this site knows all it has to; empty: it does not."""
        now_s, beat = self._elapsed_s(), self._beat
        if beat is None or now_s - beat[0] > FRESH_S:
            return "alone" if now_s - self._since_s > SILENT_S else ""
        return "caught_up" if self._is_new(beat[1]) and copied >= _number(beat[1], "last_seq") else ""

    def _is_new(self, said: Mapping[str, Any]) -> bool:
        """Whether it was looked up when the other site knew that this one is back."""
        looked_ms = _number(said, "looked_ms") or _number(said, "at_ms") - UNSAID_MS
        return self._known_ms is not None and looked_ms >= self._known_ms


def _number(said: Mapping[str, Any], key: str) -> int:
    found = said.get(key)
    return found if isinstance(found, int) else 0


def _chosen(database: Database, peer: PeerRows, theirs: int) -> bool:
    """Whether somebody has begun a life here on purpose that the other site's copy does not have."""
    with database.reading() as db:
        begun = stream.rows_of(db.rows(_ALONE))
    row = next((each for each in begun if msgspec.json.decode(each.data)["why"] == "alone"), None)
    if row is None:
        return False
    if row.seq > theirs:
        return True
    found = peer.rows(row.seq - 1).rows
    return not found or found[0].hash != row.hash


def _alarm(database: Database, peer: str, why: str) -> None:
    committer = Committer(database)
    try:
        committer.submit(NoticeTrouble(code=STARTED_UNASKED, ref=peer, detail=why)).result()
    finally:
        committer.close()
