"""A mailbox for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.listening import Mailbox


@pytest.fixture
def mailbox(data_dir: Path) -> Iterator[Mailbox]:
    box = Mailbox(data_dir)
    yield box
    box.stop()
