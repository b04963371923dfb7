"""What is to leave, in SQL: which accounts have something due, claiming it, and recording each try.

Any number of workers may ask at once. A claim (LOCAL) is short and renewed while the try goes on; one that
ran out without a record is a try whose end nobody knows. Record and end of claim are one transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from config.words import ELSEWHERE
from router.channels import consent, reply_window, template
from router.channels.ingest import thread_of
from router.channels.port import Outcome, OutFile, Template
from router.channels.providers import CHANNELS
from router.journal.appends import storable
from router.journal.connection import Connection
from router.records import Fact, fact
from router.run.lease import NOW_MS

CLAIM_MS: Final = 5_000
"""A killed worker's messages are tried again this long after its last renewal."""

RENEW_S: Final = 1.5

GAVE_UP: Final = "gave_up"
"""Detail of a message that was tried for longer than limits.give_up_ms."""

MAYBE_TWICE: Final = "maybe_twice"

ACCOUNT_DOWN: Final = "account_down"
ACCOUNT_UNUSABLE: Final = "account_unusable"
"""Codes of the alarms about an account: its provider fails; it has no secret, or left the plan."""

AGAIN_MS: Final = 600_000
"""An account still in trouble after somebody has seen to its alarm raises the next one this much later."""

PROVIDER_ID_CHARACTERS_MAX: Final = 500
"""Message-IDs of mail are the longest; receipts of a longer one find their message by our own id, or not."""

HEAD_BYTES: Final = 65_536
"""Of the mail that is answered: its subject and references are here, its words are not needed."""

_DONE: Final = "done/"
"""Before the owner of a claim whose try is recorded: nothing is in doubt about it."""

_FREE: Final = "(claim.until_ms < {now} OR claim.until_ms > {now} + :claim_ms)"
"""A claim that seems to last for longer than any does was made before the clock was set back."""

HERE: Final = f"""
    NOT EXISTS (SELECT 1 FROM interaction given WHERE given.interaction_id = outbox.interaction_id
        AND given.closed_seq = 0 AND substr(given.named_agent_id, 1, 1) = '{ELSEWHERE}')
"""
"""What belongs to an interaction that the other site is asked to take does not leave here meanwhile: it may
leave there at any moment."""

_FIRST_DUE: Final = """
    SELECT account, due_at_ms FROM outbox WHERE status = 'due' AND account > :after
    ORDER BY account, due_at_ms LIMIT 1
"""
_IS_FIRST: Final = """
    NOT EXISTS (SELECT 1 FROM outbox older WHERE older.address_hash = outbox.address_hash
        AND older.status = 'due' AND older.seq < outbox.seq AND older.account = outbox.account)
"""
_CANDIDATES: Final = f"""
    SELECT outbox_id FROM outbox LEFT JOIN claim ON claim.ref = outbox_id
    WHERE status = 'due' AND account = :account AND due_at_ms <= :until_ms AND (claim.ref IS NULL OR {_FREE})
        AND {_IS_FIRST} AND {HERE}
    ORDER BY due_at_ms, seq LIMIT :room
"""
_TOO_OLD: Final = f"""
    SELECT outbox_id FROM outbox LEFT JOIN claim ON claim.ref = outbox_id
    WHERE status = 'due' AND ordered_at_ms <= :before_ms AND (claim.ref IS NULL OR {_FREE})
        AND {HERE}
    ORDER BY ordered_at_ms, seq LIMIT :room
"""
_TAKE: Final = f"""
    INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, {{now}} + :claim_ms)
    ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms WHERE {_FREE}
"""
_RENEW: Final = """
    UPDATE claim SET until_ms = {{now}} + :claim_ms
    WHERE ref = (SELECT ref FROM claim WHERE ref = :ref AND owner = :owner {unlocked})
"""
_UNLOCKED: Final = {"postgresql": "FOR UPDATE SKIP LOCKED", "sqlite": ""}
"""One that is just being recorded needs no renewal; to wait for it, with others renewed and not committed,
could be a deadlock with the committer, which holds up the whole site until the database ends it."""
_CHAIN: Final = """
    WITH RECURSIVE chain(interaction_id, so_far) AS (
        SELECT outbox.interaction_id, 0
        UNION ALL
        SELECT it.follows, so_far + 1 FROM chain
            JOIN interaction it ON it.interaction_id = chain.interaction_id
        WHERE it.follows <> '' AND so_far < 20
    ) SELECT interaction_id FROM chain
"""
"""The conversation and, of a call-back, those it follows: what it answers was written there."""

_MESSAGE: Final = f"""
    SELECT outbox.outbox_id, outbox.message_id, outbox.interaction_id, outbox.account, outbox.attempts,
        outbox.ordered_at_ms, message.trouble,
        (SELECT body FROM content WHERE content.content_id = message.content_id),
        (SELECT address FROM address WHERE address.address_hash = outbox.address_hash LIMIT 1),
        (SELECT substr(content.body, 1, {HEAD_BYTES}) FROM message asked JOIN content
            ON content.content_id = asked.content_id WHERE asked.interaction_id IN ({_CHAIN})
            AND asked.direction = 'in' AND content.media_type = 'message/rfc822'
            ORDER BY asked.seq DESC LIMIT 1),
        (SELECT media_type FROM content WHERE content.content_id = message.content_id),
        outbox.channel, outbox.address_hash, outbox.automatic, outbox.category,
        (SELECT file_name FROM content WHERE content.content_id = message.content_id), message.kind,
        outbox.lent_to
    FROM outbox JOIN message ON message.message_id = outbox.message_id
    WHERE outbox.outbox_id = :outbox_id AND outbox.status = 'due' AND {HERE}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that this worker, and nobody else, tries now.

    Shape: attempt counts from 1; `doubtful`: an earlier try may have sent it. text or to_address is None
           where it was erased; answers is the head of the newest mail of the conversation, if it is one;
           template is what it is made of, if this account's provider has approved it; automatic: no person
           said it. closes_ms is when the provider's usual time for an answer ends, where people have longer;
           refused is the code of why its person wants it no more, since it was ordered. file: it is one, and
           has no words.
    """

    outbox_id: str
    owner: str
    message_id: str
    interaction_id: str
    account: str
    attempt: int
    ordered_at_ms: int
    doubtful: bool
    text: str | None
    to_address: str | None
    answers: bytes = b""
    template: Template | None = None
    automatic: bool = False
    closes_ms: int = 0
    channel: str = ""
    address_hash: str = ""
    refused: str = ""
    file: OutFile | None = None


def first_due(db: Connection) -> list[tuple[str, int]]:
    """(account, when its first message is due) of every account with something to send."""
    found: list[tuple[str, int]] = []
    while row := db.row(_FIRST_DUE, after=found[-1][0] if found else ""):
        found.append((row[0], row[1]))
    return found


def candidates(db: Connection, *, account: str, until_ms: int, room: int) -> list[str]:
    """What could be claimed of the account: the first message for each address, due by then, oldest first."""
    return _ids(db, _CANDIDATES, room=room, account=account, until_ms=until_ms)


def too_old(db: Connection, *, before_ms: int, room: int) -> list[str]:
    """Messages ordered before this moment that nobody is sending now."""
    return _ids(db, _TOO_OLD, room=room, before_ms=before_ms)


def claim(db: Connection, outbox_ids: Collection[str], *, owner: str) -> list[Claimed]:
    """Those of these messages that are ours now. To be called in a writing transaction.

    Whether there is still something to send is looked at again once the claim is ours: whoever had it before
    may have recorded meanwhile. (What was first for its address then is so still: what was said earlier has
    left.) In one order for everybody, so that no two workers wait for each other.
    """
    claimed = []
    for number, outbox_id in enumerate(sorted(outbox_ids)):
        token = f"{owner}/{number}"
        unknown = lost(db, outbox_id)
        if not db.run(_now(db, _TAKE), ref=outbox_id, owner=token, claim_ms=CLAIM_MS):
            continue
        ours = _claimed(db, outbox_id, token, lost=unknown)
        if ours is not None:
            claimed.append(ours)
        elif not unknown:
            release(db, outbox_id, token)
    return claimed


def renew(db: Connection, claims: Collection[tuple[str, str]]) -> None:
    """Keep these claims (message, owner) for as long again; those that somebody else took stay theirs."""
    renewed = _now(db, _RENEW.format(unlocked=_UNLOCKED[db.dialect]))
    for outbox_id, owner in sorted(claims):
        db.run(renewed, ref=outbox_id, owner=owner, claim_ms=CLAIM_MS)


def lost(db: Connection, outbox_id: str) -> bool:
    """Whether somebody claimed it and said nothing since: where the claim has run out, it may have left."""
    found = db.row("SELECT owner FROM claim WHERE ref = :ref", ref=outbox_id)
    return found is not None and not found[0].startswith(_DONE)


def fence(db: Connection, outbox_id: str) -> bool:
    """Whether nobody tries this message now; then nobody begins to before this transaction ends.

    Whoever waits for the claim meanwhile finds the message as this transaction leaves it.
    """
    if not db.run(_now(db, _TAKE), ref=outbox_id, owner=f"{_DONE}fence", claim_ms=CLAIM_MS):
        return False
    db.run("UPDATE claim SET until_ms = 0 WHERE ref = :ref", ref=outbox_id)
    return True


def release(db: Connection, outbox_id: str, owner: str) -> None:
    """Let go of a message that was not tried."""
    db.run("DELETE FROM claim WHERE ref = :ref AND owner = :owner", ref=outbox_id, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTry:
    """Append: what became of one try. retry_ms is the pause before the next, give_up_ms the plan's limit."""

    claimed: Claimed
    outcome: Outcome
    retry_ms: int
    give_up_ms: int

    def write_content(self, db: Connection) -> None:
        """The provider's id, by which its receipts come: one may be here before this is.

        A huge one would fit into no index of PostgreSQL, and the words would be sent again and again.
        """
        if 0 < len(self.outcome.provider_id) <= PROVIDER_ID_CHARACTERS_MAX:
            db.run(
                """INSERT INTO sending (account, provider_id, outbox_id) VALUES (:account, :provider_id, :ref)
                   ON CONFLICT (account, provider_id) DO NOTHING""",
                account=self.claimed.account,
                provider_id=storable(self.outcome.provider_id),
                ref=self.claimed.outbox_id,
            )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing when it is on disk already, or when it is no longer ours to say; what was sent, always."""
        claimed = self.claimed
        found = db.row("SELECT owner FROM claim WHERE ref = :ref", ref=claimed.outbox_id)
        owner = found[0] if found else ""
        if owner == _DONE + claimed.owner:
            return ()
        held = owner == claimed.owner
        if held:
            db.run(
                "UPDATE claim SET owner = :done, until_ms = 0 WHERE ref = :ref",
                done=_DONE + claimed.owner,
                ref=claimed.outbox_id,
            )
        due = db.row("SELECT 1 FROM outbox WHERE outbox_id = :o AND status = 'due'", o=claimed.outbox_id)
        if self.outcome.kind != "sent" and not (held and due):
            return ()
        return [self._tried(at_ms, held=held), *self._opted_out(db)]

    def _opted_out(self, db: Connection) -> Sequence[Fact]:
        """The provider knows what they did not tell us: it blocks what is sent to them."""
        claimed = self.claimed
        known = consent.states(db, channel=claimed.channel, address_hash=claimed.address_hash)
        if not self.outcome.opted_out or any(blocked for _, _, blocked in known.values()):
            return ()
        change = consent.changed(
            interaction_id=claimed.interaction_id,
            channel=claimed.channel,
            account=claimed.account,
            address_hash=claimed.address_hash,
            state=consent.OUT,
            how="provider",
            blocked=True,
        )
        return (change,)

    def _tried(self, at_ms: int, *, held: bool) -> Fact:
        outcome, detail = self.outcome.kind, self.outcome.detail
        if outcome not in ("sent", "failed"):
            outcome = "later"
        if outcome == "later" and at_ms >= self.claimed.ordered_at_ms + self.give_up_ms:
            outcome, detail = "failed", GAVE_UP
        unsure = outcome == "later" and not self.outcome.certain
        return fact(
            "send_tried",
            self.claimed.outbox_id,
            message_id=self.claimed.message_id,
            attempt=self.claimed.attempt,
            outcome=outcome,
            detail="" if outcome == "sent" else detail,
            due_at_ms=at_ms + self.retry_ms if outcome == "later" else 0,
            maybe_twice=self.claimed.doubtful or unsure or not held,
            **({"left": True} if outcome == "sent" else {}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTrouble:
    """Append: answers of this account do not leave. Nothing while an alarm says so, or did a moment ago."""

    account: str
    code: str
    detail: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        known = db.row(
            "SELECT 1 FROM alarm WHERE code = :code AND ref = :ref"
            " AND (seen_at_ms = 0 OR at_ms > :recent_ms)",
            code=self.code,
            ref=self.account,
            recent_ms=at_ms - AGAIN_MS,
        )
        return () if known else [fact("delivery_troubled", self.account, code=self.code, detail=self.detail)]


def _ids(db: Connection, sql: str, *, room: int, **values: str | int) -> list[str]:
    return [row[0] for row in db.rows(_now(db, sql), claim_ms=CLAIM_MS, room=room, **values)]


def _now(db: Connection, sql: str) -> str:
    return sql.format(now=NOW_MS[db.dialect])


def _claimed(db: Connection, outbox_id: str, owner: str, *, lost: bool) -> Claimed | None:
    """The message as it is now that nobody else may change it; None when there is nothing left to send."""
    row = db.row(_MESSAGE, outbox_id=outbox_id)
    if row is None:
        return None
    file = None
    if row[16] == "attachment" and row[7] is not None:
        file = OutFile(name=row[15] or "file", media_type=row[10] or "", body=bytes(row[7]))
    text, made_of = ("", None) if file else _words(row[7], row[10], account=row[3])
    return Claimed(
        outbox_id=row[0],
        owner=owner,
        message_id=row[1],
        interaction_id=row[2],
        account=row[3],
        attempt=row[4] + 1,
        ordered_at_ms=row[5],
        doubtful=lost or row[6] == MAYBE_TWICE or row[17] != "",
        text=text,
        to_address=row[8],
        answers=bytes(row[9] or b""),
        file=file,
        template=made_of,
        automatic=bool(row[13]),
        closes_ms=_closes_ms(db, channel=row[11], account=row[3], address_hash=row[12], interaction=row[2]),
        channel=row[11],
        address_hash=row[12],
        refused=consent.refusal(
            db, channel=row[11], address_hash=row[12], category=row[14], interaction_id=row[2]
        ),
    )


def _words(body: bytes | None, media_type: str, *, account: str) -> tuple[str | None, Template | None]:
    """The words to send, and the template they are made of where this account has it; None: erased."""
    if body is None:
        return None, None
    kept = template.read(bytes(body)) if media_type == template.MEDIA_TYPE else None
    of_account = kept is not None and kept.account == account
    return template.words_of(media_type, bytes(body)), kept.template if kept and of_account else None


def _closes_ms(db: Connection, *, channel: str, account: str, address_hash: str, interaction: str) -> int:
    can = CHANNELS.get(channel)
    if can is None or not can.person_window_ms:
        return 0
    thread = thread_of(channel, account, address_hash)
    return reply_window.closes_ms(db, can.reply_window_ms, interaction_id=interaction, thread=thread)
