"""What a plan may say of sending: templates, other ways, rates, notices. What cannot work is refused."""

import pytest

from config.plan_file import parse_plan
from config.templates import filled, places_of
from tests.config.plans import SMALL, spoiled
from tests.config.test_accounts import ACCOUNT, CHANNEL

WHATSAPP = (
    CHANNEL.replace('"sms"', '"whatsapp"').replace("= 1_600", "= 4_096")
    + """
[[accounts]]
id = "social"
channel = "whatsapp"
provider = "whatsapp"
address = "+15551230102"
secret = "social"
options = { phone_number_id = "1" }
fallback = ["line"]
fallback_after_ms = 90_000
people_per_day = 250

[[accounts.templates]]
id = "still"
name = "still_need_help"
language = "en_US"
text = "You wrote about {1}, near {2}. Do you still need help?"
"""
)
NOTICE = """
[[notices]]
kind = "text-off"
language = "nl"
text = "Bel 112."
"""
WHOLE = CHANNEL + ACCOUNT + WHATSAPP + NOTICE
WRONG = [
    ('id = "still"', 'id = "Still"', "cannot be an id"),
    ("still_need_help", "still need", "no name of a template"),
    ("en_US", "english", "one is 'en_US'"),
    ('en_US"', 'en_US"\ncategory = "urgent"', "a category is one of"),
    ("{2}", "{3}", "numbered from {1} without a gap"),
    ("{1}", "{{1}}", "one bracket on each side"),
    ("You wrote about {1}", "{1}", "begins or ends with a place"),
    ("You wrote about {1}, near {2}. Do you still need help?", " ", "needs its text"),
    ('fallback = ["line"]', 'fallback = ["social"]', "its own other way"),
    ('fallback = ["line"]', 'fallback = ["line", "line"]', "there twice"),
    ('fallback = ["line"]', 'fallback = ["lines"]', "there is no account 'lines'; there are line"),
    ('fallback = ["line"]', "fallback = []", "no other way yet"),
    ("90_000", "-1", "at least 0"),
    ("people_per_day = 250", "people_per_day = -1", "at least 0"),
    ("people_per_day = 250", "per_second = -5", "at least 0"),
    ('"text-off"', '"texts-off"', "there is no notice 'texts-off'"),
    ('language = "nl"', 'language = "fr"', "does not serve the language 'fr'"),
    ('language = "nl"', 'language = "en"', "must be said in 'nl' too"),
    ('"Bel 112."', '" "', "needs words"),
    ('"Bel 112."', f'"{"x" * 481}"', "at most 480 characters"),
]


def test_a_plan_says_how_it_sends():
    """Everything that the provider knows by name, and what stands in its places."""
    plan = parse_plan(SMALL + WHOLE)
    social = plan.accounts[1]
    assert (social.fallback, social.fallback_after_ms, social.people_per_day) == (("line",), 90_000, 250)
    assert [(each.template_id, each.category) for each in social.templates] == [("still", "utility")]
    assert [(each.kind, each.text) for each in plan.notices] == [("text-off", "Bel 112.")]


@pytest.mark.parametrize(("was", "is_now", "words"), WRONG)
def test_what_cannot_work_is_named(was: str, is_now: str, words: str):
    """Found when the plan is made, not when somebody waits for a message that never leaves."""
    assert was in WHOLE
    found = spoiled(add=WHOLE.replace(was, is_now))
    assert [text for _, text in found if words in text], found


def test_who_cannot_say_what_arrived_has_no_time_for_the_other_way():
    """Every message would go twice: Telegram never says that one was delivered."""
    telegram = WHATSAPP.replace('provider = "whatsapp"', 'provider = "telegram"').split("[[accounts.temp")[0]
    telegram = telegram.replace('"whatsapp"', '"telegram"').replace("people_per_day = 250", "")
    telegram = telegram.replace('options = { phone_number_id = "1" }', "").replace("= 4_096", "= 4_000")
    found = spoiled(add=CHANNEL + ACCOUNT + telegram)
    assert [text for _, text in found] == [
        "'telegram' never says that a message was delivered: every one would go twice"
    ]


def test_a_provider_without_templates_gets_none():
    """Its API has no word for them."""
    template = WHATSAPP[WHATSAPP.index("[[accounts.templates]]") :]
    found = spoiled(add=CHANNEL + ACCOUNT + template)
    assert [text for _, text in found] == ["'twilio' has no templates"]


def test_what_stands_in_a_place_is_no_place():
    """A customer's words, or a colleague's joke, never reach into the text around them."""
    assert filled("At {1}, {2} and {1}.", ["{2}", "{0.__class__}"]) == "At {2}, {0.__class__} and {2}."
    assert filled("At {1} and {3}.", ["x"]) == "At x and {3}."
    assert places_of("{3} {1} {1} {x} { 2 } {0}") == (1, 3)
