"""`muster why OFFER_OR_INTERACTION`: why it went to that agent, and all who were passed over, by reason."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final  # Any: parsed JSON, only printed

from agents_ui.commands import Subparsers
from config.settings import read_settings
from router.journal.database import open_database
from router.journal.moment import (
    BEGINNING_MAX,
    Moment,
    interactions_beginning,
    moment_before,
    offers_of,
    passed_over,
)

NOT_FOUND: Final = 1

_REASONS: Final = {
    "lacks_skill": "may not serve it",
    "no_desk": "had no desk open",
    "not_available": "were not available",
    "no_capacity": "had no room",
    "cooling_down": "had refused it lately",
    "ranked_lower": "came later in the order",
}
"""What people read for each reason of router/explain.py."""

_TIES: Final = {
    "only": "nobody else could take it at that moment",
    "load": "least loaded",
    "idle": "longest idle",
    "id": "idle equally long: first by id",
    "named": "a person chose this agent",
}


def add_to(subparsers: Subparsers) -> None:
    """Add `muster why`."""
    words = "explain an offer: who was passed over, and for which reason"
    parser = subparsers.add_parser(
        "why",
        help=words,
        description="Rebuilds the moment just before an offer from the journal and names every agent who "
        "did not get it, with the reason.",
    )
    parser.add_argument(
        "ref",
        help="an offer's id, or an interaction's, or how that begins, as wall and desk show it "
        "(then its latest offer is explained)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain; 0, or 1 when there is no such offer."""
    settings = read_settings()
    with (
        closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database,
        database.reading() as db,
    ):
        offers = offers_of(db, arguments.ref)
        if not offers:
            meant = interactions_beginning(db, arguments.ref)
            offers = offers_of(db, meant[0]) if len(meant) == 1 else []
        if not offers:
            sys.stderr.write(f"muster: {_not_found(arguments.ref, meant)}\n")
            return NOT_FOUND
        moment = moment_before(db, offers[-1])
        story = _story(moment, passed_over(moment), earlier=[row.seq for row in offers[:-1]])
    print(json.dumps(story, ensure_ascii=False) if arguments.json else _told(story))
    return 0


def _not_found(ref: str, meant: Sequence[str]) -> str:
    if len(meant) > 1:
        more = " and more" if len(meant) == BEGINNING_MAX else ""
        return f"{ref} is how several begin; name one of them: {', '.join(meant)}{more}"
    return f"{meant[0] if meant else ref} was never offered to anybody"


def _story(moment: Moment, passed: dict[str, list[str]], *, earlier: list[int]) -> dict[str, Any]:
    """Everything there is to say, as plain values."""
    offer, interaction = moment.offer, moment.interaction
    names = {person.agent_id: person.name for person in moment.plan.people}
    return {
        "offer_id": offer.offer_id,
        "seq": moment.row.seq,
        "release": moment.release,
        "plan_version": moment.state.plan_version,
        "at": _time(offer.at_ms),
        "at_ms": offer.at_ms,
        "agent_id": offer.agent_id,
        "agent_name": names.get(offer.agent_id, ""),
        "interaction_id": interaction.interaction_id,
        "channel": interaction.channel,
        "queue_id": interaction.queue_id,
        "urgency": interaction.urgency,
        "accepted_at_ms": interaction.accepted_at_ms,
        "waited_ms": offer.at_ms - interaction.accepted_at_ms,
        "named_agent_id": interaction.named_agent_id,
        "rule_id": offer.explanation.rule_id,
        "step": offer.explanation.step,
        "score": offer.explanation.score,
        "strategy": offer.explanation.strategy,
        "tie_break": offer.explanation.tie_break,
        "passed_over": passed,
        "earlier_offers": earlier,
    }


def _told(story: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"Offer {story['offer_id']} to {story['agent_id']} ({story['agent_name'] or 'not in the plan'}), "
        f"{story['at']}, row {story['seq']}",
        f"  {story['channel']}, urgency {story['urgency']}, queue {story['queue_id']}, "
        f"waited {story['waited_ms'] / 1000:.1f} s",
        f"  rule {story['rule_id'] or '(none)'}, widening step {story['step']}, "
        f"score {story['score'] / 100:.0f} ms",
        f"  {story['strategy']}: {_TIES.get(story['tie_break'], story['tie_break'])}",
    ]
    if story["release"].endswith("+safe"):
        lines.append("  decided in safe mode: urgency and age only, skills did not count")
    for reason, ids in story["passed_over"].items():
        lines.append(f"  {len(ids)} {_REASONS.get(reason, reason)}: {', '.join(ids)}")
    if not story["passed_over"]:
        lines.append("  nobody was passed over")
    if story["earlier_offers"]:
        rows = ", ".join(str(seq) for seq in story["earlier_offers"])
        lines.append(f"  offered before, see rows {rows}")
    return "\n".join(lines)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
