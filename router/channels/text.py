"""Words between the wire, content on disk and screens. What arrived stays; what is shown is clean."""

from typing import Final

NUL_SHOWN: Final = "\u2400"
"""A NUL is shown as its picture: databases and screens do strange things with the real one."""

_REPLACEMENT: Final = "\ufffd"


def kept(text: str) -> bytes:
    """The bytes to keep for this text, exactly: lone surrogates (`\\ud800` in JSON) and NUL included."""
    return text.encode("utf-8", "surrogatepass")


def sendable(text: str) -> str:
    """The words as a provider's API can take them: what is valid stays as it is."""
    return shown(kept(text))


def shown(body: bytes) -> str:
    """The text to show, read and put in JSON for these bytes: valid Unicode without NUL, whatever arrived."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = _decoded_badly(body)
    return text.replace("\0", NUL_SHOWN)


def _decoded_badly(body: bytes) -> str:
    try:
        text = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace")
    return "".join(_REPLACEMENT if "\ud800" <= sign <= "\udfff" else sign for sign in text)
