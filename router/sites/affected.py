"""Whose contact suffered in a time of trouble, and how: the list for welfare calls, most urgent first.

From the tables of a site, or of its copy at the other one. Names and addresses are content, so every row of
the list that is shown is recorded as a look (`looks`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from config.plan import Plan
from queues.measures import NENA_TARGETS
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS
from router.records import Fact, fact

DELAYED: Final = "delayed"
SINGLE_COPIED: Final = "single_copied"
DUAL_ANSWERED: Final = "dual_answered"
ADOPTED: Final = "adopted"
NOT_DELIVERED: Final = "not_delivered"
CALL_LOST: Final = "call_lost"
ABANDONED: Final = "abandoned"

WORDS: Final[Mapping[str, str]] = {
    DELAYED: "waited longer than the target",
    SINGLE_COPIED: "was at one site only for a while",
    DUAL_ANSWERED: "was answered at both sites",
    ADOPTED: "was adopted from the other site",
    NOT_DELIVERED: "an answer did not reach them",
    CALL_LOST: "the call was lost, or could not be connected",
    ABANDONED: "gave up before anybody answered",
}
"""Every reason, in the order in which they are said."""

LOOKED: Final = "affected"
"""What a look at a row of the list is recorded as."""

_OPEN_THEN: Final = "accepted_at_ms < :until_ms AND (closed_at_ms = 0 OR closed_at_ms >= :from_ms)"
_REAL: Final = "traffic = 'real'"
_WAITED: Final = f"""
    SELECT interaction_id, CASE WHEN answered_queue_id <> '' THEN answered_queue_id ELSE queue_id END,
           CASE WHEN answered_at_ms <> 0 THEN answered_at_ms
                WHEN closed_at_ms <> 0 THEN closed_at_ms ELSE :now_ms END - accepted_at_ms
    FROM interaction
    WHERE {_REAL} AND follows = '' AND {_OPEN_THEN}
      AND (answered_at_ms = 0 OR answered_at_ms >= :from_ms)
"""
_SINGLE: Final = f"""
    SELECT DISTINCT journal.ref FROM copy_gap
    JOIN journal ON {OWN_ROWS.replace("site =", "journal.site =", 1)}
        AND journal.seq >= copy_gap.from_seq
        AND (copy_gap.through_seq = 0 OR journal.seq <= copy_gap.through_seq)
    WHERE copy_gap.began_ms < :until_ms AND (copy_gap.healed_ms = 0 OR copy_gap.healed_ms >= :from_ms)
      AND journal.at_ms >= :from_ms AND journal.at_ms < :until_ms
      AND (journal.kind = 'arrived' OR (journal.kind = 'message_added' AND journal.data LIKE :of_customer))
"""
_LISTS: Final[Mapping[str, str]] = {
    SINGLE_COPIED: _SINGLE,
    DUAL_ANSWERED: "SELECT interaction_id FROM dual_answer WHERE at_ms >= :from_ms AND at_ms < :until_ms",
    ADOPTED: "SELECT interaction_id FROM adoption WHERE at_ms >= :from_ms AND at_ms < :until_ms",
    NOT_DELIVERED: """
        SELECT DISTINCT interaction_id FROM outbox
        WHERE status = 'failed' AND ordered_at_ms >= :from_ms AND ordered_at_ms < :until_ms
          AND (fallback = '' OR fallback = 'none' OR fallback NOT IN
               (SELECT outbox_id FROM outbox WHERE status IN ('sent', 'delivered', 'read')))
    """,
    CALL_LOST: """
        SELECT DISTINCT interaction_id FROM call
        WHERE why IN ('lost', 'failed') AND ended_ms >= :from_ms AND ended_ms < :until_ms
    """,
    ABANDONED: f"""
        SELECT interaction_id FROM interaction
        WHERE {_REAL} AND closed_why = 'abandoned' AND closed_at_ms >= :from_ms AND closed_at_ms < :until_ms
    """,
}
"""Interactions by reason; what is no real traffic is left out afterwards."""

_ABOUT: Final = f"""
    SELECT i.interaction_id, i.channel, i.account, i.customer_id, i.address_hash, i.urgency, i.accepted_at_ms,
           i.answered_at_ms, i.closed_at_ms, i.state, i.language, i.queue_id, i.agent_id, i.disposition,
           i.closed_why, c.name_content_id
    FROM interaction i LEFT JOIN customer c ON c.customer_id = i.customer_id
    WHERE i.{_REAL} AND i.interaction_id IN {{wanted}}
"""
_IDENTITIES: Final = """
    SELECT customer_id, address_hash FROM identity
    WHERE customer_id IN {wanted} AND address_hash <> '' ORDER BY verified DESC, at_ms
"""
_ADDRESSES: Final = "SELECT address_hash, kind, address FROM address WHERE address_hash IN {wanted}"
_NAMES: Final = "SELECT content_id, body FROM content WHERE content_id IN {wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One customer's contact. Shape: reasons in the order of WORDS; addresses as (kind, address), the one it
    came from first; urgency 0 where nobody had read it; times 0 where they do not apply."""

    interaction_id: str
    customer_id: str
    reasons: tuple[str, ...]
    urgency: int
    accepted_at_ms: int
    waited_ms: int
    """Until somebody answered, or it closed; until now where neither happened."""
    answered_at_ms: int
    closed_at_ms: int
    state: str
    closed_why: str
    disposition: str
    agent_id: str
    queue_id: str
    channel: str
    account: str
    language: str
    name: str
    addresses: tuple[tuple[str, str], ...]


def affected(
    db: Connection, plan: Plan, *, from_ms: int, until_ms: int, now_ms: int, longer_than_ms: int = 0
) -> list[Affected]:
    """Everybody who was affected in this time, most urgent and then earliest first.

    Shape: longer_than_ms is what counts as delayed everywhere; 0: the targets of the plan, of a queue the
           most patient one. Call it in one read transaction.
    """
    reasons = _reasons(db, plan, from_ms, until_ms, now_ms, longer_than_ms)
    rows = rows_in(db, _ABOUT, sorted(reasons)) if reasons else []
    names = _names(db, rows)
    addresses = _addresses(db, rows)
    found = [_one(row, reasons[row[0]], names, addresses[row[0]], now_ms) for row in rows]
    return sorted(found, key=lambda each: (each.urgency, each.accepted_at_ms, each.interaction_id))


def looks(found: Iterable[Affected], agent_id: str) -> list[Fact]:
    """What is recorded before the list is shown: who looked at whom."""
    return [fact("viewed", each.interaction_id, agent_id=agent_id, what=LOOKED) for each in found]


def _reasons(
    db: Connection, plan: Plan, from_ms: int, until_ms: int, now_ms: int, longer_than_ms: int
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for interaction_id, queue_id, waited_ms in db.rows(
        _WAITED, from_ms=from_ms, until_ms=until_ms, now_ms=now_ms
    ):
        target_ms = longer_than_ms or _target_ms(plan, queue_id)
        if waited_ms > target_ms:
            found.setdefault(interaction_id, set()).add(DELAYED)
    for reason, sql in _LISTS.items():
        more = {"of_customer": '%"direction":"in"%'} if reason == SINGLE_COPIED else {}
        for (interaction_id,) in db.rows(sql, from_ms=from_ms, until_ms=until_ms, **more):
            found.setdefault(interaction_id, set()).add(reason)
    return found


def _target_ms(plan: Plan, queue_id: str) -> int:
    """What nobody in this queue should wait longer than."""
    own = [each.within_ms for each in plan.targets if queue_id in each.queues]
    every = [each.within_ms for each in plan.targets if not each.queues]
    return max(own or every or [within_ms for _, within_ms in NENA_TARGETS])


def _names(db: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    """By content id."""
    wanted = sorted({row[15] for row in rows if row[15]})
    found = rows_in(db, _NAMES, wanted) if wanted else []
    return {content_id: bytes(body).decode("utf-8", "replace") for content_id, body in found}


def _addresses(db: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[tuple[str, str], ...]]:
    """By interaction: where it came from first, then what else is known of its customer."""
    customers = sorted({row[3] for row in rows if row[3]})
    known: dict[str, list[str]] = {}
    for customer_id, address_hash in rows_in(db, _IDENTITIES, customers) if customers else []:
        known.setdefault(customer_id, []).append(address_hash)
    hashes = {row[0]: [*filter(None, [row[4]]), *known.get(row[3], [])] for row in rows}
    wanted = sorted({each for several in hashes.values() for each in several})
    found = rows_in(db, _ADDRESSES, wanted) if wanted else []
    texts = {address_hash: (str(kind), str(address)) for address_hash, kind, address in found}
    return {
        interaction_id: tuple(texts[each] for each in dict.fromkeys(several) if each in texts)
        for interaction_id, several in hashes.items()
    }


def _one(
    row: tuple[Any, ...],
    reasons: set[str],
    names: Mapping[str, str],
    addresses: tuple[tuple[str, str], ...],
    now_ms: int,
) -> Affected:
    (
        interaction_id, channel, account, customer_id, _, urgency, accepted_at_ms, answered_at_ms,
        closed_at_ms, state, language, queue_id, agent_id, disposition, closed_why, name_id,
    ) = row  # fmt: skip
    return Affected(
        interaction_id=interaction_id,
        customer_id=customer_id,
        reasons=tuple(each for each in WORDS if each in reasons),
        urgency=urgency,
        accepted_at_ms=accepted_at_ms,
        waited_ms=(answered_at_ms or closed_at_ms or now_ms) - accepted_at_ms,
        answered_at_ms=answered_at_ms,
        closed_at_ms=closed_at_ms,
        state="closed" if closed_at_ms else state,
        closed_why=closed_why,
        disposition=disposition,
        agent_id=agent_id,
        queue_id=queue_id,
        channel=channel,
        account=account,
        language=language,
        name=names.get(name_id or "", ""),
        addresses=addresses,
    )
