"""`muster site` on two databases alone: Redis is dead, no role runs, nobody can sign in."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents_ui import cli
from router.sites.status import WATCH, put_status, readiness_key
from tests.journal.writing import arrived
from tests.sites.site_pair import SitePair, plan_of, site_pair

ACTIONS = """
[[pair.actions]]
id = "works"
when = "take_over"
site = "a"
kind = "command"
command = ["/bin/echo", "to", "{to}"]

[[pair.actions]]
id = "fails"
when = "take_over"
site = "a"
kind = "command"
command = ["/bin/false"]
"""


@dataclass
class Shell:
    """What somebody types at site b, and what is printed."""

    pair: SitePair
    capture: Callable[[], tuple[str, str]]

    def types(self, *words: str) -> tuple[int, str, str]:
        status = cli.main(["site", *words])
        out, err = self.capture()
        return status, out, err

    def says(self, *words: str) -> dict[str, object]:
        _, out, _ = self.types(*words, "--json")
        report = json.loads(out)
        assert isinstance(report, dict)
        return report

    def said(self) -> int:
        """Rows of the journal, but for tries of actions: those go on as long as they fail."""
        tries = "('action_tried', 'trouble_noticed')"
        (count,) = self.pair.b.one(f"SELECT count(*) FROM journal WHERE kind NOT IN {tries}") or (0,)
        assert isinstance(count, int)
        return count


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Both sites with three contacts that wait at a: made once, because making databases is slow."""
    folder = tmp_path_factory.mktemp("made") / "pair"
    with site_pair(folder, plan_of(ACTIONS)) as pair:
        for number in range(3):
            pair.a.append(arrived(f"i-{number}"))
        pair.sends("a")
    return folder


@pytest.fixture
def shell(made, data_dir, monkeypatch, capsys) -> Iterator[Shell]:
    shutil.copytree(made, data_dir, dirs_exist_ok=True)
    with site_pair(data_dir, plan_of(ACTIONS)) as pair:
        monkeypatch.setenv("MUSTER_DATA", str(data_dir / "b"))
        monkeypatch.setenv("MUSTER_SITE", "b")
        monkeypatch.setenv("MUSTER_UNSAFE", "1")
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        yield Shell(pair, lambda: capsys.readouterr())


def test_one_line_takes_over_with_everything_else_dead(shell):
    """This is what the whole project is for."""
    status, out, err = shell.types("take-over", "--yes", "--why", "alder is dark")
    assert (status, err) == (0, "")
    assert "Birch House serves the traffic of Alder House. 3 interactions came here" in out
    assert "Provider a/1/works: done, 1 tries: exit 0: to b" in out
    assert "Provider a/1/fails: not done yet, 1 tries: exit 1" in out
    assert shell.pair.b.all("SELECT owner, why FROM domain") == [("b", "alder is dark")]
    assert shell.pair.b.one("SELECT count(*) FROM interaction WHERE closed_seq = 0") == (3,)


def test_the_second_run_prints_the_first(shell):
    """Who, when and why: and nothing changes."""
    shell.types("take-over", "--yes", "--why", "alder is dark")
    before = shell.said()
    status, out, _ = shell.types("take-over", "--yes")
    assert status == 0
    assert "Site a: this was done at " in out
    assert "(alder is dark); nothing changes." in out
    assert shell.said() == before


def test_the_dry_run_is_printed_and_changes_nothing(shell):
    """The first thing that somebody types who is not sure."""
    before = shell.said()
    status, out, _ = shell.types("dry-run")
    assert status == 0
    assert "3 interactions come to Birch House now" in out
    report = shell.says("dry-run", "take-over")
    assert report["adopted_now"] == 3
    assert shell.said() == before


class Terminal:
    """Somebody who types one line."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.line


def test_nobody_takes_over_by_an_arrow_key_and_enter(shell, monkeypatch):
    """On a terminal the name of the site is typed; anything else does nothing."""
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    status, _, err = shell.types("take-over")
    assert status == cli.EXIT_WRONG
    assert "3 interactions come to Birch House now" in err
    assert "Type the name of this site, Birch House (or b), and Enter" in err
    assert "nothing was done" in err
    monkeypatch.setattr("sys.stdin", Terminal("a\n"))
    assert shell.types("take-over")[0] == cli.EXIT_WRONG
    monkeypatch.setattr("sys.stdin", Terminal("b\n"))
    status, out, _ = shell.types("take-over")
    assert status == 0
    assert "Birch House serves the traffic of Alder House" in out


@pytest.mark.parametrize("typed", ["b", "Birch House", " birch house "])
def test_the_name_that_people_say_is_as_good_as_the_id(shell, monkeypatch, typed):
    """It asks for the name, and the page takes either: nobody must be told that it is another one."""
    monkeypatch.setattr("sys.stdin", Terminal(f"{typed}\n"))
    assert shell.types("override", "Down", "--why", "smoke")[0] == 0
    assert shell.pair.b.one("SELECT override FROM site_state WHERE site = 'b'") == ("Down",)


def test_the_copy_of_the_other_site_is_checked_row_by_row(shell, capsys):
    """What refuses a take-over names the command that says which rows are damaged: it has to be there."""
    assert cli.main(["journal", "verify", "--of-peer"]) == 0
    assert "Site a, incarnation" in capsys.readouterr().out
    with shell.pair.b.copy.writing() as db:
        db.run("UPDATE journal SET data = '{}' WHERE seq = 2")
    status, _, err = shell.types("take-over", "--yes")
    assert status == 1
    assert "`muster journal verify --of-peer` names every row" in err
    assert cli.main(["journal", "verify", "--of-peer", "--json"]) == 1
    (found, *_) = json.loads(capsys.readouterr().out)["problems"]
    assert (found["where"], found["seq"]) == ("journal", 2)
    assert cli.main(["journal", "verify"]) == 0, "this site's own rows are whole"


def test_without_a_terminal_it_wants_to_be_told(shell):
    """A script that was meant to ask must not do it."""
    before = shell.said()
    status, _, err = shell.types("take-over")
    assert status == cli.EXIT_WRONG
    assert "--yes" in err
    assert shell.said() == before


def test_a_refusal_says_what_to_do_and_is_json_too(shell):
    """Exit status 1, no traceback, one line that helps."""
    with shell.pair.b.own.writing() as db:
        put_status(db, WATCH, now_ms(), {"peer": "unreachable", "clock": "suspect"})
    status, _, err = shell.types("take-over", "--yes")
    assert status == 1
    assert "What to do: set the clock of this machine" in err
    status, out, _ = shell.types("take-over", "--yes", "--json")
    assert [each["code"] for each in json.loads(out)["refused"]] == ["clock_suspect"]
    status, _, _ = shell.types("take-over", "--yes", "--anyway")
    assert status == 0


def test_nothing_goes_home_to_a_silent_site(shell):
    """`return` names why."""
    shell.types("take-over", "--yes")
    status, _, err = shell.types("return", "--yes")
    assert status == 1
    assert "Alder House does not answer" in err
    status, out, _ = shell.types("dry-run", "return")
    assert status == 1
    assert "REFUSED: Alder House does not answer" in out


def test_what_stands_is_printed_in_words(shell):
    """Who serves what, since when and by whom; what is known of the other site."""
    _, out, _ = shell.types("status")
    assert "Traffic of Alder House: served at home." in out
    assert "Alder House was never heard here" in out
    shell.types("take-over", "--yes", "--why", "alder is dark")
    shell.types("override", "Partial", "--yes", "--why", "half of the room")
    shell.types("reroute", "channel/chat", "30", "--yes", "--why", "too few")
    _, out, _ = shell.types("status")
    assert "Traffic of Alder House: served by Birch House since" in out
    assert "Birch House, site b (this site): Partial" in out
    assert "30 % of channel/chat" in out
    assert "Provider a/1/fails: not done yet" in out
    assert shell.says("status")["foreign"] == {"waiting": 3, "held": 0}


def test_a_share_says_what_it_would_move_and_that_nobody_takes_it_now(shell):
    """Half a centre is moved by a number: it is read before."""
    before = shell.said()
    status, out, _ = shell.types("reroute", "all", "50", "--dry-run")
    assert status == 0
    assert "50 % of all (now 0 %) would go to Alder House" in out
    assert "Alder House does not answer" in out
    assert "stay: the plan names no sip of the other site, and no external number" in out
    report = shell.says("reroute", "channel/nowhere", "50", "--dry-run")
    assert "chat" in str(report["wrong"])
    assert shell.said() == before


def test_readiness_is_what_the_peer_role_found_or_is_asked_here(shell):
    """With the role dead it is asked by this shell; fresh findings of the role count more."""
    status, out, _ = shell.types("readiness")
    assert status == 1
    assert "Birch House is not ready:" in out
    assert "- Alder House was never heard" in out
    assert "- nobody can sign in at this site" in out
    with shell.pair.b.own.writing() as db:
        put_status(db, readiness_key("b"), now_ms(), {"problems": []})
    status, out, _ = shell.types("readiness")
    assert (status, out.strip()) == (0, "Birch House is ready.")


def test_an_action_can_be_asked_for_again(shell):
    """Somebody mended the provider's side, and does not want to wait for the next try."""
    shell.types("take-over", "--yes")
    status, out, _ = shell.types("actions")
    assert status == 1
    assert "a/1/works: done" in out
    status, out, _ = shell.types("actions", "--again", "a/1/fails")
    assert status == 1
    assert "a/1/fails: not done yet, 1 tries" in out
    status, _, err = shell.types("actions", "--again", "a/9/nothing")
    assert status == cli.EXIT_WRONG
    assert "`muster site actions` lists them" in err


def test_a_site_alone_says_so_in_one_line(shell, monkeypatch):
    """Most centres are one site: the command must not fail in a strange way there."""
    monkeypatch.delenv("MUSTER_SITE")
    status, _, err = shell.types("status")
    assert status == cli.EXIT_WRONG
    assert err.startswith("muster: this is one site alone")


def test_keys_are_made_for_both_sites_and_not_over_others(data_dir, capsys):
    """What is in use is never overwritten."""
    folder = data_dir / "keys"
    assert cli.main(["site", "keys", str(folder), "a", "b"]) == 0
    assert {each.name for each in folder.iterdir()} == {"a", "b"}
    assert cli.main(["site", "keys", str(folder), "a", "b"]) == cli.EXIT_WRONG
    assert "not empty" in capsys.readouterr().err


def test_it_is_a_command_of_its_own_process(shell, monkeypatch):
    """As it is really typed, in a shell of its own."""
    words = [sys.executable, "-m", "agents_ui.cli", "site", "take-over", "--yes", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["adopted"] == 3


def now_ms() -> int:
    from router.journal.clock import wall_ms

    return wall_ms()
