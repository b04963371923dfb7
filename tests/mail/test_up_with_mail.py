"""`muster up` with a mailbox: the role that takes mail is started, named, watched and replaced."""

import os
import signal
from pathlib import Path

import pytest

from tests.mail.listening import ACCOUNTS, OURS, SECRET, Talk
from tests.roles.centre import Centre, running
from tests.roles.redis_process import wait_until

pytestmark = pytest.mark.system


def send(centre: Centre, number: int) -> bool:
    """Whether a mail to the port that ports.json names was acknowledged."""
    listener = centre.ports()["smtp"]
    try:
        with Talk(listener["port"]) as talk:
            talk.hello()
            talk.ask("MAIL FROM:<ann@example.org>")
            talk.ask(f"RCPT TO:<{OURS}>")
            raw = f"From: ann@example.org\r\nSubject: {number}\r\n\r\na pothole\r\n".encode()
            return talk.data(raw).startswith("250")
    except OSError:
        return False


def test_mail_reaches_a_running_centre_also_after_its_role_was_killed(data_dir: Path) -> None:
    """From the socket to what it needs, and soon again after kill -9."""
    default = Path(__file__).parents[2] / "config" / "default.toml"
    plan = data_dir / "plan.toml"
    plan.write_text(default.read_text(encoding="utf-8").split("[[accounts]]")[0] + ACCOUNTS, encoding="utf-8")
    secrets = {"MUSTER_SECRET_HELP_MAIL": SECRET, "MUSTER_SECRET_INFO_MAIL": "x"}
    with running(data_dir, MUSTER_PLAN=str(plan), **secrets) as centre:
        assert "mail" in centre.children()
        assert send(centre, 1)
        with centre.journal() as journal:
            wait_until(lambda: len(journal.refs("read")) == 1, "the first mail is read", within_s=10)
            os.kill(centre.pid("mail"), signal.SIGKILL)
            wait_until(lambda: send(centre, 2), "mail is taken again", within_s=10)
            wait_until(lambda: len(journal.refs("read")) == 2, "the second mail is read", within_s=10)
            needs = [row.data for row in journal.rows("read")]
        assert all('"reading":"read"' in data for data in needs)
        assert centre.stop() == 0
