"""Makes .venv ready for `make run` and `make test`: python3 .ci/setup.py run|test.

Standard library only. A second call finds the stamp of the first and does nothing. Packages come from where
this machine's pip or uv is configured to look; the lock files name versions and hashes, never an address.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": ["requirements.lock"], "test": ["requirements.lock", "requirements-test.lock"]}
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APT_PACKAGES = ["chromium", "fonts-noto-core"]

UV_FROM_PIP = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
"""uv does not read pip's configuration. Where uv itself is not configured, it looks where pip would."""


class Missing(Exception):
    """Something a person has to do first; the message is one line that says what to type."""


def main(what: str) -> int:
    """Prepare the set `run` or `test`; the exit status."""
    try:
        _require_python()
        _install("run")
        if what == "test":
            _install("test")
            _find_or_install_chromium()
    except Missing as missing:
        print(f"muster: {missing}", file=sys.stderr)
        return 1
    return 0


def _require_python() -> None:
    try:
        import ensurepip  # noqa: F401 (Debian leaves it out of python3; it comes with python3-venv)
        import venv  # noqa: F401
    except ImportError:
        raise Missing(
            "Python cannot make environments here. Type: sudo apt-get install python3-venv"
        ) from None


def _install(what: str) -> None:
    """Install one set into .venv, unless its stamp says that this was done."""
    stamp = VENV / f"stamp-{what}"
    mark = _mark(LOCKS[what])
    if stamp.is_file() and stamp.read_text() == mark:
        return
    began = time.monotonic()
    _make_environment()
    lock = LOCKS[what][-1]
    print(f"muster: installing {_count(lock)} packages of {lock} ...", flush=True)
    _install_lock(lock)
    if what == "run":
        # No build isolation: setuptools is in the lock, so this needs no download and no network.
        _check_run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", ".")
    stamp.write_text(mark)
    print(f"muster: installed in {time.monotonic() - began:.1f} s", flush=True)


def _make_environment() -> None:
    if PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], check=False).returncode == 0:
        return
    print(f"muster: making .venv with Python {platform.python_version()} ...", flush=True)
    if not os.access(ROOT, os.W_OK):
        raise Missing(
            f"{ROOT} cannot be written: copy the project to a folder of yours and type make run there"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    _check_run(sys.executable, "-m", "venv", VENV)


def _install_lock(lock: str) -> None:
    """By uv, which takes seconds; by pip where uv cannot be had or does not reach the packages."""
    only = ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    if _have_uv() and _runs([VENV / "bin" / "uv", "pip", "install", "-q", *only], _uv_environment()):
        return
    print("muster: uv could not install them, trying pip (takes about a minute) ...", flush=True)
    _check_run(PYTHON, "-m", "pip", "install", "-q", *only)


def _have_uv() -> bool:
    if (VENV / "bin" / "uv").exists():
        return True
    pinned = VENV / "uv.lock"
    pinned.write_text(_lines_of("uv", ROOT / "requirements.lock"))
    return _runs([PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", pinned], os.environ)


def _lines_of(package: str, lock: Path) -> str:
    """The lines of one package in a lock file: its name and version, and the hashes below."""
    lines, inside = [], False
    for line in lock.read_text().splitlines():
        if not line.startswith(" "):
            inside = line.startswith(f"{package}==")
        if inside:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _uv_environment() -> dict[str, str]:
    # Every file is checked by its hash, so it does not matter which of several indexes has it.
    environ = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match", **os.environ}
    environ["VIRTUAL_ENV"] = str(VENV)
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        for option, variable in UV_FROM_PIP.items():
            if name.endswith(f".{option}") and variable not in os.environ:
                environ[variable] = " ".join(shlex.split(value))
    return environ


def _find_or_install_chromium() -> None:
    """Browser tests take the Chromium on the PATH. Where there is none, get it by apt where we may."""
    if _chromium():
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *APT_PACKAGES]
    prefix = _root_prefix()
    if os.environ.get("NO_APT") != "1" and shutil.which("apt-get") and prefix is not None:
        print(f"muster: no Chromium on the PATH: {' '.join(command)} (NO_APT=1 turns this off)", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _runs([*prefix, "apt-get", "update", "-q"], environ)
        _runs([*prefix, *command, "-q"], environ)
    if _chromium():
        return
    # Ubuntu's apt has no Chromium of its own, only a pointer to snap, which containers cannot follow.
    wanted = "snap install chromium" if _is_ubuntu() else " ".join(command)
    hint = f"no Chromium on the PATH. Type: sudo {wanted}"
    if os.environ.get("CI"):
        raise Missing(hint)
    print(f"muster: browser tests will be skipped: {hint}", flush=True)


def _chromium() -> str | None:
    """The browser that CHROMIUM names, or the first one on the PATH that really starts."""
    names = filter(None, [os.environ.get("CHROMIUM"), *CHROMIUMS])
    return next((found for name in names for found in [shutil.which(name)] if found and _starts(found)), None)


def _starts(browser: str) -> bool:
    asked = subprocess.run([browser, "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def _is_ubuntu() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=ubuntu" in release.read_text().splitlines()


def _root_prefix() -> list[str] | None:
    """What to put before a command that needs root, or None where we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _runs(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def _mark(locks: list[str]) -> str:
    """What an installation depends on: this folder, this Python, the locked versions."""
    digest = hashlib.sha256()
    for name in [*locks, "pyproject.toml"]:
        digest.update((ROOT / name).read_bytes())
    return f"{ROOT} {platform.python_version()} {digest.hexdigest()}\n"


def _count(lock: str) -> int:
    return sum(not line.startswith(" ") for line in (ROOT / lock).read_text().splitlines())


def _runs(command: Sequence[str | Path], environ: Mapping[str, str] = os.environ) -> bool:
    return (
        subprocess.run([str(word) for word in command], env=dict(environ), cwd=ROOT, check=False).returncode
        == 0
    )


def _check_run(*command: str | Path) -> None:
    if not _runs(command):
        raise Missing(f"this failed, its own message is above: {' '.join(map(str, command))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
