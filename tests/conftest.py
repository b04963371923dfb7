"""What every test gets: a data folder with a short path, and the same Hypothesis examples every time."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

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
