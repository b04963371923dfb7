"""The pages' own files: no build step means that what is in the repository is what runs."""

import hashlib
import json
import re
from pathlib import Path

from tests.tidy.tree import ROOT, name_of, text_of

STATIC = ROOT / "agents_ui" / "static"
SCRIPT_LINES_MAX = 150


def test_no_script_is_longer_than_a_component_should_be():
    """One component per file; the list of words is not a component."""
    scripts = [path for path in _ours("*.js") if path.parent.name != "words"]
    long = {name_of(path): _lines(path) for path in scripts if _lines(path) > SCRIPT_LINES_MAX}
    assert not long


def test_text_never_becomes_markup():
    """One of these, one hostile message, and a customer writes into an agent's screen."""
    names = ("innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write")
    banned = re.compile("|".join([*map(re.escape, names), r"\beval\(", r"new Function\("]))
    wrong = [hit for path in _ours("*.js", "*.html") for hit in _hits(path, banned)]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_fetched_from_outside_the_site():
    """A centre has to work when the rest of the internet does not."""
    banned = re.compile(r"(?:src|href|url\(|from|import)\W{0,3}\s*(?:https?:)?//(?!www\.w3\.org)")
    wrong = [hit for path in _ours("*.js", "*.html", "*.css") for hit in _hits(path, banned)]
    assert not wrong, "\n".join(wrong)


def test_markup_carries_no_code():
    """The content security policy forbids inline handlers; found here before a browser refuses them."""
    banned = re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']|javascript:", re.IGNORECASE)
    wrong = [hit for path in _ours("*.js", "*.html") for hit in _hits(path, banned)]
    assert not wrong, "\n".join(wrong)


def test_colours_are_named_by_their_role():
    """Dark, light and high contrast change in one file; a colour elsewhere would stay as it is."""
    hexadecimal = r"(?<![&\w-])#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\b"
    banned = re.compile(hexadecimal + r"|\b(?:rgb|hsl)a?\(", re.IGNORECASE)
    sheets = [path for path in _ours("*.css") if path.name != "colours.css"]
    wrong = [hit for path in sheets for hit in _hits(path, banned)]
    assert not wrong, "\n".join(wrong)


def test_vendored_files_are_those_of_the_manifest():
    """What others wrote is unchanged, licensed and named, file by file."""
    vendor = STATIC / "vendor"
    listed = {each["file"]: each for each in json.loads(text_of(vendor / "manifest.json"))["files"]}
    assert {path.name for path in vendor.iterdir()} == {*listed, "manifest.json"}
    for name, each in listed.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == each["sha256"], name
        assert each["licence"] and each["version"], name


def _ours(*patterns: str) -> list[Path]:
    found = {path for pattern in patterns for path in STATIC.rglob(pattern)}
    return sorted(path for path in found if "vendor" not in path.parts)


def _lines(path: Path) -> int:
    return len(text_of(path).splitlines())


def _hits(path: Path, banned: re.Pattern[str]) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if banned.search(line)
    ]
