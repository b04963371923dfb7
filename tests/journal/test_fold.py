"""What each kind of row does to the tables, where it is not the core's business (see test_restore.py)."""

import pytest

from router.journal.fold_decisions import FoldRefused
from router.records import fact
from tests.journal.writing import append, arrived, checked


def table(database, sql, **values):
    """Rows of a question."""
    with database.reading() as db:
        return db.rows(sql, **values)


def test_every_kind_of_the_contract_is_folded_or_named_as_unfolded():
    """A kind that is in architecture.md and unknown to the fold would stop the process that appends it."""
    from router.journal.fold import FOLDS, UNFOLDED
    from router.records import DECISION_KINDS, EVENT_KINDS

    assert set(EVENT_KINDS) | set(DECISION_KINDS) <= set(FOLDS) | UNFOLDED
    assert not set(FOLDS) & UNFOLDED


def test_an_arrival_parks_an_interaction_with_its_first_message(database, committer):
    """Accepted is kept: from the same transaction on it is in a state that something follows (no limbo)."""
    (row,) = append(committer, arrived("c-1", thread="t", customer_id="k", traffic="drill"))
    found = table(
        database,
        "SELECT state, parked_until_ms, accepted_at_ms, arrived_seq, thread, customer_id, traffic, reading"
        " FROM interaction",
    )
    assert found == [("parked", row.at_ms + 2_000, row.at_ms, row.seq, "t", "k", "drill", "unread")]
    message = table(
        database, "SELECT message_id, interaction_id, seq, direction, reading, content_id FROM message"
    )
    assert message == [("c-1-m", "c-1", row.seq, "in", "unread", "c-1-words")]


def test_an_arrival_may_say_when_it_was_accepted_and_how_long_it_is_parked(database, committer):
    """A contact forwarded by the peer keeps its place; the plan says how long reading may take."""
    append(committer, arrived("c-1", accepted_at_ms=77, parked_until_ms=99))
    assert table(database, "SELECT accepted_at_ms, parked_until_ms FROM interaction") == [(77, 99)]


def test_reading_marks_the_message_and_the_first_contact(database, committer):
    """A later message must not turn a read interaction back, nor change a known language."""
    append(committer, arrived("c-1"))
    read = {"queue_id": "q", "urgency": 3, "requirement": {}, "rule_id": "r", "hits": []}
    append(committer, fact("read", "c-1", message_id="c-1-m", reading="unparsed", language="", **read))
    added = {"content_id": "w", "client_id": "", "direction": "in", "author_id": "", "message_kind": "text"}
    append(committer, fact("message_added", "c-1", message_id="m-2", reading="unread", **added))
    append(committer, fact("read", "c-1", message_id="m-2", reading="read", language="es", **read))
    append(committer, fact("read", "c-1", message_id="m-2", reading="read", language="fr", **read))
    assert table(database, "SELECT reading, language FROM interaction") == [("unparsed", "es")]
    assert table(database, "SELECT reading FROM message ORDER BY seq") == [("unparsed",), ("read",)]


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        (
            ("delivered", "sent", "read", "delivered", "failed"),
            ["delivered", "delivered", "read", "read", "read"],
        ),
        (("sent", "failed", "sent", "read"), ["sent", "failed", "failed", "failed"]),
    ],
)
def test_a_message_status_never_goes_back_and_failed_is_final(database, committer, reported, shown):
    """Providers report late and out of order: `read` before `delivered` (B-19), `failed` of a second try."""
    append(committer, arrived("c-1"))
    seen = []
    for status in reported:
        append(committer, fact("delivered", "c-1-m", status=status))
        seen += [found for (found,) in table(database, "SELECT status FROM message")]
    assert seen == shown


def test_connections_come_and_go(database, committer):
    """The router finds by them what a dead web process held; a repeat or a stranger's end is harmless."""
    joined = fact("desk_joined", "ana", desk_id="d-1", web_id="w-1")
    append(committer, joined, joined)
    append(committer, fact("customer_connected", "c-1", connection_id="k-1", web_id="w-2"))
    append(committer, fact("desk_left", "ana", desk_id="d-9", web_id="w-1"))
    rows = "SELECT connection_id, kind, web_id, owner_id FROM connection ORDER BY connection_id"
    assert table(database, rows) == [("d-1", "desk", "w-1", "ana"), ("k-1", "customer", "w-2", "c-1")]
    append(committer, fact("customer_connected", "c-2", connection_id="k-1", web_id="w-2"))
    append(committer, fact("desk_left", "ana", desk_id="d-1", web_id="w-1"))
    assert table(database, rows) == [("k-1", "customer", "w-2", "c-2")]
    append(committer, fact("customer_disconnected", "c-2", connection_id="k-1", web_id="w-2"))
    assert table(database, rows) == []


def test_people_sessions_and_plans_are_what_the_last_row_says(database, committer):
    """Everything a peer needs to let the same people in is in the journal."""
    append(committer, fact("person_added", "ana", name="Ana", role="agent", active=1, credential_digest="d"))
    append(
        committer, fact("person_changed", "ana", name="Ana", role="agent", active=0, credential_digest="e")
    )
    assert table(database, "SELECT agent_id, name, role, active, credential_digest FROM person") == [
        ("ana", "Ana", "agent", 0, "e")
    ]
    (begun,) = append(committer, fact("session_begun", "hash", agent_id="ana", expires_at_ms=9))
    (ended, _) = append(committer, fact("session_ended", "hash"), fact("session_ended", "hash"))
    assert table(database, "SELECT * FROM session") == [("hash", "ana", begun.at_ms, 9, ended.at_ms)]
    (row,) = append(committer, fact("plan_activated", "digest", version=1, text="[site]", by="ana"))
    assert table(database, "SELECT version, seq, digest, text, activated_by FROM plan") == [
        (1, row.seq, "digest", "[site]", "ana")
    ]


def test_an_alarm_is_kept_until_the_first_who_says_seen(database, committer):
    """Who looked first is a question that is asked afterwards."""
    (row,) = append(committer, fact("alarm_raised", "c-1", at_ms=5, code="unattended", detail="x"))
    alarm_id = f"north/{row.seq}"
    (seen,) = append(committer, fact("alarm_seen", alarm_id, agent_id="ana"))
    append(committer, fact("alarm_seen", alarm_id, agent_id="ben"))
    assert table(database, "SELECT * FROM alarm") == [
        (alarm_id, 5, "unattended", "c-1", "x", "ana", seen.at_ms)
    ]


def test_what_is_verified_is_linked_from_its_arrival_on(database, committer):
    """The router must know after a restart what it knew before: whose open interactions belong together."""
    who = {"customer_id": "k", "identity_id": "d"}
    append(committer, arrived("c-1", verified=True, **who), arrived("c-2", verified=False, **who))
    found = table(
        database, "SELECT customer_id, identity_id, linked_to FROM interaction ORDER BY arrived_seq"
    )
    assert found == [("k", "d", "k"), ("k", "d", "")]
    append(committer, fact("linked", "c-1", at_ms=1, linked_to="other"))
    assert table(database, "SELECT linked_to FROM interaction ORDER BY arrived_seq") == [("other",), ("",)]


def test_a_moved_identity_takes_along_what_ever_came_from_it(database, committer):
    """The history of a person is one, also of those conversations that ended long ago; and it can go back."""
    added = {"channel": "chat", "account": "", "address_hash": "h", "verified": True}
    append(
        committer,
        fact("customer_added", "k", identity_id="d", **added),
        arrived("c-1", customer_id="k", identity_id="d", verified=True),
        arrived("c-2", customer_id="k", identity_id="another", verified=True),
    )
    moved = {"agent_id": "ana", "command_id": "m-1", "why": "split"}
    (row,) = append(
        committer, fact("identity_moved", "d", from_customer_id="k", to_customer_id="new", **moved)
    )
    who = "SELECT customer_id, linked_to FROM interaction ORDER BY arrived_seq"
    assert table(database, who) == [("new", "k"), ("k", "k")], "what is linked is the router's decision"
    assert table(
        database,
        "SELECT customer_id, moved_from, moved_at_ms, moved_by, moved_why, moved_command_id FROM identity",
    ) == [("new", "k", row.at_ms, "ana", "split", "m-1")]
    assert table(database, "SELECT customer_id FROM customer ORDER BY customer_id") == [("k",), ("new",)]
    assert checked(database).problem_count == 0


def test_what_is_claimed_is_not_verified_whatever_the_fact_says(database, committer):
    """Nobody vouches for what somebody said."""
    claimed = {"channel": "sms", "account": "", "address_hash": "h", "verified": True, "agent_id": "ana"}
    append(committer, fact("identity_claimed", "k", identity_id="d", command_id="c", **claimed))
    assert table(database, "SELECT customer_id, verified FROM identity") == [("k", 0)]
    append(
        committer,
        fact("customer_named", "k", content_id="words", content_hash="x", agent_id="ana", command_id="n"),
    )
    assert table(database, "SELECT customer_id, name_content_id FROM customer") == [("k", "words")]


def test_a_call_back_before_its_time_is_parked_and_belongs_to_whom_it_follows(database, committer):
    """Its replies go where they went before, by the account they went by."""
    who = {"customer_id": "k", "identity_id": "d", "address_hash": "h", "thread": "t"}
    append(committer, arrived("c-1", account="line", **who))
    opened = {
        "at_ms": 5,
        "follows": "c-1",
        "channel": "sms",
        "queue_id": "q",
        "urgency": 3,
        "requirement": {},
        "rule_id": "call_back",
        "accepted_at_ms": 90,
        "identity_id": "d",
        "linked_to": "k",
        "traffic": "real",
        "parked_until_ms": 90,
        "named_agent_id": "ana",
        "command_id": "c",
    }
    append(committer, fact("call_back_opened", "later", **opened))
    where = "FROM interaction WHERE interaction_id = 'later'"
    assert table(database, f"SELECT account, customer_id, address_hash, thread, linked_to {where}") == [
        ("line", "k", "h", "t", "k")
    ]
    time = f"SELECT state, parked_until_ms, accepted_at_ms, queue_id, named_agent_id {where}"
    assert table(database, time) == [("parked", 90, 90, "q", "ana")]
    moved = {"due_at_ms": 120, "queue_id": "r", "requirement": {}, "named_agent_id": "", "command_id": "d"}
    append(committer, fact("rescheduled", "later", at_ms=6, **moved))
    assert table(database, time) == [("parked", 120, 120, "r", "")]
    ended = {"agent_id": "sue", "disposition": "done", "why": "cancelled", "command_id": "e"}
    append(committer, fact("closed", "later", at_ms=7, **ended))
    assert table(database, f"SELECT closed_by, closed_why, disposition {where}") == [
        ("sue", "cancelled", "done")
    ]


def test_one_customer_is_added_once(database, committer):
    """Two channels may find the same person at the same time."""
    added = fact(
        "customer_added", "k", identity_id="k", channel="chat", account="web", address_hash="h", verified=True
    )
    (first, _) = append(committer, added, added)
    assert table(database, "SELECT * FROM customer") == [("k", first.at_ms, "")]
    assert table(database, "SELECT customer_id, address_hash, verified FROM identity") == [("k", "h", 1)]


@pytest.mark.parametrize(
    "decision",
    [
        fact("wrap_up_began", "c-9", at_ms=1, agent_id="ana", command_id=""),
        fact("urgency_set", "closed", at_ms=1, urgency=1, by="triage", command_id=""),
        fact("widened", "c-9", at_ms=1, step=1, why="time"),
    ],
    ids=lambda decision: decision.kind,
)
def test_a_decision_about_something_that_is_not_there_is_refused(database, committer, decision):
    """Memory and tables disagree: better to rebuild at once than to find it at the next restart."""
    append(committer, arrived("closed"))
    over = {"agent_id": "", "disposition": "", "why": "abandoned", "command_id": ""}
    append(committer, fact("closed", "closed", at_ms=1, **over))
    with pytest.raises(FoldRefused, match=decision.ref):
        append(committer, decision)
    assert checked(database).rows == 2


@pytest.mark.parametrize(
    "noise",
    [fact("viewed", "k", agent_id="ana", what="history"), fact("refused", "c-1", at_ms=1, code="gone")],
)
def test_rows_that_are_only_a_record_change_no_table(database, committer, noise):
    """Who looked at whom is on record, and that is all it does."""
    before = checked(database).compared
    append(committer, noise)
    report = checked(database)
    assert (report.problems, report.compared) == ([], before)
