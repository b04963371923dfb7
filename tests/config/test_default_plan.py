"""The plan that Muster starts with."""

import re
from pathlib import Path

import pytest

import config
from config.people import skills_of
from config.plan_file import parse_plan
from config.providers import PROVIDERS
from skills.match import meets_one, need_of
from skills.requirement import Requirement
from skills.triage import Contact, Triage
from skills.widening import needs_at

FILE = Path(config.__file__).with_name("default.toml")
PLAN = parse_plan(FILE.read_text(encoding="utf-8"), str(FILE))
NOON_MS = 1_760_000_000_000 - 1_760_000_000_000 % 86_400_000 + 16 * 3_600_000
TRIAGE = Triage(PLAN)


def test_it_is_a_believable_county_emergency_center():
    """People learn what a plan is by reading this one."""
    assert {queue.queue_id for queue in PLAN.queues} == {
        "emergency",
        "medical",
        "non-emergency",
        "public-information",
        "review",
    }
    assert sum(person.role == "agent" for person in PLAN.people) == 10
    assert {person.role for person in PLAN.people} == {"agent", "supervisor", "admin", "auditor"}
    assert len({person.skills for person in PLAN.people if person.role == "agent"}) == 10
    assert {(target.percent, target.within_ms) for target in PLAN.targets} >= {(90, 15_000), (95, 20_000)}


def test_every_key_of_every_limit_is_written_out():
    """Nobody looks for a limit in the code."""
    text = FILE.read_text(encoding="utf-8")
    for name in PLAN.limits.__slots__:
        assert re.search(rf"^{name} = ", text, re.MULTILINE), name


def test_the_examples_of_accounts_are_right_once_they_are_filled_in():
    """Whoever takes the number signs away gets accounts that work, one of every provider."""
    text = FILE.read_text(encoding="utf-8")
    begins = text.index("# [[accounts]]")
    plan = parse_plan(text[:begins] + re.sub("^# ?", "", text[begins:], flags=re.MULTILINE), "examples")
    assert {each.provider for each in plan.accounts} == set(PROVIDERS)
    assert {each.provider for each in PLAN.accounts} == {"twilio", "smtp"}


def test_two_agents_at_least_can_take_each_kind_of_work_without_widening():
    """With one, a break would send everybody into widening."""
    people = [dict(skills_of(person, PLAN.site)) for person in PLAN.people if person.role == "agent"]
    for queue in PLAN.queues:
        needs = needs_at(PLAN, queue.queue_id, Requirement(), 0)
        assert sum(meets_one(levels, needs) for levels in people) >= 2, queue.queue_id
    for language in PLAN.site.languages[1:]:
        need = need_of(Requirement(require=((f"lang-{language}", 1),)))
        assert sum(meets_one(levels, [need]) for levels in people) >= 2, language


@pytest.mark.parametrize(
    ("text", "queue_id", "urgency", "language"),
    [
        ("My husband collapsed and is not breathing", "medical", 1, "en"),
        ("mi padre no respira por favor rápido", "medical", 1, "es"),
        ("mon mari ne respire plus, venez vite", "medical", 1, "fr"),
        ("mijn man ademt niet meer, help", "medical", 1, "nl"),
        ("أبي لا يتنفس ساعدوني", "medical", 1, "ar"),
        ("我爸爸没有呼吸了", "medical", 1, "zh"),
        ("мой отец не дышит, что делать", "medical", 1, "ru"),
        ("мій батько не дихає, що робити", "medical", 1, "uk"),
        ("the house is on fire, we are trapped upstairs", "emergency", 1, "en"),
        ("我家着火了 快来", "emergency", 1, "zh"),
        ("хтось стріляє, стрілянина на вулиці", "emergency", 1, "uk"),
        ("I don't want to live, I want to die", "emergency", 1, "en"),
        ("she fell down and is bleeding from the head", "medical", 2, "en"),
        ("our car is in the water", "emergency", 2, "en"),
        ("SOS", "emergency", 2, ""),
        ("🆘", "emergency", 2, ""),
        ("", "emergency", 2, ""),
        (" ... ", "emergency", 2, ""),
        ("loud music next door since midnight", "non-emergency", 4, "en"),
        ("geluidsoverlast van de buren, al de hele avond", "non-emergency", 4, "nl"),
        ("Question: which shelter is open tonight?", "public-information", 5, "en"),
        ("hello there my friends, are you open", "emergency", 3, "en"),
    ],
)  # fmt: skip
def test_what_people_write_goes_where_it_belongs(text, queue_id, urgency, language):
    """The rules are believable only if believable messages meet them."""
    reading = TRIAGE.read(Contact(channel="chat", text=text, at_ms=NOON_MS))
    assert (reading.queue_id, reading.urgency, reading.language) == (queue_id, urgency, language)


def test_at_night_questions_go_to_whoever_is_there():
    """The information desk sleeps; a question at 3 a.m. still reaches somebody."""
    three_at_night = NOON_MS - 9 * 3_600_000
    reading = TRIAGE.read(Contact(channel="chat", text="question about the shelter", at_ms=three_at_night))
    assert (reading.queue_id, reading.rule_id) == ("non-emergency", "information-at-night")


def test_every_rule_says_something_no_earlier_rule_took_away():
    """A rule whose every word is caught above it is dead text."""
    for index, rule in enumerate(PLAN.rules):
        if rule.when.field != "words":
            continue
        alive = [
            word
            for word in rule.when.value
            if TRIAGE.read(Contact(channel="chat", text=word, at_ms=NOON_MS)).rule_id == rule.rule_id
        ]
        assert len(alive) > len(rule.when.value) * 0.8, (index, rule.rule_id, len(alive))
