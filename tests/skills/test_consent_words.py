"""STOP, START and HELP in twelve languages, and what only looks like them."""

import pytest

from skills.consent_words import HELP, START, STOP, WORDS, is_of_network, kin_of

EVERY = [
    (language, kin, word) for language in WORDS for kin in WORDS[language] for word in WORDS[language][kin]
]


@pytest.mark.parametrize(("language", "kin", "word"), EVERY)
def test_every_word_is_understood_however_it_is_written(language: str, kin: str, word: str):
    """In capitals, with a full stop, with spaces around it: people write as they write."""
    for written in (word, word.upper(), f" {word}. ", f"«{word}»!", f"\u200f{word}\u200b"):
        assert kin_of(written, [language]) == kin, written


def test_there_are_words_in_twelve_languages():
    """Whoever writes to us must be able to say it in their own."""
    assert set(WORDS) == {"en", "es", "fr", "nl", "de", "it", "pt", "ar", "zh", "ru", "uk", "tr"}
    assert all(kinds.keys() == {STOP, START, HELP} for kinds in WORDS.values())


@pytest.mark.parametrize(
    "text",
    [
        "please stop",
        "help me",
        "HELP HELP",
        "make him stop",
        "stop he has a knife",
        "the bus stop",
        "I want to end my life",
        "yes he is breathing",
        "",
        " ",
        "🛑",
        "stop" * 20,
        "st op",
    ],
)
def test_other_words_around_it_are_a_message_and_no_command(text: str):
    """Whoever cries for help must not be answered by a machine that takes it for a command."""
    assert kin_of(text, WORDS) == ""


def test_words_of_languages_that_nobody_here_speaks_are_words():
    """Every language of the world has some word that is an everyday answer in another."""
    assert kin_of("baja") == ""
    assert kin_of("baja", ["es"]) == STOP
    assert kin_of("STOP", ["nl"]) == STOP


def test_what_the_networks_understand_is_known():
    """They answer those themselves: nobody gets two confirmations."""
    assert is_of_network("Unsubscribe.", STOP)
    assert not is_of_network("parar", STOP)
    assert not is_of_network("stop", START)
