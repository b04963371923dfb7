"""A mailbox for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.listening import Mailbox
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def mailbox(data_dir: Path) -> Iterator[Mailbox]:
    box = Mailbox(data_dir)
    yield box
    box.stop()
