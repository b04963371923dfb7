"""Who the demo's customers are, read from people.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented person, who may chat, text and mail."""

    name: str
    language: str
    number: str
    mail: str


def read_people() -> tuple[Person, ...]:
    """Everybody, in the order of the file."""
    text = Path(__file__).with_name("people.toml").read_text(encoding="utf-8")
    return tuple(Person(**each) for each in tomllib.loads(text)["person"])
