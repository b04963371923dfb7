"""What a role loads before it can serve: everybody waits for it after a kill."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "modules",
    [
        "agents_ui.web_role",
        "agents_ui.commands.router",
        "agents_ui.commands.worker",
        "agents_ui.commands.mail",
    ],
)
def test_a_role_that_people_wait_for_loads_no_table_definitions(modules: str):
    """SQLAlchemy took half of the web's start, and only the first start of a centre makes tables."""
    ask = (
        f"import sys, {modules}; print([each for each in sys.modules if each in ('sqlalchemy', 'sqlmodel')])"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
