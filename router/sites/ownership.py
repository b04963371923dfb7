"""Which site serves a domain: the highest claim (n, owner) that either of both has appended.

Claims decide the future only; what was decided under an earlier one stays a fact. Equal n: the later name.
"""

from dataclasses import dataclass
from typing import Final

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


def owner_of(db: Connection, domain: str) -> Owner:
    """Who serves it, as far as this database knows."""
    row = db.row(
        """SELECT n, owner, mode, with_assigned, since_ms, agent_id, why, automatic
           FROM domain WHERE domain = :domain AND n < :n_max""",
        domain=domain,
        n_max=N_MAX,
    )
    if row is None:
        return Owner(n=0, site=domain)
    return Owner(
        n=row[0],
        site=row[1],
        mode=row[2],
        with_assigned=bool(row[3]),
        since_ms=row[4],
        agent_id=row[5],
        why=row[6],
        automatic=bool(row[7]),
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
    said = {"learned": learned} if learned else {}
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
