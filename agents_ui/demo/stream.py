"""The stream of a demo: when customers come, how many at once, who answers, and what is said about it.

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
from agents_ui.demo.customer import Customer
from agents_ui.demo.sign_ins import SignIn, read_sign_ins
from agents_ui.demo.stories import Story, read_stories

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
    options: Options, say: Callable[[str], None], ended: Callable[[str], object] = lambda how: None
) -> Counter[str]:
    """Send customers, and answer them with as many demo agents as asked; what became of the customers.

    Shape:  ended() is told how each visit ended, `helped` or `gave up`.
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
            group.create_task(_send_customers(options, allowance, say, visited))
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
    options: Options, allowance: Allowance, say: Callable[[str], None], visited: Callable[[str], None]
) -> None:
    stories = read_stories()
    random = Random(options.seed)
    async with asyncio.TaskGroup() as group:
        for number, arrival in enumerate(arrivals(stories, options.rate_per_minute, random)):
            await asyncio.sleep(arrival.after_s * options.pace)
            if allowance.left <= 0:
                say(f"{UNANSWERED_MAX} customers wait unanswered; more come when somebody answers")
            await allowance.take()
            customer = Customer(
                browser=Browser(options.url),
                story=arrival.story,
                random=Random(f"{options.seed}/{number}"),
                patience_s=arrival.patience_s,
                pace=options.pace,
                # One more than its own place, so that the places of those who gave up come back as well.
                answered=lambda: allowance.give_back(2),
            )
            visited("came")
            group.create_task(_visit(customer, visited))


async def _visit(customer: Customer, visited: Callable[[str], None]) -> None:
    visited(await customer.chat())
