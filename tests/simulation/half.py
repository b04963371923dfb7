"""One of two simulated sites: a site with the copy of the other one, its peer role, and its line to there."""

from collections.abc import Callable, Sequence
from typing import Any

from router.journal.stream import last_seq
from router.records import Row
from router.sites.copies import Batch, Refused, Taken
from router.sites.copy_gaps import PEER
from router.sites.ownership import owner_of
from tests.simulation.copy_tables import CopyTables
from tests.simulation.grounds import ground_of
from tests.simulation.links import Link
from tests.simulation.one_site import SimulatedSite
from tests.simulation.peer_role import PeerRole
from tests.simulation.processes import Web
from tests.simulation.waiting import Acknowledged, Waiting

GATE_MS = 10_000
"""How long a router waits for the other site to say what it has taken over."""

_ACKED = """
    INSERT INTO position (reader, read_through, now_ms) VALUES (:reader, :seq, 0)
    ON CONFLICT (reader) DO UPDATE SET read_through = max(position.read_through, excluded.read_through)
"""


class Half:
    """`other` and `out` (the line to there) are set by whoever makes both."""

    other: "Half"
    out: Link

    def __init__(self, site: SimulatedSite, peer: str, acknowledged: Acknowledged) -> None:
        self.site = site
        self.name = site.name
        self.peer = peer
        self.copy = CopyTables(site.clock, peer)
        self.role: PeerRole | None = None
        self.taken: list[Callable[[], None]] = []
        """Called after each batch that the copy took."""
        self.deaths = 0
        self.gated = 0
        self.ground = ground_of(self)
        self._waiting = Waiting(site, acknowledged)
        site.kept = self._waiting.kept
        site.heard.append(self._grown)

    @property
    def hears(self) -> bool:
        """Whether what the other site sends here is heard."""
        return self.site.alive and self.role is not None and self.role.alive

    def start_role(self) -> None:
        """A peer role, unless there is one, or the site is dead."""
        if self.site.alive and not self.hears:
            self.role = PeerRole(self)

    def serves(self, domain: str) -> bool:
        """Whether this site thinks that it serves this domain: what its pages are told."""
        claims = [owner_of(db, domain) for db in (self.site.journal.db, self.copy.db)]
        return max(claims, key=lambda each: (each.n, each.site)).site == self.name

    # --- asked by the other site

    def takes(self, batch: Batch, answer: Callable[[Taken | Refused], None]) -> None:
        """A batch of the other site's rows."""
        try:
            taken = self.copy.take(batch)
        except Refused as refused:
            answer(refused)
            return
        for hear in self.taken:
            hear()
        if taken.rows and self.role is not None:
            self.role.grown()
        answer(taken)

    def adopts(
        self, ids: Sequence[str], through_seq: int, answer: Callable[[dict[str, Any]], None], give_up_ms: int
    ) -> None:
        """The other site hands over these."""
        if self.role is not None:
            self.role.take_handed(ids, through_seq, answer, give_up_ms)

    def note_acked(self, seq: int) -> None:
        """The other site has everything up to here."""
        self.site.journal.db.run(_ACKED, reader=PEER, seq=seq)
        self._waiting.hint(seq)

    def _grown(self, rows: Sequence[Row]) -> None:
        if self.role is not None and self.role.alive:
            self.role.grown()

    # --- life and death

    def dies(self, for_ms: float) -> None:
        """Everything here is gone at this very instant; what was committed is on disk."""
        site = self.site
        if not site.alive:
            return
        self.deaths += 1
        site.alive = site.routed = False
        for process in (*site.routers, *site.webs, *((self.role,) if self.role else ())):
            process.alive = False
        site.at(for_ms, self.revive)

    def dies_for_good(self) -> None:
        """The building burns down, or is down already and stays so."""
        self.site.gone = True
        self.dies(0)

    def revive(self) -> None:
        """It comes back, if it has not: first the peer role, and a router once it knows what it serves."""
        site = self.site
        if site.alive or site.gone:
            return
        site.alive = True
        site.webs += [Web(site, len(site.webs)), Web(site, len(site.webs) + 1)]
        self.start_role()
        life = self.deaths
        self._ask_gate(life)
        site.at(GATE_MS, lambda: self._open(life))

    def _ask_gate(self, life: int) -> None:
        """Ask the other site how far it is, until it answers or the gate opens by itself."""
        if self._is_closed(life):
            self.out.carry(lambda: self.other.says_head(lambda seq: self._until(life, seq)))
            self.site.at(1_000, lambda: self._ask_gate(life))

    def says_head(self, answer: Callable[[int], None]) -> None:
        """The other site comes back, and asks how far this one is."""
        seq = last_seq(self.site.journal.db)
        self.out.carry(lambda: answer(seq))

    def _until(self, life: int, seq: int) -> None:
        """What was there when it was asked is here, and has been looked at."""
        if not self._is_closed(life):
            return
        if (
            self.role is not None
            and self.role.alive
            and self.copy.last_seq() >= seq
            and self.role.caught_up(seq)
        ):
            self.gated += 1
            self._open(life)
        else:
            self.site.at(100, lambda: self._until(life, seq))

    def _open(self, life: int) -> None:
        if self._is_closed(life):
            self.site.routed = True
            self.site.wake_router()

    def _is_closed(self, life: int) -> bool:
        return self.site.alive and not self.site.routed and life == self.deaths

    def close(self) -> None:
        """Forget everything."""
        self.site.journal.close()
        self.copy.close()
