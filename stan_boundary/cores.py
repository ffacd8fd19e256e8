"""How many processors this process may use: those it is bound to, and the share of time it is granted."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def bound() -> int:
    """Processors that the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def granted(root: Path = ROOT) -> float:
    """Processors' worth of time that control groups grant, as containers and job schedulers set it.

    Args:
        root: Where `proc` and the groups' file systems are found; another one in tests.

    Returns:
        The least of the limits of this process's groups and of those above them; infinity without a limit.
    """
    return min(_limits(root), default=float("inf"))


def usable(root: Path = ROOT) -> int:
    """Whole processors, at least one: as many threads or processes get on without waiting for each other."""
    return int(max(1, min(bound(), granted(root))))


def said() -> str:
    """The number in words, with what limits it: ``1 of 8 (control group)``."""
    count, there = usable(), os.cpu_count() or 1
    if count == there:
        return str(count)
    return f"{count} of {there} ({'control group' if count < bound() else 'affinity'})"


def _limits(root: Path) -> Iterator[float]:
    """Limits of the groups that this process is in, under either version of control groups."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    except OSError:  # no Linux, or no proc
        return
    places = [(line.split(" - ")[1].split()[0], line) for line in mounts if " - " in line]
    for line in groups:
        _, controllers, path = line.split(":", 2)
        version = "cgroup" if controllers else "cgroup2"
        for kind, mount in places:
            options = mount.rsplit(" ", 1)[-1].split(",")
            if kind != version or (controllers and "cpu" not in options):
                continue
            if controllers and "cpu" not in controllers.split(","):
                continue
            within, at = mount.split()[3:5]
            inner = Path(path).relative_to(within) if Path(path).is_relative_to(within) else Path()
            top = root / at.lstrip("/")
            for folder in (top / inner, *(top / above for above in inner.parents)):
                yield from _limit(folder)


def _limit(folder: Path) -> Iterator[float]:
    """A group's quota of time by its period."""
    try:
        if (file := folder / "cpu.max").is_file():
            quota, period = file.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        if quota.strip() != "max" and int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return
