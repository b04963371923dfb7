"""What a provider's network says to callers when everything of ours is down (`muster voice fallback`).

The document stands at the provider (a TwiML Bin as the number's fallback URL), so it holds nothing of ours
but words: it is printed before it is needed.
"""

from typing import Final

from config.plan import AccountPlan, Plan
from router.channels import twiml
from router.channels.spoken import spoken_to
from router.channels.web_call import TWILIO_VOICE

CALLS_DOWN: Final = "calls-down"
"""Kind of the notice that has the plan's own words."""


def holding_accounts(plan: Plan) -> list[AccountPlan]:
    """The accounts by which a provider holds calls for us."""
    return [each for each in plan.accounts if each.provider == TWILIO_VOICE]


def document(plan: Plan, account: AccountPlan) -> str:
    """The words of the plan in every language of the account, and the number where help is then."""
    options = dict(account.options)
    named = [each.strip() for each in str(options.get("languages", "")).split(",") if each.strip()]
    languages = spoken_to("", named or plan.site.languages[:1])
    words = {each.language: each.text for each in plan.notices if each.kind == CALLS_DOWN}
    return twiml.emergency(languages, words, str(options.get("emergency_number", "")))
