"""When an account rests and when it is tried again, by the clock alone."""

from hypothesis import given
from hypothesis import strategies as st

from router.run.circuit import FAILURES_MAX, HELD_MS_MAX, OPEN_MS, REFUSED_MS, RETRY_MS, Circuit, retry_ms

WIDTH = 8


def room(circuit: Circuit, now_ms: int, under_way: int = 0) -> int:
    return circuit.room(now_ms=now_ms, under_way=under_way, width=WIDTH)


def broken() -> Circuit:
    """A circuit whose account failed five times at time 0."""
    circuit = Circuit()
    for _ in range(FAILURES_MAX):
        circuit.failed(now_ms=0)
    return circuit


def test_four_failures_change_nothing():
    """A provider that stumbles is no reason to let everybody wait."""
    circuit = Circuit()
    for _ in range(FAILURES_MAX - 1):
        circuit.failed(now_ms=0)
    assert not circuit.open
    assert room(circuit, 0) == WIDTH
    circuit.succeeded()
    circuit.failed(now_ms=0)
    assert not circuit.open  # five, but not in a row


def test_after_five_failures_in_a_row_one_try_at_a_time():
    """Many tries at a provider that is down cost it and us; one is enough to see it come back."""
    circuit = broken()
    first, _ = OPEN_MS
    assert room(circuit, first - 1) == 0
    assert room(circuit, first) == 1
    assert room(circuit, first, under_way=1) == 0


def test_the_single_tries_come_more_rarely_but_never_more_rarely_than_that():
    """A day of outage is a few thousand tries, and the end of it is seen within seconds."""
    circuit, now_ms, pauses = broken(), 0, []
    for _ in range(10):
        pauses.append(circuit.held_until_ms - now_ms)
        now_ms = circuit.held_until_ms
        circuit.failed(now_ms=now_ms)
    assert pauses[:3] == [OPEN_MS[0], 2 * OPEN_MS[0], 4 * OPEN_MS[0]]
    assert max(pauses) == pauses[-1] == OPEN_MS[1]


def test_failures_of_tries_that_began_earlier_prolong_nothing():
    """Eight that hang fail together; only the first five say something new."""
    circuit = broken()
    held_until_ms = circuit.held_until_ms
    for _ in range(3):
        circuit.failed(now_ms=10)
    assert circuit.held_until_ms == held_until_ms


def test_one_success_opens_all_doors():
    """Whoever waited behind a dead provider waits no longer than that."""
    circuit = broken()
    circuit.succeeded()
    assert not circuit.open
    assert room(circuit, OPEN_MS[0]) == WIDTH


def test_a_refused_account_is_left_alone_at_once():
    """Five wrong sign-ins lock some accounts."""
    circuit = Circuit()
    circuit.refused(now_ms=0)
    assert circuit.open
    assert room(circuit, REFUSED_MS - 1) == 0
    assert room(circuit, REFUSED_MS) == 1


def test_a_provider_that_asks_for_a_pause_gets_it_and_one_try_goes_first():
    """Retry-After is a request, not a failure; and all at once afterwards would only be refused again."""
    circuit = Circuit()
    circuit.held(now_ms=0, for_ms=3_000)
    assert not circuit.open
    assert room(circuit, 2_999) == 0
    assert room(circuit, 3_000) == 1
    circuit.succeeded()
    assert room(circuit, 3_000) == WIDTH


def test_nobody_can_ask_for_a_pause_of_a_day():
    """A header is somebody else's text; answers may not wait on it for ever."""
    circuit = Circuit()
    circuit.held(now_ms=0, for_ms=10**12)
    assert room(circuit, HELD_MS_MAX) == 1


@given(st.integers(1, 10_000), st.integers(0, 2**32 - 1))
def test_the_pause_before_a_next_try_grows_and_is_bounded(attempt: int, dice: int):
    """Half of it is certain, half is chance, so that what failed together does not come back together."""
    first, longest = RETRY_MS
    whole = min(first * 2 ** min(attempt - 1, 16), longest)
    assert whole // 2 <= retry_ms(attempt, dice) <= whole
