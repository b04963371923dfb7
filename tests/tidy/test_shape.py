"""Sizes, names, docstrings and the handling of errors."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.tidy.tree import OURS, PACKAGES, PEOPLE, comment_on, name_of, place, python_files, text_of, tree_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 50
BANNED = {"utils", "helpers", "common", "misc", "base", "manager", "processor"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_file_is_too_long_to_read():
    """Whoever must change a file has to hold it in the head."""
    wrong = {
        name_of(path): len(text_of(path).splitlines())
        for path in python_files(*OURS)
        if len(text_of(path).splitlines()) > FILE_LINES_MAX
    }
    assert not wrong


def test_no_function_is_longer_than_a_screen():
    """A transition that does not fit on a screen hides what it does on the way."""
    wrong = [
        f"{place(path, function)} {function.name} has {_lines(function)} lines"
        for path in python_files(*OURS)
        for function in _functions(path)
        if _lines(function) > FUNCTION_LINES_MAX
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_has_a_name_that_means_nothing():
    """Such a name is where unrelated things gather."""
    wrong = []
    for path in python_files(*OURS):
        names = {path.stem, path.parent.name, *(node.name for node in _classes(path))}
        words = {word for name in names for word in re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().split("_")}
        wrong += [f"{name_of(path)}: {word}" for word in sorted(words & BANNED)]
    assert not wrong, "\n".join(wrong)


def test_everything_others_use_says_what_it_does():
    """Modules, public classes and public functions have a docstring whose first line is a sentence."""
    wrong = []
    for path in python_files(*PACKAGES):
        if not text_of(path).strip():
            continue
        nodes = [tree_of(path), *_public(path)]
        wrong += [place(path, node) for node in nodes if not _is_sentence(ast.get_docstring(node))]
    assert not wrong, "\n".join(wrong)


def test_every_test_says_why_it_matters():
    """A failing test is read by somebody who does not know what it is for."""
    wrong = [
        f"{place(path, function)} {function.name}"
        for path in python_files("tests")
        for function in _functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_error_is_swallowed():
    """`except` names the exception; one that does nothing says in a comment why nothing is right."""
    wrong = []
    for path in python_files(*PACKAGES):
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            if node.type is None:
                wrong.append(f"{place(path, node)} names no exception")
            silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            if silent and not _commented(path, node):
                wrong.append(f"{place(path, node)} does nothing and does not say why")
    assert not wrong, "\n".join(wrong)


def test_only_commands_print():
    """A role's output is its log: one event per line, ids as fields."""
    wrong = [
        place(path, node)
        for path in python_files(*PACKAGES)
        if not name_of(path).startswith(PEOPLE)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, "\n".join(wrong)


def test_what_must_hold_is_not_an_assert():
    """`python -O` removes asserts; what must always hold is in router/invariants.py."""
    wrong = [
        place(path, node)
        for path in python_files(*PACKAGES)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert not wrong, "\n".join(wrong)


def test_any_and_cast_say_why():
    """Each is a place where the types stop helping."""
    wrong = []
    for path in python_files(*PACKAGES):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "typing":
                loose = {alias.name for alias in node.names} & {"Any", "cast"}
                if loose and not _commented(path, node):
                    wrong.append(f"{place(path, node)} {', '.join(sorted(loose))}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_for_later():
    """What is missing is written where people look for it: an issue, or the README."""
    words = re.compile(r"#.*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    wrong = [
        f"{name_of(path)}:{number}"
        for path in python_files(*OURS)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if words.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_changes_a_global():
    """State without an owner cannot be restored, tested or had twice."""
    wrong = [
        place(path, node)
        for path in python_files(*OURS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Global)
    ]
    assert not wrong, "\n".join(wrong)


def test_scenarios_have_no_clock_and_no_network():
    """A scenario is a list of events; one that waits is slow, and one that opens a socket fails elsewhere."""
    banned = {"time", "socket", "asyncio", "subprocess", "threading", "urllib", "http", "datetime", "random"}
    wrong = [
        f"{place(path, node)} imports {name}"
        for path in python_files("tests/scenarios", "tests/properties")
        for node in ast.walk(tree_of(path))
        for name in _imported(node)
        if name.split(".")[0] in banned
    ]
    assert not wrong, "\n".join(wrong)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, Function))


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef))


def _public(path: Path) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes of a module, and the methods such classes add to what they derive from."""
    for node in tree_of(path).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not node.bases:
            methods = [each for each in node.body if isinstance(each, Function)]
            yield from (
                each for each in methods if not each.name.startswith("_") and each.name not in _ports()
            )


@cache
def _ports() -> frozenset[str]:
    """Methods of protocols: whoever implements one need not explain it again."""
    return frozenset(
        method.name
        for path in python_files(*PACKAGES)
        for node in _classes(path)
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        for method in node.body
        if isinstance(method, Function)
    )


def _is_sentence(docstring: str | None) -> bool:
    return bool(docstring) and docstring.split("\n\n")[0].rstrip().endswith((".", ":", "?", "!", "…"))


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _commented(path: Path, node: ast.AST) -> bool:
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return any(comment_on(path, line) for line in lines)
