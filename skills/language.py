"""Which of the languages a centre serves a text is written in, or "" when nobody could say so honestly.

A wrong answer costs more than none: it asks for a skill that the right agent may not have. So short and mixed
texts stay unknown, what the customer wrote before counts as a hint, and no message ever waits for this.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Final, Protocol

CONFIDENCE_MIN: Final = 0.7
"""Below this the detector is guessing: on short texts ("hola" 0.5, "thanks" 0.5) its best is often wrong."""

SWITCH_MIN: Final = 0.9
"""What it takes to believe that a customer now writes another language than before."""

CHARACTERS_MAX: Final = 1_000
"""More text changes no answer, and the detector normalises it, in quadratic time for hostile marks."""


class _Identifier(Protocol):
    """What is used of py3langid.langid.LanguageIdentifier."""

    def set_languages(self, langs: Sequence[str]) -> None: ...
    def classify(self, text: str) -> tuple[str, float]: ...


def detect(text: str, languages: Sequence[str], hint: str = "") -> str:
    """The code of the language among these that the text is in; the hint, or "", where that is unsure.

    Shape: hint is the language of the customer's earlier messages, or "". Never raises, whatever the text.
    """
    known_hint = hint if hint in languages else ""
    sample = text[:CHARACTERS_MAX]
    if not sample.isascii():
        sample = "".join(letter for letter in sample if not "\ud800" <= letter <= "\udfff")
    if not languages or not any(letter.isalpha() for letter in sample):
        return known_hint
    best, confidence = _identifier(tuple(sorted(set(languages)))).classify(sample)
    sure = CONFIDENCE_MIN if known_hint in ("", best) else SWITCH_MIN
    return best if confidence >= sure else known_hint


@functools.cache
def _identifier(languages: tuple[str, ...]) -> _Identifier:
    """The detector restricted to these languages: a copy that shares the model, made in a millisecond.

    So a plan that serves other languages keeps nobody's first message waiting for a model to load.
    """
    identifier = copy.copy(_model())
    identifier.set_languages(languages)
    return identifier


@functools.cache
def _model() -> _Identifier:
    """The detector for all languages. Loaded at first use, because it takes a second."""
    from py3langid.langid import (  # type: ignore[import-untyped]  # it ships no types
        MODEL_FILE,
        LanguageIdentifier,
    )

    identifier: _Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier
