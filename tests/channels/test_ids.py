"""Ids are the standard's, however they are computed: another site or another release computes the same."""

import uuid

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.channels import ids


@given(st.text(), st.text(), st.text())
def test_ids_of_contacts_are_uuid5(channel: str, account: str, provider_id: str):
    """A shortcut of ours must never make a repeat look new."""
    try:
        name = msgspec.json.encode((channel, account, provider_id)).decode()
    except UnicodeEncodeError:
        return  # a lone surrogate has no bytes
    expected = uuid.uuid5(uuid.UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02"), name)
    assert ids.message_id_of(channel, account, provider_id) == str(expected)


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=26))
def test_fresh_ids_are_uuid7_and_grow_with_time(at_ms: int, drawn: bytes):
    """RFC 9562: version 7, and later ones after earlier ones."""
    found = uuid.UUID(ids.fresh_id(at_ms, drawn))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == at_ms
    assert at_ms == 0 or ids.fresh_id(at_ms - 1, drawn) < str(found)
