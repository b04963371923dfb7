"""What administrators read when something is refused, beside the stable code the page acts on."""

from typing import Final

from agents_ui.access.words import TEXTS as ACCESS_TEXTS

TEXTS: Final = {
    "plan_wrong": "This plan contradicts itself; check it to see where.",
    "replaced": "Somebody put another plan in force meanwhile. Look at that one first.",
    "last_admin": "Nobody else is an administrator: make somebody one first.",
    "no_role": "There is no such role.",
    "no_day": "There is no such day.",
    "not_found": "There is nobody of this name.",
    "no_reason": "Say why: everybody who looks at it later wants to know.",
    "not_confirmed": "That is not this site's name: nothing was done.",
    "under_way": "Somebody does this at this moment: you see below how far it is.",
    "no_copy": "Nothing of the other site was ever copied here: start the role `peer` at both (`muster up`).",
    "no_words": "The plan has no notice of the kind text-off: write first what texters are to hear.",
}


def refusal(code: str) -> dict[str, object]:
    """The JSON body of a refusal."""
    return {"ok": False, "code": code, "text": TEXTS.get(code) or ACCESS_TEXTS[code]}
