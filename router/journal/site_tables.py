"""The tables of two sites: JOURNALLED ones, which fold as those of tables.py do, and three LOCAL ones.

Apart from tables.py, which says what that means and lists every table: one page would be too long. What the
facts behind them are: docs/architecture.md §12.
"""

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel


def _ms(*, index: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=False, index=index)


class DomainRow(SQLModel, table=True):
    """JOURNALLED. Who serves a site's traffic now: the highest claim (n, owner) known here."""

    __tablename__ = "domain"
    domain: str = Field(primary_key=True)
    """The site whose traffic it is."""
    n: int = Field(sa_column=Column(BigInteger, nullable=False))
    owner: str
    mode: str
    """take_over | return."""
    with_assigned: int = 0
    """What agents hold is adopted as well."""
    since_ms: int = Field(sa_column=_ms())
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    agent_id: str = ""
    why: str = ""
    automatic: int = 0


class AdoptionRow(SQLModel, table=True):
    """JOURNALLED. An interaction that came from the other site, and by which claim."""

    __tablename__ = "adoption"
    interaction_id: str = Field(primary_key=True)
    from_site: str
    n: int = Field(sa_column=Column(BigInteger, nullable=False))
    owner: str
    at_ms: int = Field(sa_column=_ms(index=True))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    held_by: str = ""
    """The agent who held it there, and is to hold it here."""


class YieldingRow(SQLModel, table=True):
    """JOURNALLED. An interaction that the other site serves instead of this one."""

    __tablename__ = "yielding"
    interaction_id: str = Field(primary_key=True)
    to_site: str
    n: int = Field(sa_column=Column(BigInteger, nullable=False))
    owner: str
    at_ms: int = Field(sa_column=_ms(index=True))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))


class DualAnswerRow(SQLModel, table=True):
    """JOURNALLED. Agents of both sites answered it: both keep it, and both know."""

    __tablename__ = "dual_answer"
    interaction_id: str = Field(primary_key=True)
    agent_id: str
    """Who answered it at this site."""
    other_site: str
    other_agent_id: str
    at_ms: int = Field(sa_column=_ms(index=True))


class CopyGapRow(SQLModel, table=True):
    """JOURNALLED. What was acknowledged before the other site had it too, until it has."""

    __tablename__ = "copy_gap"
    from_seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    through_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """0: everything from there on, as long as it is not healed."""
    why: str
    """slow (it came too late) | lagging (nobody waits any more) | gone."""
    began_ms: int = Field(sa_column=_ms())
    healed_ms: int = Field(sa_column=_ms(index=True))
    """0: some of it is at this site only."""


class RerouteRow(SQLModel, table=True):
    """JOURNALLED. How much of what waits here is handed to the other site, by what it is about."""

    __tablename__ = "reroute"
    scope: str = Field(primary_key=True)
    """all | urgency/<n> | channel/<id> | queue/<id>."""
    share_pct: int = 0
    since_ms: int = Field(sa_column=_ms())
    agent_id: str = ""
    why: str = ""
    seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    """The row that asked for it: what came from the other site since is not sent back."""


class SiteStateRow(SQLModel, table=True):
    """JOURNALLED. What was observed of a site, and what a person said of it, beside each other."""

    __tablename__ = "site_state"
    site: str = Field(primary_key=True)
    observed: str = ""
    observed_why: str = ""
    observed_ms: int = Field(sa_column=_ms())
    override: str = ""
    override_by: str = ""
    override_why: str = ""
    override_ms: int = Field(sa_column=_ms())


class ActDoneRow(SQLModel, table=True):
    """JOURNALLED. A command about sites that was carried out: its repeat changes nothing, however late."""

    __tablename__ = "act_done"
    command_id: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    """The scope or site; of a claim the domain and its mode (a/take_over)."""
    kind: str
    """Of the fact."""
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))


class DrillRow(SQLModel, table=True):
    """JOURNALLED. A rehearsal: who began it, and what came of it."""

    __tablename__ = "drill"
    drill_id: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    began_ms: int = Field(sa_column=_ms(index=True))
    ended_ms: int = Field(sa_column=_ms())
    agent_id: str = ""
    share_pct: int = 0
    count: int = 0
    report: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """Canonical JSON."""


class ActionRunRow(SQLModel, table=True):
    """JOURNALLED. Something to tell a provider because a site's traffic moves, until it is done."""

    __tablename__ = "action_run"
    run_id: str = Field(primary_key=True)
    action_id: str
    domain: str
    mode: str
    """take_over | return."""
    status: str = "due"
    """due | done | failed."""
    attempts: int = 0
    due_at_ms: int = Field(sa_column=_ms())
    at_ms: int = Field(sa_column=_ms())
    detail: str = ""

    __table_args__ = (Index("action_run_due", "status", "due_at_ms"),)


class SiteStatusRow(SQLModel, table=True):
    """LOCAL. What the peer role knows at this moment, for console, pages and command line."""

    __tablename__ = "site_status"
    key: str = Field(primary_key=True)
    at_ms: int = Field(sa_column=_ms())
    data: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """Canonical JSON."""


class ContentFaultRow(SQLModel, table=True):
    """LOCAL. Content that is not as a row of this database's stream says, until it is (content_faults.py)."""

    __tablename__ = "content_fault"
    content_id: str = Field(primary_key=True)
    content_hash: str
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The row that names it."""
    what: str
    """damaged | absent."""


class OpenThereRow(SQLModel, table=True):
    """LOCAL. What is open at the other site and never was here, by what a contact of it here joins by
    (router/sites/open_there.py): an index of the copy."""

    __tablename__ = "open_there"
    interaction_id: str = Field(primary_key=True)
    thread: str = Field(index=True)
    """What this site calls it: each site hashes addresses with salts of its own."""


JOURNALLED = (
    "domain",
    "adoption",
    "yielding",
    "dual_answer",
    "copy_gap",
    "reroute",
    "site_state",
    "act_done",
    "drill",
    "action_run",
)
LOCAL = ("site_status", "content_fault", "open_there")
