"""Simulated customers: they write once or twice, lose their connection, give up, or come back."""

from typing import TYPE_CHECKING

import msgspec

from router.records import fact
from skills.requirement import Requirement
from tests.simulation.appends import AddMessage, Arrive, Say, connected, disconnected
from tests.simulation.plans import random_requirement

if TYPE_CHECKING:
    from tests.simulation.one_site import SimulatedSite
    from tests.simulation.processes import Web


class Customer:
    """Somebody with one matter."""

    def __init__(self, world: "SimulatedSite", number: int) -> None:
        self._world = world
        self._id = f"i{number:04}"
        self._channel = world.dice.choice(("chat", "chat", "chat", "mail", "voice"))
        self._customer_id = f"p{world.dice.randint(0, 9)}" if world.dice.random() < 0.5 else ""
        self._verified = world.dice.random() < 0.8
        self._connection = ""
        self._connections = 0
        self._web: Web | None = None

    @property
    def interaction_id(self) -> str:
        return self._id

    @property
    def site(self) -> "SimulatedSite":
        """Where this customer's page or call is, or tries to be."""
        return self._world

    def move(self, site: "SimulatedSite", *, connects: bool) -> None:
        """The page, or the provider, goes on there."""
        self._world = site
        if connects and self._connection:
            self._come_back()
            site.soon(1_000, 60_000, self._maybe_leave)

    def say_more(self, number: int) -> None:
        """One more message; the same one again is nothing."""
        self._world.say(AddMessage(interaction_id=self._id, message_id=f"{self._id}-m{number}"))

    def arrive(self) -> None:
        """The first contact, until somebody says it is kept."""
        world = self._world
        if self._channel != "mail":
            self._connect()
        append = Arrive(
            interaction_id=self._id,
            channel=self._channel,
            connection_id=self._connection,
            web_id=self._web.web_id if self._web else "",
            customer_id=self._customer_id and f"{self._customer_id}{'' if self._verified else '?'}",
            verified=self._verified and bool(self._customer_id),
        )
        world.say(append, self._acknowledged)

    def _acknowledged(self) -> None:
        world = self._world
        if self._id not in world.acknowledged:
            world.acknowledged.append(self._id)
        if not world.chance(0.03):
            delay_ms = world.dice.uniform(2_000, 5_000) if world.chance(0.05) else world.dice.uniform(20, 900)
            world.at(delay_ms, self._read)
        if world.chance(0.1):
            world.soon(2_000, 60_000, self._read)
        if self._connection:
            world.soon(1_000, 60_000, self._maybe_leave)
            world.at(1_000, self._watch)

    def _read(self) -> None:
        """Intake has read what was written."""
        dice = self._world.dice
        queues = [queue.queue_id for queue in self._world.plan.queues]
        asked = msgspec.convert(random_requirement(dice) | {}, _Asked)
        urgency = dice.choice((1, 2, 2, 3, 3, 3, 4, 5))
        said = fact(
            "read",
            self._id,
            message_id=f"{self._id}-1",
            queue_id=dice.choice(queues),
            urgency=urgency,
            requirement=msgspec.to_builtins(asked.requirement()),
            rule_id=f"rule-{urgency}",
            language="",
            reading="read",
            hits=[],
        )
        self._world.say(Say(said=(said,)))

    def _connect(self) -> None:
        self._connections += 1
        self._connection = f"{self._id}/c{self._connections}"
        self._web = self._world.web()

    def _maybe_leave(self) -> None:
        if not self._world.chance(0.3) or not self._connection or self._web is None:
            return
        hangs_up = self._channel == "voice" and self._world.chance(0.7)
        gone = disconnected(self._id, self._connection, self._web.web_id, for_good=hangs_up)
        self._connection = ""
        self._world.say(Say(said=(gone,)))
        if hangs_up:
            return
        if self._world.chance(0.5):
            self._world.soon(1_000, 30_000, self._come_back)

    def _come_back(self) -> None:
        if self._world.gone:
            return
        if not self._world.alive:
            self._world.soon(1_000, 5_000, self._come_back)
            return
        self._connect()
        web_id = self._web.web_id if self._web else ""
        self._world.say(Say(said=(connected(self._id, self._connection, web_id),)))

    def _watch(self) -> None:
        """The page notices that its web is gone, and connects to another; some batteries are empty."""
        if self._connection and self._web is not None and not self._web.alive:
            self._connection = ""
            if not self._world.chance(0.2):
                self._world.soon(300, 3_000, self._come_back)
        if not self._world.gone:
            self._world.at(1_000, self._watch)


class _Asked(msgspec.Struct):
    """A requirement as plans write it."""

    require: dict[str, int] = {}
    require_any: dict[str, int] = {}
    forbid: list[str] = []

    def requirement(self) -> Requirement:
        """The same, in its one form."""
        return Requirement(
            require=tuple(sorted(self.require.items())),
            require_any=tuple(sorted(self.require_any.items())),
            forbid=tuple(self.forbid),
        )
