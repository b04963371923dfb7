"""What the admin page sends: typed the moment it arrives, lengths bounded, unknown fields refused."""

from typing import Annotated

import msgspec
from msgspec import Meta

from agents_ui.desk.shapes import Id, MaybeId

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class PlanText(msgspec.Struct, forbid_unknown_fields=True):
    """A plan as TOML; `against` is the digest of the plan it is meant to replace."""

    text: Annotated[str, Meta(max_length=1_000_000)]
    against: MaybeId = ""


class PersonChange(msgspec.Struct, forbid_unknown_fields=True):
    """Another role, or whether somebody may sign in."""

    agent_id: Id
    role: MaybeId | None = None
    active: bool | None = None


class PersonNamed(msgspec.Struct, forbid_unknown_fields=True):
    """Whom it is about."""

    agent_id: Id


class SessionEnd(msgspec.Struct, forbid_unknown_fields=True):
    """One session by its sign, or all of a person."""

    session: MaybeId = ""
    agent_id: MaybeId = ""


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """What of the record to show: days of the site's time zone, both included; empty fields ask nothing."""

    from_day: Day
    to_day: Day
    person: MaybeId = ""
    customer: MaybeId = ""
    interaction: MaybeId = ""
    before_seq: Annotated[int, Meta(ge=0)] = 0
    """Go on from here: `next` of the answer before; 0 for the newest."""
