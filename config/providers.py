"""What each provider asks of an account in the plan. How they speak is router/channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPlan:
    """One provider as a plan sees it.

    Shape: channel is the one its accounts are of; address_kind is what their address is (phone | mail, or
           id: any name without spaces). needs and may name its options with their types: those without
           which nothing works, and the others.
           one_of are the values that an option can have; networks are options that name networks;
           together are options that are safe only beside another one.
           secrets are those it needs besides the account's own, which signs webhooks: each is found under
           the account's secret, a hyphen and its name.
           templates: it sends approved templates. tells_delivery: it says whether a message was delivered.
    """

    channel: str
    address_kind: str
    needs: Mapping[str, type] = field(default_factory=dict)
    may: Mapping[str, type] = field(default_factory=dict)
    needs_secret: bool = True
    characters_max: int = 0
    """More than this in one answer it refuses for good; 0: it has no such limit."""
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    together: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    """Schemes that its endpoint can have, where it needs one; empty: it can do without."""
    templates: bool = False
    tells_delivery: bool = False


RECORDING: Final = ("off", "announced", "on")
"""What is done about calls of an account: nothing, recorded after an announcement, recorded."""

OF_WEBHOOKS: Final[Mapping[str, type]] = {"peer_fallback": bool}
"""Options of every account with a webhook. peer_fallback: its provider was given the other site's address as
well, and tries it when this one does not answer."""

BY_ROLES: Final = ("imap", "sip", "smtp", "web-call")
"""Providers without a webhook: what comes by them is taken by roles of their own."""

PROVIDERS: Final[Mapping[str, ProviderPlan]] = {
    "twilio": ProviderPlan(
        channel="sms",
        address_kind="phone",
        needs={"account_sid": str},
        may={"messaging_service_sid": str, "own_opt_out": bool},
        characters_max=1_600,  # Twilio's error 21617
        tells_delivery=True,
    ),
    "aml": ProviderPlan(channel="partner", address_kind="id", may={"unsigned": bool}),
    "instagram": ProviderPlan(
        channel="instagram",
        address_kind="id",
        may={"human_agent": bool},
        secrets=("access-token", "verify-token"),
        characters_max=1_000,
    ),
    "line": ProviderPlan(channel="line", address_kind="id", secrets=("access-token",), characters_max=5_000),
    "messenger": ProviderPlan(
        channel="messenger",
        address_kind="id",
        may={"human_agent": bool},
        secrets=("access-token", "verify-token"),
        characters_max=2_000,
        tells_delivery=True,
    ),
    "partner": ProviderPlan(channel="partner", address_kind="id", may={"vouched": bool}, tells_delivery=True),
    "telegram": ProviderPlan(
        channel="telegram", address_kind="id", secrets=("bot-token",), characters_max=4_096
    ),
    "viber": ProviderPlan(
        channel="viber",
        address_kind="id",
        may={"from_name": str},
        characters_max=7_000,
        tells_delivery=True,
    ),
    "whatsapp": ProviderPlan(
        channel="whatsapp",
        address_kind="phone",
        needs={"phone_number_id": str},
        secrets=("access-token", "verify-token"),
        characters_max=4_096,
        templates=True,
        tells_delivery=True,
    ),
    "sip": ProviderPlan(
        channel="voice",
        address_kind="phone",
        needs={"upstream": str},
        may={"display": str, "recording": str, "user": str},
        needs_secret=False,
        one_of={"recording": RECORDING},
        networks=("upstream",),
    ),
    "twilio-voice": ProviderPlan(
        channel="voice",
        address_kind="phone",
        needs={"account_sid": str, "sip_account": str},
        may={"languages": str, "recording": str, "sip_address": str, "emergency_number": str},
        one_of={"recording": RECORDING},
    ),
    "web-call": ProviderPlan(
        channel="voice",
        address_kind="id",
        may={"recording": str},
        needs_secret=False,
        one_of={"recording": RECORDING},
    ),
    "imap": ProviderPlan(
        channel="mail",
        address_kind="mail",
        needs={"user": str},
        may={
            "after": str,
            "answers_by": str,
            "begin": str,
            "folder": str,
            "from_name": str,
            "starttls": str,
            "trusted_authserv": str,
        },
        one_of={"begin": ("all", "new"), "starttls": ("required", "opportunistic", "none")},
        endpoints=("imaps", "imap"),
    ),
    "smtp": ProviderPlan(
        channel="mail",
        address_kind="mail",
        may={
            "from_name": str,
            "starttls": str,
            "trusted_authserv": str,
            "upstream": str,
            "user": str,
        },
        one_of={"starttls": ("required", "opportunistic", "none")},
        networks=("upstream",),
        together={"trusted_authserv": "upstream"},
    ),
}
"""By the name that stands in the plan. tests/contracts checks that each has a module, and each module one."""
