"""What every test gets: a data folder with a short path, and the same Hypothesis examples every time."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

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
