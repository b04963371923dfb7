"""What people type at night, and what it tells them."""

import json
from contextlib import closing

import pytest

from agents_ui.cli import main
from tests.journal.history import History


@pytest.fixture
def day(database, database_url, monkeypatch):
    """A recorded day; settings point to it."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    with closing(History(database, 11)) as history:
        for _ in range(60):
            history.step()
        history.turn(appended=True)
    return history


@pytest.fixture
def offers(day):
    """All offers of that day."""
    return [made for made in day.decisions if hasattr(made, "deadline_ms")]


def test_why_names_everybody_who_was_passed_over(offers, capsys):
    """`Why did she not get it?` is asked after every incident; five names are not an answer."""
    offer = max(offers, key=lambda each: sum(group.count for group in each.explanation.passed_over))
    assert main(["why", offer.offer_id, "--json"]) == 0
    story = json.loads(capsys.readouterr().out)
    assert (story["offer_id"], story["agent_id"]) == (offer.offer_id, offer.agent_id)
    counts = {reason: len(ids) for reason, ids in story["passed_over"].items()}
    assert counts == {group.reason: group.count for group in offer.explanation.passed_over}
    assert main(["why", offer.offer_id]) == 0
    told = capsys.readouterr().out
    assert f"Offer {offer.offer_id} to {offer.agent_id}" in told
    assert all(agent_id in told for ids in story["passed_over"].values() for agent_id in ids)


def test_why_of_an_interaction_explains_its_latest_offer(offers, capsys):
    """People know the interaction; the number of the offer they would have to look up."""
    last = offers[-1]
    assert main(["why", last.interaction_id, "--json"]) == 0
    story = json.loads(capsys.readouterr().out)
    assert story["offer_id"] == last.offer_id
    assert len(story["earlier_offers"]) == last_number(last.offer_id) - 1


def last_number(offer_id):
    """The number in an offer's id."""
    return int(offer_id.rpartition("/")[2])


def test_why_of_something_never_offered_says_so(day, capsys):
    """One line, and an exit status that a script can use."""
    assert main(["why", "c-9999"]) == 1
    assert capsys.readouterr().err == "muster: c-9999 was never offered to anybody\n"


def test_why_takes_what_wall_and_desk_show_of_an_id(database, offers, capsys):
    """Nobody copies 36 characters from a screen to a shell; how several begin explains none of them."""
    offered = offers[-1].interaction_id
    assert main(["why", offered[:5].upper()]) == 1
    assert f"{offered[:5].upper()} is how several begin; name one of them: " in capsys.readouterr().err
    with database.writing() as db:
        db.run("DELETE FROM interaction WHERE interaction_id <> :kept", kept=offered)
    assert main(["why", offered[:5].upper(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["interaction_id"] == offered
    assert main(["why", "%%%%"]) == 1
    assert capsys.readouterr().err == "muster: %%%% was never offered to anybody\n"


def test_replay_says_that_the_core_decides_the_same(day, capsys):
    """After an upgrade this is the first question."""
    assert main(["journal", "replay"]) == 0
    assert "The core decides the same again, byte for byte." in capsys.readouterr().out
    assert main(["journal", "replay", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["fine"], said["decisions"]) == (True, len(day.decisions))


def test_replay_shows_the_first_difference(day, database, capsys):
    """Both sides of it, in full: enough to begin to look."""
    with database.writing() as db:
        (seq,) = db.row("SELECT min(seq) FROM journal WHERE kind = 'presence_set'") or (0,)
        db.run("UPDATE journal SET data = replace(data, 'true', 'false') WHERE seq = :seq", seq=seq)
    assert main(["journal", "replay"]) == 1
    told = capsys.readouterr().out
    assert f"First difference at row {seq} " in told
    assert '"available":false' in told
    assert '"available":true' in told
