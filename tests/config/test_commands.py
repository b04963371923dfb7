"""`muster check` and `muster triage`, as people type them."""

import json

import pytest

from agents_ui.cli import main
from tests.config.plans import SMALL


@pytest.fixture
def plan_file(tmp_path):
    """The small plan as a file."""
    path = tmp_path / "plan.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_check_says_that_nothing_is_wrong(plan_file, capsys):
    """The answer everybody hopes for."""
    assert main(["check", str(plan_file)]) == 0
    assert "nothing contradicts anything" in capsys.readouterr().out


def test_check_without_a_file_checks_the_plan_in_use(capsys, monkeypatch, plan_file):
    """The plan of MUSTER_PLAN, else the one Muster comes with."""
    monkeypatch.delenv("MUSTER_PLAN", raising=False)
    assert main(["check"]) == 0
    assert "default.toml" in capsys.readouterr().out
    monkeypatch.setenv("MUSTER_PLAN", str(plan_file))
    assert main(["check"]) == 0
    assert str(plan_file) in capsys.readouterr().out


def test_check_lists_every_contradiction_with_its_place(plan_file, capsys):
    """file:line: is what editors and people jump to."""
    plan_file.write_text(SMALL.replace("urgency = 1", "urgency = 9").replace("load = 30", "load = 0"))
    assert main(["check", str(plan_file)]) == 1
    out = capsys.readouterr().out
    assert f"{plan_file}:20: load is 1 to 100" in out
    assert "urgency is 1 (immediate) to 5 (low), not 9" in out
    assert "2 things to put right." in out


def test_check_speaks_json(plan_file, capsys):
    """Programs ask too."""
    assert main(["check", str(plan_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fine"] is True
    plan_file.write_text(SMALL.replace("load = 30", "load = 0"))
    assert main(["check", str(plan_file), "--json"]) == 1
    assert [each["line"] for each in json.loads(capsys.readouterr().out)["problems"]] == [20]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, capsys, content):
    """No file, or no text: said in a line, not in a stack of frames."""
    path = tmp_path / "missing.toml"
    if content is not None:
        path.write_bytes(content)
    for words in (["check", str(path)], ["triage", "x", "--channel", "chat", "--plan", str(path)]):
        assert main(words) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_triage_prints_what_matched_and_why(plan_file, capsys):
    """Somebody who wonders about a rule types the text and sees."""
    assert (
        main(["triage", "I am hurt, please come quickly", "--channel", "chat", "--plan", str(plan_file)]) == 0
    )
    out = capsys.readouterr().out
    assert "urgency 1 in queue First (rule hurt)" in out
    assert "words: hurt" in out
    assert "lang-en 1 or more" in out


def test_triage_speaks_json(plan_file, capsys):
    """The same, for programs; the rules that were tried stand in their order."""
    words = ["triage", "hello", "--channel", "chat", "--plan", str(plan_file), "--language", "en", "--json"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["language"], answer["tried"][0]["rule_id"]) == ("en", "hurt")


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["--channel", "fax"], "give one of chat"), (["--channel", "chat", "--language", "xx"], "nl, en")],
)
def test_a_channel_or_language_that_is_not_there_is_said(plan_file, capsys, words, hint):
    """And what there is."""
    assert main(["triage", "x", "--plan", str(plan_file), *words]) == 2
    assert hint in capsys.readouterr().err


def test_triage_by_a_plan_that_is_wrong_says_what_is_wrong(plan_file, capsys):
    """Not a reading by half a plan."""
    plan_file.write_text(SMALL.replace("load = 30", "load = 0"))
    assert main(["triage", "x", "--channel", "chat", "--plan", str(plan_file)]) == 1
    assert "load is 1 to 100" in capsys.readouterr().err
