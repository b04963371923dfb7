"""Is the other site there? Times and answers go in, state and what is news come out. Pure, so it is replayed.

A beat is a question and its answer, and an answer says whether the other site has answers of ours as well: a
link that carries one way only counts as down for both. What the watcher infers is only ever Unreachable; what
a site says of itself is believed (service_states.py).
"""

from dataclasses import dataclass, replace
from typing import Final

SUSPECTED_AFTER: Final = 3
"""Beats in a row without an answer. One is lost in any network, two in a bad moment."""
UNREACHABLE_AFTER: Final = 5
"""Then it is more than a bad moment, and what is inferred from it is said."""
BACK_AFTER: Final = 5
"""Answered beats in a row before a site that was gone counts as there again."""
HOLD_DOWN_MS: Final = 60_000
"""A site that goes twice within this time is there again only after as long without a lost beat."""
LOOK_MS_MAX: Final = 2_000
"""What one missing answer counts for at most: who was frozen itself has not heard silence, but nothing."""
STEP_MS: Final = 5_000
"""A clock that moved this much against the steady one was set, or its machine stood still."""
SKEW_MS: Final = 2_000
"""The clocks of two sites may be this far apart; more, and times of one mean little to the other."""
SKEWED_AFTER: Final = 3
"""Measurements in a row: one alone may be an answer that took long."""

UNKNOWN, THERE, SUSPECTED, UNREACHABLE = "unknown", "there", "suspected", "unreachable"

SUSPECT, FINE = "suspect", "fine"
"""Words for the clock, in `site_status`."""

PEER_UNREACHABLE: Final = "peer_unreachable"
PEER_BACK: Final = "peer_back"
CLOCK_SUSPECT: Final = "clock_suspect"
CLOCK_FINE: Final = "clock_fine"
THIRD_SILENT: Final = "third_silent"
ALARMS: Final = (PEER_UNREACHABLE, PEER_BACK, CLOCK_SUSPECT, CLOCK_FINE, THIRD_SILENT)
"""Codes of alarms (`trouble_noticed`) that news of the watcher become; the ref is the site they are about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one second brought.

    Units: mono_ms is a clock that nobody sets, wall_ms the time of day; round_trip_ms until the answer.
    """

    mono_ms: int
    wall_ms: int
    answered: bool
    heard_by_peer: bool = True
    """Its answer says that its own beats are answered by us."""
    peer_wall_ms: int = 0
    round_trip_ms: int = 0
    third: bool | None = None
    """Whether the third point answered; None: none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known so far. A new one knows nothing: silence then counts from its first look."""

    state: str = UNKNOWN
    missed: int = 0
    good: int = 0
    silent_ms: int = 0
    """Without an answer, as far as we looked ourselves."""
    good_since_ms: int = 0
    gone_ms: int = 0
    """When it last became unreachable; 0: never."""
    damped: bool = False
    """It went twice in a short time."""
    mono_ms: int = 0
    wall_ms: int = 0
    stepped: bool = False
    """Our clock jumped, and nothing has shown since that it is right."""
    agreed: int = 0
    """Measurements in a row, since it jumped, by which the other site's clock says the same."""
    skewed: int = 0
    skew_ms: int = 0
    third_silent: bool = False

    @property
    def clock_suspect(self) -> bool:
        """Whether times cannot be trusted: routing goes on, nobody takes over by itself."""
        return self.stepped or self.skewed >= SKEWED_AFTER

    @property
    def clocks_compared(self) -> bool:
        """Whether the clocks were measured since the last silence, and found to agree.

        What happened to either meanwhile shows with the first beats, and is suspect only after some of them.
        """
        return min(self.good, self.agreed) >= BACK_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that people are to know: one of ALARMS."""

    code: str
    detail: str


def watched(before: Watch, look: Look) -> tuple[Watch, tuple[News, ...]]:
    """The watch after one more look, and what is new about it."""
    there = look.answered and look.heard_by_peer
    after = _clock(_answers(before, look) if there else _silence(before, look), before, look)
    return after, tuple(_news(before, after))


def take_over_due(watch: Watch, *, after_ms: int) -> bool:
    """Whether the policy `automatic` wants a take-over now, as far as the peer's silence is concerned."""
    gone = watch.state == UNREACHABLE and watch.silent_ms >= after_ms
    return gone and not watch.clock_suspect and not watch.third_silent


def _answers(before: Watch, look: Look) -> Watch:
    good = before.good + 1
    since = before.good_since_ms if before.good else look.mono_ms
    after = replace(before, missed=0, good=good, good_since_ms=since, silent_ms=0, third_silent=False)
    steady = not before.damped or look.mono_ms - since >= HOLD_DOWN_MS
    if before.state != UNREACHABLE or (good >= BACK_AFTER and steady):
        return replace(after, state=THERE, damped=before.damped and not steady)
    return after


def _silence(before: Watch, look: Look) -> Watch:
    """One answered beat ends a silence, whatever else is known: a link that flaps is not a dead site."""
    passed = look.mono_ms - before.mono_ms if before.mono_ms else 0
    silent = before.silent_ms + max(0, min(passed, LOOK_MS_MAX))
    missed = before.missed + 1
    blind = missed >= SUSPECTED_AFTER and look.third is False
    after = replace(before, missed=missed, good=0, silent_ms=silent, third_silent=blind)
    if before.state == UNREACHABLE or missed < SUSPECTED_AFTER:
        return after
    if blind or missed < UNREACHABLE_AFTER:
        return replace(after, state=SUSPECTED)
    again = bool(before.gone_ms) and look.mono_ms - before.gone_ms < 2 * HOLD_DOWN_MS
    return replace(after, state=UNREACHABLE, gone_ms=look.mono_ms, damped=before.damped or again)


def _clock(after: Watch, before: Watch, look: Look) -> Watch:
    """A step shows against the steady clock, skew against the other site's (to half the round trip)."""
    stepped, agreed = before.stepped, before.agreed
    if before.mono_ms:
        drift = (look.wall_ms - before.wall_ms) - (look.mono_ms - before.mono_ms)
        if abs(drift) > STEP_MS:
            stepped, agreed = True, 0
    skew, skewed = before.skew_ms, before.skewed
    if look.answered and look.peer_wall_ms:
        skew = look.peer_wall_ms - (look.wall_ms - look.round_trip_ms // 2)
        apart = abs(skew) > SKEW_MS + look.round_trip_ms // 2
        skewed = skewed + 1 if apart else 0
        agreed = 0 if apart else agreed + 1
        stepped = stepped and agreed < BACK_AFTER
    return replace(
        after,
        mono_ms=look.mono_ms,
        wall_ms=look.wall_ms,
        stepped=stepped,
        agreed=min(agreed, BACK_AFTER),
        skew_ms=skew,
        skewed=min(skewed, SKEWED_AFTER),
    )


def _news(before: Watch, after: Watch) -> list[News]:
    found = []
    if after.state == UNREACHABLE and before.state != UNREACHABLE:
        found.append(News(code=PEER_UNREACHABLE, detail=f"{after.missed} beats without an answer"))
    if before.state == UNREACHABLE and after.state == THERE:
        found.append(News(code=PEER_BACK, detail=f"{after.good} beats answered"))
    if after.clock_suspect and not before.clock_suspect:
        step = "our clock was set, or this machine stood still"
        skew = f"the clocks are {abs(after.skew_ms)} ms apart"
        found.append(News(code=CLOCK_SUSPECT, detail=step if after.stepped else skew))
    if before.clock_suspect and not after.clock_suspect:
        found.append(News(code=CLOCK_FINE, detail=f"the clocks are {abs(after.skew_ms)} ms apart"))
    if after.third_silent and not before.third_silent:
        found.append(News(code=THIRD_SILENT, detail="neither the other site nor the third point answers"))
    return found
