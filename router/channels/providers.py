"""The providers of webhook channels, by the name that stands in the plan. One line a provider."""

from collections.abc import Mapping
from typing import Final

from router.channels import (
    aml_form,
    line,
    messenger,
    telegram,
    twilio_sms,
    twilio_voice,
    viber,
    webhook_json,
    whatsapp,
)
from router.channels.port import CallProvider, Capabilities, Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    "aml": aml_form,
    "instagram": messenger.INSTAGRAM,
    "line": line,
    "messenger": messenger.MESSENGER,
    "partner": webhook_json,
    "telegram": telegram,
    "twilio": twilio_sms,
    "viber": viber,
    "whatsapp": whatsapp,
}

CHANNELS: Final[Mapping[str, Capabilities]] = {each.can.channel: each.can for each in PROVIDERS.values()}
"""What each channel with a provider can do."""

CALL_PROVIDERS: Final[Mapping[str, CallProvider]] = {"twilio-voice": twilio_voice}
"""Those that hold calls for us: their webhooks are about calls, and nothing is sent by them."""
