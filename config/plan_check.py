"""What contradicts what inside one plan: every contradiction at once, each with the path of what is wrong."""

from collections.abc import Iterator

from config.plan import Plan
from config.positions import Path


def contradictions(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Every contradiction of the plan: where, and what is wrong in words that say what to do."""
    yield from ()
