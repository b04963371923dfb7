"""What a contact needs, by the rules of a plan."""

import dataclasses
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.plan import Condition, Plan, RequirementPlan, Rule
from skills.requirement import Requirement
from skills.triage import CHANNEL_RULE, Contact, Triage
from tests.config.plans import small

SILENT = Condition(field="silent", operator="is", value=True)


def words(*some: str, operator: str = "has_any") -> Condition:
    return Condition(field="words", operator=operator, value=some)


def rule(rule_id: str, when: Condition, **parts: object) -> Rule:
    return Rule(rule_id=rule_id, when=when, **parts)


def plan_of(*rules: Rule) -> Plan:
    return dataclasses.replace(small(), rules=rules)


def read(plan: Plan, text: str = "", **parts):
    values = {"channel": "chat", "text": text, "at_ms": 0} | parts
    return Triage(plan).read(Contact(**values))


def meets(condition: Condition, text: str = "", **parts) -> bool:
    return read(plan_of(rule("it", condition)), text, **parts).rule_id == "it"


def test_the_first_rule_that_matches_decides():
    """Rules stand most urgent first; what is below must not soften what is above."""
    plan = plan_of(
        rule("fire", words("fire"), urgency=1),
        rule("water", words("water"), urgency=4),
        rule("rest", Condition(all_of=())),
    )
    assert read(plan, "water on the fire").rule_id == "fire"
    assert read(plan, "water").urgency == 4
    assert read(plan, "earth").rule_id == "rest"


def test_what_a_rule_leaves_out_stays_as_the_channel_has_it():
    """A rule that only names a skill must not move a contact."""
    reading = read(
        plan_of(rule("x", words("x"), requirement=RequirementPlan(require=(("medical", 5),)))), "x"
    )
    assert (reading.queue_id, reading.urgency) == ("first", 3)
    assert reading.requirement == Requirement(require=(("medical", 5),))


def test_a_contact_that_no_rule_catches_gets_its_channels_defaults():
    """Nothing is left without a queue and an urgency."""
    reading = read(plan_of(), "whatever this is")
    assert (reading.queue_id, reading.urgency, reading.rule_id, reading.hits) == (
        "first",
        3,
        CHANNEL_RULE,
        (),
    )


def test_another_language_is_asked_of_the_agent():
    """Who understands is half of who can help."""
    plan = plan_of(rule("fire", words("fire"), requirement=RequirementPlan(require=(("lang-en", 3),))))
    assert read(plan, "someone is breaking into my house").requirement.require == (("lang-en", 1),)
    assert read(plan, "my house is on fire please hurry").requirement.require == (("lang-en", 3),)


def test_the_centres_own_language_is_asked_of_nobody():
    """Everybody speaks it: asking would only split the waiting line."""
    reading = read(plan_of(), "er is iemand in mijn huis aan het inbreken")
    assert (reading.language, reading.requirement) == ("nl", Requirement())


def test_a_rule_may_leave_the_language_out():
    """For some things any agent is better than the right language."""
    plan = plan_of(rule("fire", words("house"), language_skill=False))
    reading = read(plan, "someone is breaking into my house")
    assert (reading.language, reading.requirement) == ("en", Requirement())


def test_conditions_over_where_it_comes_from():
    """Channel, address, language, repeats."""
    assert meets(Condition(field="channel", operator="is", value="chat"))
    assert not meets(Condition(field="channel", operator="is_one_of", value=("sms", "mail")))
    assert meets(Condition(field="address", operator="starts_with", value="+31"), address="+31612345678")
    assert not meets(Condition(field="address", operator="starts_with", value="+31"), address="+49")
    assert meets(Condition(field="address", operator="is_one_of", value=("+1", "+2")), address="+2")
    assert meets(Condition(field="language", operator="is", value="unknown"), "ok")
    assert meets(Condition(field="language", operator="is", value="en"), "someone is breaking into my house")
    assert meets(Condition(field="repeats", operator="at_least", value=3), repeats=3)
    assert not meets(Condition(field="repeats", operator="at_least", value=3), repeats=2)


def test_conditions_combine():
    """all, any, not."""
    one, two = words("one"), words("two")
    assert meets(Condition(all_of=(one, two)), "two one")
    assert not meets(Condition(all_of=(one, two)), "one")
    assert meets(Condition(any_of=(one, two)), "two")
    assert not meets(Condition(any_of=(one, two)), "three")
    assert meets(Condition(not_=one), "two")
    assert not meets(Condition(not_=Condition(not_=one)), "two")
    assert meets(words("one", "two", operator="has_all"), "two and one")
    assert not meets(words("one", "two", operator="has_all"), "two")


@pytest.mark.parametrize(
    ("clock", "inside"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("06:59", True), ("07:00", False)],
)
def test_hours_are_local_and_may_pass_midnight(clock, inside):
    """22 to 7 is one night, in the centre's own time: Amsterdam is two hours ahead of UTC in July."""
    hour, minute = (int(part) for part in clock.split(":"))
    at = datetime(2026, 7, 1, (hour - 2) % 24, minute, tzinfo=UTC)
    night = Condition(field="hours", operator="between", value=("22:00", "07:00"))
    assert meets(night, at_ms=int(at.timestamp() * 1000)) == inside


def test_weekdays_are_local():
    """Half past midnight on Sunday in Amsterdam is still Saturday in UTC."""
    at = datetime(2026, 7, 4, 22, 30, tzinfo=UTC)
    assert meets(
        Condition(field="weekday", operator="is_one_of", value=("sun",)), at_ms=int(at.timestamp() * 1000)
    )


def test_silence_is_a_contact_with_nothing_in_it_not_a_photo():
    """A photo without words is a message."""
    assert meets(SILENT, " . ")
    assert not meets(SILENT, "", attachments=1)
    assert not meets(SILENT, "help")


def test_hits_are_the_plans_words_and_never_an_address():
    """Hits go into the journal, where nothing of a person may stand that could not be erased."""
    address = Condition(field="address", operator="is", value="+31612345678")
    plan = plan_of(rule("x", Condition(all_of=(words("Fire", "smoke"), address))))
    reading = read(plan, "the FIRE at Anna's", address="+31612345678")
    assert reading.hits == ("words: Fire", "address")


def test_what_was_tried_ends_with_what_matched():
    """People ask why not the rule above."""
    plan = plan_of(rule("a", words("a")), rule("b", words("b")), rule("c", words("c")))
    tried = Triage(plan).tried(Contact(channel="chat", text="c b", at_ms=0))
    assert [(each.rule_id, each.matched) for each in tried] == [("a", False), ("b", True)]


def test_a_channel_that_a_newer_plan_no_longer_has_is_read_all_the_same():
    """A contact from before the change still has to go somewhere."""
    assert read(plan_of(), "x", channel="gone").queue_id == "first"


HOSTILE = st.text(st.characters(exclude_categories=()), max_size=200)


@given(text=HOSTILE, address=HOSTILE, at_ms=st.integers(0, 4_000_000_000_000))
def test_no_contact_can_make_triage_raise(text, address, at_ms):
    """Content never causes loss: an exception here would leave somebody unread."""
    plan = plan_of(rule("a", words("fire", "救命")), rule("s", SILENT), rule("n", Condition(not_=SILENT)))
    reading = read(plan, text, address=address, at_ms=at_ms)
    assert reading.rule_id in ("a", "s", "n")
    assert reading.language in ("", "nl", "en")


def test_a_hundred_thousand_hostile_characters_are_read_in_time():
    """Everything is read within two seconds of its arrival; one message must not use them all up."""
    plan = plan_of(*(rule(f"r{n}", words(*(f"word{n} number {m}" for m in range(50)))) for n in range(20)))
    triage = Triage(plan)
    for unit in ("word1 number ", "\u0345\u0300", "\ufdfa", "救命"):
        begun = time.process_time()
        triage.read(Contact(channel="chat", text=unit * (100_000 // len(unit)), at_ms=0))
        assert time.process_time() - begun < 5
