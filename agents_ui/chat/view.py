"""What a customer's page is shown, from the tables: the conversation's state and its messages.

Notes of agents are never loaded here. All functions read only and run in a thread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON on its way to the page

import msgspec

from config.people import skills_of
from config.plan import ChannelPlan, Plan
from config.words import MOVED
from router.channels.joining import OfThread, interactions_of
from router.channels.located import MEDIA_TYPE as PLACE
from router.channels.located import shown_place
from router.channels.port import UNPARSED
from router.channels.text import shown
from router.journal.database import Connection
from router.journal.stream import last_seq
from skills.match import meets_one
from skills.requirement import Requirement
from skills.widening import needs_at

INTERACTIONS_MAX: Final = 50
MESSAGES_MAX: Final = 200
SNAPSHOT_BYTES_MAX: Final = 131_072
"""The newest messages up to this much; half of what may wait unsent, since JSON escapes make text longer."""

FROM: Final[Mapping[str, str]] = {"in": "you", "out": "agent", "system": "system"}

_MESSAGES: Final = """
    SELECT m.message_id, m.interaction_id, m.seq, m.at_ms, m.direction, m.kind, m.client_id, m.content_id,
        c.media_type, c.file_name, length(c.body), CASE WHEN m.kind = 'text' THEN c.body END
    FROM message m LEFT JOIN content c ON c.content_id = m.content_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a session's newest interaction stands. interaction_id is empty when there was none yet."""

    interaction_id: str = ""
    state: str = ""
    agent_id: str = ""
    queue_id: str = ""
    requirement: str = "{}"
    step: int = 0
    moved_to: str = ""
    """The site at which it goes on."""


NO_INTERACTION: Final = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the page gets it, and which interaction and row it belongs to."""

    interaction_id: str
    seq: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything for a fresh page, as of one moment: the journal through `seq`."""

    seq: int
    standing: Standing
    interaction_ids: tuple[str, ...]
    messages: tuple[Message, ...]
    present: tuple[str, ...]


def load_snapshot(db: Connection, session: str) -> Snapshot:
    """What this session's page is shown now."""
    found = interactions_of(db, session)[:INTERACTIONS_MAX]
    ids = [each.interaction_id for each in found]
    return Snapshot(
        seq=last_seq(db),
        standing=_standing(db, found),
        interaction_ids=tuple(ids),
        messages=_newest(db, ids),
        present=load_present(db),
    )


def load_standing(db: Connection, session: str) -> Standing:
    """Where the session's newest interaction stands."""
    return _standing(db, interactions_of(db, session))


def _standing(db: Connection, newest_first: Sequence[OfThread]) -> Standing:
    if not newest_first:
        return NO_INTERACTION
    newest = newest_first[0]
    held = newest.state == "assigned"
    return Standing(
        interaction_id=newest.interaction_id,
        state="ended" if newest.ended else "with_agent" if held else "waiting",
        agent_id=newest.agent_id if held and not newest.ended else "",
        queue_id=newest.queue_id,
        requirement=newest.requirement,
        step=newest.step,
        moved_to=_moved_to(db, newest.interaction_id) if newest.closed_seq else "",
    )


def _moved_to(db: Connection, interaction_id: str) -> str:
    """The other site, if it ended here because it goes on there."""
    row = db.row(
        "SELECT y.to_site FROM yielding y JOIN interaction i ON i.interaction_id = y.interaction_id"
        " WHERE y.interaction_id = :i AND i.closed_why = :moved",
        i=interaction_id,
        moved=MOVED,
    )
    return str(row[0]) if row is not None else ""


def load_messages(db: Connection, message_ids: Iterable[str]) -> list[Message]:
    """These messages in the order of the journal, without those a customer must not see."""
    found = [row for each in message_ids for row in db.rows(f"{_MESSAGES} WHERE m.message_id = :id", id=each)]
    return sorted((_message(row) for row in found if row[4] in FROM), key=_place)


def load_present(db: Connection) -> tuple[str, ...]:
    """Agents at a desk who say they are available, sorted."""
    rows = db.rows("SELECT agent_id FROM agent WHERE available = 1 AND desk_ids <> '[]' ORDER BY agent_id")
    return tuple(str(row[0]) for row in rows)


def conversation_value(plan: Plan, standing: Standing, *, nobody: bool) -> dict[str, Any]:
    """The conversation as the page gets it (C in architecture.md). `nobody`: see nobody_there."""
    channel = channel_of(plan)
    names = (person.name for person in plan.people if person.agent_id == standing.agent_id)
    return {
        "state": standing.state or "new",
        "interaction_id": standing.interaction_id,
        "agent_name": next(names, ""),
        "moved_to": standing.moved_to,
        "nobody_there": nobody,
        "notice": plan.site.customer_notice,
        "site": plan.site.name,
        "limits": {
            "characters": channel.message_characters_max,
            "attachment_bytes": channel.attachment_bytes_max,
        },
    }


def nobody_there(plan: Plan, standing: Standing, present: Sequence[str]) -> bool:
    """Whether nobody at a desk and available, free or busy, could take this as it is asked now."""
    if standing.state in ("with_agent", "ended"):
        return False
    requirement = msgspec.json.decode(standing.requirement, type=Requirement)
    needs = needs_at(plan, standing.queue_id or channel_of(plan).queue_id, requirement, standing.step)
    there = frozenset(present)
    people = (person for person in plan.people if person.agent_id in there)
    return not any(meets_one(dict(skills_of(person, plan.site)), needs) for person in people)


def channel_of(plan: Plan) -> ChannelPlan:
    """The plan's chat channel; the first one where it has none, so that nobody is turned away."""
    return next((each for each in plan.channels if each.channel_id == "chat"), plan.channels[0])


def _newest(db: Connection, interaction_ids: Sequence[str]) -> tuple[Message, ...]:
    """The newest messages of these interactions (newest first), oldest first, within the limits."""
    taken: list[Message] = []
    size = 0
    for interaction_id in interaction_ids:
        rows = db.rows(
            f"{_MESSAGES} WHERE m.interaction_id = :id AND m.direction <> 'note'"
            " ORDER BY m.seq DESC, m.at_ms DESC, m.message_id DESC LIMIT :limit",
            id=interaction_id,
            limit=MESSAGES_MAX - len(taken),
        )
        for row in rows:
            message = _message(row)
            size += len(message.value["text"].encode()) + 300
            if size > SNAPSHOT_BYTES_MAX:
                return tuple(sorted(taken, key=_place))
            taken.append(message)
        if len(taken) >= MESSAGES_MAX:
            break
    return tuple(sorted(taken, key=_place))


def _place(message: Message) -> tuple[int, int, str]:
    """Where it stands: what was adopted together has one seq, and keeps its own times."""
    return message.seq, message.value["at_ms"], message.value["message_id"]


def _message(row: Sequence[Any]) -> Message:
    message_id, interaction_id, seq, at_ms, direction, kind, client_id, content_id, *content = row
    media_type, file_name, size, body = content
    file = None
    if kind == "attachment":
        file = {
            "name": file_name or "file",
            "bytes": size or 0,
            "media_type": "application/octet-stream" if media_type in (None, UNPARSED) else media_type,
            "url": f"/chat/attachment/{content_id}",
        }
    words = "" if body is None else shown(bytes(body))
    if media_type == PLACE:
        kind, words = "place", shown_place(bytes(body or b"")).text
    value = {
        "message_id": message_id,
        "interaction_id": interaction_id,
        "client_id": client_id,
        "seq": str(seq),
        "at_ms": at_ms,
        "from": FROM.get(direction, "system"),
        "kind": kind,
        "text": words,
        "file": file,
    }
    return Message(interaction_id=interaction_id, seq=seq, value=value)
