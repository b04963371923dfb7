"""Who is called after the worst day, and why: nobody who suffered is left out, nobody listed for nothing."""

import csv
import io
import json

import pytest

from agents_ui.cli import main
from agents_ui.commands.acts.affected import COLUMNS, csv_of
from config.plan_file import parse_plan
from router.records import fact
from router.sites.affected import affected, looks
from tests.journal.conftest import committer, database, database_url
from tests.journal.writing import append, arrived
from tests.sites.site_pair import START_MS, plan_of, site_pair
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "database", "database_url", "postgres_server", "postgres_url"]

ADOPTION = "INSERT INTO adoption (interaction_id, from_site, n, owner, at_ms, seq, held_by)"
MINUTE_MS = 60_000
NOWHERE = {"queue_id": "", "urgency": 0}


@pytest.fixture
def pair(data_dir):
    """Two sites with one clock."""
    with site_pair(data_dir) as found:
        yield found


def put(site, sql, **values):
    """State of the tables that the core and other parts would have made."""
    with site.own.writing() as db:
        assert db.run(sql, **values), sql


def came(site, name, *, queue="emergency", urgency=2, answered_after_ms=0, **more):
    """A contact now; answered after a while, or not at all."""
    site.append(arrived(name, accepted_at_ms=site.clock[0], **more))
    put(
        site,
        "UPDATE interaction SET queue_id = :queue, urgency = :urgency, answered_at_ms = :answered"
        " WHERE interaction_id = :name",
        queue=queue,
        urgency=urgency,
        answered=site.clock[0] + answered_after_ms if answered_after_ms else 0,
        name=name,
    )


def found(pair, site=None, *, begins_ms=-MINUTE_MS, ends_ms=60 * MINUTE_MS, now_ms=0, **more):
    """Reasons by interaction, in the order of the list."""
    site = site or pair.a
    with site.own.reading() as db:
        listed = affected(
            db,
            pair.plan,
            from_ms=START_MS + begins_ms,
            until_ms=START_MS + ends_ms,
            now_ms=now_ms or pair.clock[0],
            **more,
        )
    return {each.interaction_id: each.reasons for each in listed}


def test_who_waited_longer_than_the_target_is_listed(pair):
    """By the targets of each queue; who was answered in time is not called in the evening."""
    came(pair.a, "in-time", answered_after_ms=5_000)
    came(pair.a, "late", answered_after_ms=50_000)
    came(pair.a, "patient", queue="public-information", urgency=4, answered_after_ms=50_000)
    came(pair.a, "waits-still")
    pair.passes(seconds=40)
    came(pair.a, "just-now")
    assert found(pair) == {"late": ("delayed",), "waits-still": ("delayed",)}
    assert "patient" in found(pair, longer_than_ms=10_000)


def test_the_list_is_of_that_time_only(pair):
    """What went wrong last month has been told before."""
    came(pair.a, "before", answered_after_ms=50_000)
    pair.passes(seconds=600)
    came(pair.a, "then", answered_after_ms=50_000)
    pair.passes(seconds=600)
    came(pair.a, "after", answered_after_ms=50_000)
    assert found(pair, begins_ms=5 * MINUTE_MS, ends_ms=15 * MINUTE_MS) == {"then": ("delayed",)}
    assert "before" in found(pair, begins_ms=30_000, ends_ms=15 * MINUTE_MS), "it waited into this time"


def test_who_was_at_one_site_only_is_listed_even_when_it_healed(pair):
    """Acknowledged while nobody else had it: had this site burnt, it would have been lost."""
    came(pair.a, "before", answered_after_ms=1)
    came(pair.a, "single", answered_after_ms=1)
    with pair.a.own.reading() as db:
        ((seq,),) = db.rows("SELECT seq FROM journal WHERE ref = 'single'")
    pair.a.append(fact("copy_missed", "copy", from_seq=seq, through_seq=seq, why="slow"))
    came(pair.a, "after", answered_after_ms=1)
    assert found(pair) == {"single": ("single_copied",)}
    pair.a.append(fact("copy_healed", "copy", through_seq=seq))
    assert found(pair) == {"single": ("single_copied",)}


def test_every_other_way_to_suffer_is_listed(pair):
    """Adopted, answered twice, given up, an answer that failed, a call that was lost; several at once."""
    a = pair.a
    for name in ("adopted", "dual", "gave-up", "failed", "went-other-way", "lost-call", "fine"):
        came(a, name, answered_after_ms=1)
    now_ms = pair.clock[0]
    put(a, ADOPTION + " VALUES ('adopted', 'b', 1, 'a', :at, 1, '')", at=now_ms)
    put(a, "INSERT INTO dual_answer VALUES ('dual', 'ana', 'b', 'ben', :at)", at=now_ms)
    put(a, ADOPTION + " VALUES ('dual', 'b', 1, 'a', :at, 1, '')", at=now_ms)
    put(
        a,
        "UPDATE interaction SET closed_why = 'abandoned', closed_at_ms = :at, closed_seq = 1"
        " WHERE interaction_id = 'gave-up'",
        at=now_ms,
    )
    _outbox(a, "o-1", "failed", "failed", fallback="none")
    _outbox(a, "o-2", "went-other-way", "failed", fallback="o-3")
    _outbox(a, "o-3", "went-other-way", "delivered")
    put(
        a,
        "INSERT INTO call (call_id, interaction_id, account, direction, state, why, agent_id, recording,"
        " silent, text, voice_id, begun_ms, since_ms, connected_ms, ended_ms)"
        " VALUES ('c', 'lost-call', 'x', 'in', 'ended', 'lost', '', 0, 0, 0, 'v', 1, 1, 0, :at)",
        at=now_ms,
    )
    assert found(pair) == {
        "adopted": ("adopted",),
        "dual": ("dual_answered", "adopted"),
        "failed": ("not_delivered",),
        "gave-up": ("abandoned",),
        "lost-call": ("call_lost",),
    }


def test_both_databases_give_the_same_list(database, committer):
    """The same questions in the words of either."""
    append(
        committer,
        arrived("c-1"),
        fact("copy_missed", "copy", from_seq=1, through_seq=0, why="slow"),
    )
    with database.reading() as db:
        listed = affected(db, parse_plan(plan_of()), from_ms=1, until_ms=1 << 45, now_ms=1 << 45)
    assert [(each.interaction_id, each.reasons) for each in listed] == [("c-1", ("delayed", "single_copied"))]


def test_the_most_urgent_is_called_first_then_the_earliest(pair):
    """Somebody works down this list by telephone; what nobody had read may be anything, so it comes first."""
    came(pair.a, "routine", urgency=4)
    pair.passes(seconds=1)
    came(pair.a, "urgent-late", urgency=1)
    came(pair.a, "urgent-later", urgency=1)
    came(pair.a, "unread", urgency=0)
    pair.passes(seconds=400)
    assert list(found(pair)) == ["unread", "urgent-late", "urgent-later", "routine"]


def test_probes_and_drills_are_nobody_to_call(pair):
    """Our own watch is no customer."""
    came(pair.a, "drill", traffic="drill")
    pair.passes(seconds=100)
    assert found(pair) == {}


def test_name_and_address_stand_beside_each(pair):
    """Where they came from first; then whatever else is known of that person."""
    a = pair.a
    _known(a, "anna", address="+15550001", hash_="h1", name="Anna Weiß")
    put(a, "INSERT INTO address VALUES ('mail', 'anna@example.org', 'h2', :salt)", salt=b"s")
    put(
        a,
        "INSERT INTO identity (identity_id, customer_id, channel, account, address_hash, verified, at_ms,"
        " moved_from, moved_at_ms, moved_by, moved_why, moved_command_id)"
        " VALUES ('i2', 'anna', 'mail', '', 'h2', 1, 1, '', 0, '', '', '')",
    )
    came(a, "c-1", customer_id="anna", address_hash="h1")
    pair.passes(seconds=100)
    with a.own.reading() as db:
        (one,) = affected(db, pair.plan, from_ms=START_MS, until_ms=pair.clock[0], now_ms=pair.clock[0])
    assert (one.name, one.addresses) == ("Anna Weiß", (("phone", "+15550001"), ("mail", "anna@example.org")))
    assert [(each.ref, json.loads(each.data)) for each in looks([one], "ana")] == [
        ("c-1", {"agent_id": "ana", "what": "affected"})
    ]


def test_a_spreadsheet_computes_nothing_that_a_customer_wrote(pair):
    """A name that begins with an equals sign is a formula to a spreadsheet; a telephone number is none."""
    _known(pair.a, "eve", address="+15550002", hash_="h1", name='=HYPERLINK("http://x")')
    came(pair.a, "c-1", customer_id="eve", address_hash="h1")
    pair.passes(seconds=100)
    with pair.a.own.reading() as db:
        listed = affected(db, pair.plan, from_ms=START_MS, until_ms=pair.clock[0], now_ms=pair.clock[0])
    (row,) = csv.DictReader(io.StringIO(csv_of(listed, pair.plan)))
    assert tuple(row) == COLUMNS
    assert row["name"] == '\'=HYPERLINK("http://x")'
    assert row["addresses"] == "+15550002"


def test_the_command_records_every_look_before_it_shows_anything(pair, data_dir, monkeypatch, capsys):
    """Every look is on record: also of whoever sits at the server."""
    plan = data_dir / "plan.toml"
    plan.write_text(plan_of())
    for name, value in {"MUSTER_DATA": str(data_dir / "a"), "MUSTER_SITE": "a", "MUSTER_UNSAFE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    came(pair.a, "c-1")
    pair.passes(seconds=100)
    words = ["journal", "affected", "--from", "2026-01-01", "--to", "2027-06-01T00:00+00:00"]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["count"], said["affected"][0]["interaction_id"]) == (1, "c-1")
    viewed = pair.a.all("SELECT ref, data FROM journal WHERE kind = 'viewed'")
    assert [(ref, json.loads(str(data))["what"]) for ref, data in viewed] == [("c-1", "affected")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Times are those of {pair.plan.site.time_zone}.\n")
    assert "1 contact was affected; each look is recorded." in told
    assert main([*words, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("urgency,arrived,")
    assert main(["journal", "affected", "--from", "yesterday", "--to", "2026-01-01"]) == 2


def test_what_a_dead_site_had_is_listed_from_its_copy(pair, data_dir, monkeypatch, capsys):
    """Its own database is under water; who was there when it went is known here."""
    came(pair.a, "c-1")
    pair.sends("a")
    pair.passes(seconds=100)
    with pair.b.copy.writing() as db:
        db.run("UPDATE interaction SET queue_id = 'emergency', urgency = 1")
    for name, value in {"MUSTER_DATA": str(data_dir / "b"), "MUSTER_SITE": "b", "MUSTER_UNSAFE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    words = ["journal", "affected", "--of-peer", "--from", "2026-01-01", "--to", "2027-06-01", "--json"]
    assert main(words) == 0
    assert [each["interaction_id"] for each in json.loads(capsys.readouterr().out)["affected"]] == ["c-1"]
    assert pair.b.all("SELECT ref FROM journal WHERE kind = 'viewed'") == [("c-1",)]


def _outbox(site, outbox_id, interaction_id, status, fallback=""):
    put(
        site,
        "INSERT INTO outbox (outbox_id, message_id, interaction_id, channel, account, address_hash, seq,"
        " ordered_at_ms, status, attempts, due_at_ms, detail, automatic, template, category, instead_of,"
        " fallback, fallback_why, lent_to, left_ms) VALUES (:id, :id, :interaction, 'sms', 'x', 'h', 1, :at,"
        " :status, 1, 1, '', 0, '', '', '', :fallback, '', '', 0)",
        id=outbox_id,
        interaction=interaction_id,
        at=site.clock[0],
        status=status,
        fallback=fallback,
    )


def _known(site, customer_id, *, address, hash_, name):
    put(
        site,
        "INSERT INTO address VALUES ('phone', :address, :hash, :salt)",
        address=address,
        hash=hash_,
        salt=b"s",
    )
    put(
        site,
        "INSERT INTO content VALUES ('n', 'text/plain', '', :salt, :body, 1)",
        salt=b"s",
        body=name.encode(),
    )
    put(site, "INSERT INTO customer VALUES (:id, 1, 'n')", id=customer_id)
