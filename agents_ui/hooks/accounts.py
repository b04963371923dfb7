"""The accounts of the plan in force that take webhooks, as one web process knows them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account, CallProvider, Provider
from router.channels.providers import CALL_PROVIDERS, PROVIDERS

RENEW_S: Final = 5.0

_BY_WEBHOOK: Final[Mapping[str, Provider | CallProvider]] = {**PROVIDERS, **CALL_PROVIDERS}


@dataclass(frozen=True, slots=True)
class Hooked:
    """One account with its provider. Shape: account is None as long as its secret is missing."""

    account: Account | None
    provider: Provider | CallProvider
    body_bytes_max: int


class HookedAccounts:
    """Looks accounts up by id. Secrets are read again when another plan is in force, or one seems wrong."""

    def __init__(self, plan: Callable[[], Plan], settings: Settings) -> None:
        self._plan = plan
        self._settings = settings
        self._known: Mapping[str, Hooked] = {}
        self._digest = ""
        self._read_at_s = 0.0

    def find(self, account_id: str) -> Hooked | None:
        """The account; None where the plan has none of this id that takes webhooks."""
        return self.every().get(account_id)

    def renewed(self, account_id: str) -> Hooked | None:
        """The account with the secrets of now, if they are others than before. Asked when one seems wrong.

        Files are read at most once in RENEW_S, however many knock with a wrong signature.
        """
        now_s = time.monotonic()
        if now_s - self._read_at_s < RENEW_S:
            return None
        before = self.every().get(account_id)
        self._read(self._plan())
        after = self._known.get(account_id)
        return after if after is not None and after != before else None

    def fresh(self) -> Mapping[str, Hooked]:
        """All of them, with the secrets of now."""
        self._read(self._plan())
        return self._known

    def every(self) -> Mapping[str, Hooked]:
        """All of them, by id."""
        plan = self._plan()
        if plan.digest != self._digest:
            self._read(plan)
        return self._known

    def _read(self, plan: Plan) -> None:
        self._known = _hooked(plan, self._settings)
        self._digest = plan.digest
        self._read_at_s = time.monotonic()


def _hooked(plan: Plan, settings: Settings) -> Mapping[str, Hooked]:
    ready = load_accounts(plan, settings)
    limits = {channel.channel_id: channel.body_bytes_max for channel in plan.channels}
    return {
        each.account_id: Hooked(
            account=ready.get(each.account_id),
            provider=_BY_WEBHOOK[each.provider],
            body_bytes_max=limits[each.channel],
        )
        for each in plan.accounts
        if each.provider in _BY_WEBHOOK
    }
