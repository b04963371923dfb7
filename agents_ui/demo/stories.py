"""What demo customers say, read from stories.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One customer's side of a chat, see the head of stories.toml."""

    language: str
    opening: tuple[str, ...]
    then: tuple[str, ...]
    bye: str
    incident: bool = False


def read_stories() -> tuple[Story, ...]:
    """All stories, in the order of the file."""
    text = Path(__file__).with_name("stories.toml").read_text(encoding="utf-8")
    return tuple(
        Story(**{**each, "opening": tuple(each["opening"]), "then": tuple(each["then"])})
        for each in tomllib.loads(text)["story"]
    )
