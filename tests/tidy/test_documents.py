"""What is written about the program, compared with the program."""

import dataclasses
import re
import subprocess
import tomllib
import typing
from pathlib import Path

from agents_ui.access.table import ROUTES
from agents_ui.cli import COMMANDS
from config.settings import Settings
from router import decisions, events
from router.records import DECISION_KINDS, EVENT_KINDS, GROUP
from tests.tidy.tree import PACKAGES, ROOT, python_files, text_of

ARCHITECTURE = ROOT / "docs" / "architecture.md"
README = ROOT / "README.md"
SUPPLIED = {"at_ms", "accepted_at_ms"}
"""Fields of events that come from the journal's row itself."""


def test_every_setting_is_in_the_readme():
    """A setting nobody can look up is set wrongly, and one that is gone is still tried."""
    read = set(re.findall(r'"((?:MUSTER|DATABASE|REDIS)_[A-Z_]+)"', text_of(ROOT / "config" / "settings.py")))
    section = text_of(README).split("## Settings")[1].split("\n## ")[0]
    told = {
        name for line in section.splitlines() if line.startswith("| `") for name in _code(line.split("|")[1])
    }
    assert read == told
    assert len(read) == len(dataclasses.fields(Settings))


def test_settings_are_read_in_one_place():
    """A second place would read another default."""
    wrong = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in re.findall(r"environ(?:\.get\(|\[)[\"'](\w+)", text_of(path)):
                if name.startswith(("MUSTER", "DATABASE_URL", "REDIS_URL")) and path.name != "settings.py":
                    wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_every_event_and_decision_is_explained():
    """They are the language of the whole program: read first, by everybody."""
    for module, union in ((events, events.Event), (decisions, decisions.Decision)):
        for each in typing.get_args(union):
            words = each.__doc__ or ""
            # A dataclass without a docstring gets its own signature for one.
            assert words and not words.startswith(f"{each.__name__}("), f"{module.__name__}.{each.__name__}"


def test_every_event_and_decision_has_a_kind_in_the_journal():
    """One without a kind would be decided and never written."""
    assert {cls for cls, _ in EVENT_KINDS.values()} == set(typing.get_args(events.Event))
    assert {cls for cls, _ in DECISION_KINDS.values()} == set(typing.get_args(decisions.Decision))


def test_the_table_of_kinds_is_the_one_in_the_program():
    """The journal outlives the program: what its rows mean must be readable without it."""
    told = _kinds() | _site_kinds()
    assert set(EVENT_KINDS) | {GROUP} <= set(told)
    for kind, (cls, ref) in EVENT_KINDS.items():
        fields = set(cls.__struct_fields__) - SUPPLIED - {ref, "plan"}
        written_ref, data = told[kind]
        assert written_ref == ref, kind
        assert fields <= data, f"{kind}: {sorted(fields - data)} not in docs/architecture.md"


def test_the_table_of_kinds_names_what_folds():
    """Every kind that may be appended is either folded or known to change nothing."""
    from router.journal.fold import FOLDS, UNFOLDED

    assert not set(FOLDS) & UNFOLDED
    here = set(FOLDS) | UNFOLDED
    assert (
        set(_kinds()) | set(DECISION_KINDS)
        <= here
        <= set(_kinds()) | set(_site_kinds()) | set(DECISION_KINDS)
    )


def test_every_route_is_in_the_architecture():
    """Whoever puts a proxy in front of a centre needs the whole list."""
    section = text_of(ARCHITECTURE).split("## 6. HTTP and WebSocket")[1]
    told = set()
    for line in section.splitlines():
        if line.startswith("| `"):
            method = ""
            for code in _code(line.split("|")[1]):
                words = code.split(" ", 1)
                method = words[0] if len(words) == 2 else method
                told.add((method, words[-1].split("?")[0].replace("/…", "")))
    routes = {(method, path) for method, path in told if path.startswith("/")}
    assert set(ROUTES) == routes


def test_every_command_is_in_a_document():
    """`muster --help` says what; a document says when."""
    words = "\n".join(text_of(path) for path in sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
    missing = [name for name in COMMANDS if f"muster {name}" not in words]
    assert not missing


def test_every_package_says_what_it_is():
    """A README beside the code: what it is, how it works, why so."""
    packages = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    wanted = {path for path in packages if path.name not in {"commands"} and any(path.glob("[a-z]*.py"))}
    missing = [str(path.relative_to(ROOT)) for path in sorted(wanted) if not (path / "README.md").is_file()]
    assert not missing


def test_no_link_leads_nowhere():
    """A reader who follows a dead link stops believing the page."""
    dead = []
    for page in _documents():
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            path = target.split("#")[0]
            if path and "://" not in path and not (page.parent / path).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert not dead, "\n".join(dead)


def test_every_test_that_a_document_names_is_there():
    """A promise whose test was renamed away looks kept."""
    names = {name for path in python_files("tests") for name in re.findall(r"def (test_\w+)", text_of(path))}
    named = {(page, name) for page in _documents() for name in re.findall(r"`(test_\w+)`", text_of(page))}
    missing = sorted(f"{page.relative_to(ROOT)}: {name}" for page, name in named if name not in names)
    assert not missing, "\n".join(missing)


def test_every_document_that_a_file_names_is_there():
    """A comment that sends its reader to a page outside the repository sends nobody anywhere."""
    known = [page.relative_to(ROOT).as_posix() for page in _documents()] + ["benchmarks/RESULTS.md"]
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(*PACKAGES, "tests", "benchmarks")
        if path.parent.name != "tidy"
        for name in re.findall(r"[\w/-]+\.md\b|\bDESIGN\b", text_of(path))
        if not any(f"/{page}".endswith("/" + name.lstrip("/")) for page in known)
    ]
    assert not wrong, "\n".join(wrong)


def test_decisions_are_numbered_and_listed():
    """A decision that is not in the list is not found when it is questioned."""
    pages = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert [name[:4] for name in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    index = text_of(ROOT / "docs" / "decisions" / "README.md")
    assert [name for name in pages if f"({name})" not in index] == []


def test_the_locks_have_everything_the_project_asks_for():
    """A dependency that is not locked is installed on the author's machine only."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    for lock, names in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-test.lock", project["optional-dependencies"]["test"]),
    ):
        locked = set(re.findall(r"^([a-z0-9-]+)==", text_of(ROOT / lock), re.MULTILINE))
        wanted = {re.split(r"[\[><=]", name)[0].lower() for name in names}
        assert wanted <= locked, lock


def test_the_two_locks_agree():
    """What is tested is what runs."""
    versions = [
        dict(re.findall(r"^(\S+)==(\S+ ?[^\\]*)", text_of(ROOT / lock), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-test.lock")
    ]
    both = versions[0].keys() & versions[1].keys()
    assert {name: versions[0][name].strip() for name in both} == {
        name: versions[1][name].strip() for name in both
    }


def _kinds() -> dict[str, tuple[str, set[str]]]:
    """The table of section 2 of the architecture: kind to ref and the keys of data."""
    return _kinds_of(text_of(ARCHITECTURE).split("## 2. The journal's kinds")[1].split("\n## ")[0])


def _site_kinds() -> dict[str, tuple[str, set[str]]]:
    """The same of what two sites say (section 12.2)."""
    return _kinds_of(text_of(ARCHITECTURE).split("### 12.2 ")[1].split("\n### ")[0])


def _kinds_of(section: str) -> dict[str, tuple[str, set[str]]]:
    told = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            kinds, ref, data = [cell.strip() for cell in line.strip("|").split("|")[:3]]
            keys = set(re.findall(r"[a-z_]+", re.sub(r"\(.*?\)", "", data)))
            told |= {kind: (ref.strip("`").split(" or ")[0], keys) for kind in _code(kinds)}
    return told


def _code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]
