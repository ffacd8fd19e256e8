"""What a GPU computes, beside what the CPU does, and how fast: ten minutes, for whoever has one.

    make gpu-check                                     # or: python -m benchmarks.gpu_check
    python -m benchmarks.gpu_check --parts networks inputs
    python -m benchmarks.gpu_check --device cpu --quick   # the CPU with itself, so that the check cannot rot

Parts, and the seconds that each is expected to take on a T4 with two CPU cores: inputs (resize, augmentation,
log-mel; 20), networks (scores and gradients in 64, 32 and 16 bits; 90), demo (drawn people, training that is
killed and gone on with, evaluation; 240), feeding (clips a second by the loader and from memory; 40), times
(steps and memory; 60 eager, and compiled networks in what is left of `--minutes`). Every row is printed as it
comes and written to gpu_check.md and gpu_check.json, which are what to send with a report.

Exit code 0: all comparisons pass; 1: one does not, or a part failed; 2: there is no GPU.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.gpu.demo import check_demo
from benchmarks.gpu.feeding import extrapolate, feed
from benchmarks.gpu.inputs import compare_inputs
from benchmarks.gpu.networks import SMALL, Size, compare_networks
from benchmarks.gpu.report import Report, describe
from benchmarks.gpu.times import AVEC2014, measure

PARTS = ("inputs", "networks", "demo", "feeding", "times")
NO_GPU = "no GPU here, and this is for a machine with one (--device cpu compares the CPU with itself)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; returns the exit code."""
    chosen = parse(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print(f"error: {NO_GPU}", file=sys.stderr)
        return 2
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as Lightning does for deterministic kernels
    device = torch.device(chosen.device, 0 if chosen.device == "cuda" else None)
    deadline = time.perf_counter() + 60 * chosen.minutes
    report = Report(describe(device))
    for name, fact in report.device.items():
        print(f"{name}: {fact}")
    try:
        run(report, device, chosen, deadline)
    finally:  # Ctrl-C leaves what was found, too
        paths = report.write(chosen.output)
    print(report.verdict())
    for path in paths:
        print(path)
    return 0 if report.ok else 1


def run(report: Report, device: torch.device, chosen: argparse.Namespace, deadline: float) -> None:
    """The parts that are asked for, each whatever became of the others."""
    small = chosen.quick or device.type == "cpu"
    size, clips = (SMALL, 6) if small else (AVEC2014, 40)
    if "inputs" in chosen.parts:
        with report.part("inputs"):
            compare_inputs(report, device)
    if "networks" in chosen.parts:
        with report.part("networks"):
            compare_networks(report, device, SMALL if small else Size())
    if "demo" in chosen.parts:
        with report.part("demo"):
            epochs = 6 if chosen.quick else 60
            check_demo(report, device, chosen.output / "demo", chosen.crops, epochs, not chosen.quick)
    if "feeding" in chosen.parts:
        with report.part("feeding"):
            feed(report, device, size, clips, workers=2, rounds=1 if small else 3)
    for compiled in (False, True) if "times" in chosen.parts else ():
        with report.part("times, compiled" if compiled else "times, eager"):
            found = measure(report, device, size, compiled, rounds=1 if small else 5, deadline=deadline)
            extrapolate(report, found, size)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/gpu_check"), help="folder of what is found"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="some of them")
    parser.add_argument("--crops", type=Path, help="those of `make demo`; without, they are drawn")
    parser.add_argument("--minutes", type=float, default=10, help="after which nothing more is compiled")
    parser.add_argument("--quick", action="store_true", help="small networks and few epochs: no verdict")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
