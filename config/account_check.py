"""What is wrong with the accounts of a plan: names nobody knows, and what a provider lacks."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from config.networks import networks_of
from config.plan import AccountPlan, Plan
from config.positions import Path
from config.providers import BY_ROLES, OF_WEBHOOKS, PROVIDERS, ProviderPlan
from config.words import SPOKEN

Found = tuple[Path, str]

SECRET_NAME: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
"""Also a file name and, in capitals with _ for -, an environment variable."""

PHONE: Final = re.compile(r"\+[1-9][0-9]{5,14}|[0-9]{3,8}")
"""E.164 with its plus, or a short code."""

MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")

ID: Final = re.compile(r"[^\s\x00-\x1f]{1,100}")
"""A page's number, a bot's name: whatever the provider calls it."""

SIP: Final = re.compile(r"sip:([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?(;transport=(udp|tcp))?", re.I)
"""Where calls go out: a trunk's address."""

_SCHEMES: Final = ("https", "http", "smtp", "smtps", "imap", "imaps")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_KINDS: Final = {
    "phone": (PHONE, "+15551230100"),
    "mail": (MAIL, "help@example.org"),
    "id": (ID, "106540352242922"),
}
_SPOKEN: Final = {str: "text in quotes", int: "a whole number", bool: "true or false"}


def contradictions(plan: Plan) -> Iterator[Found]:
    """Every contradiction in the accounts."""
    channels = [channel.channel_id for channel in plan.channels]
    characters = {each.channel_id: each.message_characters_max for each in plan.channels}
    addresses: dict[tuple[str, str], str] = {}
    secrets: dict[str, str] = {}
    for index, account in enumerate(plan.accounts):
        path: Path = ("accounts", index)
        if account.channel not in channels:
            names = ", ".join(sorted(channels)) or "none"
            yield (*path, "channel"), f"there is no channel {account.channel!r}; there are {names}"
        provider = PROVIDERS.get(account.provider)
        if provider is None:
            names = ", ".join(sorted(PROVIDERS))
            yield (*path, "provider"), f"there is no provider {account.provider!r}; there are {names}"
        else:
            yield from _account(account, provider, path)
            yield from _held_calls(account, plan, path)
            if 0 < provider.characters_max < characters.get(account.channel, 0):
                most = f"{account.provider!r} takes answers of at most {provider.characters_max} characters"
                yield (*path, "channel"), f"{most}: set message_characters_max of the channel"
        key = account.channel, account.address.casefold()
        if key in addresses:
            yield (
                (*path, "address"),
                f"account {addresses[key]!r} has the address {account.address!r} already",
            )
        addresses.setdefault(key, account.account_id)
        yield from _secret_name(account, secrets, path)


def _account(account: AccountPlan, provider: ProviderPlan, path: Path) -> Iterator[Found]:
    if account.channel != provider.channel:
        words = f"{account.provider!r} serves the channel {provider.channel!r}, not {account.channel!r}"
        yield (*path, "channel"), words
    pattern, example = _KINDS[provider.address_kind]
    if not pattern.fullmatch(account.address):
        yield (*path, "address"), f"{account.address!r} is no address of this kind; one is {example!r}"
    for index, address in enumerate(account.shared):
        if not address.strip():
            yield (*path, "shared", index), "an empty address is nobody's"
        if address in account.shared[:index]:
            yield (*path, "shared", index), f"{address!r} is there twice"
    if provider.needs_secret and not account.secret:
        yield (
            (*path, "secret"),
            f"{account.provider!r} needs a secret: give its name, e.g. {account.account_id!r}",
        )
    yield from _endpoint(account, provider, path)
    yield from _options(account, provider, path)
    if account.provider == "sip":
        yield from _trunk(account, path)


def _trunk(account: AccountPlan, path: Path) -> Iterator[Found]:
    options = dict(account.options)
    display, upstream = options.get("display"), str(options.get("upstream", ""))
    if options.get("user") and not account.secret:
        words = f"a trunk that knows our user wants a password: name a secret, e.g. {account.account_id!r}"
        yield (*path, "secret"), words
    if isinstance(display, str) and display and not PHONE.fullmatch(display):
        words = f"{display!r} is no number that can be shown; one is '+15551230100'"
        yield (*path, "options", "display"), words
    if _are_networks(upstream) and any(each.prefixlen == 0 for each in networks_of(upstream)):
        yield (*path, "options", "upstream"), "everybody could send us calls: name the networks of the trunk"


def _held_calls(account: AccountPlan, plan: Plan, path: Path) -> Iterator[Found]:
    """A network that holds calls for us sends them to a trunk of ours, and speaks to callers."""
    options = dict(account.options)
    trunk = options.get("sip_account")
    trunks = [each.account_id for each in plan.accounts if each.provider == "sip"]
    if trunk and trunk not in trunks:
        names = ", ".join(trunks) or "none"
        yield (*path, "options", "sip_account"), f"there is no account {trunk!r} of 'sip'; there are {names}"
    spoken = str(options.get("languages", "")).split(",") if options.get("languages") else []
    for language in spoken:
        if account.provider == "twilio-voice" and language.strip() not in SPOKEN:
            words = f"nobody is spoken to in {language.strip()!r}; there are {', '.join(SPOKEN)}"
            yield (*path, "options", "languages"), words
    number = str(options.get("emergency_number", ""))
    if number and not PHONE.fullmatch(number):
        words = f"{number!r} is no number to call; one is '+15551230100' or '112'"
        yield (*path, "options", "emergency_number"), words
    address = str(options.get("sip_address", ""))
    if address and not SIP.fullmatch(f"sip:{address}"):
        yield (*path, "options", "sip_address"), f"{address!r} must be like sip.example.org:5060"


def _secret_name(account: AccountPlan, secrets: dict[str, str], path: Path) -> Iterator[Found]:
    if not account.secret:
        return
    if not SECRET_NAME.fullmatch(account.secret):
        words = "a secret is named here, it does not stand here: small letters, digits, single hyphens"
        yield (*path, "secret"), words
    for secret in secrets_of(account).values():
        variable = variable_of(secret)
        if secrets.setdefault(variable, secret) != secret:
            yield (*path, "secret"), f"{secrets[variable]!r} and {secret!r} are both {variable}"


def secrets_of(account: AccountPlan) -> dict[str, str]:
    """The names of an account's secrets by what they are to its provider; its own is to it "".

    The others' names begin with that of its own: nobody has to think of three names for one account.
    """
    if not account.secret:
        return {}
    provider = PROVIDERS.get(account.provider)
    others = {each: f"{account.secret}-{each}" for each in (provider.secrets if provider else ())}
    return {"": account.secret, **others}


def variable_of(secret: str) -> str:
    """The environment variable that holds the secret of this name."""
    return f"MUSTER_SECRET_{secret.upper().replace('-', '_')}"


def _endpoint(account: AccountPlan, provider: ProviderPlan, path: Path) -> Iterator[Found]:
    if account.endpoint and (wrong := endpoint_problem(account.endpoint)):
        yield (*path, "endpoint"), wrong
        return
    if account.endpoint and account.endpoint.lower().startswith("sip:") != (account.provider == "sip"):
        words = "calls of provider 'sip' go to an address like sip:trunk.example.org:5060, all else does not"
        yield (*path, "endpoint"), words
        return
    options, parts = dict(account.options), urlsplit(account.endpoint)
    if provider.endpoints and parts.scheme not in provider.endpoints:
        example = f"{provider.endpoints[0]}://mail.example.org"
        yield (*path, "endpoint"), f"{account.provider!r} needs an endpoint like {example}"
    answers_by = str(options.get("answers_by", ""))
    if answers_by and (endpoint_problem(answers_by) or urlsplit(answers_by).scheme not in ("smtp", "smtps")):
        words = f"{answers_by!r} is no mail server like smtp://mail.example.org:587"
        yield (*path, "options", "answers_by"), words
    perhaps_plain = parts.scheme == "smtp" and options.get("starttls", "required") != "required"
    if perhaps_plain and options.get("user") and parts.hostname not in _LOOPBACK:
        words = "would send the password in the clear, if only somebody wants it so: leave it out"
        yield (*path, "options", "starttls"), words


def endpoint_problem(endpoint: str) -> str:
    """What is wrong with the address of a provider's API or a mail server; empty when nothing is."""
    if endpoint[:4].lower() == "sip:":
        return "" if SIP.fullmatch(endpoint) else f"{endpoint!r} must be like sip:trunk.example.org:5060"
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"{endpoint!r} is no address"
    if parts.scheme not in _SCHEMES or not host or port == 0:
        return f"{endpoint!r} must be an address like https://api.example.org or smtp://mail.example.org:587"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return f"{endpoint!r} would send the secret in the clear: use https"
    if parts.username is not None or parts.query or parts.fragment:
        return "an endpoint has no user, query or fragment"
    return ""


def _are_networks(text: str) -> bool:
    try:
        return bool(networks_of(text))
    except ValueError:
        return False


def _options(account: AccountPlan, provider: ProviderPlan, path: Path) -> Iterator[Found]:
    given = dict(account.options)
    webhooks = {} if account.provider in BY_ROLES else OF_WEBHOOKS
    known = {**provider.needs, **provider.may, **webhooks}
    for name, value in account.options:
        place = (*path, "options", name)
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            yield place, f"{account.provider!r} has no option {name!r}; it has {names}"
        elif type(value) is not known[name]:
            yield place, f"the option {name!r} must be {_SPOKEN[known[name]]}"
        elif value == "":
            yield place, f"the option {name!r} is empty: leave it out, or say what it is"
        elif value not in provider.one_of.get(name, (value,)):
            yield place, f"the option {name!r} is one of {', '.join(provider.one_of[name])}"
        elif name in provider.networks and not _are_networks(str(value)):
            yield place, f"the option {name!r} must be addresses or networks, e.g. '10.0.0.5,10.1.0.0/16'"
    for name in provider.needs:
        if name not in given:
            yield (*path, "options"), f"{account.provider!r} needs the option {name!r}"
    for name, other in provider.together.items():
        if name in given and other not in given:
            yield (*path, "options", name), f"the option {name!r} is safe with {other!r} only: say that too"
