"""The plan: everything a centre decides about itself, as frozen values. Reading TOML is plan_file.py.

One plan is in force at a time. Activating another is a journalled fact that carries the whole text, so a
replay of the journal knows every plan it decided under.
"""

from dataclasses import dataclass, field

Scalar = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who this centre is, as customers and peers see it."""

    site_id: str
    name: str
    time_zone: str
    languages: tuple[str, ...]
    """ISO 639-1 codes the centre serves; language detection chooses among these only."""
    customer_notice: str = ""
    """One sentence every customer reads first, e.g. whom to call when life is in danger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillPlan:
    """One thing an agent can be good at, from 1 to 5. Languages are skills named `lang-xx`."""

    skill_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """What one conversation on a channel costs an agent, and how long an offer may ring.

    Units: load in hundredths of an agent; deadlines in milliseconds.
    """

    channel_id: str
    name: str
    queue_id: str
    """Where contacts that no rule catches wait."""
    urgency: int
    """Urgency of contacts that are unread after two seconds, or unreadable, or caught by no rule."""
    load: int
    max_at_once: int
    interrupted_by: tuple[str, ...] = ()
    offer_ms_urgent: int
    """Offer deadline for urgency 1 and 2."""
    offer_ms: int
    """Offer deadline for urgency 3 to 5."""
    body_bytes_max: int
    message_characters_max: int
    attachment_bytes_max: int
    abandoned_after_ms: int
    """How long after the customer's last connection closed a waiting contact counts as abandoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePlan:
    """Words that the provider has approved, to be sent when its reply window is closed.

    Shape: name, language and category are those at the provider; text is what it approved, with {1}, {2} …
           for what is filled in (config/templates.py).
    """

    template_id: str
    name: str
    language: str
    category: str = "utility"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlan:
    """What Muster itself says, in one language: kind is one of config.words.NOTICES."""

    kind: str
    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """One account of ours at a provider, or a mailbox: how contacts of a channel come in and answers leave.

    Shape: provider is a name of config/providers.py. `secret` names the secret, which never stands in a
           plan: it is the environment variable MUSTER_SECRET_<NAME>, or the file secrets/<name> in the data
           folder. Addresses in `shared` (switchboards, relays) are served, but never joined or linked.
           `endpoint` is the provider's API or the mail server answers leave by; empty: the provider's own.
           MUSTER_ENDPOINTS (`account=url,…`) puts another in its place, e.g. for a rehearsal.
           `fallback` are accounts, in order: by the first of them that can reach the person goes what failed
           here, or was not delivered within fallback_after_ms (0: only what failed).
    Units: per_second counts messages that leave; people_per_day those to whom templates go in any 24 hours;
           0: as many as there are.
    """

    account_id: str
    channel: str
    provider: str
    address: str
    secret: str = ""
    endpoint: str = ""
    shared: tuple[str, ...] = ()
    options: tuple[tuple[str, Scalar], ...] = ()
    """What else the provider wants to know, by name, sorted."""
    templates: tuple[TemplatePlan, ...] = ()
    fallback: tuple[str, ...] = ()
    fallback_after_ms: int = 0
    per_second: int = 0
    people_per_day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WideningPlan:
    """See skills.requirement.WideningStep, which the reader turns this into (config imports nothing)."""

    after_ms: int
    lower: tuple[tuple[str, int], ...] = ()
    drop: tuple[str, ...] = ()
    add_queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementPlan:
    """Same four fields and meaning as skills.requirement.Requirement."""

    require: tuple[tuple[str, int], ...] = ()
    require_any: tuple[tuple[str, int], ...] = ()
    forbid: tuple[str, ...] = ()
    prefer: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """One waiting line. Its requirement is asked of the agent on top of the interaction's own.

    Units: head_start_ms is added to the score of every interaction; ageing_pct is how many hundredths
    of a millisecond of score one millisecond of waiting is worth (at least 1).
    """

    queue_id: str
    name: str
    requirement: RequirementPlan = RequirementPlan()
    head_start_ms: int = 0
    ageing_pct: int = 100
    strategy: str = "longest_idle"
    widening: tuple[WideningPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A leaf (field, operator, value) or a branch (all, any, not) of a rule's condition.

    Exactly one of the two forms is filled. An empty `all_of` is true (the catch-all rule).
    """

    field: str | None = None
    operator: str | None = None
    value: Scalar | tuple[Scalar, ...] | None = None
    all_of: tuple["Condition", ...] | None = None
    any_of: tuple["Condition", ...] | None = None
    not_: "Condition | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """First match wins. What is None is left as the channel has it."""

    rule_id: str
    when: Condition
    queue_id: str | None = None
    urgency: int | None = None
    requirement: RequirementPlan = RequirementPlan()
    language_skill: bool = True
    """Ask for the skill `lang-xx` of the detected language as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPlan:
    """Somebody who signs in, as agent, supervisor, admin or auditor; skills are (skill, level), sorted."""

    agent_id: str
    name: str
    role: str
    skills: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason to be not available, or a disposition: a stable id and what people read."""

    reason_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service level to hold: this share (percent) answered within this time."""

    name: str
    percent: int
    within_ms: int
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything that has a limit, in one place. No limit ends or refuses an interaction."""

    read_within_ms: int = 2_000
    """An arrived contact that nobody has read by then waits with its channel's default urgency."""
    cooldown_ms: int = 60_000
    """The same agent is not offered the same interaction again for this long after a decline or no answer."""
    only_candidate_ms: int = 5_000
    """... unless nobody else could take it: then this long."""
    desk_grace_ms: int = 30_000
    """Conversations of an agent whose last desk closed go back to waiting after this long."""
    desk_grace_offer_ms: int = 5_000
    """Offers to an agent whose last desk closed are withdrawn after this long, or at their deadline."""
    named_agent_ms: int = 60_000
    """What a person gave to a named agent returns to everybody after this long."""
    wrap_up_ms: int = 300_000
    """Wrap-up without a disposition for this long raises an alarm (it never ends an interaction)."""
    unattended_alarm_ms: int = 20_000
    """Urgency 1 or 2 waiting longer than this raises an alarm."""
    waiting_alarm: int = 100_000
    """More interactions waiting than this raises an alarm."""
    probe_every_ms: int = 60_000
    """A way in that nobody has come by for this long is tried by a probe of our own; 0: never."""
    give_up_ms: int = 86_400_000
    """An answer that could not be sent for this long will not be tried again: it has failed."""
    fallback_within_ms: int = 3_600_000
    """What was said longer ago than this goes no other way by itself any more."""
    text_off_window_ms: int = 1_800_000
    """While texts are switched off, each texter hears of it once in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    """One of the two sites of a pair: the name people say, where its pages are, where its peer listens.

    Shape: `sip` is where calls of the other site can be sent, sip:112@host:port or a number; empty: nowhere.
    """

    site_id: str
    name: str
    url: str
    peer: str
    sip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """What a provider must be told when the traffic of a site moves.

    Shape: `when` is take_over or return, `site` whose traffic moves, `kind` one of config.words.ACTIONS.
           http: `method` to `url` with `headers` and `body`; `secret` names a secret that signs it (`sign`:
           hmac, bearer or basic). twilio_number: `account` gets its webhooks at the site that serves now, or
           at `url`. command: `command` is a program and its arguments, run without a shell.
           In url, headers, body and command {site}, {to}, {url} and {number} are filled in: whose traffic,
           who serves it now, the address of its pages, the address of the account.
    """

    action_id: str
    when: str
    site: str
    kind: str
    url: str = ""
    method: str = "POST"
    headers: tuple[tuple[str, Scalar], ...] = ()
    body: str = ""
    secret: str = ""
    sign: str = ""
    account: str = ""
    command: tuple[str, ...] = ()
    timeout_ms: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sites that stand in for each other. Which of them a process belongs to says MUSTER_SITE.

    Shape: sites are two; only the first makes people and their passwords, the other one learns them.
           `overflow` are external numbers, called last, in order. `third` is an address that both
           can ask: who cannot reach it infers nothing about the peer.
    """

    sites: tuple[SitePlan, ...]
    take_over: str = "manual"
    """manual | automatic."""
    take_over_after_ms: int = 30_000
    """Silence of the peer after which an automatic site takes over."""
    assigned_after_ms: int = 600_000
    """After a take-over, what agents hold there is adopted without confirmation; 0: never."""
    wait_ms: int = 1_000
    """How long a contact waits until the other site has it too."""
    third: str = ""
    overflow: tuple[str, ...] = ()
    drill_every_days: int = 30
    drill_share_pct: int = 10
    actions: tuple[ActionPlan, ...] = ()

    def other(self, site_id: str) -> SitePlan:
        """The other one."""
        return next(site for site in self.sites if site.site_id != site_id)

    def site(self, site_id: str) -> SitePlan | None:
        """The one with this id."""
        return next((site for site in self.sites if site.site_id == site_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole centre. Every id mentioned anywhere in it exists in it (plan_check.py made sure).

    Shape: tuples are in the order of the file; rules are tried in that order. `version` counts
           activations at a site from 1; `digest` is the SHA-256 of the TOML text, hexadecimal.
    """

    site: Site
    skills: tuple[SkillPlan, ...]
    channels: tuple[ChannelPlan, ...]
    queues: tuple[QueuePlan, ...]
    rules: tuple[Rule, ...]
    people: tuple[PersonPlan, ...]
    reasons: tuple[Reason, ...]
    """Why somebody is not available."""
    dispositions: tuple[Reason, ...]
    """How an interaction ended."""
    accounts: tuple[AccountPlan, ...] = ()
    targets: tuple[Target, ...] = ()
    notices: tuple[NoticePlan, ...] = ()
    limits: Limits = field(default_factory=Limits)
    pair: Pair | None = None
    """None: a site of its own."""
    digest: str = ""
    text: str = ""
