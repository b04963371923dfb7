"""Pushes this site's journal to the other one: in order, whole, again and again until it is there.

One thread with a line of its own. It reads a batch, closes its reading, and only then waits for the network.
Nothing is remembered here: how far the other site is, it says itself, and that is where sending goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from router.journal import stream
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.journal.hashed_content import Finding
from router.sites.copies import Batch, read_batch, read_piece
from router.sites.mending import PIECE, Mending
from router.sites.peer_client import PeerAnswer, PeerClient, PeerUnreachable
from router.sites.wire import pack_batch, pack_piece

ROWS: Final = "/peer/rows"

POLL_S: Final = 0.1
"""How often the journal is looked at where no hint comes (Redis is gone)."""

BACKOFF_S: Final = (0.1, 0.25, 0.5, 1.0)
"""Pauses after failed attempts, the last one again and again: a site that is back must not be waited for."""

STUCK_S: Final = 5.0
"""Pause where the other site refuses what there is: nothing changes until a person does something."""

PACE_S: Final = 5.0
"""Over how long the speed is measured that people are shown."""

AGAIN: Final = "content_hash"
"""The refusal of what was good when it was read here: it is read and sent again at once."""

_log = logging.getLogger("muster.sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Where sending is.

    Shape: problem is a code (of PeerUnreachable, REFUSALS, `database`, `mistake`), empty while it goes;
           at_seq the row it is about. rows_per_s of the last seconds; left_s until all is there, -1: unknown.
    """

    acked_through: int = 0
    head_hash: str = ""
    last_seq: int = 0
    problem: str = ""
    detail: str = ""
    at_seq: int = 0
    rows_per_s: int = 0

    @property
    def behind(self) -> int:
        """Rows that the other site does not have yet."""
        return max(0, self.last_seq - self.acked_through)

    @property
    def left_s(self) -> int:
        """Seconds until it has them, at the speed of now; -1 where nobody knows."""
        if not self.behind:
            return 0
        return -(-self.behind // self.rows_per_s) if self.rows_per_s else -1


class Stuck(Exception):
    """The other site refuses what there is. Shape: code is one of copies.REFUSALS, or `not_understood`."""

    def __init__(self, code: str, at_seq: int, detail: str) -> None:
        super().__init__(f"{code} at row {at_seq}: {detail}")
        self.code = code
        self.at_seq = at_seq
        self.detail = detail


class Sender:
    """One thread that sends. `state` may be read by any other.

    Shape: acked is called in this thread with each seq through which the other site has everything, as soon
           as it has said so; it must not block for long. damaged is told of content that rows name and that
           is not sent, because it is not as they say. A code of problems is said once, in the log.
    """

    def __init__(
        self,
        own: Database,
        client: PeerClient,
        *,
        acked: Callable[[int], None],
        damaged: Callable[[Sequence[Finding]], None] = lambda found: None,
    ) -> None:
        self._own = own
        self._client = client
        self._acked = acked
        self._damaged = damaged
        self._mending = Mending(own, client)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._marks: list[tuple[float, int]] = []
        self.state = Sending()

    def wake(self) -> None:
        """The journal has grown. From any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Ends run() as soon as what is under way has been answered."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Send until stopped; whatever fails is tried again."""
        failures = 0
        while not self._stopping.is_set():
            before = self.state.acked_through
            try:
                self._converse()
            except PeerUnreachable as problem:
                self._trouble(problem.code, str(problem))
            except Stuck as problem:
                self._trouble(problem.code, problem.detail, at_seq=problem.at_seq)
                if problem.code != AGAIN:
                    self._stopping.wait(STUCK_S)
            except (DatabaseGone, DatabaseBusy) as problem:
                self._trouble("database", str(problem))
            except Exception as mistake:  # noqa: BLE001 - a mistake of ours must not end the second copy
                _log.exception("sending failed")
                self._trouble("mistake", f"{type(mistake).__name__}: {mistake}")
                self._stopping.wait(STUCK_S)
            failures = 0 if self.state.acked_through > before else failures + 1
            self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
        self._client.close()

    def _converse(self) -> None:
        """Ask how far the other site is, then send what follows, for as long as it answers."""
        with self._own.reading() as db:
            head = stream.read_head(db)
        self._take(self._ask(Batch(site=head.site, incarnation=head.incarnation, head_seq=head.seq)))
        self._compare(head)
        while not self._stopping.is_set():
            self._wake.clear()
            more = self._mending.step()
            batch = self._next()
            if batch is None:
                self._wake.wait(0.0 if more else POLL_S)
                continue
            if batch.damaged:
                self._damaged(batch.damaged)
            for content_id in batch.large:
                self._send_pieces(content_id)
            self._take(self._ask(batch))

    def _next(self) -> Batch | None:
        """What follows; None where there is nothing."""
        with self._own.reading() as db:
            last_seq = stream.last_seq(db)
            self.state = replace(self.state, last_seq=last_seq)
            if last_seq <= self.state.acked_through:
                return None
            return read_batch(db, after_seq=self.state.acked_through)

    def _ask(self, batch: Batch) -> PeerAnswer:
        answer = self._client.ask("POST", ROWS, pack_batch(batch))
        if answer.status == 200:
            return answer
        if answer.status == 503:
            raise PeerUnreachable("no_answer", str(answer.json().get("text", "")))
        values = answer.json()
        code, expected = str(values.get("code", "")), values.get("expected")
        if answer.status == 409 and code == "gap" and isinstance(expected, int) and expected > 0:
            # It has lost what it had, or never said how far it was: it says so now.
            self.state = replace(self.state, acked_through=expected - 1)
            raise PeerUnreachable("no_answer", f"it waits for row {expected}")
        at_seq = values.get("at_seq")
        text = str(values.get("text", f"answer {answer.status}"))
        raise Stuck(code or "not_understood", at_seq if isinstance(at_seq, int) else 0, text)

    def _take(self, answer: PeerAnswer) -> None:
        values = answer.json()
        acked, head_hash = values.get("acked_through"), values.get("head_hash")
        if not isinstance(acked, int) or not isinstance(head_hash, str):
            raise Stuck("not_understood", 0, "the other site says no acked_through")
        self.state = replace(
            self.state, acked_through=acked, head_hash=head_hash, problem="", detail="", at_seq=0
        )
        self._acked(acked)
        self._measure(acked)

    def _compare(self, head: stream.Head) -> None:
        """What the other site has must be what is here. Raises Stuck."""
        acked = self.state.acked_through
        if not acked:
            return
        with self._own.reading() as db:
            rows = stream.read_rows(db, after_seq=acked - 1, limit=1)
        if not rows or rows[0].seq != acked or rows[0].hash.hex() != self.state.head_hash:
            raise Stuck("divergence", acked, f"row {acked} of this site is another one than its copy there")

    def _send_pieces(self, content_id: str) -> None:
        """All of a large content, from where the other site has it. What was erased meanwhile is left out."""
        offset = 0
        while not self._stopping.is_set():
            with self._own.reading() as db:
                piece = read_piece(db, content_id, offset)
            if piece is None or piece.offset > piece.size:
                return
            answer = self._client.ask("POST", PIECE, pack_piece(piece))
            there = answer.json().get("there")
            if answer.status != 200 or not isinstance(there, int):
                raise Stuck("not_understood", 0, f"a piece was answered {answer.status}")
            if there >= piece.size:
                return
            if there == offset:  # it takes nothing: whatever the reason, not for ever at full speed
                raise PeerUnreachable("no_answer", f"no more than {there} bytes of a content are taken")
            offset = there

    def _trouble(self, code: str, detail: str, *, at_seq: int = 0) -> None:
        if code != self.state.problem:
            _log.warning("nothing is sent code=%s seq=%d reason=%s", code, at_seq, detail)
        self.state = replace(self.state, problem=code, detail=detail, at_seq=at_seq, rows_per_s=0)
        self._marks.clear()

    def _measure(self, acked: int) -> None:
        now = time.monotonic()
        self._marks.append((now, acked))
        while len(self._marks) > 2 and now - self._marks[0][0] > PACE_S:
            self._marks.pop(0)
        since, first = self._marks[0]
        if now > since:
            self.state = replace(self.state, rows_per_s=round((acked - first) / (now - since)))
