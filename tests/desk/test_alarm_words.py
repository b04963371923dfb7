"""What people read when there is an alarm: every code that the program can raise has its words."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agents_ui.watch import judgement
from router.journal import fold_copies, fold_sending
from router.run import delivery_book, mailbox_follower
from router.sites import content_scrub, watching

ROOT: Final = Path(__file__).parents[2]
WORDS: Final = ROOT / "agents_ui" / "static" / "words" / "desk.en.js"
RAISED_BY: Final = ("NoticeTrouble", "RaiseAlarm", "RecordTrouble", "alarm")
"""Calls by which an alarm comes to be; and `fact("trouble_noticed", …)`."""

WORKED_OUT: Final = {
    "agents_ui/watch/watch.py": judgement.CODES,
    "router/journal/fold_facts.py": (),
    "router/run/delivery.py": (delivery_book.ACCOUNT_DOWN, delivery_book.ACCOUNT_UNUSABLE),
    "router/run/mailboxes.py": (
        mailbox_follower.REFUSED,
        mailbox_follower.DOWN,
        mailbox_follower.NOT_SETTLED,
    ),
    "router/run/trouble.py": (),
    "router/run/voice/switchboard.py": (),
    "router/sites/content_scrub.py": tuple(content_scrub.ALARMS.values()),
    "router/sites/watcher.py": watching.ALARMS,
}
"""Where the code does not stand at the call: what it can be. Empty: it passes on what another call names."""

WRITTEN: Final = (fold_copies.SINGLE_COPY, fold_sending.TEXTS_OFF)
"""Those of facts that are more than an alarm, and write it themselves."""


def test_every_alarm_that_can_be_raised_has_words() -> None:
    """A supervisor at night reads what is wrong; a code tells nobody what to do."""
    codes = set(WRITTEN)
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        for call in _calls(path):
            code = _code(path, call)
            assert code or name in WORKED_OUT, f"{name}:{call.lineno}: which alarms can this be?"
            codes |= {code} if code else set(WORKED_OUT[name])
    assert {"dual_answered", "taken_over", "agent_gone", "agent_unheard", "call_not_connected"} <= codes
    told = set(re.findall(r"^  alarm_(\w+): ", WORDS.read_text("utf-8"), re.MULTILINE))
    assert sorted(codes - told) == []


def _sources() -> list[Path]:
    return [path for part in ("router", "agents_ui") for path in sorted((ROOT / part).rglob("*.py"))]


def _calls(path: Path) -> Iterator[ast.Call]:
    """The calls in a file that raise an alarm."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or (not node.args and not node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        said = name in ("fact", *RAISED_BY) and (name != "fact" or _text(node.args[:1]) == "trouble_noticed")
        if said and (name != "alarm" or _given(node) is not None):
            yield node


def _given(call: ast.Call) -> ast.expr | None:
    """What stands at a call as the code: named so, or the first that looks like one."""
    named = next((each.value for each in call.keywords if each.arg == "code"), None)
    first = call.args[0] if call.args else None
    is_code = isinstance(first, ast.Constant) or (isinstance(first, ast.Name) and first.id.isupper())
    return named or (first if is_code else None)


def _code(path: Path, call: ast.Call) -> str:
    """The code of this call; empty where only the running program knows it."""
    given = _given(call)
    if isinstance(given, ast.Constant):
        return str(given.value)
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if isinstance(given, ast.Name):
        return str(getattr(module, given.id, ""))
    if isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name):
        return str(getattr(getattr(module, given.value.id, None), given.attr, ""))
    return ""


def _text(args: list[ast.expr]) -> str:
    return str(args[0].value) if args and isinstance(args[0], ast.Constant) else ""
