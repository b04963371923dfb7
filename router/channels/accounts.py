"""Makes the accounts of a plan ready to use: each with its secret and the address its provider reaches us by.

Secrets stand in the environment or in the data folder, never in a plan, a journal or a log. Read once, in the
composition roots: a secret that is changed counts from the next start of the role.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.account_check import secrets_of, variable_of
from config.plan import Plan
from config.settings import Settings
from router.channels.port import Account

HOOKS: Final = "/hooks"
"""Under this path each account has its webhook, by its id."""

SECRET_BYTES_MAX: Final = 65_536
"""More than any key; a larger file is something else."""

_log = logging.getLogger("muster.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingSecret:
    """An account that cannot be used, and where a secret that it lacks is looked for."""

    account_id: str
    variable: str
    file: str


def load_accounts(plan: Plan, settings: Settings) -> Mapping[str, Account]:
    """The accounts that can be used, by id. One that lacks a secret is not among them."""
    own = {account.address for account in plan.accounts}
    found: dict[str, Account] = {}
    for each in plan.accounts:
        secrets = {what: secret_of(name, settings) for what, name in secrets_of(each).items()}
        ready = {what: secret for what, secret in secrets.items() if secret is not None}
        if len(ready) == len(secrets):
            found[each.account_id] = Account(
                account_id=each.account_id,
                channel=each.channel,
                provider=each.provider,
                address=each.address,
                secret=ready.pop("", b""),
                endpoint=settings.endpoints.get(each.account_id, each.endpoint),
                public_url=f"{public_base(settings)}{HOOKS}/{each.account_id}",
                options=dict(each.options),
                unlinked=frozenset(own | set(each.shared)),
                secrets=ready,
                per_second=each.per_second,
            )
    return found


def missing_secrets(plan: Plan, settings: Settings) -> tuple[MissingSecret, ...]:
    """What accounts lack that cannot be used, in the plan's order."""
    return tuple(
        MissingSecret(
            account_id=each.account_id,
            variable=variable_of(name),
            file=str(settings.data_dir / "secrets" / name),
        )
        for each in plan.accounts
        for name in secrets_of(each).values()
        if secret_of(name, settings) is None
    )


def public_base(settings: Settings) -> str:
    """Scheme, name and port by which others reach this site, without a slash at the end."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}"


def secret_of(name: str, settings: Settings) -> bytes | None:
    """The secret's bytes, without the white space around them."""
    named = settings.secrets.get(variable_of(name), "").strip()
    if named:
        return named.encode("utf-8", "surrogateescape")
    try:
        with (settings.data_dir / "secrets" / name).open("rb") as file:
            kept = file.read(SECRET_BYTES_MAX).strip()
    except FileNotFoundError:
        return None
    except OSError as problem:
        _log.warning("secret cannot be read name=%s error=%s", name, type(problem).__name__)
        return None
    return kept or None
