"""Messages as desks, the wall and histories show them: the words, the files, and how far an answer has come.

Reads inside a transaction that the caller opened. What arrived is kept raw; what it says is read here, each
time (router/channels/showing.py), but for what was dear to read: that is in its parts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: message values are JSON objects

from agents_ui.desk.mail_shown import HEAD_BYTES, TEXT_CHARACTERS_MAX, mail_of
from agents_ui.desk.place_notice import place_notice
from agents_ui.downloads import clean_name
from agents_ui.shown_files import shows
from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.channels.port import Shown
from router.channels.showing import shown_of
from router.channels.text import shown
from router.journal.database import Connection

Value = dict[str, Any]

IN_CHUNK: Final = 400
"""Values in one IN (…): below every database's limit of parameters."""

_COLUMNS: Final = (
    "m.message_id, m.interaction_id, m.seq, m.at_ms, m.direction, m.author_id, m.kind, m.content_id,"
    " m.client_id,"
    " CASE WHEN m.status <> '' OR o.status IS NULL THEN m.status"
    " WHEN o.attempts = 0 THEN 'due' ELSE 'late' END, m.trouble, m.reading,"
    " p.name, c.media_type, c.file_name, length(c.body),"
    " CASE WHEN m.kind = 'attachment' THEN NULL"
    f" WHEN c.media_type = '{MAIL}' THEN substr(c.body, 1, {HEAD_BYTES}) ELSE c.body END,"
    " o.channel, o.template, o.instead_of, o.fallback, o.fallback_why, f.channel, a.channel"
)
_FROM: Final = (
    "FROM message m LEFT JOIN content c ON c.content_id = m.content_id"
    " LEFT JOIN outbox o ON o.message_id = m.message_id LEFT JOIN person p ON p.agent_id = m.author_id"
    " LEFT JOIN outbox f ON f.outbox_id = o.fallback AND o.fallback <> ''"
    " LEFT JOIN outbox a ON a.outbox_id = o.instead_of AND o.instead_of <> ''"
)
_PARTS: Final = (
    "SELECT p.message_id, p.kind, p.content_id, c.media_type, c.file_name, length(c.body),"
    " CASE WHEN p.kind = 'about' THEN c.body"
    f" WHEN p.kind = 'text' THEN substr(c.body, 1, {4 * TEXT_CHARACTERS_MAX}) END"
    " FROM part p LEFT JOIN content c ON c.content_id = p.content_id"
)


@dataclass(slots=True)
class _Parts:
    """What was read of one message, or is still to be fetched."""

    text: str | None = None
    files: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(content_id, media type, name, bytes)."""

    about: bytes | None = None
    """What reading a mail found out."""

    wanted: int = 0
    lost: int = 0
    any: bool = False


def messages(db: Connection, condition: str, **values: str | int) -> list[Value]:
    """The messages for which this SQL condition (on m, the message, with its order and limit) holds."""
    rows = db.rows(f"SELECT {_COLUMNS} {_FROM} WHERE {condition}", **values)
    parts = _parts_of(db, (row[0] for row in rows))
    return [_message(row, parts[row[0]]) for row in rows]


def chunks(ids: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The names and values of IN (…) lists for these ids, in id order."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), IN_CHUNK):
        values = {f"v{index}": each for index, each in enumerate(wanted[start : start + IN_CHUNK])}
        yield ", ".join(f":{name}" for name in values), values


def _parts_of(db: Connection, message_ids: Iterable[str]) -> Mapping[str, _Parts]:
    found: dict[str, _Parts] = defaultdict(_Parts)
    for names, values in chunks(message_ids):
        rows = db.rows(f"{_PARTS} WHERE p.message_id IN ({names}) ORDER BY p.message_id, p.number", **values)
        for message_id, kind, content_id, media_type, file_name, size, body in rows:
            parts = found[message_id]
            parts.any = True
            if kind == "text" and body is not None:
                words = shown(bytes(body))[:TEXT_CHARACTERS_MAX]
                parts.text = f"{parts.text}\n\n{words}" if parts.text else words
            elif kind == "about" and body is not None:
                parts.about = bytes(body)
            elif kind == "file" and size is not None:
                parts.files.append((content_id, media_type, file_name, size))
            parts.wanted += kind == "wanted"
            parts.lost += kind == "lost"
    return found


def _message(row: Sequence[Any], parts: _Parts) -> Value:  # Any: columns of _COLUMNS
    message_id, interaction_id, seq, at_ms, direction, author_id, kind, content_id, client_id = row[:9]
    status, trouble, reading, author_name, media_type, file_name, size, body = row[9:17]
    said = Shown(text="") if body is None else shown_of(media_type or "", bytes(body))
    is_file = kind == "attachment" and size is not None
    shown_in_parts = parts.any or media_type == MAIL
    return {
        "message_id": message_id,
        "interaction_id": interaction_id,
        "said_in": interaction_id,
        "seq": str(seq),
        "at_ms": at_ms,
        "direction": direction,
        "author_id": author_id,
        "author_name": author_name or "",
        "kind": kind,
        "text": said.text if parts.text is None else parts.text,
        "notice": _notice(direction, said),
        "mail": None if body is None else mail_of(media_type, bytes(body), parts.about),
        "file": _file(interaction_id, content_id, media_type, file_name, size) if is_file else None,
        "files": [_file(interaction_id, *each) for each in parts.files],
        "files_wanted": parts.wanted,
        "files_lost": parts.lost,
        "raw": _url(interaction_id, content_id) if shown_in_parts and size is not None else "",
        "client_id": client_id,
        "status": status,
        "trouble": trouble,
        "reading": reading,
        "way": _way(row[17:]),
    }


def _way(row: Sequence[Any]) -> Value | None:  # Any: the last columns of _COLUMNS
    """By which channel it goes, what went instead of it, and instead of what it goes; None: it goes live."""
    channel, template_id, instead_of, fallback, why, other, first = row
    if channel is None:
        return None
    return {
        "channel": channel,
        "template": template_id,
        "instead_of": instead_of,
        "instead_of_channel": first or "",
        "other": fallback,
        "other_channel": other or "",
        "other_why": why,
    }


def _notice(direction: str, said: Shown) -> str:
    told = place_notice(said.text) if direction == "in" else ""
    return f"{said.notice} {told}".strip() if told else said.notice


def _file(interaction_id: str, content_id: str, media_type: str, file_name: str, size: int) -> Value:
    """Name, size and address of a file."""
    return {
        "name": clean_name(file_name),
        "bytes": size,
        "media_type": media_type,
        "shows": shows(media_type),
        "url": _url(interaction_id, content_id),
    }


def _url(interaction_id: str, content_id: str) -> str:
    return f"/api/attachment/{content_id}?of={interaction_id}"
