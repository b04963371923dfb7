"""A contact as a webhook brought it, from an id that means something at its provider only."""

import hashlib

from router.channels.ids import group_thread_of
from router.channels.port import Account, Contact, Webhook


def brought(
    webhook: Webhook,
    account: Account,
    *,
    media_type: str,
    provider_id: str,
    address: str,
    group: str = "",
    body: bytes = b"",
) -> Contact:
    """One of these, kept as it came.

    Shape: body is its part of a batch; empty: the whole. Without a provider_id a repeat is known by its
           bytes. group: it was said among many people; an answer goes there, and nobody is linked.
    """
    raw = body or webhook.body
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=provider_id or hashlib.sha256(raw).hexdigest(),
        verified=True,
        address_kind=f"{account.provider}:{account.account_id}",
        address=group or address,
        linked=bool(address) and not group and address not in account.unlinked,
        thread=group_thread_of(account.secret, group),
        media_type=media_type,
        body=raw,
        received_at_ms=webhook.received_at_ms,
    )
