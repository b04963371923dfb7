"""The collector's pauses are a customer's waiting time."""

import subprocess
import sys

ASK = """
import gc
from router.run.garbage import THRESHOLDS, stop_rarely
class Kept: pass
kept = [Kept() for _ in range(1000)]
stop_rarely()
assert gc.get_threshold() == THRESHOLDS
assert gc.get_freeze_count() > 1000
assert not any(each is kept for each in gc.get_objects())
a, b = Kept(), Kept()
a.other, b.other = b, a
del a, b
assert gc.collect() >= 2
"""


def test_what_is_there_is_never_looked_through_again_and_new_cycles_still_go():
    """A process that never collected would grow without end; one that looks at everything stops everybody."""
    subprocess.run([sys.executable, "-c", ASK], check=True, timeout=30)
