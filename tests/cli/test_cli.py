"""The program `muster` as people type it."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents_ui import cli

ROOT = Path(__file__).resolve().parents[2]


def test_the_list_of_commands_is_complete():
    """A command nobody lists is a command nobody finds."""
    files = {path.stem for path in (ROOT / "agents_ui" / "commands").glob("*.py")} - {"__init__"}
    assert files == {cli.MODULES.get(name, name) for name in cli.COMMANDS}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name, capsys):
    """`--help` is the first thing somebody tries, and must not need a database."""
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: muster {name}" in capsys.readouterr().out


def test_help_lists_every_command_in_one_line_each(capsys):
    """People look for a word they know."""
    assert cli.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}" in out and line in out for name, line in cli.COMMANDS.items())


def test_a_wrong_setting_is_one_line(monkeypatch, capsys):
    """A traceback tells an operator nothing; the line says what to type."""
    monkeypatch.setenv("MUSTER_PORT", "eighty")
    assert cli.main(["demo"]) == cli.EXIT_WRONG
    assert (
        capsys.readouterr().err
        == "muster: MUSTER_PORT is 'eighty': give a whole number, e.g. MUSTER_PORT=8000\n"
    )


def test_an_unknown_command_names_those_there_are(capsys):
    """A typing mistake is answered with the words that would have worked."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["stat"])
    assert ended.value.code == cli.EXIT_WRONG
    assert "'router'" in capsys.readouterr().err


def test_help_imports_no_server():
    """`muster --help` answers at once: it loads no web server, no database, no language model."""
    heavy = ("starlette", "sqlalchemy", "sqlmodel", "uvicorn", "py3langid", "redis")
    code = f"import sys, agents_ui.cli as c; c.main([]); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_reader_who_leaves_is_no_error():
    """`muster --help | head -1` is no reason to complain."""
    command = f"{sys.executable} -m agents_ui.cli --help | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
