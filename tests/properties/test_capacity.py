"""An agent's readiness against counting it out every time."""

from hypothesis import given
from hypothesis import strategies as st

from config.plan import ChannelPlan, Plan
from router.capacity import FULL, Capacity
from tests.scenarios.plans import channel, plan_of

IDS = ("call", "chat", "mail")

channels = st.tuples(
    *(
        st.builds(
            channel,
            st.just(channel_id),
            load=st.integers(1, 100),
            max_at_once=st.integers(1, 4),
            interrupted_by=st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple),
        )
        for channel_id in IDS
    )
)


def _fits(plan: Plan, held: list[str], new: ChannelPlan) -> bool:
    by_id = {each.channel_id: each for each in plan.channels}
    stays = [by_id[each] for each in held if new.channel_id not in by_id[each].interrupted_by]
    return (
        held.count(new.channel_id) < new.max_at_once and new.load + sum(each.load for each in stays) <= FULL
    )


@given(drawn=channels, acts=st.lists(st.tuples(st.booleans(), st.sampled_from(IDS)), max_size=20))
def test_what_fits_is_what_counting_says(drawn, acts):
    """Whatever is taken and given back in whatever order: load and readiness depend on what is held alone."""
    plan = plan_of(channels=drawn)
    capacity = Capacity(plan)
    fill, held = capacity.empty, []
    for takes, channel_id in acts:
        if takes:
            fill = fill.plus(channel_id)
            held.append(channel_id)
        elif channel_id in held:
            fill = fill.minus(channel_id)
            held.remove(channel_id)
        assert fill is capacity.fill({each: held.count(each) for each in IDS})
        assert fill.load == sum(each.load * held.count(each.channel_id) for each in plan.channels)
        ready = [each.channel_id for each in plan.channels if _fits(plan, held, each)]
        assert fill.ready == tuple(sorted(ready))
