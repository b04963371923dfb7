"""Which language somebody writes."""

import subprocess
import sys
import time

import pytest

from skills.language import detect

SERVED = ("en", "es", "fr", "nl", "ar", "zh", "ru", "uk")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("someone is breaking into my house", "en"),
        ("por favor ayuda mi casa se quema", "es"),
        ("mon mari ne respire plus", "fr"),
        ("help mijn huis staat in brand", "nl"),
        ("النجدة", "ar"),
        ("救命", "zh"),
        ("помогите пожар в доме", "ru"),
        ("допоможіть, горить будинок", "uk"),
    ],
)
def test_a_sentence_has_its_language(text, language):
    """The right agent is one who understands."""
    assert detect(text, SERVED) == language


@pytest.mark.parametrize("text", ["", "112", "ok", "help", "🆘🆘", "...", "hola", "Hi", "\ud800", "\x00"])
def test_too_little_text_has_no_language(text):
    """A guess would ask for a skill that the nearest free agent may not have."""
    assert detect(text, SERVED) == ""


def test_what_the_customer_wrote_before_decides_where_the_text_does_not():
    """ "ok" after three Dutch messages is Dutch."""
    assert detect("ok", SERVED, hint="nl") == "nl"
    assert detect("112", SERVED, hint="nl") == "nl"
    assert detect("someone is breaking into my house", SERVED, hint="nl") == "en"


def test_only_served_languages_come_out():
    """A language that nobody serves must not become a requirement."""
    assert detect("someone is breaking into my house", ("nl",)) == "nl"
    assert detect("help", ("nl", "fr"), hint="en") in ("", "nl", "fr")
    assert detect("anything", ()) == ""


def test_importing_triage_does_not_load_the_model():
    """The model takes a second: a router that never reads a text must not pay for it."""
    code = "import sys, skills.triage; sys.exit('py3langid' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_languages_after_a_change_of_plan_cost_no_second_model():
    """A reading that takes longer than half a second is given up."""
    assert detect("someone is breaking into my house", SERVED) == "en"
    begun = time.process_time()
    assert detect("er is iemand in mijn huis aan het inbreken", ("nl", "en", "it")) == "nl"
    assert detect("someone is breaking into my house", SERVED) == "en"
    assert time.process_time() - begun < 0.25


def test_a_huge_text_is_read_at_its_beginning():
    """100,000 characters tell no more than the first thousand."""
    assert detect("someone is breaking into my house " * 3_000, SERVED) == "en"
