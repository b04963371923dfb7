"""What agents are told of a place in a customer's words that cannot be resolved here."""

from typing import Final

from router.places.aml import is_aml
from router.places.written import SHORT_CODE, SHORT_LINK, THREE_WORDS, read_places

_NOTICES: Final = {
    SHORT_LINK: "{} is a short link to a map. It is not opened here: ask for the place in another form.",
    SHORT_CODE: "{} is the short form of a plus code. It needs a town to go with it: ask which.",
    THREE_WORDS: "{} is a what3words address. It cannot be resolved here: ask for the place in another form.",
}

AML: Final = "Not somebody's words: a telephone's own report of where it is, during an emergency call (AML)."


def place_notice(text: str) -> str:
    """The sentences; empty where there is nothing to tell. Cheap for words without such signs."""
    if is_aml(text):
        return AML
    if "+" not in text and "/" not in text:
        return ""
    return " ".join(_NOTICES[kind].format(written) for kind, written in read_places(text).unresolved)
