"""Finding words in what people write."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.text import found, is_silent, phrase, prepare


def finds(word: str, text: str) -> bool:
    return list(found([phrase(word)], prepare(text))) == [word]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("fire", "FIRE!!!"),
        ("fire", "a ﬁre, quick"),
        ("fire", "ｆｉｒｅ"),
        ("fire", "f\u200bi\u00adre"),
        ("fire", "🔥fire🔥"),
        ("not breathing", "he's not\n   breathing..."),
        ("can't breathe", "I can’t breathe"),
        ("incendie", "l'incendie"),
        ("straße", "STRASSE"),
        ("corazón", "corazo\u0301n"),
        ("النجدة", "النَّجْدَة"),
        ("ساعدوني", "ســـاعدوني"),
        ("救命", "快来救命啊"),
        ("救命", "救 命"),
        ("help", "救命help快"),
        ("着火", "我家着火了"),
        ("ไฟไหม้", "บ้านไฟไหม้ช่วยด้วย"),
        ("पानी", "मुझे पानी चाहिए"),
        ("🔥", "the 🔥🔥"),
        ("❤", "❤️"),
        ("112", "call 112!"),
        ("не дышит", "он НЕ ДЫШИТ"),
    ],
)
def test_a_word_is_found_however_it_is_written(word, text):
    """Nobody in danger minds capitals, accents, spaces or full-width letters."""
    assert finds(word, text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("fire", "firewood and campfires"),
        ("not breathing", "not now, breathing well"),
        ("breathing not", "not breathing"),
        ("112", "1120"),
        ("кот", "котёл"),
        ("救命", "救人一命"),
        ("", "anything"),
        ("🔥", "fire"),
        ("पान", "पानी"),
    ],
)
def test_parts_of_words_and_other_orders_are_not_found(word, text):
    """A fireplace is no fire."""
    assert not finds(word, text)


def test_words_come_in_the_plan_s_order_and_spelling():
    """What is shown as the reason is what the plan says, never what the customer wrote."""
    phrases = [phrase("Smoke"), phrase("water"), phrase("fire")]
    assert list(found(phrases, prepare("FIRE and smoke"))) == ["Smoke", "fire"]


@pytest.mark.parametrize(
    "text", ["", " ", "...", "?!", "\n\t", "\u200b\u200d", "…—", "\u0301", "\ud800", "+++", "$"]
)
def test_saying_nothing_is_silence(text):
    """A hidden caller may be able to send no more than a dot."""
    assert is_silent(text)


@pytest.mark.parametrize("text", ["a", "1", "🆘", "👍", "救", "\ue000", "ا", "." * 99 + "x"])
def test_anything_said_is_not_silence(text):
    """One letter is a message."""
    assert not is_silent(text)


@pytest.mark.parametrize(
    "unit",
    ["\u0345\u0300", "\u0f73\u0300", "\ufdfa", "ﾞ\u0300", "a ", "on the ", "救", "\u200b", "\ud800", "İ",
     "ΐ", "각", "\u1ffc\u0345"],
)  # fmt: skip
def test_hostile_texts_cost_time_in_proportion(unit):
    """Sorting 100,000 combining marks takes ten seconds unguarded, and all other reading would wait."""
    phrases = [phrase(word) for word in ("on the bridge", "救命", "fire", "🔥", "not breathing")]
    text = unit * (200_000 // len(unit))
    begun = time.process_time()
    list(found(phrases, prepare(text)))
    is_silent(text)
    assert time.process_time() - begun < 5


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_at_all_can_raise(text):
    """Lone surrogates, unassigned code points, anything."""
    prepared = prepare(text)
    assert "  " not in prepared.spaced.strip()
    is_silent(text)
    phrase(text)


@given(
    st.text("abc -'", max_size=20), st.text("abc .,-", max_size=20), st.text("abc", min_size=1, max_size=3)
)
def test_a_word_surrounded_by_spaces_is_always_found(before, after, word):
    """Whatever stands around it."""
    assert finds(word, f"{before} {word} {after}")
