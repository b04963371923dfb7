"""An interaction whose every word stands in another one at the other site: one of the two is let go.

A contact was kept there, in what was open there, and its answer was lost with the line; or a provider brought
it to both sites. Nobody here could know, so it began an interaction here as well. Once both streams are here,
that one ends as moved: whoever has the other one has all of it.

Nothing is lost by it: each message is there, with the same words, in one interaction which is open there, or
was ended there by an agent. What an agent here accepted stays here. Both sites may ask this of each other at
the same moment: of two with the same words, which nobody accepted, the one with the lower id stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values

import msgspec

from config.words import MOVED
from queues.lifecycle import ASSIGNED
from router.channels.showing import says_the_same
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.records import Fact, Row, fact
from router.sites.adoptees import MESSAGES_MAX, Adoptee
from router.sites.copy_damage import chosen
from router.sites.open_there import ALONE, JOINS_NOTHING

BRINGING: Final = frozenset({"arrived", "message_added", "message_copied", "adopted"})
"""Kinds of rows that bring messages."""

WHY: Final = "said_there"
"""Why it is left to the other site."""

_SAID: Final = f"""
    SELECT m.interaction_id, m.message_id, m.content_id FROM message m
    JOIN interaction i ON i.interaction_id = m.interaction_id
    WHERE i.closed_seq = 0 AND i.answered_at_ms = 0 AND i.state <> 'assigned' AND i.channel NOT IN ({ALONE})
        AND i.traffic NOT IN ('probe', 'rehearsal') AND m.direction <> 'system'
        AND NOT (m.direction = 'out' AND m.author_id = '') AND m.interaction_id IN {{wanted}}
"""
"""Without what only Muster itself has said in it."""

_OPEN_WITH: Final = """
    SELECT DISTINCT m.interaction_id FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id
    WHERE i.closed_seq = 0 AND m.message_id IN {wanted}
"""
_KNOWN: Final = "SELECT message_id FROM message WHERE message_id IN {wanted}"
_STANDS: Final = "SELECT message_id, interaction_id, content_id FROM message WHERE message_id IN {wanted}"
_GOES_ON: Final = """
    SELECT i.interaction_id, i.closed_seq, i.answered_at_ms, i.state FROM interaction i
    WHERE (i.closed_seq = 0 OR i.closed_why = 'disposed') AND NOT EXISTS (
        SELECT 1 FROM yielding y WHERE y.interaction_id = i.interaction_id
    ) AND i.interaction_id IN {wanted}
"""
_COUNTS: Final = """
    SELECT interaction_id, count(*) FROM message WHERE direction = 'in' AND interaction_id IN {wanted}
    GROUP BY interaction_id
"""
_BODIES: Final = "SELECT content_id, media_type, body FROM content WHERE content_id IN {wanted}"
_PLACES: Final = "SELECT interaction_id, place_id FROM place WHERE interaction_id IN {wanted}"
_HERE_STILL: Final = (
    "SELECT interaction_id FROM interaction WHERE closed_why <> ? AND interaction_id IN {wanted}"
)

_LET_GO: Final = """
    SELECT m.message_id, m.interaction_id FROM message m
    JOIN interaction i ON i.interaction_id = m.interaction_id
    WHERE i.closed_seq > 0 AND i.closed_why = ? AND m.message_id IN {wanted} ORDER BY m.message_id
"""

Said = Mapping[str, Mapping[str, str]]
"""By interaction: its messages, each with its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """An interaction that goes on at a site, or that an agent there has ended."""

    ended: bool
    accepted: bool
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One that is to be let go: `there` has all that was said in it."""

    ref: str
    there: str
    said: frozenset[str]


def said_in(db: Connection, ids: Sequence[str]) -> Said:
    """Of those of these that nobody here has accepted, and that an address joins: what was said in them."""
    found: dict[str, dict[str, str]] = {}
    for ref, message_id, content_id in rows_in(db, _SAID, ids):
        found.setdefault(str(ref), {})[str(message_id)] = str(content_id)
    return found


def same_words(said: Said, mine: Connection, theirs: Connection) -> dict[str, str]:
    """By interaction the one there in which all of it stands; of those of which there is one."""
    ids = sorted({each for messages in said.values() for each in messages})
    stands = {str(row[0]): (str(row[1]), str(row[2])) for row in rows_in(theirs, _STANDS, ids)}
    found: dict[str, str] = {}
    for ref, messages in said.items():
        into = {stands[each][0] if each in stands else "" for each in messages}
        if len(into) != 1 or into & {"", ref}:
            continue
        pairs = [(content_id, stands[each][1]) for each, content_id in messages.items()]
        if _are_alike(pairs, mine, theirs):
            found[ref] = into.pop()
    return found


def stands_of(db: Connection, ids: Sequence[str]) -> dict[str, Stands]:
    """Of these, what goes on at this database's site, or was ended by an agent of it."""
    return {
        str(ref): Stands(ended=bool(closed_seq), accepted=bool(answered_ms), held=state == "assigned")
        for ref, closed_seq, answered_ms, state in rows_in(db, _GOES_ON, sorted(set(ids)))
    }


def repeats_of(
    ours: Connection, theirs: Connection, ids: Sequence[str], *, takes_over: bool
) -> tuple[list[Repeat], set[str]]:
    """Of these, what is to be let go here; and what is not now, and has to be looked at again.

    takes_over: what waits there is being taken over by this site.
    """
    said = said_in(ours, ids)
    alike = same_words(said, ours, theirs)
    into = _with_places(alike, ours, theirs)
    stands = stands_of(theirs, list(into.values()))
    counts = {str(row[0]): int(row[1]) for row in rows_in(theirs, _COUNTS, sorted(stands))}
    mine = {str(row[0]): int(row[1]) for row in rows_in(ours, _COUNTS, sorted(into))}
    found: list[Repeat] = []
    for ref, there in sorted(into.items()):
        if (other := stands.get(there)) is None or (takes_over and not (other.ended or other.held)):
            continue
        settled = other.ended or other.accepted
        if settled or (-counts.get(there, 0), there) < (-mine.get(ref, 0), ref):
            found.append(Repeat(ref=ref, there=there, said=frozenset(said[ref])))
    return found, set(alike).difference(each.ref for each in found)


def said_there(db: Connection, repeats: Sequence[Repeat], *, site: str, peer: str) -> list[Fact]:
    """Lets go of those in which nothing more was said, whose other one has not come here. Under the lock."""
    if not repeats:
        return []
    said = said_in(db, [each.ref for each in repeats])
    came = {str(row[0]) for row in rows_in(db, _HERE_STILL, [each.there for each in repeats], MOVED)}
    about = {"to_site": peer, "n": 0, "owner": site, "why": WHY, "orders": []}
    return [
        fact("yielded", each.ref, **about)
        for each in repeats
        if each.there not in came and each.said.issuperset(said.get(each.ref) or ("",))
    ]


def said_here(theirs: Connection, ours: Connection, ids: Sequence[str]) -> set[str]:
    """Of these of the other site, those whose every word stands in one that goes on here, or was ended."""
    into = _with_places(same_words(said_in(theirs, ids), theirs, ours), theirs, ours)
    stands = stands_of(ours, list(into.values()))
    return {ref for ref, here in into.items() if here in stands}


def said_already(db: Connection, coming: Sequence[Adoptee]) -> set[str]:
    """The same of what is about to be adopted, under the lock; its content is here."""
    said = {each.interaction_id: found for each in coming if (found := _said_by(each))}
    into = same_words(said, db, db)
    stands = stands_of(db, list(into.values()))
    there = _places(db, list(into.values()))
    places = {each.interaction_id: {one["place_id"] for one in each.places} for each in coming}
    return {ref for ref, here in into.items() if here in stands and places[ref] <= there.get(here, set())}


def left_behind(db: Connection, coming: Sequence[Adoptee]) -> dict[str, list[str]]:
    """By interaction that is about to be adopted: its messages in another one here, which was let go."""
    of = {one["message_id"]: each.interaction_id for each in coming for one in each.messages}
    found: dict[str, list[str]] = {}
    for message_id, ref in rows_in(db, _LET_GO, sorted(of), MOVED):
        if of[message_id] != ref:
            found.setdefault(of[message_id], []).append(str(message_id))
    return found


def said_at_both(
    ours: Connection, theirs: Connection, own_rows: Iterable[Row], copy_rows: Iterable[Row]
) -> set[str]:
    """Interactions open here with a message that one of these rows brought, and the other site has too."""
    here = sorted({each for row in own_rows for each in _messages_of(row)})
    return _open_with(
        ours, _known(theirs, here).union(each for row in copy_rows for each in _messages_of(row))
    )


def known_there(ours: Connection, theirs: Connection, ids: Sequence[str]) -> set[str]:
    """Of these interactions, those open here with a message that the other site has too."""
    said = {each for messages in said_in(ours, ids).values() for each in messages}
    return _open_with(ours, _known(theirs, sorted(said)))


def _known(theirs: Connection, messages: Sequence[str]) -> set[str]:
    """Those of these that the other site has; and what is rotten in its copy, which may be one of them."""
    return set(chosen(theirs, messages, lambda part: [str(row[0]) for row in rows_in(theirs, _KNOWN, part)]))


def _open_with(db: Connection, messages: Iterable[str]) -> set[str]:
    return {str(row[0]) for row in rows_in(db, _OPEN_WITH, sorted(messages))}


def _messages_of(row: Row) -> Iterable[str]:
    if row.kind not in BRINGING:
        return ()
    said: dict[str, Any] = msgspec.json.decode(row.data)
    return (str(each.get("message_id", "")) for each in said.get("messages", (said,)))


def _are_alike(pairs: Sequence[tuple[str, str]], mine: Connection, theirs: Connection) -> bool:
    """Whether each is what the other is: two bodies may come under one id of a provider."""
    here = _bodies(mine, sorted({each for each, _ in pairs}))
    there = _bodies(theirs, sorted({each for _, each in pairs}))
    return all(
        one in here and other in there and says_the_same(here[one][0], there[other][1], here[one][1])
        for one, other in pairs
    )


def _bodies(db: Connection, ids: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    return {str(row[0]): (str(row[1]), bytes(row[2])) for row in rows_in(db, _BODIES, ids)}


def _with_places(into: Mapping[str, str], mine: Connection, theirs: Connection) -> dict[str, str]:
    """Those of which each place is there as well."""
    here, there = _places(mine, list(into)), _places(theirs, list(into.values()))
    return {ref: each for ref, each in into.items() if here.get(ref, set()) <= there.get(each, set())}


def _places(db: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for ref, place_id in rows_in(db, _PLACES, sorted(set(ids))):
        found.setdefault(str(ref), set()).add(str(place_id))
    return found


def _said_by(each: Adoptee) -> dict[str, str]:
    """As said_in has it; nothing of what is long, or is not to be compared."""
    row = each.row
    if row["channel"] in JOINS_NOTHING or row["answered_at_ms"] or row["state"] == ASSIGNED:
        return {}
    if len(each.messages) >= MESSAGES_MAX:
        return {}
    return {
        str(one["message_id"]): str(one["content_id"])
        for one in each.messages
        if one["direction"] != "system" and (one["direction"] != "out" or one["author_id"])
    }
