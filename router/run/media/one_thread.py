"""ffmpeg without threads of its own.

For each encoder PyAV builds a graph of filters, and each graph would start as many threads as there are
processors, up to sixteen, which then do nothing: with fifty calls on a large machine more than a thousand.
"""

import ctypes
from functools import cache
from pathlib import Path

import av


@cache
def keep_to_one_thread() -> bool:
    """Tell ffmpeg, once in a process, that there is one processor. False: it cannot be told."""
    folder = Path(av.__file__).parent.parent / "av.libs"  # where wheels of PyAV have ffmpeg
    for library in folder.glob("libavutil*"):
        try:
            ctypes.CDLL(str(library)).av_cpu_force_count(1)
        except (OSError, AttributeError):
            continue
        return True
    return False
