"""Which ways to call a plan has: from the page, by a number; and what its accounts can do with a call."""

from typing import Final

from config.plan import AccountPlan, Plan
from router.channels.web_call import WEB_CALL

VOICE: Final = "voice"


def takes_calls(plan: Plan) -> bool:
    """Whether calls can come in at all, so that agents need a microphone."""
    return any(account.channel == VOICE for account in plan.accounts)


def web_call_account(plan: Plan) -> str:
    """The account of calls from the customer's page; empty where there is none."""
    found = (account.account_id for account in plan.accounts if account.provider == WEB_CALL)
    return next(found, "")


def number_to_call(plan: Plan) -> str:
    """A number of ours that a customer can call instead; empty where there is none."""
    voice = (each for each in plan.accounts if each.channel == VOICE and each.provider != WEB_CALL)
    return next((each.address for each in voice if each.address.startswith("+")), "")


def account_of(plan: Plan, account_id: str) -> AccountPlan | None:
    """The plan's account; None when it is not in the plan any more."""
    return next((each for each in plan.accounts if each.account_id == account_id), None)
