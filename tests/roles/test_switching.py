"""A thread's turn to run is a customer's waiting time."""

import subprocess
import sys

ASK = """
import sys
from router.run.switching import SWITCH_S, switch_often
assert sys.getswitchinterval() > 2 * SWITCH_S
switch_often()
assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-6
"""


def test_threads_of_a_role_take_turns_sooner_than_the_interpreter_lets_them():
    """The committer holds the journal's lock while it waits for its turn: everybody waits with it."""
    subprocess.run([sys.executable, "-c", ASK], check=True, timeout=30)
