"""Steps of plain module and package, timed in turn, and the memory that they take.

Each cell runs once in each round, one after the other; shown are medians of the rounds after the first. A
training step is forward, backward, unscaling and Adam, in 16 bits on a GPU, with deterministic kernels where
there are some, as the default Trainer has it. What does not fit the device's memory, or its time, says so in
its cell.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu.networks import Size
from benchmarks.gpu.precision import as_trained, sixteen, unfettered
from benchmarks.gpu.report import Report
from benchmarks.plain_network import PlainSTADRN
from stan_lightning.network import STADRN
from stan_lightning.network.memory import peak_bytes
from stan_lightning.network.precision import single_precision

TABLE = "Times of a step and memory"
FORMATS = ("contiguous", "channels last")
PASSES = {"training": "training", "half": "validation, 16 bits", "single": "validation, 32 bits"}
AVEC2014 = Size(frames=64, side=224, clips=5)


@dataclass
class Candidate:
    """A network in one memory format, and what was measured of it.

    Attributes:
        name: For the table.
        make: Builds it, on the CPU.
        compiled: Whether `torch.compile` compiles it.
        layout: One of `FORMATS`.
        free: Whether kernels need not be deterministic.
        seconds: By pass, one a round.
        trouble: By pass, why there is no time.
    """

    name: str
    make: Callable[[], nn.Module]
    compiled: bool
    layout: str
    free: bool = False
    seconds: dict[str, list[float]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    measured: int | None = None

    def row(self, predicted: int | None) -> dict[str, Any]:
        """For the table: medians in milliseconds, peaks in GiB."""
        kernels = ", any kernel" if self.free else ""
        found: dict[str, Any] = {
            "network": self.name,
            "how": f"{'compiled' if self.compiled else 'eager'}, {self.layout}{kernels}",
        }
        for name, title in PASSES.items():
            times = self.seconds.get(name)
            found[f"{title}, ms"] = 1000 * statistics.median(times) if times else self.trouble.get(name)
        found["peak of training with scratch, GiB"] = None if self.measured is None else self.measured / 2**30
        found["predicted without scratch, GiB"] = None if predicted is None else predicted / 2**30
        return found


def built(layout: str, size: Size, recompute: bool = False) -> Callable[[], nn.Module]:
    """What makes the package's network in one memory format, or in the one that it takes by itself."""
    return partial(
        STADRN,
        features=size.features,
        layers=size.layers,
        recompute=recompute,
        memory_format=layout.replace(" ", "_"),
    )


def candidates(size: Size, compiled: bool) -> Iterator[Candidate]:
    """What is compared, the package's first."""
    for layout in reversed(FORMATS):
        yield Candidate("package", built(layout, size), compiled, layout)
        if not compiled:
            yield Candidate("package, recompute", built(layout, size, True), compiled, layout)
            yield Candidate("package", built(layout, size), compiled, layout, free=True)
        yield Candidate(
            "plain", partial(PlainSTADRN, features=size.features, layers=size.layers), compiled, layout
        )


class Bench:
    """A candidate on the device, with its optimiser."""

    def __init__(self, candidate: Candidate, clips: Tensor) -> None:
        self.candidate, self.device = candidate, clips.device
        self.network = candidate.make().to(self.device)
        self.clips = clips
        if candidate.layout == FORMATS[1]:
            self.clips = clips.contiguous(memory_format=torch.channels_last_3d)
            if candidate.name == "plain" or candidate.compiled:  # as `model.compile=true` does
                self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # torch's stub lacks it
        if candidate.compiled:
            self.network.compile()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-6)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda")

    def training(self) -> None:
        """One step."""
        self.network.train()
        with sixteen(self.device, self.scaler.is_enabled()):
            loss = self.network(self.clips).float().square().mean()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def half(self) -> None:
        """Scores in 16 bits."""
        self.network.eval()
        with torch.inference_mode(), sixteen(self.device):
            self.network(self.clips)

    def single(self) -> None:
        """Scores in 32 bits."""
        self.network.eval()
        with torch.inference_mode(), single_precision(self.device.type):
            self.network(self.clips)

    def timed(self, name: str) -> float | None:
        """Seconds of a pass, to its last kernel; None, and why, where it cannot be had."""
        run: Callable[[], None] = getattr(self, name)
        try:
            with unfettered() if self.candidate.free else as_trained():
                wait(self.device)
                begun = time.perf_counter()
                run()
                wait(self.device)
                return time.perf_counter() - begun
        except torch.OutOfMemoryError:
            self.candidate.trouble[name] = "out of memory"
        except Exception as error:  # a compiler's, a library's: one cell is not the end of the table
            self.candidate.trouble[name] = f"{type(error).__name__}: {str(error).strip()[:60]}"
        self.optimizer.zero_grad(set_to_none=True)
        free_memory(self.device)
        return None

    def peak(self) -> int | None:
        """Bytes of a training step at its most, with weights, Adam's moments and clips; on a GPU alone."""
        if self.device.type != "cuda" or "training" in self.candidate.trouble:
            return None
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        self.timed("training")
        moments = [value for state in self.optimizer.state.values() for value in state.values()]
        own = [*self.network.parameters(), *self.network.buffers(), *moments, self.clips]
        present = sum(tensor.nbytes for tensor in own if tensor.device.type == "cuda")
        return torch.cuda.max_memory_allocated() - before + present


def wait(device: torch.device) -> None:
    """Until the device has nothing to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_memory(device: torch.device) -> None:
    """Give back what nobody holds."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def measure(
    report: Report, device: torch.device, size: Size, compiled: bool, rounds: int, deadline: float
) -> list[Candidate]:
    """Time all candidates in turn.

    Args:
        report: Takes a row a candidate.
        device: Where.
        size: Of networks and clips.
        compiled: Whether compiled networks, minutes more, are compared, or eager ones.
        rounds: After the first.
        deadline: Of `time.perf_counter`; no rounds and no compiling after it.
    """
    torch.manual_seed(0)
    shape = (size.clips, 3, size.frames, size.side, size.side)
    clips = torch.randn(shape, device=device)
    found, benches = list(candidates(size, compiled)), []
    for candidate in found:
        if compiled and time.perf_counter() > deadline:
            candidate.trouble = dict.fromkeys(PASSES, "no time left")
            continue
        try:
            bench = Bench(candidate, clips)
        except torch.OutOfMemoryError:
            candidate.trouble = dict.fromkeys(PASSES, "out of memory")
            free_memory(device)
            continue
        for name in PASSES:  # warms up, and compiles
            bench.timed(name)
        candidate.measured = bench.peak()
        benches.append(bench)
    for round_ in range(rounds):
        if round_ and time.perf_counter() > deadline:
            break
        for bench in benches:
            for name in PASSES:
                if name not in bench.candidate.trouble:
                    taken = bench.timed(name)
                    if taken is not None:
                        bench.candidate.seconds.setdefault(name, []).append(taken)
    for candidate in found:
        eager = not candidate.compiled and not candidate.free
        precision = "16-mixed" if device.type == "cuda" else "32-true"
        report.measure(
            TABLE, candidate.row(peak_bytes(candidate.make(), shape, precision) if eager else None)
        )
    return found
