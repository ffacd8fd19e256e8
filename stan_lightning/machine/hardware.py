"""Processors, memory and GPUs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stan_boundary import cores
from stan_lightning.machine.fact import NOTE, Fact

GB = 1e9
_LIMITS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")
_NO_LIMIT = 2**60
_QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def facts() -> Iterator[Fact]:
    """What is there, whether or not torch can use it."""
    yield Fact(f"processors to use: {cores.said()}")
    whole, free = memory()
    yield Fact(f"memory: {whole / GB:.1f} GB, of which {free / GB:.1f} GB are free" if whole else "memory: ?")
    yield from _gpus()


def memory(root: Path = Path("/")) -> tuple[int, int]:
    """Bytes of memory and how many are free, within what control groups grant; zeros where nobody says.

    Args:
        root: Where `proc` and `sys` are found; another one in tests.
    """
    known = {}
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            known[name] = int(value.split()[0]) * 1024
        whole, free = known["MemTotal"], known["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return 0, 0
    for name in _LIMITS:
        try:
            limit = int((root / name).read_text())
        except (OSError, ValueError):  # no such group, or "max"
            continue
        if limit < _NO_LIMIT:
            whole, free = min(whole, limit), min(free, limit)
    return whole, free


def _gpus() -> Iterator[Fact]:
    program = shutil.which("nvidia-smi")
    if program is None:
        yield Fact("no NVIDIA GPU (no nvidia-smi): training runs on the CPU in float32", NOTE)
        return
    try:
        done = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        yield Fact("nvidia-smi gives no answer: is the driver loaded?", NOTE)
        return
    lines = [line for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []
    if not lines:
        yield Fact("nvidia-smi finds no GPU: training runs on the CPU in float32", NOTE)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    for line in lines:
        shown = "" if hidden is None else f" (CUDA_VISIBLE_DEVICES={hidden})"
        yield Fact(f"GPU: {line.strip()} driver{shown}")
