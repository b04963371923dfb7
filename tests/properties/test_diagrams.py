"""The diagrams people read are the tables the program uses."""

from pathlib import Path

from queues import lifecycle
from queues.lifecycle import diagram
from router import offer

ROOT = Path(__file__).parents[2]


def test_the_diagram_of_an_interaction_is_its_table():
    """A picture that is drawn by hand is wrong after the second change."""
    assert diagram(lifecycle.TRANSITIONS) in (ROOT / "queues" / "README.md").read_text()


def test_the_diagram_of_an_offer_is_its_table():
    """The same for offers."""
    assert diagram(offer.TRANSITIONS) in (ROOT / "router" / "README.md").read_text()


def test_every_way_leads_to_a_state_of_the_table():
    """And every state but the first can be reached."""
    for table in (lifecycle.TRANSITIONS, offer.TRANSITIONS):
        reached = {after for state, ways in table.items() for after in ways.values() if after != state}
        assert reached <= set(table)
        assert set(table) - reached == {next(iter(table))}
