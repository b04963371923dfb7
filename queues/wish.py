"""What waiting interactions ask for: wish (queue and requirement), ask (a wish at one step), audience.

Interactions with equal wishes share these objects, so that the line works with a few hundred of them and not
with a million requirements.
"""

from typing import TYPE_CHECKING

from config.plan import Plan, QueuePlan
from queues.crew import Crew
from skills.match import Need, meets_one
from skills.requirement import Requirement
from skills.widening import needs_at, next_step_ms, queue_of

if TYPE_CHECKING:
    from queues.interaction import Place


class Audience:
    """Everybody who may serve: equal alternatives of needs are one audience.

    Shape: crews are those of all known crews that may serve; `reach` counts those of them in which somebody
           is signed in.
    """

    __slots__ = ("crews", "needs", "reach", "roll")

    def __init__(self, needs: tuple[Need, ...]) -> None:
        self.needs = needs
        self.crews: list[Crew] = []
        self.reach = 0
        self.roll: object = None
        """What router/explain.py remembers about this audience."""

    def admit(self, crew: Crew) -> None:
        """Let this crew serve if it may."""
        if meets_one(crew.skills, self.needs):
            self.crews.append(crew)
            crew.serves[self] = None
            self.reach += crew.signed_in > 0


class Ask:
    """A wish at one widening step: whom it is for, and how its score grows."""

    __slots__ = ("ageing_pct", "audience", "head_start", "next_ms", "places", "queue", "step", "wish")

    def __init__(self, wish: "Wish", step: int, audience: Audience) -> None:
        self.wish = wish
        self.queue = wish.queue
        self.step = step
        self.audience = audience
        self.ageing_pct = wish.queue.ageing_pct
        self.head_start = 100 * wish.queue.head_start_ms
        self.next_ms = next_step_ms(wish.queue, step)
        """How long after accepted_at the next step comes, or None."""
        self.places: dict[tuple[str, int], Place] = {}
        """Where in the line interactions that ask this wait, by channel and urgency."""


class Wish:
    """A queue and a requirement, as an interaction brings them along."""

    __slots__ = ("_book", "asks", "queue", "queue_id", "requirement", "waiting")

    def __init__(self, book: "WishBook", queue_id: str, requirement: Requirement) -> None:
        self._book = book
        self.queue_id = queue_id
        self.queue: QueuePlan = queue_of(book.plan, queue_id)
        self.requirement = requirement
        self.asks: dict[int, Ask] = {}
        self.waiting = 0

    @property
    def last_step(self) -> int:
        """How many steps its queue's widening has."""
        return len(self.queue.widening)

    def ask(self, step: int) -> Ask:
        """What this wish asks at this step (a step past the last asks what the last does)."""
        found = self.asks.get(step)
        if found is None:
            needs = needs_at(self._book.plan, self.queue_id, self.requirement, step)
            found = self.asks[step] = Ask(self, step, self._book.audience(needs))
        return found


class WishBook:
    """All wishes, audiences and crews under one plan."""

    __slots__ = ("_crews", "_latest", "_wishes", "audiences", "plan")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.audiences: dict[tuple[Need, ...], Audience] = {}
        self._wishes: dict[tuple[str, Requirement], Wish] = {}
        self._crews: dict[tuple[tuple[str, int], ...], Crew] = {}
        self._latest: tuple[Requirement, Wish] | None = None

    def wish(self, queue_id: str, requirement: Requirement) -> Wish:
        """The wish of an interaction with these. What matching raises for a strange one comes out here."""
        # What was just decided is asked for again when the change is made: no need to hash it twice.
        latest = self._latest
        if latest is not None and latest[0] is requirement and latest[1].queue_id == queue_id:
            return latest[1]
        key = (queue_id, requirement)
        found = self._wishes.get(key)
        if found is None:
            made = Wish(self, queue_id, requirement)
            made.ask(0)
            found = self._wishes[key] = made
        self._latest = (requirement, found)
        return found

    def audience(self, needs: tuple[Need, ...]) -> Audience:
        """The audience of these alternatives."""
        found = self.audiences.get(needs)
        if found is None:
            found = Audience(needs)
            for crew in self._crews.values():
                found.admit(crew)
            self.audiences[needs] = found
        return found

    def crew(self, skills: tuple[tuple[str, int], ...]) -> Crew:
        """The crew of agents with exactly these skills."""
        found = self._crews.get(skills)
        if found is None:
            found = Crew(dict(skills))
            for audience in self.audiences.values():
                audience.admit(found)
            self._crews[skills] = found
        return found

    def note_signed_in(self, crew: Crew, change: int) -> bool:
        """Count an agent of this crew in (1) or out (-1). Whether the crew as a whole came or went."""
        before = crew.signed_in > 0
        crew.signed_in += change
        now = crew.signed_in > 0
        if before == now:
            return False
        for audience in crew.serves:
            audience.reach += 1 if now else -1
        return True
