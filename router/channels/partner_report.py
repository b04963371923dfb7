"""What a partner may report: the shape of the signed webhook's bodies, and what they say to people.

`python -m router.channels.partner_report` prints the published schema, docs/partner-webhook.schema.json.
"""

import sys
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from router.channels.json_body import mended
from router.channels.port import Shown
from router.channels.text import kept, shown
from router.places.place import place_of

Value = str | int | float | bool


class Place(Struct, frozen=True, kw_only=True):
    """Where it is. Leave it out rather than send 0, 0 where nobody knows."""

    latitude: Annotated[float, Meta(ge=-90, le=90, description="WGS 84, degrees.")]
    longitude: Annotated[float, Meta(ge=-180, le=180, description="WGS 84, degrees.")]
    accuracy_m: Annotated[float, Meta(gt=0, description="Radius in metres.")] | None = None
    address: Annotated[str, Meta(max_length=1_000, description="As people would say it.")] = ""


class Sender(Struct, frozen=True, kw_only=True):
    """Who or what reports. The same address joins the same open conversation."""

    address: Annotated[
        str, Meta(max_length=200, description="A telephone number with +, a mail address, or a device's id.")
    ]
    kind: Literal["device", "phone", "mail"] = "device"
    name: Annotated[str, Meta(max_length=200, description="For people.")] = ""


class Report(Struct, frozen=True, kw_only=True, tag="report", tag_field="kind"):
    """Something that somebody should look at. It becomes a conversation, or joins the sender's open one."""

    id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2_000,
            description="Yours. Kept once with the same body: send it again until the answer is 2xx.",
        ),
    ]
    text: Annotated[
        str,
        Meta(max_length=50_000, description="What is the matter, in words. The rules of the centre read it."),
    ]
    sender: Annotated[
        Sender | None,
        Meta(description="Left out: nobody in particular; each report is a conversation of its own."),
    ] = field(name="from", default=None)
    said_at: (
        Annotated[
            datetime,
            Meta(tz=True, description="When, in RFC 3339 with an offset. Left out: when it arrives."),
        ]
        | None
    ) = None
    place: Place | None = None
    fields: Annotated[
        dict[str, Value],
        Meta(
            max_length=100,
            description="What else is known: answers of a form, measured values. Shown below the text.",
        ),
    ] = {}
    traffic: Annotated[
        Literal["real", "drill", "probe"],
        Meta(
            description="drill and probe are left out of the statistics. A drill goes the whole way; a probe "
            "ends by itself as soon as it has its place in line, and nobody sees it."
        ),
    ] = "real"


class Status(Struct, frozen=True, kw_only=True, tag="status", tag_field="kind"):
    """What became of an answer that was posted to your endpoint."""

    message: Annotated[str, Meta(description="The id that the answer had.")]
    status: Annotated[str, Meta(description="sent, delivered, read or failed; others are ignored.")]
    reason: Annotated[str, Meta(description="Of failed: small letters, digits and underscores.")] = ""


class Problem(Struct, frozen=True):
    """Why a body is neither."""

    text: str


def read(body: bytes) -> Report | Status | Problem:
    """The body as what it is. Never raises."""
    problem = ""
    for readable in (bytes, mended):
        try:
            return msgspec.json.decode(readable(body), type=Report | Status)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as reason:
            problem = problem or str(reason)
    return Problem(f"{shown(kept(problem))[:300]}. See docs/partner-webhook.md.")


def written_out(report: Report) -> Shown:
    """The words, and below them what else was reported, line by line."""
    lines = [report.text]
    sender, place = report.sender, report.place
    if sender is not None and sender.name:
        lines.append(f"{sender.name} ({sender.address})")
    if place is not None:
        exact = f" (within {place.accuracy_m:g} m)" if place.accuracy_m else ""
        lines.append(f"{place.latitude}, {place.longitude}{exact}")
        lines.append(place.address)
    lines.extend(f"{label}: {_plain(value)}" for label, value in report.fields.items())
    said_at_ms = 0 if report.said_at is None else _ms(report.said_at)
    point = (
        None
        if place is None
        else place_of(
            "partner",
            place.latitude,
            place.longitude,
            radius_m=place.accuracy_m,
            fix_at_ms=said_at_ms,
            words=shown(kept(place.address)),
        )
    )
    text = "\n".join([lines[0], *(each for each in lines[1:] if each)])
    return Shown(
        text=shown(kept(text)),
        places=() if point is None else (point,),
        things=int(place is not None) + len(report.fields),
        said_at_ms=said_at_ms,
    )


def _ms(moment: datetime) -> int:
    try:
        return max(0, int(moment.timestamp() * 1000))
    except OverflowError:  # the year 1, in a time zone where it has not begun yet
        return 0


def schema() -> bytes:
    """The published schema, for people and programs."""
    found = msgspec.json.schema(Report | Status)
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Muster partner webhook"}
    return msgspec.json.format(msgspec.json.encode({**title, **found}), indent=2) + b"\n"


def _plain(value: Value) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
