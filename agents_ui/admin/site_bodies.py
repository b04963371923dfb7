"""What the Sites part of the admin page sends: typed the moment it arrives, lengths bounded."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(max_length=100)]
Share = Annotated[int, Meta(ge=0, le=100)]


class SiteQuestion(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An act and what belongs to it: what would it do? Fields that an act has not are left out."""

    act: Literal["take-over", "return", "reroute", "override", "drill"]
    domain: Name = ""
    scope: Name = "all"
    share_pct: Share | None = None
    site: Name = ""
    state: Name = ""


class SiteAct(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The same, to be done. command_id is chosen by the page, once; confirm is the site's name as typed."""

    act: Literal["take-over", "return", "reroute", "override", "drill", "again"]
    command_id: Annotated[str, Meta(min_length=8, max_length=64)]
    confirm: Annotated[str, Meta(max_length=200)] = ""
    why: Annotated[str, Meta(max_length=300)] = ""
    domain: Name = ""
    assigned: bool = False
    anyway: bool = False
    scope: Name = "all"
    share_pct: Share | None = None
    site: Name = ""
    state: Name = ""
    run_id: Annotated[str, Meta(max_length=200)] = ""
