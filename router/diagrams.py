"""The life cycles as text, printed from their tables: `python -m router.diagrams`. README.md shows the same."""

import sys

from queues import lifecycle
from queues.lifecycle import diagram
from router import offer


def diagrams() -> str:
    """Both life cycles, as they stand in README.md."""
    interaction = diagram(lifecycle.TRANSITIONS)
    return f"An interaction:\n\n{interaction}\n\nAn offer:\n\n{diagram(offer.TRANSITIONS)}\n"


if __name__ == "__main__":
    sys.stdout.write(diagrams())
