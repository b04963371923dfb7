"""Two whole sites: one loses its database, wholly or in part, and comes back with what the other one kept."""

import shutil
import subprocess
import sys

import pytest

from router.channels.ids import message_id_of
from router.journal.database import open_database
from router.journal.stream import read_rows
from tests.sites.two_sites import Texters, two_sites, until

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timed, pytest.mark.timeout(600)]

GUARD_S = 60


def muster(site, *words):
    """A command of that site, typed by somebody; the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "agents_ui.cli", *words],
        env={**site.centre.environ, "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
    )


def lose(site):
    """The disk with its database is gone."""
    for path in site.centre.data_dir.glob("muster.db*"):
        path.unlink()
    (site.centre.data_dir / "journal-mark.json").unlink(missing_ok=True)


def ids(texters):
    return {message_id_of("sms", "line", provider_id) for provider_id, _ in texters.kept}


def alarms(site):
    return {row[0] for row in site.ask(lambda db: db.rows("SELECT code FROM alarm"))}


def test_a_site_comes_back_with_everything_that_the_other_one_kept(data_dir):
    """Nothing that was acknowledged is lost with a disk; and no old database starts over what is newer."""
    with two_sites(data_dir) as (a, b):
        texters = Texters(a.url)
        until(lambda: a.acked() > 0, "the first rows are at b")
        texters.texts(10, per_s=10, name="F")
        until(lambda: a.gaps() == [] and a.single() == 0, "all of it is at b")
        a.centre.kill_all()
        old = data_dir / "old.db"
        assert muster(a, "backup", str(old)).returncode == 0
        with a.again() as a2:
            more = Texters(a2.url)
            more.texts(10, per_s=10, name="G")
            until(lambda: a2.gaps() == [] and a2.single() == 0, "all of it is at b")
            a2.centre.kill_all()
        kept = ids(texters) | ids(more)
        assert len(kept) == 20
        _whole(a, kept)
        _older(a, b, old, kept)


def _whole(a, kept):
    """The database is gone: refused, recovered, started; verified."""
    lose(a)
    refused = muster(a, "up")
    assert refused.returncode == 2
    assert "this database is empty, and the other site has" in refused.stderr
    done = muster(a, "recover", "--from-peer")
    assert done.returncode == 0, done.stderr
    assert "rows came back from the other site" in done.stdout
    assert muster(a, "journal", "verify").returncode == 0
    assert a.messages() >= kept
    with a.again() as again:
        texters = Texters(again.url)
        texters.texts(5, per_s=10, name="H")
        kept |= ids(texters)
        until(lambda: again.gaps() == [] and again.single() == 0, "b follows into the new life")
        again.centre.kill_all()


def _older(a, b, old, kept):
    """An old backup: refused; alone on purpose: b keeps what it had apart, says so, and follows again."""
    lose(a)
    assert muster(a, "restore", str(old)).returncode == 0
    refused = muster(a, "up")
    assert refused.returncode == 2
    assert "type muster recover --from-peer first" in refused.stderr
    alone = muster(a, "recover", "--alone")
    assert alone.returncode == 0, alone.stderr
    with a.again() as again:
        until(lambda: "divergence" in alarms(b), "b says that it keeps something apart")
        until(lambda: again.gaps() == [] and again.acked() > 0, "b follows the life of a that went on alone")
        apart = list(b.centre.data_dir.glob("peer.*.db"))
        assert len(apart) == 1
        assert _messages(apart[0]) >= kept
        again.centre.kill_all()


def _messages(path):
    """What customers said, in a database that was kept apart."""
    there = path.with_name("apart.db")
    shutil.copy(path, there)
    database = open_database(f"sqlite:///{there}", unsafe=True)
    try:
        with database.reading() as db:
            assert read_rows(db, after_seq=0, limit=1)
            return {row[0] for row in db.rows("SELECT message_id FROM message WHERE direction = 'in'")}
    finally:
        database.close()
