"""Trunks of a plan: what would let strangers call, or calls out fail, is refused before it counts."""

import pytest

from tests.config.plans import SMALL, spoiled

CHANNEL = SMALL[SMALL.index("[[channels]]") : SMALL.index("[[queues]]")].replace('"chat"', '"voice"')
TRUNK = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
secret = "trunk"
endpoint = "sip:trunk.example.org:5060;transport=tcp"
options = { upstream = "198.51.100.0/24", user = "muster", display = "+15550100911", recording = "announced" }
"""


def test_a_trunk_says_who_may_call_and_where_calls_go():
    """The whole of it, as an admin would write it."""
    assert [text for _, text in spoiled(add=CHANNEL + TRUNK) if "trunk" in text or "sip" in text] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('upstream = "198.51.100.0/24", ', "", "needs the option 'upstream'"),
        ('"198.51.100.0/24"', '"anywhere"', "must be addresses or networks"),
        ('"198.51.100.0/24"', '"10.0.0.0/8,::/0"', "everybody could send us calls"),
        ('secret = "trunk"\n', "", "wants a password"),
        ('display = "+15550100911"', 'display = "Lowen Centre"', "no number that can be shown"),
        ('recording = "announced"', 'recording = "always"', "is one of off, announced, on"),
        (
            "sip:trunk.example.org:5060;transport=tcp",
            "https://trunk.example.org",
            "go to an address like sip:",
        ),
        ("sip:trunk.example.org:5060;transport=tcp", "sip:a b", "must be like sip:"),
    ],
)
def test_a_trunk_that_cannot_be_is_named(old: str, new: str, words: str):
    """A plan is refused whole, with what to mend, never half taken."""
    assert [text for _, text in spoiled(add=CHANNEL + TRUNK.replace(old, new)) if words in text]
