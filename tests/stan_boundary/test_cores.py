"""Threads follow the processors that a process may use: its affinity, and its control groups' limits."""

import os
from pathlib import Path

import pytest

from stan_boundary import cores

V2 = "30 23 0:26 {within} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "31 23 0:27 {within} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def system(root: Path, group: str, mounts: str, files: dict[str, str]) -> Path:
    """A root folder with proc and control groups."""
    for name, text in {"proc/self/cgroup": group, "proc/self/mountinfo": mounts, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("group", "mounts", "files", "granted"),
    [
        ("0::/\n", V2.format(within="/"), {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", V2.format(within="/"), {"sys/fs/cgroup/cpu.max": "max 100000\n"}, float("inf")),
        ("0::/\n", V2.format(within="/"), {}, float("inf")),
        (  # the limit of the group above
            "0::/job/task\n",
            V2.format(within="/"),
            {"sys/fs/cgroup/job/cpu.max": "50000 100000", "sys/fs/cgroup/job/task/cpu.max": "max 100000"},
            0.5,
        ),
        (  # a container that sees its own group alone, under its name outside
            "0::/docker/abc\n",
            V2.format(within="/docker/abc"),
            {"sys/fs/cgroup/cpu.max": "300000 100000"},
            3.0,
        ),
        (
            "5:cpu,cpuacct:/job\n4:memory:/job\n0::/job\n",
            V1.format(within="/"),
            {
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        ("nothing\n".replace("nothing", "0::/x"), "", {}, float("inf")),
    ],
)
def test_limits_of_control_groups(
    tmp_path: Path, group: str, mounts: str, files: dict[str, str], granted: float
) -> None:
    root = system(tmp_path, group, mounts, files)
    assert cores.granted(root) == granted
    assert cores.usable(root) == max(1, min(len(os.sched_getaffinity(0)), int(min(granted, 1e6))))


def test_affinity_counts() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores.usable() == 1
        if (os.cpu_count() or 1) > 1:
            assert cores.said() == f"1 of {os.cpu_count()} (affinity)"
    finally:
        os.sched_setaffinity(0, before)


def test_without_proc(tmp_path: Path) -> None:
    assert cores.granted(tmp_path) == float("inf")
