"""Where things stand in a TOML text."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from config.positions import line_numbers, line_of

TRICKY = '''\
# [not.a.table]
top = "a # is no comment"
[table] # a comment
"quoted key" = 1
dotted.inner . deep = 2
text = """
[not] = "a table"
x = 1 \\""" still text"""
literal = \'\'\'
y = 2\'\'\'
after = 3
many = [
  1, # one
  [2, 3],
  { a = 1, b = { c = "}" } },
]
[[list]]
name = "first"
[list.child]
x = 1
[[list.child.deep]]
z = 1
[[list]]
name = "second"
when = 1979-05-27 07:32:00
'''


def test_every_table_key_and_element_has_its_line():
    """A wrong line sends somebody to the wrong rule of a long plan."""
    lines = line_numbers(TRICKY)
    expected = {
        ("top",): 2,
        ("table",): 3,
        ("table", "quoted key"): 4,
        ("table", "dotted", "inner", "deep"): 5,
        ("table", "text"): 6,
        ("table", "literal"): 9,
        ("table", "after"): 11,
        ("table", "many", 0): 13,
        ("table", "many", 1, 1): 14,
        ("table", "many", 2, "b", "c"): 15,
        ("list", 0): 17,
        ("list", 0, "name"): 18,
        ("list", 0, "child", "x"): 20,
        ("list", 0, "child", "deep", 0, "z"): 22,
        ("list", 1): 23,
        ("list", 1, "name"): 24,
        ("list", 1, "when"): 25,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert not any("not" in path for path in lines)


def test_what_is_missing_has_the_line_of_the_table_it_is_missing_from():
    """A key that was forgotten has no line of its own."""
    lines = line_numbers(TRICKY)
    assert line_of(lines, ("list", 1, "id")) == 23
    assert line_of(lines, ("nowhere", 3, "id")) == 0


_KEYS = st.text("ab-_1", min_size=1, max_size=4)
_VALUES = st.recursive(
    st.integers() | st.booleans() | st.text("a\"'\\#[]{}=,\n é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[\n" + "".join(f"  {_toml(each)}, # ]\n" for each in value) + "]"
    assert isinstance(value, dict)
    return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + " }"


def _inline(value: object) -> str:
    """TOML 1.0 allows new lines in an inline table inside arrays only."""
    return _toml(value)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {path} if path else set()
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            found |= _paths(each, (*path, key))
    return found


@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_every_path_of_any_document_is_found(document):
    """Whatever somebody writes into a plan, the scanner must not lose its way in it."""
    text = "".join(f"# = [\n{key} = {_toml(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    assert set(line_numbers(text)) == _paths(document)
