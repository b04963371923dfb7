"""Which site serves a domain: the highest claim (n, owner) that either of both has appended.

Claims decide the future only; what was decided under an earlier one stays a fact. Equal n: the later name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal.connection import Connection
from router.records import Fact, fact

TAKE_OVER = "take_over"
RETURN = "return"

N_MAX: Final = 1 << 32
"""Whoever claims more often has made a mistake: nobody could claim anything above it, at either site."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Owner:
    """Who serves a domain, by which claim. At first its own site, by none (n is 0)."""

    n: int
    site: str
    mode: str = ""
    with_assigned: bool = False
    since_ms: int = 0
    agent_id: str = ""
    why: str = ""
    automatic: bool = False


_IN_FORCE: Final = """
    SELECT domain, n, owner, mode, with_assigned, since_ms, agent_id, why, automatic
    FROM domain WHERE n < :n_max
"""
"""No claim that is above what any site claims counts, wherever it is read."""


def owner_of(db: Connection, domain: str) -> Owner:
    """Who serves it, as far as this database knows."""
    row = db.row(f"{_IN_FORCE} AND domain = :domain", domain=domain, n_max=N_MAX)
    return Owner(n=0, site=domain) if row is None else _owner(row)


def owners(db: Connection) -> dict[str, Owner]:
    """Who serves each domain about which there is a claim."""
    return {str(row[0]): _owner(row) for row in db.rows(_IN_FORCE, n_max=N_MAX)}


def _owner(row: Sequence[Any]) -> Owner:
    return Owner(
        n=row[1],
        site=row[2],
        mode=row[3],
        with_assigned=bool(row[4]),
        since_ms=row[5],
        agent_id=row[6],
        why=row[7],
        automatic=bool(row[8]),
    )


def next_claim(
    own: Connection,
    copy: Connection | None,
    domain: str,
    *,
    owner: str,
    mode: str,
    agent_id: str,
    why: str,
    command_id: str,
    with_assigned: bool = False,
    automatic: bool = False,
) -> Fact | None:
    """The claim above all that are known; None where the domain is this owner's already, as is asked."""
    known = owner_of(own, domain)
    theirs = owner_of(copy, domain) if copy is not None else known
    highest = max(known, theirs, key=lambda each: (each.n, each.site))
    n = highest.n + 1
    if highest.site == owner:
        if known == highest and (highest.with_assigned or not with_assigned):
            return None
        n = highest.n or 1
    return claim(
        domain,
        n=n,
        owner=owner,
        mode=mode,
        agent_id=agent_id,
        why=why,
        command_id=command_id,
        with_assigned=with_assigned,
        automatic=automatic,
    )


def claim(
    domain: str,
    *,
    n: int,
    owner: str,
    mode: str,
    agent_id: str,
    why: str,
    command_id: str,
    with_assigned: bool,
    automatic: bool,
    learned: str = "",
) -> Fact:
    """The fact. learned: where it was appended first, if not here."""
    said: dict[str, str | bool] = {"learned": learned} if learned else {"once": True}
    return fact(
        "domain_claimed",
        domain,
        n=n,
        owner=owner,
        mode=mode,
        agent_id=agent_id,
        why=why,
        command_id=command_id,
        with_assigned=with_assigned,
        automatic=automatic,
        **said,
    )


def learned_claims(own: Connection, copy: Connection, domains: tuple[str, ...], peer: str) -> list[Fact]:
    """Claims of the other site that are higher than what is known here: from here on they hold here too."""
    facts: list[Fact] = []
    for domain in domains:
        known, theirs = owner_of(own, domain), owner_of(copy, domain)
        if (theirs.n, theirs.site) > (known.n, known.site) and theirs.n:
            facts.append(
                claim(
                    domain,
                    n=theirs.n,
                    owner=theirs.site,
                    mode=theirs.mode,
                    agent_id=theirs.agent_id,
                    why=theirs.why,
                    command_id="",
                    with_assigned=theirs.with_assigned,
                    automatic=theirs.automatic,
                    learned=peer,
                )
            )
    return facts
