"""Whether a plan has calls at all: what the supervisor of the roles asks before it starts this one."""

from config.plan import Plan

SIP = "sip"
WEB_CALL = "web-call"
TWILIO_VOICE = "twilio-voice"


def has_calls(plan: Plan) -> bool:
    """Whether it has an account by which calls come to the voice process."""
    return any(each.provider in (SIP, WEB_CALL, TWILIO_VOICE) for each in plan.accounts)


def has_trunk(plan: Plan) -> bool:
    """Whether they come from a telephone network, so that a port has to be open for it."""
    return any(each.provider == SIP for each in plan.accounts)
