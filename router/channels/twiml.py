"""TwiML: what Twilio's telephone network is told to do with a caller. Documents only, no opinion.

Source: twilio.com/docs, voice/twiml: Enqueue, Say, Pause, Redirect, Dial, Sip, Hangup. What waits in a queue
may hear Say, Play, Pause and Redirect only. A document that ends without one of these hangs up.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from router.channels.port import Answer, HeldCall
from router.channels.spoken import WORDS, Words

VOICES: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("en-US", "Polly.Joanna"),
    "es": ("es-US", "Polly.Penelope"),
    "fr": ("fr-FR", "Polly.Celine"),
    "de": ("de-DE", "Polly.Vicki"),
    "nl": ("nl-NL", "Polly.Lotte"),
    "ar": ("arb", "Polly.Zeina"),
    "zh": ("cmn-CN", "Polly.Zhiyu"),
    "ru": ("ru-RU", "Polly.Tatyana"),
    "uk": ("uk-UA", "Google.uk-UA-Standard-A"),
}
"""Language and voice by our language. Both, because a voice that does not know the language says nothing."""

PAUSE_S: Final = 5
"""Between two looks at the place in line: a change is heard within this and the sentence before it."""

SAY_AGAIN: Final = 6
"""Looks without a change until somebody who waits hears that they were not forgotten."""

DIAL_S: Final = 20
DAY_S: Final = 86_400
"""The longest that a call may take there; by default it would be cut off after four hours."""

QUEUE: Final = "muster"


def enqueue(hook: str, held: HeldCall) -> Answer:
    """Greet, and keep the call in the network's queue."""
    said = [_say(each, _greeting(WORDS[each], held)) for each in held.languages]
    return answer(*said, _enqueue(hook))


def wait_again(hook: str) -> Answer:
    """Back in the queue, without a greeting."""
    return answer(_enqueue(hook))


def waiting(hook: str, held: HeldCall, *, told: int, turn: int, queued: bool = True) -> Answer:
    """The place in line where it is another one, else silence; then the network asks again.

    told and turn stand in the address that it asks next: nobody has to remember what a caller has heard.
    """
    language = held.languages[0]
    words = WORDS[language]
    fresh = bool(held.position) and held.position != told
    said = []
    if fresh:
        said.append(_say(language, words.first if held.position == 1 else words.place.format(held.position)))
    elif turn >= SAY_AGAIN:
        said.append(_say(language, words.stay))
    turn = 0 if said else turn + 1
    path = "wait" if queued else "held"
    again = f"{hook}/{path}?told={held.position or told}&turn={turn}"
    return answer(*said, f'<Pause length="{PAUSE_S}"/>', _redirect(again))


def ask_again(hook: str) -> Answer:
    """Silence for a second, then look anew where the call stands."""
    return answer('<Pause length="1"/>', _redirect(f"{hook}/returned"))


def dial(uri: str, hook: str) -> str:
    """Connect the caller with this SIP address; the document as text, for the API."""
    action = quoteattr(f"{hook}/returned")
    limits = f'timeout="{DIAL_S}" timeLimit="{DAY_S}"'
    return _document(f'<Dial {limits} action={action} method="POST"><Sip>{_text(uri)}</Sip></Dial>')


def hang_up() -> Answer:
    """The call is over."""
    return answer("<Hangup/>")


def emergency(languages: Sequence[str], words: Mapping[str, str], number: str) -> str:
    """What the network says by itself when everything here is down: twice, in each language.

    Shape: words are the plan's own, by language; number is where help is then, spoken digit by digit, and
           called where it is a whole number (+…). Short codes as 911 cannot be called by the network.
    """
    said = []
    for language in languages:
        known = WORDS[language]
        called = known.call.format(" ".join(number.lstrip("+"))) if number else ""
        said.append(_say(language, " ".join(filter(None, (words.get(language) or known.down, called)))))
    called = f"<Dial>{_text(number)}</Dial>" if number.startswith("+") else ""
    return _document(*said, '<Pause length="1"/>', *said, called)


def answer(*verbs: str) -> Answer:
    """A document as the answer to a webhook."""
    return Answer(media_type="text/xml", body=_document(*verbs).encode())


def _greeting(words: Words, held: HeldCall) -> str:
    return f"{words.greeting} {words.recorded}" if held.recorded else words.greeting


def _enqueue(hook: str) -> str:
    wait, left = quoteattr(f"{hook}/wait"), quoteattr(f"{hook}/queue-left")
    return f'<Enqueue waitUrl={wait} waitUrlMethod="POST" action={left} method="POST">{QUEUE}</Enqueue>'


def _redirect(url: str) -> str:
    return f'<Redirect method="POST">{_text(url)}</Redirect>'


def _say(language: str, text: str) -> str:
    code, voice = VOICES[language]
    return f'<Say language="{code}" voice="{voice}">{_text(text)}</Say>'


def _text(text: str) -> str:
    """XML has no way to write most control characters, and one of them would void the whole document."""
    return escape("".join(sign if sign.isprintable() else " " for sign in text))


def _document(*verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'
