"""Calls at a running centre: real processes, a telephone over UDP, an agent's browser, kill -9."""

import json
from pathlib import Path

import pytest

from tests.roles.centre import running
from tests.roles.redis_process import wait_until
from tests.voice.exchange import ACCOUNTS, PLAN_FILE
from tests.voice.sip_phone import Phone

pytestmark = pytest.mark.system


def plan_file(folder: Path) -> Path:
    """The default plan with calls."""
    path = folder / "plan.toml"
    text = PLAN_FILE.read_text(encoding="utf-8").split("[[accounts]]")[0]
    path.write_text(text + ACCOUNTS, encoding="utf-8")
    return path


def test_a_telephone_call_waits_in_line_at_a_running_centre(data_dir: Path) -> None:
    """From the socket to its place in line, and away again when the caller hangs up."""
    with running(data_dir, MUSTER_PLAN=str(plan_file(data_dir)), MUSTER_SIP_PORT="0") as centre:
        assert "voice" in centre.children()
        ports = centre.ports()
        assert Path(str(ports["voice"]["path"])).is_socket()
        phone = Phone(int(ports["sip"]["port"]))
        assert phone.ring() == 182
        with centre.journal() as journal:
            assert len(journal.refs("arrived")) == 1
            phone.cancel()
            phone.wait_for(lambda: phone.status() == 487)
            wait_until(lambda: journal.refs("call_back_opened"), "the caller is called back", within_s=20)
            ended = [json.loads(row.data) for row in journal.rows("call_changed")][-1]
        assert (ended["state"], ended["why"]) == ("ended", "cancelled")
        phone.close()
        assert centre.stop() == 0
