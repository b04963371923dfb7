"""The waiting line against a list that is looked through: same answers, however it is grouped."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.plan import Plan, QueuePlan
from queues.crew import Crew
from queues.interaction import Interaction
from queues.lane import DENSE
from queues.line import Line, put_back, rank, set_aside
from skills.match import meets_one
from skills.requirement import Requirement
from tests.scenarios.plans import plan_of

RATES = (1, 50, 100, 100, 333)


def _plan() -> Plan:
    queues = [
        QueuePlan(
            queue_id=f"q{number}", name=f"Q{number}", ageing_pct=rate, head_start_ms=1_000 * (number % 3)
        )
        for number, rate in enumerate(RATES)
    ]
    return plan_of(queues=queues)


PLAN = _plan()

waiting = st.tuples(
    st.integers(1, 5),  # urgency
    st.integers(0, len(RATES) - 1),  # queue
    st.integers(0, 120),  # requirement
    st.integers(1_000, 1_020),  # accepted_at_ms, so that ties are frequent
    st.sampled_from(["call", "chat"]),
)


def _interaction(number: int, drawn: tuple[int, int, int, int, str]) -> Interaction:
    urgency, queue, requirement, accepted_at_ms, kind = drawn
    made = Interaction(f"i{number:03}", kind, accepted_at_ms, kind=kind)
    made.urgency = urgency
    made.queue_id = f"q{queue}"
    made.requirement = Requirement(require=((f"skill-{requirement:03}", 1 + requirement % 3),))
    return made


def _naive(here: list[Interaction], crew: Crew, channels: tuple[str, ...], now_ms: int) -> Interaction | None:
    may = [
        each
        for each in here
        if each.kind in channels and each.ask is not None and meets_one(crew.skills, each.ask.audience.needs)
    ]
    return min(may, key=lambda each: rank(each, now_ms), default=None)


@settings(max_examples=150)
@given(
    drawn=st.lists(waiting, max_size=150),
    acts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 50_000)), max_size=60),
    skilled=st.lists(st.integers(0, 120), max_size=121),
)
def test_the_line_finds_the_best_as_looking_at_everybody_would(drawn, acts, skilled):
    """Grouped heaps, heaps of heads, and every mixture of coming and going: exact at every instant."""
    line = Line(PLAN)
    everything = tuple((f"skill-{number:03}", 5) for number in range(121))
    crews = [
        line.book.crew(everything),
        line.book.crew(tuple((f"skill-{number:03}", 2) for number in sorted(set(skilled)))),
        line.book.crew(()),
    ]
    here: list[Interaction] = []
    coming = [_interaction(number, each) for number, each in enumerate(drawn)]
    for interaction in coming[: len(coming) // 2]:
        _enter(line, interaction, here)
    rest = coming[len(coming) // 2 :]
    for act, which, now_ms in acts:
        crew = crews[which % len(crews)]
        channels = (("call",), ("chat",), ("call", "chat"))[act % 3]
        best = line.best(crew, channels, 2_000 + now_ms)
        assert best is _naive(here, crew, channels, 2_000 + now_ms)
        if best is not None and act < 5:
            line.leave(best)
            here.remove(best)
        elif best is not None and act < 7:
            entry = set_aside(best)
            others = [each for each in here if each is not best]
            assert line.best(crew, channels, 2_000 + now_ms) is _naive(others, crew, channels, 2_000 + now_ms)
            put_back(entry)
        elif rest:
            _enter(line, rest.pop(), here)
    assert line.waiting == len(here)


def _enter(line: Line, interaction: Interaction, here: list[Interaction]) -> None:
    line.enter(interaction, line.book.wish(interaction.queue_id, interaction.requirement).ask(0))
    here.append(interaction)


def test_the_example_above_reaches_the_heaps_of_heads():
    """A crew with every skill and more than DENSE groups of one urgency must be among the examples."""
    line = Line(PLAN)
    crew = line.book.crew(tuple((f"skill-{number:03}", 5) for number in range(121)))
    here: list[Interaction] = []
    for number in range(2 * DENSE):
        _enter(line, _interaction(number, (3, number % 5, number % 121, 1_000 + number % 7, "call")), here)
    served = []
    for now_ms in range(5_000, 5_000 + 2 * DENSE):
        best = line.best(crew, ("call",), now_ms)
        assert best is not None
        assert best is _naive(here, crew, ("call",), now_ms)
        line.leave(best)
        here.remove(best)
        served.append(best.interaction_id)
        if now_ms % 3 == 0:  # somebody comes back to the place they had
            _enter(line, best, here)
    assert len(served) == 2 * DENSE


def test_what_leaves_from_the_middle_is_swept_out():
    """A line in which everybody is raised to another urgency must not keep a shadow of each."""
    line = Line(PLAN)
    crew = line.book.crew((("skill-000", 5),))
    here: list[Interaction] = []
    for number in range(500):
        _enter(line, _interaction(number, (3, 0, 0, 1_000 + number, "call")), here)
    for interaction in reversed(here[1:]):
        line.leave(interaction)
    place = here[0].place
    assert place is not None
    assert len(place[1]) < 100
    assert line.best(crew, ("call",), 9_000) is here[0]
