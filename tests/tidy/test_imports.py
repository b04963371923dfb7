"""Which way imports point, and what the core cannot reach."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.tidy.tree import PACKAGES, core_files, imports_of, name_of, place, python_files, tree_of

HARMLESS = {
    "abc", "bisect", "collections", "collections.abc", "contextlib", "copy", "dataclasses", "enum",
    "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "string", "types",
    "typing", "unicodedata", "uuid",
}  # fmt: skip
"""Standard modules that read no clock, draw no number and open nothing (of uuid: what is not in CLOCKS)."""

HARMLESS_IN = {
    "router/decisions.py": {"msgspec"},
    "router/events.py": {"msgspec"},
    "router/records.py": {"msgspec"},
    "skills/language.py": {"py3langid"},
    "skills/triage.py": {"datetime", "zoneinfo"},
    "skills/conditions.py": {"datetime", "zoneinfo"},
}
"""Single exceptions: a codec and its structs, the detector's model, local hours of a given instant."""

CLOCKS = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "uuid1",
    "uuid4",
}


def test_imports_point_left():
    """The core stays testable because nothing below it knows what is above."""
    wrong = []
    for index, package in enumerate(PACKAGES):
        above = set(PACKAGES[index + 1 :]) | {"tests", "benchmarks"}
        for path in python_files(package):
            wrong += [
                f"{place(path, node)} may not import {name}"
                for name, node, _ in imports_of(path)
                if name.split(".")[0] in above
            ]
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_the_core_cannot_touch_the_world():
    """What decides is replayed from events alone: a clock, a file or a random number would make it lie."""
    wrong = []
    for path in core_files():
        allowed = HARMLESS | HARMLESS_IN.get(name_of(path), set())
        for name, node, _ in imports_of(path):
            top = name.split(".")[0]
            if top in PACKAGES or name in allowed or top in allowed:
                continue
            wrong.append(f"{place(path, node)} imports {name}")
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_the_core_does_not_know_its_adapters():
    """An adapter can be replaced because the core never heard of it."""
    adapters = (
        "router.journal",
        "router.channels",
        "router.sites",
        "router.run",
        "router.alerts",
        "router.twin",
    )
    wrong = [
        f"{place(path, node)} imports {name}"
        for path in core_files()
        for name, node, _ in imports_of(path)
        if name.startswith(adapters)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_reads_no_clock_and_draws_no_number():
    """`datetime` is allowed for local hours, so the calls that read the clock are looked for one by one."""
    wrong = [
        f"{place(path, node)} calls {node.attr}"
        for path in core_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS and isinstance(node.value, ast.Name)
        and node.value.id in {"time", "datetime", "date", "uuid", "random"}
    ]  # fmt: skip
    wrong += [
        f"{place(path, node)} imports {name}"
        for path in core_files()
        for name, node, _ in imports_of(path)
        if name.rpartition(".")[2] in CLOCKS
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_counts_in_whole_numbers():
    """Floats round differently in another order of the same sums: two sites would choose different agents."""
    wrong = []
    for path in core_files():
        if name_of(path) in {"queues/measures.py", "queues/estimate.py", "skills/language.py"}:
            continue  # figures for people, and the detector's confidence: nothing is ranked by them
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                wrong.append(f"{place(path, node)} has {node.value}")
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                wrong.append(f"{place(path, node)} divides by /")
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_in_a_circle():
    """A circle works until somebody imports it from the other side."""
    known = {_module(path): path for path in python_files(*PACKAGES)}
    graph = {
        module: {name for name, _, later in imports_of(path) if name in known and not later} - {module}
        for module, path in known.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        raise AssertionError(" -> ".join(circle.args[1])) from None


def test_no_module_is_named_like_one_of_the_standard_library():
    """`python some/dir/file.py` puts that folder first on the path: its email.py would be everybody's."""
    taken = sys.stdlib_module_names
    wrong = [
        name_of(path)
        for path in python_files(*PACKAGES, "tests", "benchmarks")
        if path.stem in taken and path.stem not in {"__init__", "__main__"}
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_imported_by_star():
    """A reader must see where a name comes from."""
    wrong = [
        place(path, node)
        for path in python_files(*PACKAGES, "tests", "benchmarks")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert not wrong, "\n".join(wrong)


def _module(path: Path) -> str:
    return name_of(path)[:-3].replace("/", ".").removesuffix(".__init__")
