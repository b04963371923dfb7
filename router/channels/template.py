"""A message made of an approved template: what is kept of it, and what its provider is told.

Kept as content like any other words: which template, what was filled in, and the words that came of it. The
provider gets its name and the values; people, and other channels, get the words.
"""

from typing import Final

import msgspec

from config.plan import TemplatePlan
from config.templates import filled, places_of
from router.channels.port import Template
from router.channels.text import shown

MEDIA_TYPE: Final = "application/json; of=muster-template"

VALUE_CHARACTERS_MAX: Final = 300


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a template, as its content holds it."""

    account: str
    template_id: str
    name: str
    language: str
    category: str
    values: tuple[str, ...]
    text: str

    @property
    def template(self) -> Template:
        """What the provider is told."""
        return Template(name=self.name, language=self.language, values=self.values)


def kept_of(template: TemplatePlan, *, account: str, values: tuple[str, ...]) -> Kept:
    """The message with these values."""
    return Kept(
        account=account,
        template_id=template.template_id,
        name=template.name,
        language=template.language,
        category=template.category,
        values=values,
        text=filled(template.text, values),
    )


def problem_of(template: TemplatePlan, values: tuple[str, ...]) -> str:
    """The code of what is wrong with these values; empty when nothing is.

    Meta refuses a value that is empty, or has a line break, a tab or more than four spaces in a row (132018).
    """
    if len(values) != len(places_of(template.text)):
        return "places_unfilled"
    for value in values:
        if not value.strip():
            return "places_unfilled"
        broken = any(sign in value for sign in "\r\n\t\v\f\0") or " " * 5 in value
        if broken or len(value) > VALUE_CHARACTERS_MAX:
            return "bad_value"
    return ""


def body_of(kept: Kept) -> bytes:
    """What is kept as its content."""
    return msgspec.json.encode(kept)


def read(body: bytes) -> Kept | None:
    """The message of this content; None for anything else."""
    try:
        return msgspec.json.decode(body, type=Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def words_of(media_type: str, body: bytes) -> str:
    """The words of something that we say: of a template, what came of it."""
    kept = read(body) if media_type == MEDIA_TYPE else None
    return shown(body) if kept is None else kept.text
