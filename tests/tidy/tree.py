"""The files the rules look at, parsed once. A rule collects every violation before it fails."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "skills", "queues", "router", "agents_ui")
"""Leftmost first: an import may only point left."""

OURS = (*PACKAGES, "tests", "benchmarks")
PEOPLE = ("agents_ui/commands", "agents_ui/cli.py", "agents_ui/vendor_renew.py", "router/run/up")
"""Places that talk to the person at the keyboard."""


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Python files below these folders of the project, sorted."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(path for path in found if "__pycache__" not in path.parts))


def core_files() -> tuple[Path, ...]:
    """The modules that decide: they may not touch the world."""
    return (*python_files("skills", "queues"), *sorted((ROOT / "router").glob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(text_of(path), filename=str(path))


@cache
def text_of(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    """The path people read: relative to the project."""
    return path.relative_to(ROOT).as_posix()


def place(path: Path, node: ast.AST) -> str:
    """File and line, as an editor understands it."""
    return f"{name_of(path)}:{getattr(node, 'lineno', 1)}"


def imports_of(path: Path) -> Iterator[tuple[str, ast.AST, bool]]:
    """Every module a file imports: its full name, where, and whether not at the top of the file."""
    tree = tree_of(path)
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node, id(node) not in at_top
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node, id(node) not in at_top
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node, id(node) not in at_top


def comment_on(path: Path, line: int) -> bool:
    """Whether a line of a file, or the one above it, carries a comment."""
    lines = text_of(path).splitlines()
    return any("#" in lines[at] for at in (line - 1, line - 2) if 0 <= at < len(lines))
