"""The role `peer` as objects: the door, the sender, beats and follower, and what is known of all of them.

One process a site, with connections of its own. Whatever of it is killed goes on with the next one: how far
the other site is, it says itself; how far this one has read, follows from tables.
"""

import asyncio
import logging
import socket
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final  # Any: JSON

from config.plan import Plan
from config.settings import Settings
from router.journal.clock import SteadyClock, wall_ms
from router.journal.committer import Committer
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.run.hints import Hints
from router.run.plan_activation import plan_in_force
from router.run.role_lease import keep_role
from router.sites.auth import Door
from router.sites.beat_content import beat_content
from router.sites.beating import Beats
from router.sites.boot_gate import Gate
from router.sites.content_scrub import ContentScrubbing
from router.sites.copy_gaps import GONE, MarkMissed
from router.sites.copy_gaps import PEER as POSITION
from router.sites.copy_keeper import CopyKeeper
from router.sites.credentials import PeerAccess
from router.sites.follower import Follower, Step
from router.sites.forwarded import KeepForwarded
from router.sites.ground import Ground
from router.sites.healing import Healing
from router.sites.learning import Learning
from router.sites.learning_consents import ConsentLearning
from router.sites.learning_links import link_learning
from router.sites.learning_texts import text_learning
from router.sites.mover import Mover
from router.sites.open_there import OpenThere
from router.sites.passage import GATE
from router.sites.peer_client import PeerClient
from router.sites.peer_server import PeerRoute, peer_app, peer_server
from router.sites.pulse import Pulse
from router.sites.rerouting import ANSWER_S
from router.sites.scrubbing import Scrubbing
from router.sites.second_copy import SecondCopy, acked_channel
from router.sites.sender import Sender
from router.sites.sending_trouble import SendingTrouble
from router.sites.service_states import GOING_DOWN
from router.sites.status import COPY, put_beat, put_status
from router.sites.unsent import LeaveOrders
from router.sites.watcher import Watcher
from router.sites.watching import UNREACHABLE, Look

ROLE: Final = "peer"
POSITION_S: Final = 0.2
"""How often at most the table learns how far the other site is; who waits hears it by a hint at once."""

STATUS_S: Final = 1.0
JOINED_WAIT_MS: Final = 500
"""The other site waits a second for the answer (forwarding.py); later it keeps the contact itself."""

HINT_MS: Final = 1_000
JOIN_S: Final = 5.0

OPEN_THERE: Final = "open there"
LEARNING: Final = frozenset({"learning", "consents", "texts", "links", OPEN_THERE})
"""Steps that say nothing of who serves and who sends."""

_POSITION: Final = """
    INSERT INTO position (reader, read_through, now_ms) VALUES (:reader, :acked, 0)
    ON CONFLICT (reader) DO UPDATE SET read_through = excluded.read_through
"""
_log = logging.getLogger("muster.peer")


class KeptApart(Exception):
    """The role ends; the next one begins a new copy (setting_aside.py)."""


class PeerRole:
    """Everything of one site's peer role, on databases that are open.

    Shape: what other parts add is given here: steps of the follower, routes of the door, and `looked`, which
           is called with each beat. They are looked at when run() begins.
    """

    def __init__(
        self,
        settings: Settings,
        access: PeerAccess,
        own: Database,
        copy: Database,
        *,
        plan: Plan,
        clock: SteadyClock,
    ) -> None:
        self.access = access
        self.own, self.copy = own, copy
        self.plan = plan
        self.serves = False
        self.hints = Hints(settings.redis_url, access.site)
        self.committer = Committer(own, after_commit=self._grown, clock=clock)
        self.steps = _learning()
        self._second = SecondCopy(
            own, self.committer.append, site=access.site, redis_url=settings.redis_url, wait_ms=self._wait_ms
        )
        self.routes: list[PeerRoute] = [
            *KeepForwarded(
                own, self.committer, lambda: self.plan, self._here_only, self._second.reached
            ).routes()
        ]
        self._pulse = Pulse(own, self.committer, site=access.site, clock_ms=wall_ms)
        self._watcher = self._new_watcher(settings)
        self.looked: list[Callable[[Look, Mapping[str, Any]], None]] = [self._watcher.heard]
        self._acked_hints = Hints(settings.redis_url, acked_channel(access.site))
        self._release = version("muster")
        self._content: Mapping[str, Any] = {"site": access.site}
        self._written_through = -1
        self._said: Mapping[str, Any] = {}
        self._follower: Follower | None = None
        self._healing = Healing(own, self.committer)
        self._gate = Gate(self._unsure, stuck_s=lambda: self._pulse.stuck_s)
        self._contents = ContentScrubbing(own, copy, self.committer)
        self.sender = self._new_sender()
        self.beats = self._new_beats()
        self._mover = self._new_mover()
        self.steps.append(("agreeing", self._mover.agree))
        self.steps.append(("orders", LeaveOrders(peer=access.peer).step))
        self.steps.append((OPEN_THERE, OpenThere().step))
        self.steps.append(("sending", SendingTrouble(lambda: self.sender.state).step))
        self._apart = asyncio.Event()
        self._keeper = self._new_keeper()
        self.looked.append(self._gate.heard)
        self._scrubbing = Scrubbing(own, self.committer)

    def _new_sender(self) -> Sender:
        return Sender(
            self.own,
            PeerClient(self.access, clock_ms=wall_ms),
            acked=self._acked_hints.publish,
            damaged=lambda found: self._contents.noticed("own", found),
        )

    def _new_beats(self) -> Beats:
        return Beats(
            PeerClient(self.access, clock_ms=wall_ms, answer_s=1.5),
            content=self._says,
            looked=self._look,
            wall_ms=wall_ms,
            third=self._watcher.third,
            run=lambda: self._gate.run,
        )

    def _new_keeper(self) -> CopyKeeper:
        return CopyKeeper(
            self.copy,
            grew=self._copy_grew,
            apart=self._keep_apart,
            unfit=self._contents.came_unfit,
            own=self.own,
        )

    def _new_mover(self) -> Mover:
        return Mover(
            site=self.access.site,
            peer=self.access.peer,
            own=self.own,
            copy=self.copy,
            committer=self.committer,
            client=PeerClient(self.access, clock_ms=wall_ms, answer_s=ANSWER_S),
            plan=lambda: self.plan,
            content=lambda: self._content,
            compared=lambda: self._watcher.watch.clocks_compared,
            gone=lambda: self._watcher.watch.state == UNREACHABLE,
        )

    def _new_watcher(self, settings: Settings) -> Watcher:
        def ground() -> Ground:
            return Ground(
                settings=settings,
                plan=self.plan,
                site=self.access.site,
                own=self.own,
                copy=self.copy,
                committer=self.committer,
            )

        return Watcher(ground, content=self._says, owner=f"{ROLE}/{uuid.uuid4().hex[:12]}")

    def _says(self) -> Mapping[str, Any]:
        """What this site says of itself: out of memory, so that it never waits for a database."""
        return self._pulse.said(self._content)

    async def run(self, listener: socket.socket) -> None:
        """Until cancelled."""
        door = Door(self.access.key, self.access.incoming, clock_ms=wall_ms)
        routes = [*self._keeper.routes(), self.beats.route(), self._mover.route(), *self.routes]
        server = peer_server(peer_app(door, routes, clock_ms=wall_ms), self.access.tls)
        steps = [("marking", self._gate.mark), *self.steps, (GATE, self._gate.step)]
        self._follower = follower = Follower(self.committer, self.own, self.copy, steps)
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._look_around)
        threads = [
            threading.Thread(target=each.run, name=name, daemon=True)
            for name, each in (
                ("sender", self.sender),
                ("beats", self.beats),
                ("follower", follower),
                ("mover", self._mover),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            async with asyncio.TaskGroup() as all_of_it:
                all_of_it.create_task(server.serve(sockets=[listener]))
                all_of_it.create_task(keep_role(self.own, ROLE))
                all_of_it.create_task(self._hear())
                all_of_it.create_task(self._keep_position())
                all_of_it.create_task(self._keep_status())
                all_of_it.create_task(self._healing.run())
                all_of_it.create_task(self._second.run())
                all_of_it.create_task(self._watcher.run())
                all_of_it.create_task(self._pulse.run())
                all_of_it.create_task(self._scrubbing.run())
                all_of_it.create_task(self._contents.run())
                all_of_it.create_task(self._end_when_apart())
                self.serves = True
        finally:
            self._content = {**self._content, "state": GOING_DOWN, "accepts": False}
            server.should_exit = True
            await asyncio.to_thread(self._end, threads)

    async def end(self) -> None:
        """Lets go of everything that this made."""
        await asyncio.to_thread(self.committer.close)
        await self.hints.close()
        await self._acked_hints.close()

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        self.sender.stop()
        self.beats.stop()
        self._mover.stop()
        if self._follower is not None:
            self._follower.stop()
        for thread in threads:
            thread.join(JOIN_S)
        self._keeper.close()
        with suppress(DatabaseGone, DatabaseBusy):
            self._write_position()

    async def _hear(self) -> None:
        """The own journal has grown: there is something to send, and perhaps something to follow."""
        while True:
            await self.hints.wait(HINT_MS)
            self.sender.wake()
            if self._follower is not None:
                self._follower.wake()

    async def _here_only(self, seq: int) -> None:
        """The other site's database is gone: what is kept for it is here only, and is said to be."""
        await self.committer.append(MarkMissed(seq, GONE))

    def _wait_ms(self) -> int | None:
        """How long what joins something here waits for the other site, which itself waits for the answer."""
        return None if self.plan.pair is None else min(self.plan.pair.wait_ms, JOINED_WAIT_MS)

    async def _end_when_apart(self) -> None:
        """The copy gets another name before it is opened the next time: whoever has it open lets go."""
        await self._apart.wait()
        raise KeptApart("the other site went on without rows that its copy here has: it is kept apart")

    def _keep_apart(self) -> None:
        self._loop.call_soon_threadsafe(self._apart.set)

    def _failing(self) -> Mapping[str, str]:
        return self._follower.failing if self._follower is not None else {}

    def _unsure(self) -> Sequence[str]:
        """The steps for which the gate waits."""
        return self._follower.failing_but(LEARNING) if self._follower is not None else ()

    def _grown(self, seq: int) -> None:
        self.hints.publish(seq)

    def _copy_grew(self) -> None:
        if self._follower is not None:
            self._follower.wake()

    async def _keep_position(self) -> None:
        while True:
            await asyncio.sleep(POSITION_S)
            with suppress(DatabaseGone, DatabaseBusy):
                await asyncio.to_thread(self._write_position)

    def _write_position(self) -> None:
        acked = self.sender.state.acked_through
        if acked == self._written_through or not self.sender.state.head_hash:
            return
        with self.own.writing() as db:
            db.run(_POSITION, reader=POSITION, acked=acked)
        self._written_through = acked

    async def _keep_status(self) -> None:
        """Once a second: what the beats say, and what people see."""
        while True:
            try:
                await asyncio.to_thread(self._look_around)
                await asyncio.to_thread(self._write_status)
            except (DatabaseGone, DatabaseBusy) as problem:
                self._content = {**self._content, "state": "Down", "accepts": False}
                _log.warning("not said how things are reason=%s", problem)
            await asyncio.sleep(STATUS_S)

    def _look_around(self) -> None:
        domains, now_ms = (self.access.site, self.access.peer), wall_ms()
        with self.own.reading() as own, self.copy.reading() as copy:
            self._follow_plan(own)
            self._content = beat_content(
                own, copy, plan=self.plan, domains=domains, release=self._release, now_ms=now_ms
            )

    def _follow_plan(self, own: Connection) -> None:
        found = own.row("SELECT digest FROM plan ORDER BY version DESC LIMIT 1")
        if found is not None and found[0] != self.plan.digest:
            in_force = plan_in_force(own)
            self.plan = in_force[1] if in_force is not None else self.plan

    def _write_status(self) -> None:
        heard, state = self.beats.heard, self.sender.state
        copy = self._content.get("copy_of_you", {})
        sending = {**asdict(state), "behind": state.behind, "left_s": state.left_s}
        copying = {
            **self._healing.figures,
            "sending": sending,
            "copy_of_peer": copy,
            "steps": self._failing(),
        }
        with self.own.writing() as db:
            put_status(db, COPY, wall_ms(), copying)
            if heard.at_mono_ms and heard.said is not self._said:
                put_beat(db, wall_ms(), heard.said, copy_seq=int(copy.get("seq", 0)))
                self._said = heard.said

    def _look(self, look: Look, said: Mapping[str, Any]) -> None:
        for each in self.looked:
            each(look, said)


def _learning() -> list[tuple[str, Step]]:
    """What a site takes over from what the other one decided, and all of it holds at both."""
    return [
        ("learning", Learning().step),
        ("consents", ConsentLearning().step),
        ("texts", text_learning().step),
        ("links", link_learning().step),
    ]
