"""What every test gets: a data folder with a short path, and the same Hypothesis examples every time."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.turns import forget_turn, turn_of

# Tests start hundreds of Python processes. Where keeping bytecode is forbidden (many containers do so to keep
# trees clean), each of them would compile everything anew, which is half of its start: it is kept aside then.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ.setdefault(
        "PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    )

# Examples are the same in every run, so that a change is judged by the change; make test-long looks for new
# ones (HYPOTHESIS_PROFILE=explore). Deadlines are off: two cores are shared with real servers.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for one site's data, with a short path: that of a Unix socket may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="muster-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that hold promises about time run one after the other, in one process."""
    for item in items:
        if item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.xdist_group("timed"))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the clock of the test's own limit begins
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test begins when it is its turn."""
    with turn_of(item):
        return (yield)


def pytest_sessionfinish() -> None:
    """Leave nothing in /tmp."""
    forget_turn()


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """With -v, how long each took: what takes many minutes is watched by people."""
    if config.option.verbose > 0 and report.when == "call" and report.outcome != "skipped":
        letter = "." if report.passed else "F"
        return report.outcome, letter, f"{report.outcome.upper()} in {report.duration:.1f} s"
    return None
