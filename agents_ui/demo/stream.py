"""The stream of a demo: when customers come, by which channel, who answers, and what is said about it.

Arrivals are a Poisson process with bursts (several people report one incident). They stop while too many are
unanswered: a demo left alone over the weekend must not fill a line that nobody serves.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from agents_ui.demo.agent import Agent, SignInFailed
from agents_ui.demo.browser import Browser
from agents_ui.demo.correspondent import Correspondent
from agents_ui.demo.customer import Customer
from agents_ui.demo.inbox import Inbox
from agents_ui.demo.people import Person, read_people
from agents_ui.demo.sign_ins import SignIn, read_sign_ins
from agents_ui.demo.stories import Story, read_stories
from agents_ui.demo.ways import Ways

BURSTS: Final = 0.06
"""Share of arrivals that bring others with them: an incident seen by several people."""

BURST_SIZE: Final = (2, 4)
"""How many others report the same incident, within half a minute."""

GIVE_UP: Final = 0.12
"""Share of customers with little patience. Each becomes a call-back, which the demo's agents see as well."""

PATIENCE_S: Final = 1_800
IMPATIENCE_S: Final = (8, 45)

UNANSWERED_MAX: Final = 10
"""So many may wait before the stream pauses."""


class DemoFailed(Exception):
    """The demo cannot run; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What somebody asked of a demo. `seconds` 0 means until Ctrl-C; `pace` 1.0 is the speed of people."""

    url: str
    data_dir: Path
    rate_per_minute: float = 6.0
    agents: int = 0
    seconds: float = 0
    seed: int = 1
    pace: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who comes `after_s` seconds after the one before."""

    after_s: float
    story: Story
    patience_s: float


@dataclass(slots=True)
class Allowance:
    """How many more may come unanswered. Whoever gives up stays counted: a call-back waits as well."""

    left: int = UNANSWERED_MAX
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self) -> None:
        """Let one customer come, as soon as there is room."""
        while self.left <= 0:
            self._more.clear()
            await self._more.wait()
        self.left -= 1

    def give_back(self, count: int = 1) -> None:
        """Somebody was answered."""
        self.left = min(UNANSWERED_MAX, self.left + count)
        self._more.set()


def arrivals(stories: tuple[Story, ...], rate_per_minute: float, random: Random) -> Iterator[Arrival]:
    """Endless arrivals whose mean is rate_per_minute, bursts included; equal for equal seeds."""
    per_draw = 1 + BURSTS * sum(BURST_SIZE) / 2
    while True:
        burst = random.random() < BURSTS
        story = random.choice([each for each in stories if each.incident or not burst])
        yield _arrival(random.expovariate(rate_per_minute / 60 / per_draw), story, random)
        for _ in range(random.randint(*BURST_SIZE) if burst else 0):
            other = random.choice([each for each in stories if each.incident])
            yield _arrival(random.uniform(1, 8), other, random)


def _arrival(after_s: float, story: Story, random: Random) -> Arrival:
    hurried = random.random() < GIVE_UP
    return Arrival(
        after_s=after_s, story=story, patience_s=random.uniform(*IMPATIENCE_S) if hurried else PATIENCE_S
    )


async def run_demo(
    options: Options,
    say: Callable[[str], None],
    ended: Callable[[str], object] = lambda how: None,
    *,
    ways: Ways | None = None,
) -> Counter[str]:
    """Send customers, and answer them with as many demo agents as asked; what became of the customers.

    Shape:  ended() is told how each visit ended, `helped`, `gave up` or `unanswered`. Without ways people
            only chat.
    Raises DemoFailed when nothing answers at the address, or a demo agent is not let in.
    """
    await _knock(options.url)
    outcomes: Counter[str] = Counter()
    allowance = Allowance()
    agents = _agents(options, allowance, say)

    def visited(how: str) -> None:
        outcomes[how] += 1
        ended(how)

    try:
        async with asyncio.timeout(options.seconds or None), asyncio.TaskGroup() as group:
            for agent in agents:
                group.create_task(agent.work())
            comers = _Comers(options, allowance, ways or Ways(inbox=Inbox()), visited)
            group.create_task(_send_customers(options, allowance, say, comers))
    except TimeoutError:
        say(f"{options.seconds:g} s are over")
    except ExceptionGroup as failed:
        sign_in, others = failed.split(SignInFailed)
        if sign_in is None or others is not None:
            raise
        raise DemoFailed(str(sign_in.exceptions[0])) from None
    return outcomes


async def _knock(url: str) -> None:
    try:
        answer = await Browser(url).get("/chat")
    except OSError as error:
        raise DemoFailed(f"nothing answers at {url} ({error}): start a centre with `muster up`") from None
    if answer.status != 200:
        raise DemoFailed(f"{url}/chat answers {answer.status}: is a centre running there?")


def _agents(options: Options, allowance: Allowance, say: Callable[[str], None]) -> list[Agent]:
    sign_ins = [each for each in read_sign_ins(options.data_dir).values() if each.role == "agent"]
    if options.agents and not sign_ins:
        raise DemoFailed(
            f"no sign-ins of a demo in {options.data_dir}: start it there with `muster up --demo`"
        )
    count = min(options.agents, len(sign_ins))
    if count < options.agents:
        say(f"{count} demo agents work, more are not in this centre's plan")
    # From the end: the person who watches signs in as one of the first.
    return [_agent(options, sign_in, allowance) for sign_in in sign_ins[len(sign_ins) - count :]]


def _agent(options: Options, sign_in: SignIn, allowance: Allowance) -> Agent:
    return Agent(
        browser=Browser(options.url),
        sign_in=sign_in,
        data_dir=options.data_dir,
        random=Random(f"{options.seed}/{sign_in.agent_id}"),
        pace=options.pace,
        finished=allowance.give_back,
    )


async def _send_customers(
    options: Options, allowance: Allowance, say: Callable[[str], None], comers: "_Comers"
) -> None:
    random = Random(options.seed)
    async with asyncio.TaskGroup() as group:
        for number, arrival in enumerate(arrivals(read_stories(), options.rate_per_minute, random)):
            await asyncio.sleep(arrival.after_s * options.pace)
            if allowance.left <= 0:
                say(f"{UNANSWERED_MAX} customers wait unanswered; more come when somebody answers")
            await allowance.take()
            group.create_task(comers.visit(number, arrival))


class _Comers:
    """Makes somebody of each arrival. Whoever writes by a channel without a page is one of people.toml."""

    def __init__(
        self, options: Options, allowance: Allowance, ways: Ways, visited: Callable[[str], None]
    ) -> None:
        self._options = options
        self._allowance = allowance
        self._ways = ways
        self._visited = visited
        self._people = read_people()
        self._busy: set[str] = set()

    async def visit(self, number: int, arrival: Arrival) -> None:
        """One customer, from the first word to the last."""
        self._visited("came")
        random = Random(f"{self._options.seed}/{number}")
        channel = random.choice(self._ways.channels())
        person = None if channel == "chat" else self._somebody(arrival.story, random)
        if person is None:
            self._visited(await self._chatting(arrival, random))
            return
        self._busy.add(person.name)
        try:
            self._visited(await self._writing(channel, person, arrival, random))
        finally:
            self._busy.discard(person.name)

    def _somebody(self, story: Story, random: Random) -> Person | None:
        """Somebody of this language who is not in the middle of another story."""
        idle = [
            each for each in self._people if each.language == story.language and each.name not in self._busy
        ]
        return random.choice(idle) if idle else None

    async def _chatting(self, arrival: Arrival, random: Random) -> str:
        options = self._options
        customer = Customer(
            browser=Browser(options.url),
            story=arrival.story,
            random=random,
            patience_s=arrival.patience_s,
            pace=options.pace,
            answered=self._answered,
        )
        return await customer.chat()

    async def _writing(self, channel: str, person: Person, arrival: Arrival, random: Random) -> str:
        post, address = self._ways.post(channel, person, random)
        correspondent = Correspondent(
            post=post,
            inbox=self._ways.inbox,
            address=address,
            story=arrival.story,
            random=random,
            patience_s=PATIENCE_S,
            whole=channel == "mail",
            pace=self._options.pace,
            answered=self._answered,
        )
        return await correspondent.correspond()

    def _answered(self) -> None:
        # One more than its own place, so that the places of those who gave up come back as well.
        self._allowance.give_back(2)
