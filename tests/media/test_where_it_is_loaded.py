"""The media library is large: 100 MB of disk, half a second to load, much memory. Only `voice` has it."""

import subprocess
import sys

import pytest

from tests.tidy.tree import PACKAGES, ROOT, imports_of, python_files

ROLES = ["agents_ui.commands." + role for role in ("up", "web", "router", "worker", "mail", "demo")]
HEAVY = {"aiortc", "aioice", "av", "pylibsrtp"}

LOOK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def imported_by_module() -> dict[str, set[str]]:
    """What each of our modules imports, anywhere in it."""
    found = {}
    for path in python_files(*PACKAGES):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = {each for each, _, _ in imports_of(path)}
    return found


def reached_from(role: str) -> set[str]:
    """Everything that a role may import while it runs, also later than at its start."""
    graph, reached, look = imported_by_module(), set[str](), [role]
    while look:
        name = look.pop()
        if name not in reached:
            reached.add(name)
            look += graph.get(name, ())
    return reached


@pytest.mark.parametrize("role", ROLES)
def test_other_roles_never_load_it(role: str):
    """Memory for nothing in every process, and `make run` slower to be ready."""
    assert not HEAVY & {name.split(".")[0] for name in reached_from(role)}


def test_the_voice_role_does_load_it():
    """Else the test above would look in the wrong place."""
    assert HEAVY & {name.split(".")[0] for name in reached_from("agents_ui.commands.voice")}


def test_no_library_brings_it_in_behind_our_back():
    """What is really loaded, when the roles that there are many of have been imported."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *ROLES[1:4]], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not HEAVY & set(done.stdout.split())
