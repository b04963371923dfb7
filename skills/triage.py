"""What a contact needs: the plan's rules over what it says, where it comes from and when. Pure; never raises.

First match wins. Words are found as text.py says. What the result means for the waiting line is the core's.
"""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from config.conditions import WEEKDAYS, minute_of_day
from config.people import language_skill
from config.plan import ChannelPlan, Condition, Plan, RequirementPlan, Rule
from skills.language import detect
from skills.match import requirement_of
from skills.requirement import Requirement
from skills.text import Phrase, Text, found, is_silent, phrase, prepare

CHANNEL_RULE: Final = "channel"
"""Stands for a rule where none matched: the channel's own queue and urgency."""

UNKNOWN: Final = "unknown"
"""How a rule names the language of a text that is too short to tell."""

_HITS_MAX: Final = 5
"""How many words of one condition are told. The first ones say why; a long list says nothing more."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What triage looks at.

    Shape: earlier_language is that of the customer's earlier messages, or ""; repeats counts this customer's
           contacts of the last hour, this one included; attachments counts files: a photo is not silence;
           mail is what kind of mail it is (config.conditions.MAIL_KINDS), empty on other channels.
    """

    channel: str
    text: str
    at_ms: int
    address: str = ""
    earlier_language: str = ""
    repeats: int = 1
    attachments: int = 0
    mail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What triage makes of a contact.

    Shape: hits are the plan's own words and conditions that matched, never what only the customer wrote and
           never an address: they go into the journal, which must stay valid when a person is erased.
    """

    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    language: str
    hits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rule that was tried, and what of it matched. For people who ask why."""

    rule_id: str
    matched: bool
    hits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A contact with everything that conditions ask about worked out once."""

    contact: Contact
    text: Text
    language: str
    silent: bool
    minute: int
    weekday: str


class Triage:
    """The rules of one plan, made ready. Keeps nothing between contacts; several threads may use it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = zoneinfo.ZoneInfo(plan.site.time_zone)
        self._phrases: dict[str, Phrase] = {}
        for rule in plan.rules:
            self._make_ready(rule.when)

    def read(self, contact: Contact) -> Reading:
        """What this contact needs, by the first rule that matches, else by its channel's defaults."""
        seen = self._see(contact)
        for rule in self._plan.rules:
            hits = self._hits(rule.when, seen)
            if hits is not None:
                return self._reading(rule, seen, hits)
        return self._reading(None, seen, ())

    def tried(self, contact: Contact) -> tuple[Tried, ...]:
        """The rules that read() tries for this contact, in its order, the last one being what matched."""
        seen = self._see(contact)
        tried: list[Tried] = []
        for rule in self._plan.rules:
            hits = self._hits(rule.when, seen)
            tried.append(Tried(rule_id=rule.rule_id, matched=hits is not None, hits=hits or ()))
            if hits is not None:
                break
        return tuple(tried)

    def _reading(self, rule: Rule | None, seen: _Seen, hits: tuple[str, ...]) -> Reading:
        channel = self._channel(seen.contact.channel)
        queue_id = channel.queue_id if rule is None or rule.queue_id is None else rule.queue_id
        urgency = channel.urgency if rule is None or rule.urgency is None else rule.urgency
        asked = RequirementPlan() if rule is None else rule.requirement
        foreign = seen.language if seen.language != self._plan.site.languages[0] else ""
        if foreign and (rule is None or rule.language_skill):
            asked = RequirementPlan(
                require=(*asked.require, (language_skill(foreign), 1)),
                require_any=asked.require_any,
                forbid=asked.forbid,
                prefer=asked.prefer,
            )
        return Reading(
            queue_id=queue_id,
            urgency=urgency,
            requirement=requirement_of(asked),
            rule_id=CHANNEL_RULE if rule is None else rule.rule_id,
            language=seen.language,
            hits=hits,
        )

    def _channel(self, channel_id: str) -> ChannelPlan:
        """The channel of this id; the first one where a newer plan no longer has it."""
        channels = self._plan.channels
        return next((channel for channel in channels if channel.channel_id == channel_id), channels[0])

    def _see(self, contact: Contact) -> _Seen:
        local = (_EPOCH + timedelta(milliseconds=contact.at_ms)).astimezone(self._zone)
        return _Seen(
            contact=contact,
            text=prepare(contact.text),
            language=detect(contact.text, self._plan.site.languages, contact.earlier_language),
            silent=contact.attachments == 0 and is_silent(contact.text),
            minute=local.hour * 60 + local.minute,
            weekday=WEEKDAYS[local.weekday()],
        )

    def _make_ready(self, condition: Condition) -> None:
        for part in (*(condition.all_of or ()), *(condition.any_of or ())):
            self._make_ready(part)
        if condition.not_ is not None:
            self._make_ready(condition.not_)
        if condition.field == "words":
            self._phrases.update((word, phrase(word)) for word in _texts(condition))

    def _hits(self, condition: Condition, seen: _Seen) -> tuple[str, ...] | None:
        """What of the contact meets the condition, or None where it is not met."""
        if condition.all_of is not None:
            return self._hits_of_all(condition.all_of, seen)
        if condition.any_of is not None:
            found_hits = [self._hits(part, seen) for part in condition.any_of]
            if all(hits is None for hits in found_hits):
                return None
            return tuple(hit for hits in found_hits for hit in hits or ())
        if condition.not_ is not None:
            return () if self._hits(condition.not_, seen) is None else None
        return self._leaf_hits(condition, seen)

    def _hits_of_all(self, parts: Sequence[Condition], seen: _Seen) -> tuple[str, ...] | None:
        together: tuple[str, ...] = ()
        for part in parts:
            hits = self._hits(part, seen)
            if hits is None:
                return None
            together += hits
        return together

    def _leaf_hits(self, leaf: Condition, seen: _Seen) -> tuple[str, ...] | None:
        if leaf.field == "words":
            words = tuple(found((self._phrases[word] for word in _texts(leaf)), seen.text))
            needed = len(_texts(leaf)) if leaf.operator == "has_all" else 1
            return tuple(f"words: {word}" for word in words[:_HITS_MAX]) if len(words) >= needed else None
        if not _matches(leaf, seen):
            return None
        return ("address",) if leaf.field == "address" else (f"{leaf.field}: {_told(leaf, seen)}",)


def _matches(leaf: Condition, seen: _Seen) -> bool:
    if leaf.field == "silent":
        return seen.silent == leaf.value
    if leaf.field == "repeats":
        return isinstance(leaf.value, int) and seen.contact.repeats >= leaf.value
    if leaf.field == "hours":
        return _between(seen.minute, [minute_of_day(text) for text in _texts(leaf)])
    value = {
        "channel": seen.contact.channel,
        "address": seen.contact.address,
        "language": seen.language or UNKNOWN,
        "weekday": seen.weekday,
        "mail": seen.contact.mail,
    }.get(leaf.field or "", "")
    if leaf.operator == "starts_with":
        return value.startswith(_texts(leaf))
    return value in _texts(leaf)


def _between(minute: int, hours: Sequence[int]) -> bool:
    """Whether a minute of the day lies from the first hour on and before the second, also over midnight."""
    begin, end = hours
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def _told(leaf: Condition, seen: _Seen) -> str:
    if leaf.field == "channel":
        return seen.contact.channel
    if leaf.field == "language":
        return seen.language or UNKNOWN
    if leaf.field == "weekday":
        return seen.weekday
    if leaf.field == "mail":
        return seen.contact.mail
    return "-".join(_texts(leaf)) or str(leaf.value).lower()


def _texts(leaf: Condition) -> tuple[str, ...]:
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    return tuple(value for value in values if isinstance(value, str))
