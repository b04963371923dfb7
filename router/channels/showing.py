"""What a kept body says to people, by the media type it was kept under. For desks, triage and history alike.

What arrived stays byte for byte; reading it is a function that can be mended later, for old messages too.
"""

import logging
from typing import Final

from router.channels import located, sip, template
from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.channels.mail_head import head_of
from router.channels.port import Shown
from router.channels.providers import CALL_PROVIDERS, PROVIDERS
from router.channels.text import shown
from router.channels.web_call import shown_of_call

MAIL_BYTES_SHOWN: Final = 8_000

_log = logging.getLogger("muster.showing")


def shown_of(media_type: str, body: bytes) -> Shown:
    """The words of this body and what it points to. What nobody can read is shown as it is; never raises.

    Many are read out in one go (by intake, for desks): a mistake of ours with one may not take others along.
    """
    try:
        return _read(media_type, body)
    except Exception as mistake:  # noqa: BLE001 - content never causes loss
        _log.error("a body not read out media_type=%s error=%s", media_type, type(mistake).__name__)
        return Shown(text=shown(body))


def _read(media_type: str, body: bytes) -> Shown:
    for provider in PROVIDERS.values():
        if provider.media_type == media_type:
            return provider.shown(body)
    for network in CALL_PROVIDERS.values():
        if network.media_type == media_type:
            return network.shown(body)
    if media_type == sip.media_type:
        return sip.shown(body)
    if media_type == located.MEDIA_TYPE:
        return located.shown_place(body)
    if media_type == template.MEDIA_TYPE:
        kept = template.read(body)
        return Shown(text=shown(body) if kept is None else kept.text)
    if (call := shown_of_call(media_type, body)) is not None:
        return call
    if media_type == MAIL:  # One that is not read yet, or could not be: its first words as they came.
        return Shown(text=shown(body[head_of(body).body_at :][:MAIL_BYTES_SHOWN]))
    return Shown(text=shown(body))


def says_the_same(media_type: str, one: bytes, other: bytes) -> bool:
    """Whether two bodies under one id of a provider are one message, delivered twice.

    A provider's second try may bear fields that the first had not: Twilio adds why the first one failed.
    """
    if one == other or any(each.media_type == media_type for each in CALL_PROVIDERS.values()):
        return True  # a call says nothing: its id is all there is
    provider = next((each for each in PROVIDERS.values() if each.media_type == media_type), None)
    if provider is None or provider.can.chosen_ids:
        return False
    return provider.shown(one) == provider.shown(other)
