"""On which line of a TOML text each table, key and array element stands. tomllib keeps no lines.

Only texts that tomllib accepts are indexed, so this scanner has to find its way, not to judge.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]
"""Keys and array indexes from the top: ("queues", 0, "name")."""

_SPACE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE: Final = re.compile(r"[^,\]}\n#]+")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")


def line_numbers(text: str) -> Mapping[Path, int]:
    """The line of everything that has a path. `text` must be TOML that tomllib accepts."""
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table above it that stands in the file; 0 when none does."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


class _Scanner:
    """One pass over the text; `_at` is how far it has come."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted_to = 0
        self._lines: dict[Path, int] = {}
        self._last_index: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        """Header by header, key by key, to the end of the text."""
        table: Path = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._key_and_value(table)
            self._skip(_SPACE)
        return self._lines

    def _header(self) -> Path:
        line = self._line_here()
        opening = 2 if self._text.startswith("[[", self._at) else 1
        self._at += opening
        self._skip(_SPACE)
        key = self._key()
        self._skip(_SPACE)
        self._at += opening
        path = self._resolved(key[:-1]) + key[-1:]
        if opening == 2:
            self._lines.setdefault(path, line)
            self._last_index[path] = self._last_index.get(path, -1) + 1
        path = self._resolved(key)
        self._lines.setdefault(path, line)
        return path

    def _resolved(self, key: Path) -> Path:
        """A header's key with the index of the latest element put in after each array of tables."""
        path: Path = ()
        for part in key:
            path += (part,)
            if path in self._last_index:
                path += (self._last_index[path],)
        return path

    def _key_and_value(self, table: Path) -> None:
        line = self._line_here()
        key = self._key()
        for length in range(1, len(key) + 1):
            self._lines.setdefault(table + key[:length], line)
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._value(table + key)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        opening = self._text[self._at]
        if opening == "{":
            self._inside("}", path)
        elif opening == "[":
            self._inside("]", path)
        elif opening in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_BARE_VALUE)

    def _inside(self, closing: str, path: Path) -> None:
        """The elements of an array, or the keys of an inline table."""
        self._at += 1
        index = 0
        self._skip(_SPACE)
        while self._text[self._at] != closing:
            if closing == "]":
                self._lines[(*path, index)] = self._line_here()
                self._value((*path, index))
                index += 1
            else:
                self._key_and_value(path)
            self._skip(_SPACE)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_SPACE)
        self._at += 1

    def _key(self) -> Path:
        parts = [self._key_part()]
        while self._skip(_DOT):
            parts.append(self._key_part())
        return tuple(parts)

    def _key_part(self) -> str:
        if self._text[self._at] in "\"'":
            start = self._at
            self._skip(_STRING)
            return str(tomllib.loads("key = " + self._text[start : self._at])["key"])
        return self._skip(_BARE_KEY)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line
