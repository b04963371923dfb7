"""Messages of what both sites have that are at the other one only: found, and copied some hundred at a time.

A conversation may have any number (fifty texts a second for a quarter of an hour), so `adopted` brings only
what an agent needs first (adoptees.py), and the rest follows here like what was said there later.
"""

from collections.abc import Sequence
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.adoptees import Entry, read_messages
from router.sites.bringing import bring_content

AT_ONCE: Final = 300
"""Of one transaction: some fifty milliseconds in which nobody else appends."""

EACH_LOOK: Final = 1_500
"""Of one look: what else the two sites have to agree on does not wait behind one conversation."""

LONG: Final = 200
"""Messages of a conversation above which it is remembered how far it was compared."""

_THERE: Final = """
    SELECT interaction_id, message_id, seq FROM message WHERE interaction_id IN {wanted}
    ORDER BY interaction_id, seq, at_ms, message_id
"""
_LATER: Final = """
    SELECT interaction_id, message_id, seq FROM message WHERE interaction_id = :ref AND seq > :seq
    ORDER BY seq, at_ms, message_id
"""
_HERE: Final = "SELECT message_id FROM message WHERE interaction_id IN {wanted}"
_KNOWN: Final = "SELECT message_id FROM message WHERE message_id IN {wanted}"
_CAME: Final = """
    SELECT message_id FROM message WHERE interaction_id = :ref
    AND seq = (SELECT seq FROM adoption WHERE interaction_id = :ref)
    ORDER BY at_ms DESC, message_id DESC LIMIT 1
"""
_SEQ: Final = "SELECT seq FROM message WHERE message_id = :message_id"


class MissingMessages:
    """Finds them. Of long conversations it remembers up to which row of the copy all of it is here."""

    def __init__(self) -> None:
        self._same: dict[str, int] = {}

    def forget(self, refs: Sequence[str]) -> None:
        """They came from here to there, or back: their order there is not that of the rows any more."""
        for ref in refs:
            self._same.pop(ref, None)

    def of(self, ours: Connection, theirs: Connection, refs: Sequence[str]) -> list[tuple[str, str]]:
        """(interaction, message), in the order of each conversation. What joined another one here is here."""
        short = [ref for ref in refs if ref not in self._same]
        rows = rows_in(theirs, _THERE, short)
        for ref in refs:
            if ref in self._same:
                rows += theirs.rows(_LATER, ref=ref, seq=self._same[ref])
        here = {str(row[0]) for row in rows_in(ours, _HERE, short)}
        lacking = [row for row in rows if row[1] not in here]
        known = {str(row[0]) for row in rows_in(ours, _KNOWN, [str(row[1]) for row in lacking])}
        lacking = [row for row in lacking if row[1] not in known]
        self._remember(rows, lacking)
        return [(str(row[0]), str(row[1])) for row in lacking]

    def _remember(self, rows: Sequence[tuple[Any, ...]], lacking: Sequence[tuple[Any, ...]]) -> None:
        counts: dict[str, int] = {}
        through: dict[str, int] = {}
        for ref, _, seq in rows:
            counts[ref] = counts.get(ref, 0) + 1
            through[ref] = max(seq, through.get(ref, 0))
        for ref, _, seq in lacking:
            through[ref] = min(seq - 1, through[ref])
        self._same |= {
            ref: through[ref] for ref, count in counts.items() if count > LONG or ref in self._same
        }


class CopyMessages:
    """Append: these, as far as they are not here by now. early: came before what the adoption brought."""

    def __init__(self, messages: Sequence[Entry], early: frozenset[str]) -> None:
        self._messages = messages
        self._early = early

    def write_content(self, db: Connection) -> None:
        """None: it went ahead."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One of each."""
        ids = [str(each["message_id"]) for each in self._messages]
        known = {str(row[0]) for row in rows_in(db, _KNOWN, ids)}
        return [self._fact(each) for each in self._messages if each["message_id"] not in known]

    def _fact(self, message: Entry) -> Fact:
        said = {key: value for key, value in message.items() if key not in ("interaction_id", "seq")}
        if message["message_id"] in self._early:
            said["early"] = True
        return fact("message_copied", message["interaction_id"], **said)


def copy_messages(
    own: Committer, database: Database, copy: Database, missing: Sequence[tuple[str, str]]
) -> set[str]:
    """Copies the first of these (interaction, message), with their words; the interactions that have more.

    Raises as the committer does: what was copied before stays.
    """
    for at in range(0, min(len(missing), EACH_LOOK), AT_ONCE):
        ids = [message_id for _, message_id in missing[at : min(at + AT_ONCE, EACH_LOOK)]]
        with database.reading() as ours, copy.reading() as theirs:
            messages = read_messages(theirs, ids)
            early = _early(ours, theirs, messages)
        content = [message["content_id"] for message in messages]
        content += [part["content_id"] for message in messages for part in message["parts"]]
        bring_content(own, copy, content)
        own.submit(CopyMessages(messages, early)).result()
    return {ref for ref, _ in missing[EACH_LOOK:]}


def _early(ours: Connection, theirs: Connection, messages: Sequence[Entry]) -> frozenset[str]:
    """Those that were said before the newest that came with the adoption: so they are shown before it."""
    before: dict[str, int] = {}
    for ref in sorted({str(each["interaction_id"]) for each in messages}):
        came = ours.row(_CAME, ref=ref)
        there = theirs.row(_SEQ, message_id=str(came[0])) if came is not None else None
        before[ref] = int(there[0]) if there is not None else 0
    return frozenset(
        str(each["message_id"]) for each in messages if each["seq"] <= before[each["interaction_id"]]
    )
