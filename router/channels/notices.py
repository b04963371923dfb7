"""What Muster itself says by text: once, in the texter's language where the plan has it.

Decided with the reading of the message that it answers, in one transaction: so a repeat, a crash or a second
process never says it twice. Nothing is said to shared addresses, short codes and groups: programs and many
people are behind them.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.plan import Plan
from router.channels import consent
from router.channels.ids import message_id_of
from router.channels.port import TEXT
from router.channels.providers import CHANNELS
from router.journal.appends import SALT_BYTES
from router.journal.connection import Connection
from router.records import Fact, fact
from skills.consent_words import HELP, START, STOP, is_of_network, kin_of

TEXT_OFF: Final = "text-off"
OPTED_OUT: Final = "opted-out"
OPTED_IN: Final = "opted-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message as it was read.

    Shape: consent is what its provider made of it (stop, start, help), or ''. turned_away: its sender is to
           hear that texts are switched off.
    """

    interaction_id: str
    message_id: str
    text: str
    consent: str = ""
    language: str = ""
    turned_away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whom:
    """Who said it. Shape: identity_id is empty for an address that is never linked: nothing is said there."""

    channel: str
    account: str
    address_hash: str
    identity_id: str
    language: str


def facts_of(
    db: Connection, plan: Plan, said: Said, at_ms: int, pending: dict[tuple[str, str], str]
) -> Sequence[Fact]:
    """What follows from a message beside its reading: consent, and what Muster says. Under the lock.

    pending: what messages of the same append said before this one, by channel and address: in no table yet.
    """
    kin = said.consent or kin_of(said.text, plan.site.languages)
    if not kin and not said.turned_away:
        return ()
    row = db.row(
        "SELECT channel, account, address_hash, identity_id, language FROM interaction"
        " WHERE interaction_id = :i",
        i=said.interaction_id,
    )
    if row is None or not row[2] or row[0] not in CHANNELS:
        return ()
    whom = _Whom(channel=row[0], account=row[1], address_hash=row[2], identity_id=row[3], language=row[4])
    found: list[Fact] = []
    if said.turned_away:
        found.extend(_notice(db, plan, said, whom, TEXT_OFF, at_ms))
    if kin in (STOP, START):
        found.extend(_consent(db, plan, said, whom, kin, at_ms, pending))
    elif kin == HELP and not _network_answers(plan, said, whom, kin):
        found.extend(_help(db, plan, said, whom, at_ms, pending))
    return found


def text_of(plan: Plan, kind: str, *languages: str) -> str:
    """The words of this notice in the first of these languages that has them, else in the site's own."""
    words = {each.language: each.text for each in plan.notices if each.kind == kind}
    for language in (*languages, *plan.site.languages[:1]):
        if language in words:
            return words[language]
    return ""


def _consent(
    db: Connection,
    plan: Plan,
    said: Said,
    whom: _Whom,
    kin: str,
    at_ms: int,
    pending: dict[tuple[str, str], str],
) -> Sequence[Fact]:
    """Each STOP counts anew, but is confirmed once; START changes nothing for who never said STOP."""
    before = consent.states(db, channel=whom.channel, address_hash=whom.address_hash)
    known = (whom.channel, whom.address_hash)
    was_out = any(state == consent.OUT for state, _, _ in before.values())
    was_out = pending.get(known, consent.OUT if was_out else consent.IN) == consent.OUT
    if kin == START and not was_out:
        return ()
    pending[known] = consent.OUT if kin == STOP else consent.IN
    change = consent.changed(
        interaction_id=said.interaction_id,
        channel=whom.channel,
        account=whom.account,
        address_hash=whom.address_hash,
        state=consent.OUT if kin == STOP else consent.IN,
        how="provider" if said.consent else "word",
        # Once the provider blocks, it does so until START.
        blocked=kin == STOP and (said.consent == STOP or any(blocked for _, _, blocked in before.values())),
        message_id=said.message_id,
    )
    confirmed = (kin == STOP and was_out) or _network_answers(plan, said, whom, kin)
    kind = OPTED_OUT if kin == STOP else OPTED_IN
    return [change, *(() if confirmed else _notice(db, plan, said, whom, kind, at_ms))]


def _help(
    db: Connection, plan: Plan, said: Said, whom: _Whom, at_ms: int, pending: dict[tuple[str, str], str]
) -> Sequence[Fact]:
    """Who we are, where the plan has words for it: once, and not in a conversation that an agent has."""
    held = db.row(
        "SELECT 1 FROM interaction WHERE interaction_id = :i AND answered_at_ms > 0", i=said.interaction_id
    )
    if held is not None or (said.interaction_id, HELP) in pending:
        return ()
    pending[said.interaction_id, HELP] = ""
    return _notice(db, plan, said, whom, HELP, at_ms, because_of=said.interaction_id)


def _network_answers(plan: Plan, said: Said, whom: _Whom, kin: str) -> bool:
    """Whether the provider says it itself: then nobody gets two."""
    account = next((each for each in plan.accounts if each.account_id == whom.account), None)
    ours = account is not None and dict(account.options).get("own_opt_out") is True
    if not CHANNELS[whom.channel].own_opt_out or ours:
        return False
    return bool(said.consent) or is_of_network(said.text, kin)


def _notice(
    db: Connection, plan: Plan, said: Said, whom: _Whom, kind: str, at_ms: int, *, because_of: str = ""
) -> Sequence[Fact]:
    """The message and the order to send it; nothing where there are no words, or nobody to say them to.

    because_of: once for all that has this id; empty: once for the message.
    """
    text = text_of(plan, kind, said.language, whom.language)
    new_id = message_id_of("notice", kind, because_of or said.message_id)
    known = db.row("SELECT 1 FROM message WHERE message_id = :m", m=new_id)
    if not text or not whom.identity_id or known is not None:
        return ()
    salt, body = os.urandom(SALT_BYTES), text.encode()
    db.run(
        "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
        " VALUES (:content_id, :media_type, '', :salt, :body, :at_ms)",
        content_id=new_id,
        media_type=TEXT,
        salt=salt,
        body=body,
        at_ms=at_ms,
    )
    message = fact(
        "message_added",
        said.interaction_id,
        message_id=new_id,
        content_id=new_id,
        content_hash=hashlib.sha256(salt + body).hexdigest(),
        client_id="",
        direction="system",
        author_id="",
        message_kind="text",
        reading="read",
    )
    order = fact(
        "send_ordered",
        new_id,
        message_id=new_id,
        interaction_id=said.interaction_id,
        channel=whom.channel,
        account=whom.account,
        address_hash=whom.address_hash,
        due_at_ms=at_ms,
        automatic=True,
    )
    return (message, order)
