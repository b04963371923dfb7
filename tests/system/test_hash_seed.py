"""Equal events, equal decisions: in every process, whatever its hash seed."""

import hashlib
import os
import subprocess
import sys

import pytest

SCRIPT = """
from tests.properties.test_core import PLANS, act, long_day
from tests.scenarios.world import World
world = World(["ana", "ben"], plan=PLANS[0], twin=False)
for number, (what, one, two) in enumerate(long_day(11, 400)):
    act(world, what, one, two, number)
print(len(world.made), repr(world.made))
"""


@pytest.mark.system
def test_decisions_do_not_depend_on_the_hash_seed():
    """Replay runs in another process: the order of a set would make it decide otherwise."""
    digests = []
    for seed in ("0", "1", "4711"):
        made = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        ).stdout
        assert int(made.split()[0]) > 200
        digests.append(hashlib.sha256(made.encode()).hexdigest())
    assert len(set(digests)) == 1
