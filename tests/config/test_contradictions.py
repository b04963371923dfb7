"""Every way in which a plan can contradict itself is found, with the line where it does."""

import pytest

from config.languages import KNOWN_LANGUAGES
from tests.config.plans import SMALL, spoiled

RULE = '[[rules]]\nid = "more"\n'
QUEUE = '[[queues]]\nid = "second"\nname = "Second"\n'

SPOILED = [
    # the site
    (('"Europe/Amsterdam"', '"Europe/Nowhere"'), "time_zone", "no time zone 'Europe/Nowhere'"),
    (('"Europe/Amsterdam"', '"../../etc/passwd"'), "time_zone", "no time zone"),
    (('"Europe/Amsterdam"', '"Europe"'), "time_zone", "no time zone"),
    (('["nl", "en"]', "[]"), "languages", "at least one language"),
    (('["nl", "en"]', '["nl", "en", "en"]'), "languages", "'en' is there twice"),
    (('["nl", "en"]', '["nl", "en", "xx"]'), "languages", "no language has the code 'xx'"),
    (('["nl", "en"]', '["nl", "en", "fr"]'), "languages", "needs a skill with the id 'lang-fr'"),
    (('name = "Here"', 'name = " "'), "name", "needs a name"),
    # ids
    (('id = "ana"', 'id = "Ana Rivera"'), 'id = "Ana Rivera"', "cannot be an id"),
    (('id = "ana"', 'id = "sam"'), 'id = "sam"', "people[0] has the id 'sam' already"),
    (('id = "night"', 'id = "hurt"'), 'id = "hurt"', "rules[0] has the id 'hurt' already"),
    (('id = "night"', 'id = "channel"'), 'id = "channel"', "Muster's own word"),
    (('id = "here"', 'id = "a/b"'), 'id = "a/b"', "cannot be an id"),
    # skills
    (('id = "lang-en"', 'id = "lang-qq"'), 'id = "lang-qq"', "no language has the code 'qq'"),
    (('id = "medical"', 'id = "supervisor"'), 'id = "supervisor"', "Muster's own word"),
    # channels
    (('queue_id = "first"', 'queue_id = "fist"'), "queue_id", "there is no queue 'fist'; there are first"),
    (("urgency = 3", "urgency = 6"), "urgency", "urgency is 1 (immediate) to 5 (low), not 6"),
    (("urgency = 3", "urgency = 0"), "urgency", "not 0"),
    (("load = 30", "load = 101"), "load", "load is 1 to 100"),
    (("load = 30", "load = 0"), "load", "load is 1 to 100"),
    (("max_at_once = 3", "max_at_once = 4"), "max_at_once", "at a load of 30, 3 fit"),
    (("max_at_once = 3", "max_at_once = 0"), "max_at_once", "at least 1"),
    (("offer_ms = 30_000", "offer_ms = 0"), "offer_ms =", "offer_ms is at least 1, not 0"),
    (("attachment_bytes_max = 0", "attachment_bytes_max = -1"), "attachment", "at least 0, not -1"),
    (("max_at_once = 3", 'max_at_once = 3\ninterrupted_by = ["fax"]'), "interrupted_by", "no channel 'fax'"),
    (
        ("max_at_once = 3", 'max_at_once = 3\ninterrupted_by = ["chat"]'),
        "interrupted_by",
        "each other for ever",
    ),
    # queues
    (("{ medical = 2 }", "{ medicine = 2 }"), "requirement", "there is no skill 'medicine'"),
    (("{ medical = 2 }", "{ medical = 6 }"), "requirement", "the level of 'medical' is 1 to 5, not 6"),
    (("{ medical = 2 }", "{ medical = 0 }"), "requirement", "not 0"),
    (
        ("{ medical = 2 } }", '{ medical = 2 }, forbid = ["medical"] }'),
        "requirement",
        "required and forbidden",
    ),
    (('name = "First"', 'name = "First"\nageing_pct = 0'), "ageing_pct", "at least 1"),
    (('name = "First"', 'name = "First"\nhead_start_ms = -1'), "head_start_ms", "at least 0"),
    (('name = "First"', 'name = "First"\nstrategy = "random"'), "strategy", "there is no strategy 'random'"),
    (("after_ms = 10_000", "after_ms = 0"), "after_ms", "later than 0 ms"),
    (("lower = { medical = 1 }", "lower = { medicine = 1 }"), "lower", "no skill 'medicine'"),
    (("lower = { medical = 1 }", 'drop = ["medicine"]'), "drop", "no skill 'medicine'"),
    (("lower = { medical = 1 }", 'add_queues = ["other"]'), "add_queues", "no queue 'other'"),
    (("lower = { medical = 1 }", 'add_queues = ["first"]'), "add_queues", "cannot be added to itself"),
    (("lower = { medical = 1 }", ""), "[[queues.widening]]", "widens nothing"),
    # rules
    (("urgency = 1", "urgency = 7"), "urgency", "not 7"),
    (("urgency = 1", 'queue_id = "fist"'), "queue_id", "no queue 'fist'"),
    (("urgency = 1", "urgency = 1\nrequirement = { prefer = { x = 1 } }"), "requirement", "no skill 'x'"),
    (('field = "words"', 'field = "word"'), "when", "there is no field 'word'; there are channel"),
    (('"has_any"', '"contains"'), "when", "'words' has no operator 'contains', only has_any and has_all"),
    (('["hurt"]', '"hurt"'), "when", "must be a list of texts"),
    (('["hurt"]', '["  "]'), "when", "an empty text matches nothing"),
    (('["hurt"]', "[]"), "when", "must be a list of texts"),
    (('["22:00", "07:00"]', '["22:00", "24:00"]'), "when", "two different times of day"),
    (('["22:00", "07:00"]', '["22:00"]'), "when", "two different times of day"),
    (('["22:00", "07:00"]', '["07:00", "07:00"]'), "when", "two different times of day"),
    # people
    (('role = "supervisor"', 'role = "boss"'), "role", "there is no role 'boss'"),
    (('role = "supervisor"', 'role = "agent"'), "[[people]]", "nobody is a supervisor"),
    (("medical = 3", "medical = 6"), "skills", "1 to 5, not 6"),
    (("medical = 3", "medical = 3, juggling = 2"), "skills", "no skill 'juggling'"),
    (("medical = 3", "medical = 3, supervisor = 5"), "skills", "comes with the role"),
    (('role = "agent"', 'role = "auditor"'), "skills", "an auditor serves nobody"),
    (('name = "Ana"', 'name = ""'), "name", "'ana' needs a name"),
    # what nobody could ever do
    (("skills = { medical = 3, lang-en = 2 }", ""), "[[queues]]", "nobody can ever serve queue 'first'"),
    (("lang-en = 2", "lang-nl = 4"), "languages", "nobody speaks 'en'"),
]

ADDED = [
    (RULE + 'when = { field = "channel", operator = "is", value = "fax" }\n', "no channel 'fax'"),
    (RULE + 'when = { field = "language", operator = "is", value = "fr" }\n', "no language 'fr'"),
    (RULE + 'when = { field = "language", operator = "is_one_of", value = ["en", "en"] }\n', "twice"),
    (RULE + 'when = { field = "weekday", operator = "is_one_of", value = ["monday"] }\n', "no weekday"),
    (RULE + 'when = { field = "silent", operator = "is", value = "yes" }\n', "must be true or false"),
    (RULE + 'when = { field = "repeats", operator = "at_least", value = 0 }\n', "from 1 on"),
    (RULE + 'when = { field = "repeats", operator = "at_least", value = true }\n', "from 1 on"),
    (RULE + 'when = { field = "address", operator = "starts_with", value = "" }\n', "must be a text"),
    (RULE + "when = { any = [] }\n", "any of nothing never matches"),
    (RULE + 'when = { field = "words", operator = "has_any", value = ["hurt"] }\n', "same condition"),
    (RULE + '[[rules]]\nid = "last"\nurgency = 5\n', "rule 'more' above matches every contact"),
    (RULE + 'when = { not = { any = [] } }\n[[rules]]\nid = "last"\n', "rule 'more' above matches every"),
    (RULE + "requirement = { require = { lang-en = 5 } }\n", "nobody can ever serve rule 'more'"),
    (QUEUE + RULE + 'queue_id = "second"\nrequirement = { forbid = ["lang-nl"] }\n',
     "nobody can ever serve rule"),
    (QUEUE + 'requirement = { require_any = { medical = 4, lang-en = 5 } }\n', "nobody can ever serve queue"),
    (QUEUE + "[[queues.widening]]\nafter_ms = 9\ndrop = ['medical']\n[[queues.widening]]\nafter_ms = 9\n"
     "drop = ['medical']\n", "a step comes later than 9 ms"),
    (QUEUE + RULE + 'queue_id = "second"\nrequirement = { require = { supervisor = 1 } }\n',
     "in queue 'second' in en: let the queue's last widening step drop"),
    ('[[targets]]\nname = "t"\npercent = 101\nwithin_ms = 1\n', "percent is 1 to 100"),
    ('[[targets]]\nname = "t"\npercent = 90\nwithin_ms = 0\n', "within_ms is at least 1"),
    ('[[targets]]\nname = "t"\npercent = 90\nwithin_ms = 1\nqueues = ["x"]\n', "no queue 'x'"),
    ('[[targets]]\nname = "t"\npercent = 9\nwithin_ms = 1\n'
     '[[targets]]\nname = "t"\npercent = 9\nwithin_ms = 2\n',
     "another target is called 't' already"),
    ("[limits]\ncooldown_ms = 0\n", "cooldown_ms is at least 1"),
    ("[limits]\nonly_candidate_ms = 99_000\n", "sooner, not later"),
    ("[limits]\ndesk_grace_ms = 1_000\n", "before conversations"),
    ('[[reasons]]\nid = "break"\nname = "Again"\n', "reasons[0] has the id 'break' already"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "words"), SPOILED, ids=lambda value: str(value)[:40])
def test_a_contradiction_is_found_where_it_stands(change, line, words):
    """Somebody repairs a plan in a hurry: the line must be the right one, and the words enough."""
    found = spoiled(change)
    assert any(words in text and line in place for place, text in found), found


@pytest.mark.parametrize(("add", "words"), ADDED, ids=lambda value: str(value)[:40])
def test_a_contradiction_in_what_was_added_is_found(add, words):
    """What is wrong is said also where two parts of a plan contradict each other only together."""
    found = spoiled(add=add)
    assert any(words in text and place for place, text in found), found


def test_the_small_plan_contradicts_nothing():
    """Otherwise the tests above would find what was there before."""
    assert spoiled() == []


def test_channels_that_interrupt_each_other_are_found():
    """Two channels that interrupt each other would throw one agent to and fro."""
    start = SMALL.index("[[channels]]")
    channel = SMALL[start : SMALL.index("[[queues]]")]
    second = channel.replace('"chat"', '"call"').replace("load = 30", 'load = 30\ninterrupted_by = ["chat"]')
    third = channel.replace('"chat"', '"mail"').replace("load = 30", 'load = 30\ninterrupted_by = ["call"]')
    assert spoiled(add=second + third) == []
    circle = spoiled(("max_at_once = 3", 'max_at_once = 3\ninterrupted_by = ["mail"]'), add=second + third)
    assert len([text for _, text in circle if "for ever" in text]) == 3


def test_a_need_that_widening_brings_within_reach_is_no_contradiction():
    """Such a contact is widened at once, with an alarm; the plan says so itself."""
    assert spoiled(("{ medical = 2 }", "{ medical = 5 }")) == []


def test_everything_is_listed_at_once_in_the_order_of_the_file():
    """Repairing a plan in rounds costs time that nobody has."""
    found = spoiled(
        ('"Europe/Amsterdam"', '"Mars"'), ("load = 30", "load = 300"), ("urgency = 1", "urgency = 9"),
        ('name = "Ana"', 'name = ""'), add="[limits]\ncooldown_ms = 0\n",
    )  # fmt: skip
    assert [place.split(" ")[0] for place, _ in found][:4] == ["time_zone", "load", "urgency", "name"]
    assert found[-1][0] == "cooldown_ms = 0"


def test_the_languages_a_plan_may_name_are_those_that_can_be_detected():
    """A language that the detector does not know would never be found."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE)
    assert set(detector.labels) - {"zxx"} == KNOWN_LANGUAGES
