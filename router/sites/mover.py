"""What of the peer role moves interactions: agreeing with the other site, handing over, taking, drills.

Agreeing is a step of the follower. Handing over waits for the other site, so it has a thread and a line of
its own. What the other site hands over is taken in the door's executor: it waits for the copy.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final  # Any: JSON

from config.plan import Plan
from router.journal.clock import wall_ms
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.sites.drills import Drills
from router.sites.out_of_use import is_silent, is_well, refuses, takes
from router.sites.peer_client import PeerClient
from router.sites.peer_server import Answered, Asked, BadRequest, PeerRoute, answered
from router.sites.reconciling import Reconciler
from router.sites.rerouting import Rerouting, take_handed
from router.sites.service_states import UNSTAFFED

ADOPT: Final = "/peer/adopt"
EVERY_S: Final = 0.5
IDS_MAX: Final = 1_000
STEPS_MAX: Final = 200
"""Pages that one step of agreeing looks at, before the other steps have their turn."""

_log = logging.getLogger("muster.mover")


class Mover:
    """Both directions of it, for one peer role. Shape: compared() and gone() as of Reconciler."""

    def __init__(
        self,
        *,
        site: str,
        peer: str,
        own: Database,
        copy: Database,
        committer: Committer,
        client: PeerClient,
        plan: Callable[[], Plan],
        content: Callable[[], Mapping[str, Any]],
        compared: Callable[[], bool],
        gone: Callable[[], bool],
    ) -> None:
        self._site, self._peer = site, peer
        self._own, self._copy, self._committer = own, copy, committer
        self._client = client
        self._content = content
        self._reconciler = Reconciler(
            site=site,
            peer=peer,
            compared=compared,
            gone=gone,
            silent=lambda ours, theirs: is_silent(ours, theirs, wall_ms()),
        )
        self._rerouting = Rerouting(site=site, peer=peer, line=client, clock_ms=wall_ms)
        self._drills = Drills(
            rerouting=self._rerouting,
            clock_ms=wall_ms,
            every_days=lambda: pair.drill_every_days if (pair := plan().pair) else 0,
            share_pct=lambda: pair.drill_share_pct if (pair := plan().pair) else 0,
            ready=self._peer_is_well,
        )
        self._taking = threading.Lock()
        """One at a time: what is asked again is answered after what was asked before has been done."""
        self._stopping = threading.Event()

    def agree(self, committer: Committer, own: Database, copy: Database) -> None:
        """Step of the follower: as reconciling.py says, page by page."""
        for _ in range(STEPS_MAX):
            if not self._reconciler.step(committer, own, copy):
                return

    def route(self) -> PeerRoute:
        """Where the other site hands over what it has."""
        return PeerRoute(method="POST", path=ADOPT, handle=self._take)

    def run(self) -> None:
        """Hand over and rehearse until stopped."""
        troubled = False
        while not self._stopping.is_set():
            more = False
            try:
                if self._peer_takes():  # else what waits would only be held back here, for nobody
                    more = self._rerouting.step(self._committer, self._own)
                elif why := self._peer_refuses():
                    self._rerouting.nobody_takes(self._committer, self._own, why)
                self._drills.step(self._committer, self._own, self._copy)
                troubled = False
            except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
                _log.warning("not moved reason=%s", problem)
            except Exception:  # noqa: BLE001 - whatever it was, the next turn may do better
                if not troubled:
                    _log.exception("moving failed; it is tried again")
                troubled = True
            if not more:
                self._stopping.wait(EVERY_S)
        self._client.close()

    def stop(self) -> None:
        """Ends run()."""
        self._stopping.set()

    async def _take(self, asked: Asked) -> Answered:
        values = asked.json()
        ids, through_seq = values.get("ids"), values.get("through_seq")
        if not isinstance(ids, list) or not isinstance(through_seq, int) or len(ids) > IDS_MAX:
            raise BadRequest("ids is a list of at most 1000, through_seq a number")
        if not all(isinstance(each, str) for each in ids):
            raise BadRequest("ids are texts")
        try:
            said = await asyncio.to_thread(
                self._taken, ids, through_seq, rehearsal=values.get("rehearsal") is True
            )
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            return answered({"code": "not_now", "text": str(problem)}, 503)
        return answered(said)

    def _taken(self, ids: list[str], through_seq: int, *, rehearsal: bool) -> dict[str, Any]:
        asked_s = time.monotonic()
        with self._taking:
            return take_handed(
                self._committer,
                self._own,
                self._copy,
                ids,
                through_seq=through_seq,
                site=self._site,
                peer=self._peer,
                refusal=lambda: self._refusal(rehearsal=rehearsal),
                asked_s=asked_s,
            )

    def _refusal(self, *, rehearsal: bool) -> str:
        """Why nothing is taken now: the state in force, or the line is as long as it should ever be."""
        content = self._content()
        if rehearsal and content.get("state") == UNSTAFFED:
            return ""
        if content.get("accepts") is False:
            return str(content.get("state", "")).lower() or "refused"
        return "full" if content.get("waiting", 0) >= content.get("limits_waiting", 1 << 30) else ""

    def _peer_takes(self) -> bool:
        """Whether the other site was there a moment ago, and takes work, also as people here say."""
        with self._own.reading() as db:
            return takes(db, self._peer, wall_ms())

    def _peer_refuses(self) -> str:
        """What the other site says of itself, or somebody here says of it, where it takes nothing."""
        with self._own.reading() as db:
            return refuses(db, self._peer, wall_ms())

    def _peer_is_well(self) -> bool:
        """Whether a rehearsal that nobody asked for may begin now."""
        with self._own.reading() as db:
            return is_well(db, self._peer, wall_ms())
