"""Processor time and memory of processes, as the kernel counts them."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree_of(pid: int) -> list[int]:
    """This process and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu_s(pid: int) -> float:
    """Processor seconds a process has used, in user and kernel mode."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S if fields else 0.0


def waits_for_order(pid: int) -> bool:
    """Whether this is a spare (router/run/spare.py): it has the command of a role, and does nothing yet."""
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        name = Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return False
    order = [each for each in environ if each.startswith(b"MUSTER_ORDER_FD=")]
    return order not in ([], [b"MUSTER_ORDER_FD=-1"]) and name != "muster-web\n"


def rss_kb(pid: int) -> float:
    """Memory of a process that is in RAM, shared pages included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def _stat(pid: int) -> list[str]:
    """The fields after the name, from `state` on; empty when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rsplit(")", 1)[1].split()
