"""A copy that the other site left behind is kept, under the name of its life; the next one begins anew."""

from contextlib import closing
from dataclasses import replace

import pytest

from config.settings import read_settings
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.restoring import finish
from router.sites.copies import Refused, copy_url, open_copy, read_batch, take_batch
from router.sites.setting_aside import ask_for, is_another_life, set_aside_if_asked
from tests.journal.writing import all_rows, append, arrived
from tests.sites.copying import copy_all
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

NOW_MS = 1_795_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, data_dir):
    """Of site b, with its own database."""
    found = replace(read_settings({"MUSTER_DATA": str(data_dir), "MUSTER_SITE": "b"}), unsafe=True)
    if request.param == "postgresql":
        found = replace(found, database_url=request.getfixturevalue("postgres_url"))
    with closing(open_database(found.database_url, unsafe=True)) as own:
        own.create_tables(site="b")
    return found


@pytest.fixture
def site_a(data_dir):
    """The other site's database."""
    with closing(open_database(f"sqlite:///{data_dir}/a.db", unsafe=True)) as own:
        own.create_tables(site="a")
        yield own


def said(site, *names):
    """Contacts at a site."""
    with closing(Committer(site)) as committer:
        append(committer, *(arrived(name) for name in names))


def refusal(site, copy):
    """What the copy says to the site's newest rows, and whether they are of a life that it does not know."""
    with copy.reading() as db:
        have = db.row("SELECT last_seq FROM stream WHERE own = 1")[0]
    with site.reading() as db:
        batch = read_batch(db, after_seq=max(have - 2, 0))
    with copy.writing() as db, pytest.raises(Refused) as refused:
        take_batch(db, batch)
    with copy.reading() as db:
        return refused.value.code, is_another_life(db, batch, refused.value)


def older(site_a, data_dir, copy):
    """The other site as it was after two of three contacts."""
    said(site_a, "one", "two")
    with closing(open_database(f"sqlite:///{data_dir}/older.db", unsafe=True)) as found:
        found.create_tables(site="a")
        copy_all(site_a, found)
    said(site_a, "three")
    copy_all(site_a, copy)
    return open_database(f"sqlite:///{data_dir}/older.db", unsafe=True)


def test_a_life_that_left_rows_behind_gets_a_copy_of_its_own(settings, site_a, data_dir):
    """Nothing is thrown away: `three` was told that it is kept, and is only there."""
    copy = open_copy(settings, "a")
    with closing(older(site_a, data_dir, copy)) as again:
        finish(again, why="alone", now_ms=NOW_MS)
        said(again, "four", "five")
        assert refusal(again, copy) == ("divergence", True)
        with copy.writing() as db:
            ask_for(db, NOW_MS)
        before = all_rows(copy)
        copy.close()
        name = set_aside_if_asked(settings)
        assert name
        assert set_aside_if_asked(settings) == ""
        with closing(open_copy(settings, "a")) as fresh:
            copy_all(again, fresh)
            assert all_rows(fresh) == all_rows(again)
    with closing(open_database(_apart_url(settings, name), unsafe=True)) as apart:
        assert all_rows(apart) == before
        assert [row.ref for row in all_rows(apart)] == ["one", "two", "three"]


def test_the_same_life_with_other_rows_is_never_set_aside(settings, site_a, data_dir):
    """Then something is wrong over there, and a person has to look: the copy stays what it is."""
    copy = open_copy(settings, "a")
    with closing(older(site_a, data_dir, copy)) as again:
        said(again, "four", "five")
        assert refusal(again, copy) == ("divergence", False)
    copy.close()
    assert set_aside_if_asked(settings) == ""


def test_without_a_copy_there_is_nothing_to_set_aside(settings):
    """The first start."""
    assert set_aside_if_asked(settings) == ""


def _apart_url(settings, name):
    url = copy_url(settings.database_url, unsafe=True)
    if url.startswith("sqlite:"):
        return f"{url.rpartition('/')[0]}/{name}"
    with closing(open_database(settings.database_url, unsafe=True)) as own, own.reading() as db:
        (schema,) = db.row("SELECT current_schema()")
    return url.replace(f"{schema}_peer", name)
