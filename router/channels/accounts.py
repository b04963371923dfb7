"""Makes the accounts of a plan ready to use: each with its secret and the address its provider reaches us by.

Secrets stand in the environment or in the data folder, never in a plan, a journal or a log. Read once, in the
composition roots: a secret that is changed counts from the next start of the role.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.account_check import variable_of
from config.plan import AccountPlan, Plan
from config.settings import Settings
from router.channels.port import Account

HOOKS: Final = "/hooks"
"""Under this path each account has its webhook, by its id."""

SECRET_BYTES_MAX: Final = 65_536
"""More than any key; a larger file is something else."""

_log = logging.getLogger("muster.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSecret:
    """An account that cannot be used, and where its secret is looked for."""

    account_id: str
    variable: str
    file: str


def load_accounts(plan: Plan, settings: Settings) -> Mapping[str, Account]:
    """The accounts that can be used, by id. One whose secret is missing is not among them."""
    own = {account.address for account in plan.accounts}
    found: dict[str, Account] = {}
    for each in plan.accounts:
        secret = _secret(each, settings)
        if secret is not None:
            found[each.account_id] = Account(
                account_id=each.account_id,
                channel=each.channel,
                provider=each.provider,
                address=each.address,
                secret=secret,
                endpoint=settings.endpoints.get(each.account_id, each.endpoint),
                public_url=f"{public_base(settings)}{HOOKS}/{each.account_id}",
                options=dict(each.options),
                unlinked=frozenset(own | set(each.shared)),
            )
    return found


def missing_secrets(plan: Plan, settings: Settings) -> tuple[MissingSecret, ...]:
    """The accounts that cannot be used, in the plan's order."""
    return tuple(
        MissingSecret(
            account_id=each.account_id,
            variable=variable_of(each.secret),
            file=str(settings.data_dir / "secrets" / each.secret),
        )
        for each in plan.accounts
        if _secret(each, settings) is None
    )


def public_base(settings: Settings) -> str:
    """Scheme, name and port by which others reach this site, without a slash at the end."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}"


def _secret(account: AccountPlan, settings: Settings) -> bytes | None:
    """The secret's bytes, without the white space around them; empty where none is asked for."""
    if not account.secret:
        return b""
    named = settings.secrets.get(variable_of(account.secret), "").strip()
    if named:
        return named.encode("utf-8", "surrogateescape")
    try:
        with (settings.data_dir / "secrets" / account.secret).open("rb") as file:
            kept = file.read(SECRET_BYTES_MAX).strip()
    except FileNotFoundError:
        return None
    except OSError as problem:
        _log.warning("secret cannot be read account=%s error=%s", account.account_id, type(problem).__name__)
        return None
    return kept or None
