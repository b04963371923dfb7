"""How `make` prepares a machine: what it installs, and what it says when something is missing."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / ".ci" / "setup.py"


@pytest.fixture
def setup() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("muster_setup", SETUP)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def no_chromium(monkeypatch, tmp_path):
    """A machine without a browser, where nothing may be installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NO_APT", "1")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("CHROMIUM", raising=False)


def test_the_installer_is_installed_from_hashes_too(setup):
    """Whoever could replace uv could replace everything that it installs."""
    lines = setup._lines_of("uv", ROOT / "requirements.lock").splitlines()
    assert lines[0].startswith("uv==")
    assert len(lines) > 2
    assert all(line.startswith("    --hash=sha256:") for line in lines[1:])


def test_uv_looks_where_pip_is_told_to_look(setup, monkeypatch):
    """A machine with a mirror in pip's configuration must not be asked to configure it twice."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    assert setup._uv_environment()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own.example/simple")
    assert setup._uv_environment()["UV_DEFAULT_INDEX"] == "https://own.example/simple"


def test_without_a_browser_one_line_says_what_to_type(setup, no_chromium, capsys):
    """On a person's machine the other tests still run."""
    setup._find_or_install_chromium()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "Type: sudo " in said and "chromium" in said


def test_a_browser_that_does_not_start_is_none(setup, no_chromium, tmp_path):
    """Some systems put a script there that only says where to get one."""
    pointer = tmp_path / "chromium"
    pointer.write_text("#!/bin/sh\nexit 1\n")
    pointer.chmod(0o755)
    assert setup._chromium() is None


def test_without_a_browser_ci_fails(setup, no_chromium, monkeypatch):
    """Nobody reads the list of skipped tests of a green run."""
    monkeypatch.setenv("CI", "1")
    with pytest.raises(setup.Missing, match="chromium"):
        setup._find_or_install_chromium()


def test_no_apt_is_respected(setup, no_chromium, monkeypatch):
    """NO_APT=1 means that nothing outside .venv is touched."""
    ran = []
    monkeypatch.setattr(setup, "_runs", lambda command, *_: ran.append(command) or True)
    setup._find_or_install_chromium()
    assert not [command for command in ran if "apt-get" in command]


def test_a_second_call_installs_nothing(setup, monkeypatch, tmp_path):
    """`make run` is typed many times a day."""
    monkeypatch.setattr(setup, "VENV", tmp_path)
    (tmp_path / "stamp-run").write_text(setup._mark(setup.LOCKS["run"]))
    monkeypatch.setattr(setup, "_make_environment", lambda: pytest.fail("installs again"))
    setup._install("run")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on the PATH")
def test_a_machine_without_python_is_told_what_to_install():
    """The very first command on a bare machine."""
    environ = {"PATH": os.environ["PATH"]}
    command = ["make", "-s", "setup-run", "PYTHON=python-that-is-not-there"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout.splitlines()[0].endswith("Type: sudo apt-get install python3 python3-venv")


def test_the_script_needs_nothing_installed():
    """It runs before anything is."""
    code = f"import runpy, sys; sys.argv = ['setup.py']; runpy.run_path({str(SETUP)!r}, run_name='looked at')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
