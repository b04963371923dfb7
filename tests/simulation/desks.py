"""Simulated agents: they accept, decline, miss offers, answer late and twice, talk, transfer, take breaks."""

from typing import TYPE_CHECKING

from router.records import Fact, fact
from tests.simulation.appends import AskCallBack, Move, Say

if TYPE_CHECKING:
    from tests.simulation.one_site import SimulatedSite
    from tests.simulation.processes import Web

LOOK_MS = 700
"""How often somebody looks at the desk."""

_MINE = """
    SELECT interaction_id, state, offer_id, wrap_up_since_ms FROM interaction
    WHERE closed_seq = 0 AND agent_id = :agent_id ORDER BY interaction_id
"""
_ME = "SELECT available, reason FROM agent WHERE agent_id = :agent_id"


class Desk:
    """One agent and the window in front of them."""

    def __init__(self, world: "SimulatedSite", agent_id: str) -> None:
        self._world = world
        self._agent_id = agent_id
        self._web: Web | None = None
        self._desk_id = ""
        self._desks = 0
        self._commands = 0
        self._off = False
        self.lingers = False
        """Whether she goes on talking, whoever waits."""
        self._busy: dict[str, int] = {}
        """What the agent is about to do something about, and until when."""

    def join(self) -> None:
        """Sign in, or come back after the connection was lost."""
        world = self._world
        if self._off or world.gone or (self._desk_id and self._web is not None and self._web.alive):
            return
        if not world.alive:
            world.soon(1_000, 3_000, self.join)
            return
        self._desks += 1
        self._desk_id = f"{self._agent_id}/d{self._desks}"
        self._web = world.web()
        self._busy.clear()
        desk_id = self._desk_id
        joined = fact("desk_joined", self._agent_id, desk_id=desk_id, web_id=self._web.web_id)
        world.say(Say(said=(joined,), still=lambda: self._desk_id == desk_id))
        world.soon(200, 3_000, self._available)
        world.at(LOOK_MS, lambda: self._look(desk_id))

    @property
    def site(self) -> "SimulatedSite":
        """Where this agent works, or tries to."""
        return self._world

    @property
    def agent_id(self) -> str:
        return self._agent_id

    def move(self, site: "SimulatedSite") -> None:
        """Leave here, as far as anybody hears it, and work there."""
        if self._desk_id and self._world.alive:
            self._leave_desk()
        self._desk_id = ""
        self._world = site
        site.soon(200, 2_000, self.join)

    def go_off(self) -> None:
        """Close the window, and come back when called."""
        self._off = True
        if self._desk_id and self._world.alive:
            self._leave_desk()
        self._desk_id = ""

    def come(self, site: "SimulatedSite") -> None:
        """Work there, wherever she is, or was."""
        self._off = False
        if self._world is not site or not self._desk_id:
            self.move(site)

    def _look(self, desk_id: str) -> None:
        """What is on the screen, and what to do about it."""
        world = self._world
        if desk_id != self._desk_id or self._web is None:
            return
        if not self._web.alive:
            self._desk_id = ""
            world.soon(300, 60_000 if world.chance(0.1) else 3_000, self.join)
            return
        if world.chance(0.004):
            self._leave()
            return
        if world.chance(0.004):
            self._second_window()
        if self._agent_id.startswith("boss") and world.chance(0.05):
            self._step_in()
        if world.chance(0.006):
            self._say(self._presence(available=False, reason="break"))
            world.soon(3_000, 30_000, self._available)
        for interaction_id, state, offer_id, wrap_up_since_ms in world.journal.db.rows(
            _MINE, agent_id=self._agent_id
        ):
            if self._busy.get(interaction_id + state, 0) <= world.clock.now_ms:
                self._busy[interaction_id + state] = world.clock.now_ms + 45_000
                self._react(interaction_id, state, offer_id, wrapping=bool(wrap_up_since_ms))
        self._notice_myself()
        world.at(LOOK_MS, lambda: self._look(desk_id))

    def _react(self, interaction_id: str, state: str, offer_id: str, *, wrapping: bool) -> None:
        world = self._world
        if state == "offered":
            self._answer(offer_id)
        elif self.lingers:
            self._busy.pop(interaction_id + state, None)
        elif wrapping:
            world.soon(500, 10_000, lambda: self._dispose(interaction_id))
        elif state == "assigned":
            most_ms = 5_000 if world.calm else 40_000
            world.soon(1_000, most_ms, lambda: self._finish(interaction_id))

    def _answer(self, offer_id: str) -> None:
        world = self._world
        pressed = self._command("accept_pressed", offer_id)
        if world.chance(0.12):
            pressed = self._command("decline_pressed", offer_id)
        elif world.chance(0.12):
            if world.chance(0.5):  # too late, or just in time, or after it was offered to somebody else
                world.soon(5_000, 40_000, lambda: self._say(pressed))
            return
        for _ in range(2 if world.chance(0.1) else 1):
            world.soon(300, 2_000 if world.calm else 10_000, lambda: self._say(pressed))

    def _finish(self, interaction_id: str) -> None:
        world = self._world
        self._busy.pop(interaction_id + "assigned", None)
        if world.chance(0.1):
            self._ask_call_back(interaction_id)
        if world.chance(0.1):
            self._say(self._transfer(interaction_id))
        elif world.chance(0.1):
            urgency = world.dice.randint(1, 5)
            self._say(
                self._command(
                    "urgency_declared", interaction_id, urgency=urgency, may_lower=world.chance(0.5)
                )
            )
        elif world.chance(0.2):
            self._dispose(interaction_id)
        else:
            self._say(self._command("conversation_ended", interaction_id))

    def _dispose(self, interaction_id: str) -> None:
        self._busy.pop(interaction_id + "assigned", None)
        self._say(self._command("disposition_given", interaction_id, disposition="done"))

    def _transfer(self, interaction_id: str) -> Fact:
        dice, plan = self._world.dice, self._world.plan
        if dice.random() < 0.5:
            queue_id = dice.choice([*(queue.queue_id for queue in plan.queues), "manual", "nowhere"])
            return self._command("transfer_asked", interaction_id, to_queue_id=queue_id, to_agent_id="")
        agent_id = dice.choice([person.agent_id for person in plan.people])
        return self._command("transfer_asked", interaction_id, to_queue_id="", to_agent_id=agent_id)

    def _ask_call_back(self, interaction_id: str, *, steps_in: bool = False) -> None:
        world = self._world
        self._commands += 1
        asked = AskCallBack(
            interaction_id=interaction_id,
            command_id=f"{self._agent_id}-{self._commands}",
            agent_id=self._agent_id,
            after_ms=world.dice.randint(-5_000, 90_000),
            to_agent_id=world.dice.choice(("", self._agent_id, "agent-0")),
            steps_in=steps_in,
        )
        world.say(asked)

    def _tend_call_backs(self) -> None:
        """The supervisor changes or cancels what is to be called back, or what is not."""
        world, dice = self._world, self._world.dice
        found = world.journal.db.rows(
            "SELECT interaction_id FROM interaction WHERE closed_seq = 0 AND state = 'parked'"
            " ORDER BY interaction_id"
        )
        if not found:
            return
        ref = dice.choice(found)[0]
        if dice.random() < 0.6:
            due = {"due_at_ms": world.clock.now_ms + dice.randint(-5_000, 60_000)}
            queue_id = dice.choice(["", "manual", *(queue.queue_id for queue in world.plan.queues)])
            self._say(self._command("call_back_changed", ref, to_queue_id=queue_id, to_agent_id="", **due))
        else:
            self._say(self._command("call_back_cancelled", ref, disposition=dice.choice(("done", "none"))))

    def _merge(self) -> None:
        """Two customers are found to be one, or one to be two."""
        world, dice = self._world, self._world.dice
        found = world.journal.db.rows("SELECT identity_id FROM identity ORDER BY identity_id")
        if found:
            moved = Move(
                identity_id=dice.choice(found)[0],
                to_customer_id=f"p{dice.randint(0, 9)}",
                agent_id=self._agent_id,
            )
            world.say(moved)

    def _step_in(self) -> None:
        """The supervisor moves, assigns or takes away whatever there is, or speaks for somebody who left."""
        world, dice = self._world, self._world.dice
        anybody = dice.choice([person.agent_id for person in world.plan.people])
        dice.choice((self._tend_call_backs, self._merge, lambda: None))()
        found = world.journal.db.rows(
            "SELECT interaction_id FROM interaction WHERE closed_seq = 0 ORDER BY interaction_id"
        )
        if found and dice.random() < 0.8:
            queues = [*(queue.queue_id for queue in world.plan.queues), "manual", "nowhere"]
            if dice.random() < 0.1:
                self._ask_call_back(dice.choice(found)[0], steps_in=True)
            to = dice.choice([{"to_queue_id": dice.choice(queues)}, {"to_agent_id": anybody}, {}])
            values = {"to_queue_id": "", "to_agent_id": "", **to, "steps_in": True}
            self._say(self._command("transfer_asked", dice.choice(found)[0], **values))
        else:
            values = {"available": False, "reason": "break", "hand_back": dice.random() < 0.5}
            self._say(self._command("presence_declared", anybody, **values))

    def _leave(self) -> None:
        """The window is closed; the agent comes back later, sooner or later than the grace."""
        self._leave_desk()
        self._world.soon(1_000, 50_000, self.join)

    def _leave_desk(self) -> None:
        web_id = self._web.web_id if self._web else ""
        left = fact("desk_left", self._agent_id, desk_id=self._desk_id, web_id=web_id)
        self._desk_id = ""
        self._say(left)

    def _second_window(self) -> None:
        """The same agent in another window, for a while."""
        world = self._world
        self._desks += 1
        desk_id = f"{self._agent_id}/d{self._desks}"
        web_id = world.web().web_id
        self._say(fact("desk_joined", self._agent_id, desk_id=desk_id, web_id=web_id))
        left = fact("desk_left", self._agent_id, desk_id=desk_id, web_id=web_id)
        world.soon(1_000, 40_000, lambda: world.say(Say(said=(left,))))

    def _notice_myself(self) -> None:
        found = self._world.journal.db.row(_ME, agent_id=self._agent_id)
        if found and not found[0] and (self._world.calm or found[1] == "not responding"):
            self._world.soon(1_000, 6_000, self._available)

    def _available(self) -> None:
        if self._desk_id:
            self._say(self._presence(available=True, reason=""))

    def _presence(self, *, available: bool, reason: str) -> Fact:
        return self._command("presence_declared", self._agent_id, available=available, reason=reason)

    def _command(self, kind: str, ref: str, **values: object) -> Fact:
        self._commands += 1
        command_id = f"{self._agent_id}-{self._commands}"
        if kind == "presence_declared":
            return fact(kind, ref, command_id=command_id, by=self._agent_id, **values)
        return fact(kind, ref, agent_id=self._agent_id, command_id=command_id, **values)

    def _say(self, said: Fact) -> None:
        self._world.say(Say(said=(said,)))
