"""Finding a plan's words in what somebody wrote, in any script, in time linear in the text.

Both sides are folded alike: NFKC, case-folded, without invisible characters and without the vowel points that
writers of Arabic and Hebrew leave out. Words match whole words; in scripts that put no spaces between words,
and for signs like 🔥, a word matches anywhere.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MARKS_IN_A_ROW_MAX: Final = 30
"""Normalising sorts each run of combining marks, in quadratic time. Source: UAX #15, Stream-Safe Text."""

_KATAKANA_MARKS: Final = "ﾞﾟ"
"""The only marks that do not look like marks before normalising (halfwidth katakana)."""

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts written without spaces between words. Source: UAX #14, class SA, and the ideographs."""

_LEFT_OUT: Final = (
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),  # Arabic signs
    (0x0640, 0x0640),  # tatweel
    (0x064B, 0x065F),  # Arabic vowel points
    (0x0670, 0x0670),
    (0xFE00, 0xFE0F),  # variation selectors, after an emoji
)
"""What may be written or not without changing the word."""

_CONTENT: Final = frozenset({"L", "N", "So", "Co", "Cn"})
"""Categories that say something. The last two: a script younger than this Python is not silence."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text made ready for finding words in it.

    Shape: `words` are the words in it; `spaced` is all of them in order, one space around each; `squeezed` is
           the folded text without any spaces.
    """

    words: frozenset[str]
    spaced: str
    squeezed: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """One of a plan's words, made ready: `words` to be found in order, or `anywhere` in the squeezed text."""

    written: str
    words: tuple[str, ...]
    anywhere: str


_PARTING: Final = {each: " " for each in range(128) if not chr(each).isalnum()}
"""What parts words in a text of ASCII."""


def prepare(text: str) -> Text:
    """The text, ready. Never raises; takes time in proportion to the length of the text."""
    folded = fold(text)
    words = _words(folded)
    return Text(frozenset(words), f" {' '.join(words)} ", "".join(folded.split()))


def phrase(written: str) -> Phrase:
    """A plan's word or phrase, ready."""
    folded = fold(written)
    if any(_unspaced(letter) for letter in folded) or not _words(folded):
        return Phrase(written, (), "".join(folded.split()))
    return Phrase(written, tuple(_words(folded)), "")


def found(phrases: Iterable[Phrase], text: Text) -> Iterator[str]:
    """Those of the phrases that are in the text, as the plan writes them, in the plan's order."""
    for each in phrases:
        if not each.words:
            if each.anywhere and each.anywhere in text.squeezed:
                yield each.written
        elif text.words.issuperset(each.words) and f" {' '.join(each.words)} " in text.spaced:
            yield each.written


def is_silent(text: str) -> bool:
    """Whether a text says nothing: it is empty, or only spaces, punctuation and invisible characters."""
    for letter in text:
        category = unicodedata.category(letter)
        if category in _CONTENT or category[0] in _CONTENT:
            return False
    return True


def fold(text: str) -> str:
    """One form for all ways of writing the same: NFKC, case-folded, nothing invisible."""
    if text.isascii():
        return text.casefold()
    visible = "".join(_without_hostile_marks(text))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


def _without_hostile_marks(text: str) -> Iterator[str]:
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        if category in ("Cf", "Cs") or _within(letter, _LEFT_OUT):
            continue
        marks = marks + 1 if category[0] == "M" or letter in _KATAKANA_MARKS else 0
        if marks <= MARKS_IN_A_ROW_MAX:
            yield letter


def _words(folded: str) -> list[str]:
    """The words of a folded text. What belongs to an unspaced script parts words: see squeezed."""
    if folded.isascii():
        return folded.translate(_PARTING).split()
    return "".join(letter if _in_word(letter) else " " for letter in folded).split()


def _in_word(letter: str) -> bool:
    if _unspaced(letter):
        return False
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"


def _unspaced(letter: str) -> bool:
    return letter > "\u0dff" and _within(letter, _UNSPACED)


def _within(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    point = ord(letter)
    return any(first <= point <= last for first, last in ranges)
