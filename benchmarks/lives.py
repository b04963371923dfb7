"""A journal as a centre leaves it: whole lives of texts, from arrival to disposition, with all content.

The rows of one life, their kinds and the sizes of their data are those of a recorded one: four messages of
the customer, two answers by a provider, two offers, six groups of decisions.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.appends import FactsAppend
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.records import Fact, fact

AT_MS: Final = 1_795_000_000_000
WORDS: Final = (
    "There is smoke in the stairwell of the house opposite, number 14. I can hear somebody calling from the "
    "third floor, and nobody has come out yet. I am outside with two children."
)
AGENTS: Final = 40
TOGETHER: Final = 128
"""Lives of one append."""

_REQUIREMENT: Final = {
    "require": [["emergency", 1]],
    "require_any": [],
    "forbid": [],
    "prefer": [["medical", 3]],
}


def fill(committer: Committer, lives: int, *, first: int = 0) -> int:
    """Appends so many lives; how many rows they are."""
    rows = len(committer.submit(FactsAppend(facts_to_append=tuple(_shift()))).result()) if not first else 0
    for at in range(first, first + lives, TOGETHER):
        numbers = range(at, min(at + TOGETHER, first + lives))
        rows += len(committer.submit(_Lives(numbers)).result())
    return rows


@dataclass(frozen=True, slots=True)
class _Lives:
    numbers: Sequence[int]

    def write_content(self, db: Connection) -> None:
        for number in self.numbers:
            for content_id in _content_ids(number):
                db.run(
                    "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
                    " VALUES (:id, 'text/plain', '', :salt, :body, :at_ms)",
                    id=content_id,
                    salt=_salt(number),
                    body=_body(content_id),
                    at_ms=AT_MS,
                )
            db.run(
                "INSERT INTO address (kind, address, address_hash, salt) VALUES ('phone', :a, :h, :salt)",
                a=_address(number),
                h=_address_hash(number),
                salt=_salt(number),
            )
            for answer in range(2):
                db.run(
                    "INSERT INTO sending (account, provider_id, outbox_id) VALUES ('county-texts', :p, :o)",
                    p=f"SM{number:030x}{answer:02x}",
                    o=f"{_id(number)}-out-{answer}",
                )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return [each for number in self.numbers for each in _life(number)]


def _shift() -> Iterator[Fact]:
    """Everybody comes to work."""
    for agent in (*(f"agent-{n}" for n in range(AGENTS)), "agent-other"):
        yield fact("desk_joined", agent, desk_id=f"d-{agent}", web_id="web-1")
        yield fact("desks_noted", agent, at_ms=AT_MS, desk_ids=[f"d-{agent}"], grace_until_ms=0)
        yield fact("presence_set", agent, at_ms=AT_MS, available=True, command_id="", reason="")


def _id(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()  # random like a uuid5


def _address(number: int) -> str:
    return f"+1555{number:07}"


def _salt(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _address_hash(number: int) -> str:
    return hashlib.sha256(_salt(number) + _address(number).encode()).hexdigest()


def _body(content_id: str) -> bytes:
    return f"{content_id}: {WORDS}".encode()


def _named(number: int, content_id: str) -> dict[str, str]:
    hashed = hashlib.sha256(_salt(number) + _body(content_id)).hexdigest()
    return {"content_id": content_id, "content_hash": hashed}


def _content_ids(number: int) -> list[str]:
    return [f"{_id(number)}-words-{n}" for n in range(6)]


def _life(number: int) -> Iterator[Fact]:
    """The rows of one text session."""
    me, words, hashed = _id(number), _content_ids(number), _address_hash(number)
    agent = f"agent-{number % AGENTS}"
    where = {"channel": "sms", "account": "county-texts", "address_hash": hashed}
    said: dict[str, str | int] = {
        "client_id": "",
        "received_at_ms": AT_MS,
        "web_id": "web-1",
    }
    yield from _arrival(me, where, {**said, **_named(number, words[0])})
    yield from _offers(me, agent)
    yield from _talk(me, agent, [_named(number, each) for each in words], where, said)
    yield from _end(me, agent)


def _arrival(me: str, where: dict[str, str], said: dict[str, str | int]) -> Iterator[Fact]:
    """Arrived, read, queued."""
    yield fact("customer_added", f"p-{me}", identity_id=f"i-{me}", verified=True, **where)
    yield fact(
        "arrived",
        me,
        **where,
        **said,
        customer_id=f"p-{me}",
        identity_id=f"i-{me}",
        verified=True,
        thread=where["address_hash"][:32],
        connection_id="",
        traffic="real",
        message_id=f"{me}-m-0",
        message_kind="text",
    )
    yield _group()
    need = {"queue_id": "emergency", "urgency": 2, "requirement": _REQUIREMENT, "rule_id": "life-in-danger"}
    hits = ["smoke", "number 14"]
    yield fact("read", me, **need, message_id=f"{me}-m-0", language="en", reading="read", hits=hits)
    yield _group()
    yield fact("queued", me, **need, at_ms=AT_MS, command_id="", why="read")


def _end(me: str, agent: str) -> Iterator[Fact]:
    """Wrapped up, and disposed of."""
    yield fact("conversation_ended", me, agent_id=agent, command_id=f"{me}-end")
    yield _group()
    yield fact("wrap_up_began", me, at_ms=AT_MS, agent_id=agent, command_id=f"{me}-end")
    done = {"agent_id": agent, "disposition": "dispatched", "command_id": f"{me}-done"}
    yield fact("disposition_given", me, **done)
    yield _group()
    yield fact("closed", me, **done, at_ms=AT_MS, why="disposed")


def _offers(me: str, agent: str) -> Iterator[Fact]:
    """One declined, one accepted."""
    for n, who in ((1, "agent-other"), (2, agent)):
        yield fact(
            "offered",
            me,
            at_ms=AT_MS,
            agent_id=who,
            offer_id=f"{me}/{n}",
            deadline_ms=AT_MS + 15_000,
            explanation={
                "rule_id": "life-in-danger",
                "score": 1_203,
                "step": 0,
                "strategy": "longest_idle",
                "tie_break": "idle",
                "passed_over": [
                    {"agent_ids": ["ana", "ben", "chen"], "count": 12, "reason": "not_available"},
                    {"agent_ids": ["dalia", "elena"], "count": 2, "reason": "ranked_lower"},
                ],
            },
        )
        if n == 1:
            yield fact("decline_pressed", f"{me}/1", agent_id=who, command_id=f"{me}-decline")
            yield _group()
            yield fact(
                "offer_ended",
                me,
                at_ms=AT_MS,
                agent_id=who,
                offer_id=f"{me}/1",
                outcome="declined",
                cooldown_until_ms=AT_MS + 60_000,
                command_id=f"{me}-decline",
            )
    yield fact("accept_pressed", f"{me}/2", agent_id=agent, command_id=f"{me}-accept")
    yield _group()
    yield fact("accepted", me, at_ms=AT_MS, agent_id=agent, offer_id=f"{me}/2", command_id=f"{me}-accept")


def _talk(
    me: str, agent: str, words: Sequence[dict[str, str]], where: dict[str, str], said: dict[str, str | int]
) -> Iterator[Fact]:
    """Three more texts, and two answers that arrive."""
    for n in range(1, 4):
        about = {**said, **words[n], "message_id": f"{me}-m-{n}", "author_id": ""}
        yield fact("message_added", me, **about, direction="in", message_kind="text", reading="read")
    for n in range(2):
        message = f"{me}-a-{n}"
        about = {**words[4 + n], "message_id": message, "author_id": agent, "client_id": ""}
        yield fact("message_added", me, **about, direction="out", message_kind="text", reading="read")
        yield fact(
            "send_ordered", f"{me}-out-{n}", **where, message_id=message, interaction_id=me, due_at_ms=AT_MS
        )
        tried = {"message_id": message, "attempt": 1, "outcome": "sent", "detail": ""}
        yield fact("send_tried", f"{me}-out-{n}", **tried, due_at_ms=0, maybe_twice=False)
        yield fact("delivered", message, status="delivered", detail="")


def _group() -> Fact:
    values = {"read_through": 1, "now_ms": AT_MS, "core_ms": AT_MS, "plan_version": 1, "epoch": 1}
    return fact("decided", "router", **values, release="0.1.0")
