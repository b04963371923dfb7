"""A pair of sites in the plan: what contradicts what, and which site a process belongs to."""

import re
from pathlib import Path

import pytest

from config.plan_file import PlanWrong, parse_plan
from config.settings import SettingsWrong, read_settings, site_id_of
from tests.config.plans import SMALL

PAIR = """
[pair]
take_over = "automatic"
overflow = ["+15550100555"]
third = "https://third.example/up"

[[pair.sites]]
id = "a"
name = "North"
url = "https://a.example"
peer = "https://a.example:8003"

[[pair.sites]]
id = "b"
name = "South"
url = "https://b.example"
peer = "http://127.0.0.1:8103"

[[pair.actions]]
id = "dns"
when = "take_over"
site = "a"
kind = "http"
url = "https://dns.example/{to}"
body = '{"target": "{url}"}'
secret = "dns"
sign = "bearer"

[[pair.actions]]
id = "trunk"
when = "return"
site = "a"
kind = "command"
command = ["/bin/true", "{site}"]
"""

SPOILED = [
    ('id = "b"', 'id = "a"', "has the id 'a' already"),
    ('id = "b"', 'id = "B 2"', "cannot be an id"),
    ('"+15550100555"', '"my cell"', "is no number that can be called"),
    ('name = "South"', 'name = "South"\nsip = "https://b.example"', "is nowhere to call"),
    ('name = "South"', 'name = "north"', "both sites have the name"),
    ("https://b.example", "https://a.example", "both sites have the url"),
    ("https://b.example", "http://b.example", "could be read on the way"),
    ("http://127.0.0.1:8103", "http://10.0.0.7:8103", "could be read on the way"),
    ("https://b.example", "ftp://b.example", "is no address"),
    ("https://b.example", "https://b.example/pages", "no more than https://"),
    ('"automatic"', '"always"', "take_over is manual or automatic"),
    ("[pair]\n", "[pair]\ntake_over_after_ms = 29_999\n", "after 30000 to 60000 ms"),
    ("[pair]\n", "[pair]\ntake_over_after_ms = 60_001\n", "after 30000 to 60000 ms"),
    ("[pair]\n", "[pair]\nassigned_after_ms = 10\n", "adopted later"),
    ("[pair]\n", "[pair]\nwait_ms = 1_001\n", "wait_ms is 1 to 1000"),
    ("[pair]\n", "[pair]\nwait_ms = 0\n", "wait_ms is 1 to 1000"),
    ("[pair]\n", "[pair]\ndrill_share_pct = 15\n", "10, 20"),
    ("[pair]\n", "[pair]\ndrill_every_days = -1\n", "drill_every_days"),
    ('"+15550100555"', '" "', "is no number that can be called"),
    ('"https://third.example/up"', '"third"', "is no address"),
    ('when = "return"', 'when = "later"', "when is take_over, return"),
    ('id = "trunk"', 'id = "dns"', "has the id 'dns' already"),
    ('site = "a"\nkind = "command"', 'site = "c"\nkind = "command"', "site is a, b"),
    ('kind = "command"', 'kind = "prayer"', "kind is http, twilio_number, command"),
    ('"/bin/true"', '"true"', "the whole path"),
    ('kind = "command"', 'kind = "twilio_number"', "no account of this plan"),
    ("https://dns.example/", "http://dns.example/", "could be read on the way"),
    ("{to}", "{too}", "nothing is filled in for {too}"),
    ('sign = "bearer"', "", "belong together"),
    ('sign = "bearer"', 'sign = "wax"', "sign is hmac"),
    ('secret = "dns"', 'secret = "Xy z"', "never the secret"),
    ('sign = "bearer"', 'sign = "bearer"\nmethod = "GRAB"', "method is"),
    ('sign = "bearer"', 'sign = "bearer"\ntimeout_ms = 60_001', "timeout_ms is 1"),
    ('sign = "bearer"', 'sign = "bearer"\naccount = "x"', "has no account"),
]


def test_a_pair_is_read_as_it_is_written() -> None:
    """What everything about two sites stands on."""
    pair = parse_plan(SMALL + PAIR).pair
    assert pair is not None
    assert [site.site_id for site in pair.sites] == ["a", "b"]
    assert (pair.take_over, pair.take_over_after_ms, pair.wait_ms) == ("automatic", 30_000, 1_000)
    assert pair.other("a").name == "South" and pair.other("b").name == "North"
    assert [action.kind for action in pair.actions] == ["http", "command"]
    assert parse_plan(SMALL).pair is None


@pytest.mark.parametrize(("old", "new", "words"), SPOILED)
def test_a_contradiction_of_the_pair_is_named(old: str, new: str, words: str) -> None:
    """A centre that finds out during a failure that its plan is wrong has none."""
    assert old in PAIR
    with pytest.raises(PlanWrong) as found:
        parse_plan(SMALL + PAIR.replace(old, new, 1))
    (problem,) = [each for each in found.value.problems if words in each.text]
    assert problem.line > SMALL.count("\n")


def test_one_site_and_three_sites_are_no_pair() -> None:
    """The claims and copies of §12 know exactly two."""
    first = PAIR[: PAIR.index("[[pair.sites]]", PAIR.index("[[pair.sites]]") + 5)]
    third = '[[pair.sites]]\nid = "c"\nname = "C"\nurl = "https://c.example"\npeer = "https://c.example:1"\n'
    for text, count in ((first, 1), (PAIR + third, 3)):
        with pytest.raises(PlanWrong, match=rf"exactly two \[\[pair.sites\]\], not {count}"):
            parse_plan(SMALL + text)


def test_every_contradiction_of_a_pair_is_named_at_once() -> None:
    """Nobody mends a plan line by line while people wait."""
    text = PAIR.replace('"automatic"', '"always"').replace('"/bin/true"', '"true"')
    with pytest.raises(PlanWrong) as found:
        parse_plan(SMALL + text)
    assert len(found.value.problems) == 2


def test_the_pair_of_the_example_can_be_used_by_taking_the_number_signs_away() -> None:
    """People copy it when they set up their second site."""
    text = (Path(__file__).parents[2] / "config" / "default.toml").read_text(encoding="utf-8")
    start, end = text.index("# [pair]"), text.index("# --- Accounts")
    mine = re.sub(r"^# ?", "", text[start:end], flags=re.MULTILINE)
    pair = parse_plan(text + "\n" + mine).pair
    assert pair is not None
    assert len(pair.actions) == 3


def test_a_site_is_the_one_that_the_environment_names() -> None:
    """Two machines run one plan; only this tells them apart."""
    alone, pair = parse_plan(SMALL), parse_plan(SMALL + PAIR)
    assert site_id_of(read_settings({}), alone) == "here"
    assert site_id_of(read_settings({}), pair) == "here"
    assert site_id_of(read_settings({"MUSTER_SITE": "b"}), pair) == "b"


def test_a_site_that_the_pair_does_not_name_is_refused_in_one_line() -> None:
    """A mistyped name would begin a third stream that nobody copies."""
    settings = read_settings({"MUSTER_SITE": "c"})
    with pytest.raises(SettingsWrong, match="type MUSTER_SITE=a before"):
        site_id_of(settings, parse_plan(SMALL + PAIR))
    with pytest.raises(SettingsWrong, match="leave MUSTER_SITE out"):
        site_id_of(settings, parse_plan(SMALL))


def test_addresses_of_sites_may_stand_in_for_those_of_the_plan() -> None:
    """Two sites on one machine, and in tests, have no names of their own."""
    settings = read_settings({"MUSTER_PEERS": "a=http://127.0.0.1:1,b=https://b.example:2/"})
    assert dict(settings.peers) == {"a": "http://127.0.0.1:1", "b": "https://b.example:2"}
    for wrong in ("http://127.0.0.1:1", "a=http://10.0.0.1:1", "a=b"):
        with pytest.raises(SettingsWrong, match="MUSTER_SITES: "):
            read_settings({"MUSTER_SITES": wrong})
