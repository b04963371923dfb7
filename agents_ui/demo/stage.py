"""Sets the stage of a demo: every account of the plan gets a secret and a provider that is played here.

So a demo of any plan, also of a real one, sends nothing to anybody outside this machine.
"""

import os
import secrets
import socket
from dataclasses import replace
from typing import Final

from config.account_check import variable_of
from config.plan import AccountPlan, Plan
from config.plan_file import parse_plan
from config.problems import PlanWrong
from config.settings import Settings

SCHEMES: Final = {"smtp": "smtp"}
"""By provider; all others speak HTTP."""


def staged(settings: Settings) -> Settings:
    """The settings with which a demo of this plan starts. A wrong plan is left for others to refuse."""
    try:
        plan = parse_plan(settings.plan_file.read_text(encoding="utf-8"), file_name=str(settings.plan_file))
    except (OSError, UnicodeDecodeError, PlanWrong):
        return settings
    for account in plan.accounts:
        _keep_secret(account, settings)
    return replace(settings, endpoints={**played_endpoints(plan), **settings.endpoints})


def played_endpoints(plan: Plan) -> dict[str, str]:
    """Where the providers of a plan could be played, by account: a free port each."""
    return {
        each.account_id: f"{SCHEMES.get(each.provider, 'http')}://127.0.0.1:{_free_port()}"
        for each in plan.accounts
    }


def _keep_secret(account: AccountPlan, settings: Settings) -> None:
    """Draw the secret, unless there is one."""
    path = settings.data_dir / "secrets" / account.secret
    if not account.secret or path.exists() or variable_of(account.secret) in settings.secrets:
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(16) + "\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
