"""What is in the repository, whatever kind of file it is."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

# In pieces, so that this file is not the one that breaks its rule.
PIECES = (
    ("py", "pi.org"),
    ("python", "hosted"),
    ("npm", "js"),
    ("jsde", "livr"),
    ("un", "pkg"),
    ("docker", ".io"),
)
REGISTRIES = ["".join(pieces) for pieces in PIECES]
MACHINE_PATHS = re.compile(r"(?<![\w.~}])/(?:home|root|Users|work|opt|mnt)/\w")
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30}")
BYTES_MAX = 1_500_000
TEXT_MAX = 400_000


@cache
def _tracked() -> tuple[tuple[str, str], ...]:
    """Name and text of every tracked file, vendored ones and licences left out; binary files have no text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    ours = [name for name in names if "/vendor/" not in name and name != "LICENSE"]
    return tuple((name, _text(ROOT / name)) for name in ours)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_package_registry():
    """A centre installs from where its machines are told to; a name in here would go around that."""
    wrong = [f"{name}: {host}" for name, text in _tracked() for host in REGISTRIES if host in text.lower()]
    assert not wrong, "\n".join(wrong)


def test_no_file_knows_the_machine_it_was_written_on():
    """A path of the author's machine works there only."""
    wrong = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in _tracked()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_holds_a_secret():
    """What was committed once is known for ever."""
    wrong = [name for name, text in _tracked() if SECRETS.search(text)]
    assert not wrong


def test_no_file_is_too_big_for_a_repository():
    """Everybody who clones pays for it, always."""
    big = {name: (ROOT / name).stat().st_size for name, _ in _tracked()}
    assert not {name: size for name, size in big.items() if size > BYTES_MAX}


def test_nothing_generated_is_tracked():
    """Somebody would edit it, and it would be overwritten."""
    wrong = [
        name
        for name, _ in _tracked()
        if re.search(r"(^|/)(var|\.venv|__pycache__|node_modules)/|\.(pyc|db)$", name)
    ]
    assert not wrong


def test_lock_files_hold_names_versions_and_hashes_only():
    """An address in a lock would be asked, whatever the machine is configured to do."""
    line = re.compile(r"^(\S+==\S+( ; .+)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?)$")
    wrong = [
        f"{name}: {each}"
        for name, text in _tracked()
        if name.endswith(".lock")
        for each in text.splitlines()
        if not line.match(each)
    ]
    assert not wrong, "\n".join(wrong[:5])
