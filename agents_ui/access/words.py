"""What people read when access says no, beside the stable code a page acts on."""

from typing import Final

TEXTS: Final = {
    "wrong": "Name or password is wrong.",
    "slow_down": "Too many attempts. Wait a moment, then try again.",
    "busy": "Many people are signing in just now. Try again in a moment.",
    "signed_out": "You are signed out. Sign in again.",
    "not_allowed": "Your role may not do this.",
    "must_change": "Choose a password of your own first.",
    "cross_site": "This request did not come from Muster's own pages.",
    "malformed": "This request could not be understood.",
    "too_large": "This request is too large.",
    "too_short": "Use at least 12 characters.",
    "too_long": "Use at most 1024 bytes.",
    "too_simple": "Use more different characters, and not your own name.",
    "no_pair": "There is no other site.",
    "same": "Choose a password that differs from the old one.",
    "not_found": "This is not here, or not yours to see.",
    "away": "The site cannot look this up just now. Try again in a moment.",
    "not_shown": "This is no picture, sound or video that can be shown here. Save it instead.",
    "not_saved": "This could not be saved. Try again.",
}


def refusal(code: str, **more: int) -> dict[str, object]:
    """The JSON body of a refusal: the code, its text, and values that go with it."""
    return {"ok": False, "code": code, "text": TEXTS[code], **more}
