"""Commands about sites that come once more: at once they change nothing, late they undo nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal.appends import FactsAppend
from router.journal.verify import verify
from router.records import fact
from router.sites.acts import ActRefused, override, reroute, take_over
from router.sites.ownership import owner_of
from tests.journal.conftest import database_url
from tests.sites.routed_pair import routed_pair
from tests.sites.test_acts import Pair
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]


@pytest.fixture
def pair(tmp_path: Path, database_url: str) -> Iterator[Pair]:
    """What is asked before a command is SQL: on either kind of database. The acts are done at b."""
    with routed_pair(tmp_path, urls={"b": database_url}) as halves:
        yield Pair(halves, tmp_path)


def test_a_command_that_comes_once_more_late_undoes_nothing(pair):
    """A proxy repeats what it could not deliver: what somebody decided meanwhile must hold."""
    ground = pair.at_b
    everything = {"scope": "all", "who": "ana", "why": "flood"}
    assert reroute(ground, **everything, share_pct=100, command_id="on")
    assert not reroute(ground, **everything, share_pct=100, command_id="on")
    assert reroute(ground, **everything, share_pct=0, command_id="off")
    with pytest.raises(ActRefused) as refused:
        reroute(ground, **everything, share_pct=100, command_id="on")
    assert [each.code for each in refused.value.refusals] == ["superseded"]
    assert not reroute(ground, **everything, share_pct=0, command_id="off")
    mine = {"site": "b", "who": "ana", "why": "smoke"}
    assert override(ground, **mine, state="GoingDown", command_id="down")
    assert override(ground, **mine, state="", command_id="back")
    with pytest.raises(ActRefused):
        override(ground, **mine, state="GoingDown", command_id="down")
    with ground.own.reading() as db:
        assert db.rows("SELECT share_pct FROM reroute") == [(0,)]
        assert db.rows("SELECT override FROM site_state WHERE site = 'b'") == [("",)]
        assert not verify(db).problem_count


def test_a_take_over_that_comes_once_more_late_does_not_undo_the_return(pair):
    """The site has its traffic back; only somebody who looks at how things are now takes it again."""
    ground = pair.at_b
    pair.works()
    who = {"who": "ana", "why": "dark"}
    take_over(ground, **who, command_id="take")
    assert take_over(ground, **who, command_id="take").adopted == 0, "what was begun goes on"
    said = {"n": 9, "owner": "a", "mode": "return", "with_assigned": False, "automatic": False}
    back = fact("domain_claimed", "a", **said, agent_id="tom", why="well", command_id="home", once=True)
    ground.committer.submit(FactsAppend(facts_to_append=(back,))).result()
    with pytest.raises(ActRefused) as refused:
        take_over(ground, **who, command_id="take", anyway=True)
    assert [each.code for each in refused.value.refusals] == ["superseded"]
    with ground.own.reading() as db:
        assert owner_of(db, "a").site == "a"
    take_over(ground, **who, command_id="anew", anyway=True)
    with ground.own.reading() as db:
        assert owner_of(db, "a").site == "b"
