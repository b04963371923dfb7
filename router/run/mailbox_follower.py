"""Follows one mailbox: what waits in it is kept, oldest first, and only then counted as read. In a thread.

The position (UIDVALIDITY, last UID) is committed after the mail is on disk, so a crash between the two looks
at the same mails again; they are recognised by their own bytes. With another UIDVALIDITY everything is looked
at again, for the same reason; where the plan begins with what is new, everything from the day before the
mailbox was last found empty: what was old at the beginning was never kept, and is no news.

A mailbox that cannot be reached is tried again later and later, with an alarm; others have their own thread
and notice nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final, Protocol

from router.channels.imap_in import ImapGone, ImapRefused

OLDEST: Final = 40
NEWEST: Final = 10
"""Kept in one round. With thousands waiting the newest get their turn in each round as well: who writes now
must not wait until a week of mail is done. What was kept ahead is skipped when its turn comes."""

AHEAD_MAX: Final = 50_000
"""Numbers of mails kept ahead that are remembered; beyond that they are only looked at a second time."""

GROUP_BYTES: Final = 8_388_608
"""Fetched in one go and in memory at one time, as far as one mail is not larger by itself."""

HEAD_BYTES: Final = 262_144
"""Kept of a mail that is too large: enough of it to say who writes, and what."""

POLL_S: Final = 10.0
"""The net below IDLE, which some servers promise and do not keep."""

POLL_BARE_S: Final = 5.0
"""Between two looks where a server has no IDLE."""

RETRY_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""After a connection was lost; the last one from then on."""

REFUSED_S: Final = (30.0, 60.0, 120.0, 300.0)
"""After a refusal. Many servers lock an account that tries a wrong password more often."""

ALARM_AFTER: Final = 3
"""So many lost connections in a row, and somebody should know (about 10 s); a refusal is told at once."""

TRIES_MAX: Final = 5
"""A mail that is there and does not come when asked for, or whose coming costs the connection, is shown as
such after this many tries: a server that chokes on one mail must not hold up all that follow."""

DAY_MS: Final = 86_400_000
"""Servers search by whole days, each in a time zone of its own."""

REFUSED: Final = "mailbox_refused"
DOWN: Final = "mailbox_down"
NOT_SETTLED: Final = "mailbox_not_settled"
"""Codes of the alarms: no way in; no connection; what the plan says is done with kept mail is refused."""

_log = logging.getLogger("muster.imap")


class Session(Protocol):
    """What it needs of a connection; imap_in.ImapSession says more."""

    @property
    def validity(self) -> int: ...

    @property
    def idles(self) -> bool: ...

    def uids_after(self, last_uid: int) -> list[int]: ...

    def uids_since(self, at_ms: int) -> list[int]: ...

    def sizes(self, uids: Sequence[int]) -> Mapping[int, int]: ...

    def bodies(self, uids: Sequence[int], most: int) -> Mapping[int, bytes]: ...

    def settle(self, uids: Sequence[int]) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One mail out of the mailbox. Shape: whole is its size where only the beginning is here, else 0;
    body is None for a mail that is there and cannot be fetched."""

    validity: int
    uid: int
    body: bytes | None
    whole: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to last_uid is kept, under this validity."""

    validity: int
    last_uid: int


class NotNow(Exception):
    """Nothing can be kept or remembered now; nothing was lost."""


class Surroundings(Protocol):
    """What a follower works with outside of the mailbox. Every method may raise NotNow."""

    def open(self) -> Session:
        """A new connection. Raises ImapRefused, ImapGone."""
        ...

    def position(self) -> Position | None:
        """How far this mailbox was read; None: never, or in a life of the database that is lost."""
        ...

    def kept_until_ms(self) -> int:
        """When mail of this account was last kept, by whoever read it; 0: none ever was."""
        ...

    def note(self, position: Position) -> None:
        """Remember it, on disk."""
        ...

    def caught_up_ms(self) -> int:
        """When nothing waited in it: what had come by then is kept, or was old at the beginning; 0: never."""
        ...

    def looked(self, position: Position, *, caught_up: bool) -> None:
        """The mailbox was looked into: whoever watches over it wants to know. caught_up: nothing waited."""
        ...

    def keep(self, fetched: Sequence[Fetched]) -> None:
        """All of them on disk when this returns."""
        ...

    def trouble(self, code: str, detail: str) -> None:
        """Say that somebody should look. Never raises."""
        ...


class Follower:
    """One mailbox. run() until `stop` is set; close() wakes it where it waits for the server."""

    def __init__(self, around: Surroundings, *, mail_bytes: int, stop: Event, starts_new: bool) -> None:
        self._around = around
        self._mail_bytes = mail_bytes
        self._stop = stop
        self._starts_new = starts_new
        self._session: Session | None = None
        self._ahead: set[int] = set()
        self._tries: dict[int, int] = {}
        self._fetching: Sequence[int] = ()
        self._settling = True
        self.failures = 0

    def run(self) -> None:
        """Follow until told to stop."""
        while not self._stop.is_set():
            pauses: Sequence[float] = RETRY_S
            try:
                self._follow()
            except ImapRefused as no:
                pauses = REFUSED_S
                self._around.trouble(REFUSED, str(no))
            except ImapGone as gone:
                _log.info("mailbox lost reason=%s failures=%d", gone, self.failures)
                self._blame()
                if self.failures + 1 >= ALARM_AFTER and not self._stop.is_set():
                    self._around.trouble(DOWN, str(gone))
            except NotNow as reason:
                _log.warning("mail not kept now reason=%s", reason)
            except Exception as mistake:  # noqa: BLE001 - ours, with one of these: the others must get past it
                _log.exception("mail not kept failures=%d", self.failures)
                self._blame()
                if self.failures + 1 >= ALARM_AFTER:
                    self._around.trouble(DOWN, type(mistake).__name__)
            self._stop.wait(pauses[min(self.failures, len(pauses) - 1)])
            self.failures += 1

    def close(self) -> None:
        """From another thread: whatever it waits for ends."""
        session = self._session
        if session is not None:
            session.close()

    def _follow(self) -> None:
        """Over one connection, until it is lost or we are told to stop."""
        session = self._session = self._around.open()
        try:
            self._settling = True
            position = self._begin(session)
            while not self._stop.is_set():
                position, more = self._round(session, position)
                self.failures = 0
                self._around.looked(position, caught_up=not more)
                if more:
                    continue
                if session.idles:
                    session.wait(POLL_S)
                else:
                    self._stop.wait(POLL_BARE_S)
        finally:
            self._session = None
            session.close()

    def _begin(self, session: Session) -> Position:
        known = self._around.position()
        if known is not None and known.validity == session.validity:
            return known
        self._ahead.clear()
        self._tries.clear()
        last_uid = 0
        if known is None and self._starts_new:
            last_uid = self._newest(session)
        elif self._starts_new:
            last_uid = self._before(session, self._around.caught_up_ms())
        fresh = Position(session.validity, last_uid)
        self._around.note(fresh)
        return fresh

    def _newest(self, session: Session) -> int:
        """Where the mailbox of a new site begins. A site that was made again goes on the day before what it
        kept last: how far it had read is lost, and what came since would be."""
        kept_ms = self._around.kept_until_ms()
        if not kept_ms:
            return max(session.uids_after(0), default=0)
        return self._before(session, kept_ms)

    def _before(self, session: Session, at_ms: int) -> int:
        """The last number before what came on the day before this, or later; 0 where nobody knows when."""
        if not at_ms:
            return 0
        since = session.uids_since(at_ms - DAY_MS)
        return min(since) - 1 if since else max(session.uids_after(0), default=0)

    def _round(self, session: Session, position: Position) -> tuple[Position, bool]:
        """One batch; the position after it, and whether there was anything."""
        uids = session.uids_after(position.last_uid)
        if not uids:
            return position, False
        oldest, rest = uids[:OLDEST], uids[OLDEST:]
        newest = [uid for uid in rest[-NEWEST:] if uid not in self._ahead]
        self._take(session, newest[::-1])
        undone = self._take(session, [uid for uid in oldest if uid not in self._ahead])
        first = min(undone, default=oldest[-1] + 1)
        done = [uid for uid in oldest if uid < first]
        if done:
            position = Position(position.validity, done[-1])
            self._around.note(position)
            self._ahead = {uid for uid in self._ahead if uid > position.last_uid}
        if undone:
            self._stop.wait(RETRY_S[0])
        return position, True  # What came while these were kept is looked for before anybody waits.

    def _take(self, session: Session, uids: Sequence[int]) -> set[int]:
        """Keep these; those of them that are there and did not come, as far as they are worth another try."""
        undone: set[int] = set()
        hopeless = [uid for uid in uids if self._tries.get(uid, 0) >= TRIES_MAX]
        self._keep(session, [Fetched(validity=session.validity, uid=uid, body=None) for uid in hopeless])
        hopeful = [uid for uid in uids if uid not in hopeless]
        sizes = session.sizes(hopeful) if hopeful else {}
        for group in self._groups(hopeful, sizes):
            undone |= self._take_group(session, group, sizes)
        return undone

    def _take_group(self, session: Session, group: Sequence[int], sizes: Mapping[int, int]) -> set[int]:
        limit = self._mail_bytes
        most = HEAD_BYTES if sizes.get(group[0], 0) > limit else limit + 1
        self._fetching = group
        bodies = session.bodies(group, most)
        self._fetching = ()
        kept = []
        for uid, body in sorted(bodies.items()):
            if uid not in group:
                continue
            whole = max(sizes.get(uid, 0), len(body))
            cut = whole > limit
            kept.append(
                Fetched(
                    validity=session.validity,
                    uid=uid,
                    body=body[:HEAD_BYTES] if cut else body,
                    whole=whole if cut else 0,
                )
            )
        try:
            self._keep(session, kept)
        except (ImapGone, ImapRefused, NotNow):
            raise
        except Exception:
            self._fetching = group  # to blame: alone the next time, and after some tries put before a person
            raise
        return self._missing(session, [uid for uid in group if uid not in bodies])

    def _keep(self, session: Session, fetched: Sequence[Fetched]) -> None:
        if not fetched:
            return
        self._around.keep(fetched)
        for each in fetched:
            self._tries.pop(each.uid, None)
            if len(self._ahead) < AHEAD_MAX:
                self._ahead.add(each.uid)
        if not self._settling:
            return
        try:
            session.settle([each.uid for each in fetched if each.body is not None])
        except ImapRefused as no:  # The mail is kept: what becomes of it there is a courtesy.
            self._settling = False
            self._around.trouble(NOT_SETTLED, str(no))

    def _missing(self, session: Session, uids: Sequence[int]) -> set[int]:
        """Of those that did not come, the ones still there: what is gone was its owner's to take away."""
        if not uids:
            return set()
        there = set(session.uids_after(min(uids) - 1))
        for uid in uids:
            if uid in there:
                self._note_try(uid)
            else:
                _log.info("mail gone before it was fetched uid=%d", uid)
        return there.intersection(uids)

    def _note_try(self, uid: int) -> None:
        self._tries[uid] = self._tries.get(uid, 0) + 1

    def _blame(self) -> None:
        """The connection was lost while these were fetched: perhaps by one of them."""
        for uid in self._fetching:
            self._note_try(uid)
        self._fetching = ()

    def _groups(self, uids: Sequence[int], sizes: Mapping[int, int]) -> list[list[int]]:
        """Several small ones in one go; alone what is too large, of unknown size, or failed before."""
        groups: list[list[int]] = []
        room = 0
        for uid in uids:
            size = sizes.get(uid, self._mail_bytes)
            alone = size >= self._mail_bytes or uid in self._tries
            if alone or size > room:
                groups.append([])
                room = GROUP_BYTES
            groups[-1].append(uid)
            room = 0 if alone else room - size
        return groups
