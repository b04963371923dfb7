"""A mailbox that does what a test tells it to, and a follower's surroundings in memory. No clock."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event

from router.channels.imap_in import ImapGone, ImapRefused
from router.run.mailbox_follower import Fetched, Follower, NotNow, Position


class FakeServer:
    """The mails of one folder by number, and what is wrong with them."""

    def __init__(self) -> None:
        self.validity = 1
        self.mails: dict[int, bytes] = {}
        self.sizes: dict[int, int] = {}
        self.came_ms: dict[int, int] = {}
        self.silent: set[int] = set()
        """There, and never handed over."""
        self.deadly: set[int] = set()
        """Asking for one of these costs the connection."""
        self.refuses = False
        self.settled: list[int] = []
        self.settles = True
        self.asked_bytes: list[int] = []
        self.opened = 0
        self.before_fetch: Callable[[], None] = lambda: None

    def put(self, *bodies: bytes) -> None:
        for body in bodies:
            self.mails[max(self.mails, default=0) + 1] = body


class FakeSession:
    """One connection to it."""

    idles = True

    def __init__(self, server: FakeServer, waits: Callable[[], None]) -> None:
        self._server = server
        self._waits = waits
        self.validity = server.validity

    def uids_after(self, last_uid: int) -> list[int]:
        return sorted(uid for uid in self._server.mails if uid > last_uid)

    def uids_since(self, at_ms: int) -> list[int]:
        return sorted(uid for uid in self._server.mails if self._server.came_ms.get(uid, 0) >= at_ms)

    def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        server = self._server
        return {uid: server.sizes.get(uid, len(server.mails[uid])) for uid in uids if uid in server.mails}

    def bodies(self, uids: Sequence[int], most: int) -> Mapping[int, bytes]:
        server = self._server
        server.before_fetch()
        if server.deadly.intersection(uids):
            raise ImapGone("abort")
        server.asked_bytes.append(most)
        there = [uid for uid in uids if uid in server.mails and uid not in server.silent]
        return {uid: server.mails[uid][:most] for uid in there}

    def settle(self, uids: Sequence[int]) -> None:
        if not self._server.settles:
            raise ImapRefused("no such folder")
        self._server.settled += uids

    def wait(self, seconds: float) -> None:
        self._waits()

    def close(self) -> None:
        """Nothing."""


class Passing(Event):
    """A stop whose waiting takes no time; told to stop after so many waits, so that no test runs for ever."""

    def __init__(self, most: int = 200) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) >= self._most:
            self.set()
        return self.is_set()


class FakeSurroundings:
    """Keeps in lists. `quiet` decides what happens when nothing waits any more: by default the end."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.stop = Passing()
        self.kept: list[Fetched] = []
        self.known: Position | None = None
        self.kept_ms = 0
        self.now_ms = 0
        self.empty_ms = 0
        """When nothing waited; 0: never."""
        self.notes: list[Position] = []
        self.alarms: list[str] = []
        self.keeps = True
        self.quiet: Callable[[], None] = self.stop.set
        self.while_keeping: Callable[[], None] = lambda: None

    def open(self) -> FakeSession:
        self.server.opened += 1
        if self.server.refuses:
            raise ImapRefused("login refused")
        return FakeSession(self.server, lambda: self.quiet())

    def position(self) -> Position | None:
        return self.known

    def kept_until_ms(self) -> int:
        return self.kept_ms

    def note(self, position: Position) -> None:
        self.known = position
        self.notes.append(position)

    def caught_up_ms(self) -> int:
        return self.empty_ms

    def looked(self, position: Position, *, caught_up: bool) -> None:
        if caught_up:
            self.empty_ms = self.now_ms

    def keep(self, fetched: Sequence[Fetched]) -> None:
        if not self.keeps:
            raise NotNow("the journal does not take it")
        self.kept += fetched
        self.while_keeping()

    def trouble(self, code: str, detail: str) -> None:
        self.alarms.append(code)

    def follow(self, *, mail_bytes: int = 1_000, starts_new: bool = False) -> "FakeSurroundings":
        """Until nothing waits, or `stop`."""
        Follower(self, mail_bytes=mail_bytes, stop=self.stop, starts_new=starts_new).run()
        return self

    def again(self) -> "FakeSurroundings":
        """A new process on the same mailbox and the same position."""
        fresh = FakeSurroundings(self.server)
        fresh.known, fresh.empty_ms = self.known, self.empty_ms
        return fresh

    @property
    def bodies(self) -> list[bytes | None]:
        return [each.body for each in self.kept]
