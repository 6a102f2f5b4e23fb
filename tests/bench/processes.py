"""CPU and memory of processes, as Linux tells of them."""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"
_GONE = (FileNotFoundError, ProcessLookupError)
Cpu = dict[int, float]
"""Seconds of CPU by process."""


def cpu(pids: Iterable[int]) -> Cpu:
    """Return how much CPU each process has used, with its threads that have ended."""
    seconds: Cpu = {}
    for pid in pids:
        with suppress(OSError):  # it has ended
            # The kernel's number for the clock of another process; /proc counts in hundredths.
            seconds[pid] = time.clock_gettime((~pid << 3) | 2)
    return seconds


def spent(before: Cpu, after: Cpu) -> float:
    """Return how much CPU was used in between; processes that came later count whole."""
    return sum(seconds - before.get(pid, 0) for pid, seconds in after.items())


def memory(pid: int) -> float:
    """Return how much memory a process holds, in MB, as `ps` tells."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found, f"process {pid} has ended"
    return int(found[1]) / 1024


def shared(pid: int) -> float:
    """Return how much of it the process shares with others, its parent above all, in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return (
        sum(int(size) for size in re.findall(r"^Shared_\w+: +(\d+) kB$", rollup, re.MULTILINE))
        / 1024
    )


def family(pid: int) -> list[int]:
    """Return a process and all that come from it."""
    children = {child for each in _children(pid) for child in family(each)}
    return [pid, *sorted(children)]


def listening(port: int, among: Iterable[int]) -> list[int]:
    """Return which of the processes have a TCP port open for callers."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == _LISTENS and int(row[1].partition(":")[2], 16) == port
    }
    return [pid for pid in among if sockets & set(_open(pid))]


def parent(pid: int) -> int:
    """Return the process that started this one."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"PPid:\s+(\d+)", status)
    assert found
    return int(found[1])


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(*_GONE):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    return children


def _open(pid: int) -> Iterable[str]:
    with suppress(*_GONE):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(*_GONE):
                yield str(descriptor.readlink())
