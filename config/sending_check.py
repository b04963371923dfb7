"""What is wrong with how a plan sends: templates, other ways, rates, and what Muster itself says."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from config.plan import AccountPlan, NoticePlan, Plan, TemplatePlan
from config.positions import Path
from config.providers import PROVIDERS, ProviderPlan
from config.templates import begins_or_ends_open, places_of
from config.words import NOTICES, TEMPLATE_CATEGORIES

Found = tuple[Path, str]

TEMPLATE_CHARACTERS_MAX: Final = 1_024
"""Meta's limit of a template's body, its places filled."""

NOTICE_CHARACTERS_MAX: Final = 480
"""Three text messages of the longest kind; a notice that nobody reads to its end warns nobody."""

_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2})?")
_ID: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


def contradictions(plan: Plan) -> Iterator[Found]:
    """Every contradiction in what is sent, and how."""
    for index, account in enumerate(plan.accounts):
        path: Path = ("accounts", index)
        provider = PROVIDERS.get(account.provider)
        if provider is not None:
            yield from _templates(account, provider, path)
            yield from _time(account, provider, path)
        yield from _fallback(plan, account, path)
        yield from _rates(account, path)
    yield from _notices(plan)


def _templates(account: AccountPlan, provider: ProviderPlan, path: Path) -> Iterator[Found]:
    if account.templates and not provider.templates:
        yield (*path, "templates"), f"{account.provider!r} has no templates"
        return
    for index, template in enumerate(account.templates):
        place = (*path, "templates", index)
        before = account.templates[:index]
        if template.template_id in [each.template_id for each in before]:
            yield (*place, "id"), f"{template.template_id!r} is the id of another template of this account"
        if (template.name, template.language) in [(each.name, each.language) for each in before]:
            yield (*place, "name"), f"{template.name!r} in {template.language!r} is there already"
        yield from _template(template, place)


def _template(template: TemplatePlan, path: Path) -> Iterator[Found]:
    if not _ID.fullmatch(template.template_id) or len(template.template_id) > 40:
        yield (*path, "id"), f"{template.template_id!r} cannot be an id: small letters, digits and hyphens"
    if not _NAME.fullmatch(template.name):
        yield (*path, "name"), f"{template.name!r} is no name of a template: small letters, digits and _"
    if not _LANGUAGE.fullmatch(template.language):
        yield (*path, "language"), f"{template.language!r} is no language of a template; one is 'en_US'"
    if template.category not in TEMPLATE_CATEGORIES:
        yield (*path, "category"), f"a category is one of {', '.join(TEMPLATE_CATEGORIES)}"
    text, places = template.text, places_of(template.text)
    if not text.strip():
        yield (*path, "text"), "a template needs its text, as the provider approved it"
    elif len(text) > TEMPLATE_CHARACTERS_MAX:
        yield (*path, "text"), f"a template has at most {TEMPLATE_CHARACTERS_MAX} characters"
    elif "{{" in text:
        yield (*path, "text"), "here a place is written {1}, with one bracket on each side"
    elif places != tuple(range(1, len(places) + 1)):
        yield (*path, "text"), f"places are numbered from {{1}} without a gap, not {places}"
    elif begins_or_ends_open(text):
        yield (*path, "text"), "no provider approves a text that begins or ends with a place"


def _time(account: AccountPlan, provider: ProviderPlan, path: Path) -> Iterator[Found]:
    after_ms, place = account.fallback_after_ms, (*path, "fallback_after_ms")
    if after_ms < 0:
        yield place, f"fallback_after_ms is at least 0, not {after_ms}"
    elif after_ms and not account.fallback:
        yield place, "there is no other way yet: name accounts in fallback"
    elif after_ms and not provider.tells_delivery:
        words = f"{account.provider!r} never says that a message was delivered: every one would go twice"
        yield place, words


def _fallback(plan: Plan, account: AccountPlan, path: Path) -> Iterator[Found]:
    others = {each.account_id: each for each in plan.accounts}
    for index, account_id in enumerate(account.fallback):
        place = (*path, "fallback", index)
        other = others.get(account_id)
        if account_id == account.account_id:
            yield place, f"{account_id!r} cannot be its own other way"
        elif account_id in account.fallback[:index]:
            yield place, f"{account_id!r} is there twice"
        elif other is None:
            names = ", ".join(sorted(set(others) - {account.account_id})) or "none"
            yield place, f"there is no account {account_id!r}; there are {names}"
        elif other.channel in ("voice", "partner"):
            yield place, f"{account_id!r} takes no written messages for people"


def _rates(account: AccountPlan, path: Path) -> Iterator[Found]:
    for name in ("per_second", "people_per_day"):
        if getattr(account, name) < 0:
            yield (*path, name), f"{name} is at least 0 (no limit), not {getattr(account, name)}"
    if account.people_per_day and not account.templates:
        yield (*path, "people_per_day"), "it limits templates, and this account has none"
    if account.per_second > 0 and account.channel == "voice":
        yield (*path, "per_second"), "calls are not messages"


def _notices(plan: Plan) -> Iterator[Found]:
    first = plan.site.languages[:1]
    kinds: dict[str, list[str]] = {}
    for index, notice in enumerate(plan.notices):
        path: Path = ("notices", index)
        yield from _notice(notice, plan.site.languages, path)
        known = kinds.setdefault(notice.kind, [])
        if notice.language in known:
            yield (*path, "language"), f"{notice.kind!r} is said in {notice.language!r} already"
        known.append(notice.language)
    for kind, languages in kinds.items():
        if kind in NOTICES and first and first[0] not in languages:
            yield (
                ("notices",),
                f"{kind!r} must be said in {first[0]!r} too: who writes another language reads it",
            )


def _notice(notice: NoticePlan, languages: Sequence[str], path: Path) -> Iterator[Found]:
    if notice.kind not in NOTICES:
        yield (*path, "kind"), f"there is no notice {notice.kind!r}; there are {', '.join(NOTICES)}"
    if notice.language not in languages:
        yield (*path, "language"), f"the site does not serve the language {notice.language!r}"
    if not notice.text.strip():
        yield (*path, "text"), "a notice needs words"
    elif len(notice.text) > NOTICE_CHARACTERS_MAX:
        yield (*path, "text"), f"a notice has at most {NOTICE_CHARACTERS_MAX} characters"
