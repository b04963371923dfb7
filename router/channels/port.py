"""What a channel is to the rest of Muster: what it can do, and the one shape its contacts are translated to.

A channel authenticates raw bytes, takes ids out of them, and translates: no branch on what a contact means.
Keeping contacts is ingest.py, reading them is run/intake.py, sending is delivery. Signatures of webhooks,
sending and receipts of providers join this page with the first provider that needs them; chat has none of
the three: its page is authenticated by its session, and tails the journal for what it is sent.
"""

from dataclasses import dataclass
from typing import Final

TEXT: Final = "text/plain; charset=utf-8"

UNPARSED: Final = "application/x-muster-unparsed"
"""Media type of what could not be kept as what it claimed to be: intake marks its message unparsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the rest of Muster may expect of a channel.

    Shape: joins_by is how a later contact finds its open interaction: session (chat), address (sms, social),
           reply_token (mail) or never (voice). `connections`: the customer has a live line whose loss means
           that the customer may have given up. `receipts`: it is known when a reply was shown.
    """

    channel: str
    joins_by: str
    connections: bool
    attachments: bool
    receipts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One thing that somebody outside said, as far as ingest needs to know it. Authenticated, not yet read.

    Shape: provider_id names it within (channel, account), so a repeat is recognised. `thread` is what later
           contacts join by; empty: it joins nothing. `address_hash` is empty when the address must not be
           linked to a customer; `verified` says who vouches for it (we or the carrier: True). `client_id` is
           given back to the sender. `kind` is text or attachment. `body` is what arrived, byte for byte.
    """

    channel: str
    account: str = ""
    provider_id: str
    thread: str = ""
    address_hash: str = ""
    verified: bool = False
    client_id: str = ""
    kind: str = "text"
    media_type: str = TEXT
    file_name: str = ""
    body: bytes
    received_at_ms: int
    traffic: str = "real"
