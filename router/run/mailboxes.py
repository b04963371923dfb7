"""The mailboxes of a plan, each followed by a thread of its own, for the role mail.

Several roles may follow one mailbox: both keep the same mails, which are known by their bytes, and the
position only goes forward.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from typing import Final

from router.channels.imap_contact import envelope_of
from router.channels.imap_in import ImapSession, Place, place_of
from router.channels.mail_contact import Envelope
from router.channels.port import Account
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.run.mailbox_follower import Fetched, Follower, NotNow, Position, Session
from router.run.trouble import NoticeTrouble

IMAP: Final = "imap"
"""The provider of the plan."""

KEEP_S: Final = 60.0
"""For one batch to be on disk. When the database takes longer, the batch is looked at again."""

LOOKED_S: Final = 15.0
"""So often at most it is written down that a quiet mailbox was looked into."""

END_S: Final = 3.0
"""At the end, for all threads: none of them holds anything that is not on disk or in its mailbox."""

Keep = Callable[[str, Envelope], Awaitable[bool]]

_KEPT_UNTIL: Final = "SELECT coalesce(max(accepted_at_ms), 0) FROM interaction WHERE account = :account"
_NOTE: Final = """
    INSERT INTO mailbox (mailbox, validity, last_uid, at_ms, caught_up_ms)
    VALUES (:mailbox, :validity, :last_uid, :at_ms, :caught_up_ms)
    ON CONFLICT (mailbox) DO UPDATE SET validity = excluded.validity, at_ms = excluded.at_ms,
        caught_up_ms = CASE WHEN mailbox.caught_up_ms > excluded.caught_up_ms
            THEN mailbox.caught_up_ms ELSE excluded.caught_up_ms END,
        last_uid = CASE WHEN mailbox.validity = excluded.validity AND mailbox.last_uid > excluded.last_uid
            THEN mailbox.last_uid ELSE excluded.last_uid END
"""

_log = logging.getLogger("muster.imap")


class Mailboxes:
    """All of them. use() as often as the plan changes; begin() once the loop runs; end() when it stops."""

    def __init__(self, database: Database, committer: Committer, keep: Keep) -> None:
        self._database = database
        self._committer = committer
        self._keep = keep
        self._wanted: dict[str, tuple[Account, int]] = {}
        self._running: dict[str, _Running] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def use(self, accounts: Iterable[Account], *, mail_bytes: int) -> None:
        """Follow the mailboxes of these accounts from here on, and no others."""
        self._wanted = {each.account_id: (each, mail_bytes) for each in accounts}
        if self._loop is not None:
            self._renew(self._loop)

    def begin(self) -> None:
        """Start their threads."""
        self._loop = asyncio.get_running_loop()
        self._renew(self._loop)

    async def end(self) -> None:
        """Stop them all; who does not come back in time is left to the end of the process."""
        self._loop = None
        running = list(self._running.values())
        self._running.clear()
        for each in running:
            each.stop()
        await asyncio.to_thread(_join, running)

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        for account_id, running in list(self._running.items()):
            if self._wanted.get(account_id) != running.of:
                del self._running[account_id]
                running.stop()
        for account_id, wanted in self._wanted.items():
            if account_id not in self._running:
                account, mail_bytes = wanted
                place = place_of(account)
                if place is None:
                    _log.error("no mailbox in its endpoint account=%s", account_id)
                    continue
                around = _Around(self._database, self._committer, self._keep, account, place, loop)
                self._running[account_id] = _Running(around, account, mail_bytes)


class _Running:
    """One follower in its thread."""

    def __init__(self, around: "_Around", account: Account, mail_bytes: int) -> None:
        self.of = (account, mail_bytes)
        self._stopped = around.stopped
        self._follower = Follower(
            around,
            mail_bytes=mail_bytes,
            stop=around.stopped,
            starts_new=account.options.get("begin") == "new",
        )
        self.thread = threading.Thread(
            target=self._run, name=f"mailbox-{account.account_id}", args=(account.account_id,), daemon=True
        )
        self.thread.start()

    def stop(self) -> None:
        """Without waiting."""
        self._stopped.set()
        self._follower.close()

    def _run(self, account_id: str) -> None:
        while not self._stopped.is_set():
            try:
                self._follower.run()
            except Exception:  # noqa: BLE001 - our mistake: what waits there waits, and the others go on
                _log.exception("mailbox not followed account=%s", account_id)
                self._stopped.wait(5.0)


class _Around:
    """What a follower works with: `Surroundings` on a real server, database and journal."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        keep: Keep,
        account: Account,
        place: Place,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.stopped = threading.Event()
        self._database = database
        self._committer = committer
        self._keep = keep
        self._account = account
        self._place = place
        self._loop = loop
        self._noted_at_s = 0.0
        self._caught_up_at_s = -LOOKED_S
        self._name = f"{account.account_id} {place.name}"

    def open(self) -> Session:
        """As `Surroundings`."""
        return ImapSession(self._place, self._account.secret.decode("utf-8", "surrogateescape"))

    def position(self) -> Position | None:
        """As `Surroundings`."""
        try:
            with self._database.reading() as db:
                row = db.row("SELECT validity, last_uid FROM mailbox WHERE mailbox = :name", name=self._name)
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotNow(type(problem).__name__) from problem
        return Position(row[0], row[1]) if row else None

    def kept_until_ms(self) -> int:
        """As `Surroundings`."""
        try:
            with self._database.reading() as db:
                row = db.row(_KEPT_UNTIL, account=self._account.account_id)
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotNow(type(problem).__name__) from problem
        return int(row[0]) if row else 0

    def note(self, position: Position, *, caught_up_ms: int = 0) -> None:
        """As `Surroundings`."""
        try:
            with self._database.writing() as db:
                db.run(
                    _NOTE,
                    mailbox=self._name,
                    validity=position.validity,
                    last_uid=position.last_uid,
                    at_ms=_now_ms(),
                    caught_up_ms=caught_up_ms,
                )
            self._noted_at_s = time.monotonic()
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotNow(type(problem).__name__) from problem

    def caught_up_ms(self) -> int:
        """As `Surroundings`."""
        try:
            with self._database.reading() as db:
                row = db.row("SELECT caught_up_ms FROM mailbox WHERE mailbox = :name", name=self._name)
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotNow(type(problem).__name__) from problem
        return int(row[0]) if row else 0

    def looked(self, position: Position, *, caught_up: bool) -> None:
        """As `Surroundings`; written now and then."""
        now_s = time.monotonic()
        if caught_up and now_s - self._caught_up_at_s >= LOOKED_S:
            self.note(position, caught_up_ms=_now_ms())
            self._caught_up_at_s = now_s
        elif now_s - self._noted_at_s >= LOOKED_S:
            self.note(position)

    def keep(self, fetched: Sequence[Fetched]) -> None:
        """As `Surroundings`."""
        work: Future[bool] = asyncio.run_coroutine_threadsafe(self._keep_all(fetched), self._loop)
        try:
            kept = work.result(KEEP_S)
        except NotDone:
            work.cancel()
            kept = False
        if not kept:
            raise NotNow("the journal does not take it")

    def trouble(self, code: str, detail: str) -> None:
        """As `Surroundings`."""
        _log.warning("mailbox in trouble account=%s code=%s", self._account.account_id, code)
        append = NoticeTrouble(code=code, ref=self._account.account_id, detail=detail)
        try:
            self._committer.submit(append).result(KEEP_S)
        except (CommitUnknown, DatabaseBusy, DatabaseGone, NotDone) as problem:
            _log.warning("alarm not raised error=%s", type(problem).__name__)

    async def _keep_all(self, fetched: Sequence[Fetched]) -> bool:
        envelopes = [
            envelope_of(
                each.body,
                self._account,
                validity=each.validity,
                uid=each.uid,
                whole=each.whole,
                received_at_ms=_now_ms(),
            )
            for each in fetched
        ]
        keeping = (self._keep(self._account.account_id, each) for each in envelopes)
        return all(await asyncio.gather(*keeping))


def _join(running: Sequence[_Running]) -> None:
    until = time.monotonic() + END_S
    for each in running:
        each.thread.join(max(0.0, until - time.monotonic()))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
