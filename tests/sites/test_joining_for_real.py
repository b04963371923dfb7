"""Two whole sites, `muster up` each: whom the other one took over writes again, and it joins there."""

import subprocess
import sys
from urllib.parse import urlencode

import pytest

from tests.contracts.plays import Said
from tests.contracts.twilio import Twilio, fields_of
from tests.sites.two_sites import OneSite, post, two_sites, until

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]

GUARD_S = 60
PERSON = "+15557654321"


def muster(site, *words):
    """A command of that site, typed by somebody; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "agents_ui.cli", *words],
        env={**site.centre.environ, "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def texts(site: OneSite, provider_id: str, words: str, sender: str = PERSON) -> int:
    """Somebody says this by the number that points to this site; the provider's answer."""
    said = Said(provider_id=provider_id, sender=sender, text=words)
    webhook = Twilio("line", f"{site.url}/hooks/line").over(urlencode(fields_of(said)).encode())
    return post(site.url, webhook.body, dict(webhook.headers))


def matters(site: OneSite) -> list[tuple[str, str, int, int]]:
    """(state, why it is closed, urgency, messages) of each."""
    return site.ask(
        lambda db: db.rows(
            "SELECT i.state, i.closed_why, i.urgency, count(m.message_id) FROM interaction i"
            " JOIN message m ON m.interaction_id = i.interaction_id WHERE i.traffic = 'real'"
            " GROUP BY i.interaction_id, i.state, i.closed_why, i.urgency"
        )
    )


def test_who_was_taken_over_writes_again_and_it_joins_there(data_dir):
    """By real webhooks, over the real line: read there, more urgent there, and its copy here."""
    with two_sites(data_dir) as (a, b):
        until(lambda: a.acked() > 0 and b.acked() > 0, "each has the other's first rows")
        assert texts(a, "SM1", "where do I get sandbags?") == 200
        until(lambda: [row[0] for row in matters(a)] == ["waiting"], "it waits")
        muster(b, "site", "take-over", "a", "--yes", "--anyway", "--why", "nobody is at a")
        until(lambda: [row[1] for row in matters(a)] == ["moved"], "b has it")
        assert texts(a, "SM2", "my father is not breathing") == 200
        until(lambda: [row[2:] for row in matters(b)] == [(1, 2)], "read, and urgent")
        until(lambda: [row[3] for row in matters(a)] == [2], "its copy is here")
        assert texts(a, "SM2", "my father is not breathing") == 200
        assert len(matters(a)) == len(matters(b)) == 1
        assert b.single() == 0
        b.line.cut(True)
        assert texts(a, "SM3", "hello?") == 200
        until(lambda: len(matters(a)) == 2, "kept here while nobody there answers")


def test_what_a_fallback_began_there_is_joined_from_here(data_dir):
    """The provider could not reach one site for a moment: the follower there learns it, and webhooks ask."""
    with two_sites(data_dir) as (a, b):
        until(lambda: a.acked() > 0 and b.acked() > 0, "each has the other's first rows")
        assert texts(b, "SM1", "where do I get sandbags?") == 200
        known = "SELECT interaction_id FROM open_there"
        until(lambda: len(a.ask(lambda db: db.rows(known))) == 1, "a knows that it is open there")
        assert texts(a, "SM2", "my father is not breathing") == 200
        until(lambda: [row[2:] for row in matters(b)] == [(1, 2)], "read there, and urgent")
        assert matters(a) == []
        b.line.cut(True)
        assert texts(a, "SM3", "hello?") == 200
        until(lambda: len(matters(a)) == 1, "kept here while nobody there answers")
        b.line.cut(False)
        assert texts(a, "SM4", "+", sender="+15557654322") == 200
        until(lambda: len(matters(a)) == 2, "nobody else joins it")
