"""Time and memory of the network against the plain one, forward and training step.

    python -m benchmarks.network --sizes 112 --batches 1 2 --rounds 5
    python -m benchmarks.network --sizes 112 --batches 2 --compile
    python -m benchmarks.network --modalities

Every candidate runs once in each round, one after the other; a ratio is the median over the rounds of plain
time by candidate's time, so that what else the machine does hits both. On a GPU the precision is 16-bit
autocast and the peak is the allocator's; on a CPU it is 32 bits and the peak is counted on fake tensors
(`stan_lightning.network.memory`), without the scratch memory that kernels take within one operation.

`--modalities` compares training steps of networks that see, hear, or do both instead, on one clip each: its
pictures at 224 pixels, and 6.4 s of sound, whose log-mel is part of the step. On a CPU those are seconds of
the processor, which what else the machine does hardly changes.
"""

import argparse
import csv
import os
import runpy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from stan_lightning.data.log_mel import RATE, audio_input
from stan_lightning.network import STADRN
from stan_lightning.network.encoder import Network
from stan_lightning.network.fusion import FUSIONS, Fusion
from stan_lightning.network.memory import peak_bytes

PlainSTADRN = runpy.run_path(str(Path(__file__).with_name("plain_network.py")))["PlainSTADRN"]
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
COLUMNS = [
    "frames",
    "size",
    "batch",
    "pass",
    "candidate",
    "seconds",
    "times_plain",
    "peak_gb",
    "share_of_matmul",
]
MODALITY_COLUMNS = ["frames", "size", "sound_s", "threads", "candidate", "seconds", "of_face"]
SOUND_S = 6.4


def forward(network: nn.Module, clips: Tensor) -> None:
    """Score the clips in evaluation mode."""
    network.eval()
    with torch.inference_mode(), autocast():
        network(clips)


def train(network: nn.Module, clips: Tensor) -> None:
    """Run a forward and a backward pass in training mode."""
    network.train()
    network.zero_grad(set_to_none=True)
    with autocast():
        loss = network(clips).float().square().mean()
    loss.backward()


PASSES: dict[str, Callable[[nn.Module, Tensor], None]] = {"forward": forward, "train": train}


def autocast() -> Any:
    """16-bit autocast on a GPU, nothing on a CPU."""
    return torch.autocast("cuda", torch.float16) if GPU else nullcontext()


def timed(run: Callable[[], None]) -> float:
    """Seconds that `run` takes, to the last kernel."""
    if GPU:
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def spent(run: Callable[[], None]) -> float:
    """Seconds of the processor that `run` takes, of all its threads; on a GPU as `timed`."""
    if GPU:
        return timed(run)
    start = time.process_time()
    run()
    return time.process_time() - start


def matmul_rate() -> float:
    """Floating-point operations a second in a large matrix product: the most that a step could reach."""
    a = torch.randn(2048, 2048, device=DEVICE, dtype=torch.float16 if GPU else torch.float32)
    return 2 * 2048**3 / min(timed(lambda: a @ a) for _ in range(10))


def operations(clips: Tensor, features: int, name: str) -> int:
    """Floating-point operations of the plain network's pass, counted without running it."""
    with FakeTensorMode(), FlopCounterMode(display=False) as counter:
        PASSES[name](PlainSTADRN(features=features), torch.empty(clips.shape))
    return counter.get_total_flops()


def candidates(features: int, compiled: bool) -> dict[str, nn.Module]:
    """Build the networks to compare, all with one set of weights' sizes; "plain" comes first."""
    networks = {
        "plain": PlainSTADRN(features=features),
        "default": STADRN(features=features),
        "recompute": STADRN(features=features, recompute=True),
    }
    if compiled:
        networks["plain, channels last, compiled"] = PlainSTADRN(features=features)
        networks["default, compiled"] = STADRN(features=features)
        for name, network in networks.items():
            if "compiled" in name:
                network.to(memory_format=torch.channels_last_3d)
                network.compile()
    return {name: network.to(DEVICE) for name, network in networks.items()}


def peak_gb(name: str, network: nn.Module, clips: Tensor, features: int) -> float | None:
    """Peak of a training step in GB: measured on a GPU, counted on a CPU (not for compiled networks)."""
    if GPU:
        torch.cuda.reset_peak_memory_stats()
        train(network, clips)
        return torch.cuda.max_memory_allocated() / 1e9
    return None if "compiled" in name else peak_bytes(network, clips.shape) / 1e9


def rows(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Measure every size, batch and pass."""
    rate = matmul_rate()
    threads = torch.get_num_threads()
    print(f"{DEVICE}, {threads} threads, torch {torch.__version__}: matrix product {rate / 1e9:.0f} GFLOP/s")
    networks = candidates(arguments.features, arguments.compile)
    for size in arguments.sizes:
        for batch in arguments.batches:
            clips = torch.randn(batch, 3, arguments.frames, size, size, device=DEVICE)
            peaks = {
                name: peak_gb(name, network, clips, arguments.features) for name, network in networks.items()
            }
            if not GPU and max(peak or 0 for peak in peaks.values()) > arguments.memory_gb:
                print(f"left out: {size} px, batch {batch}: the plain network needs {peaks['plain']:.1f} GB")
                continue
            for name, run in PASSES.items():
                seconds: dict[str, list[float]] = {candidate: [] for candidate in networks}
                for round_ in range(arguments.rounds + 1):
                    for candidate, network in networks.items():
                        inputs = clips
                        if candidate.startswith("plain, channels last"):
                            inputs = clips.contiguous(memory_format=torch.channels_last_3d)
                        taken = timed(partial(run, network, inputs))
                        if round_:  # the first warms up, and compiles
                            seconds[candidate].append(taken)
                work = operations(clips, arguments.features, name)
                for candidate, times in seconds.items():
                    ratios = [plain / own for plain, own in zip(seconds["plain"], times, strict=True)]
                    values = [
                        *(arguments.frames, size, batch, name, candidate, round(statistics.median(times), 4)),
                        round(statistics.median(ratios), 3),
                        peaks[candidate] and round(peaks[candidate], 2) if name == "train" else None,
                        round(work / statistics.median(times) / rate, 2),
                    ]
                    yield dict(zip(COLUMNS, values, strict=True))


def modality_networks(features: int) -> dict[str, Network]:
    """One network that sees, one that hears, and those that do both."""

    def encoder(modality: str) -> STADRN:
        return STADRN(features=features, modality=modality)

    networks: dict[str, Network] = {name: encoder(name) for name in ("face", "audio")}
    spans = {name: (0.0, SOUND_S) for name in networks}
    for fusion in FUSIONS:
        both = {name: encoder(name) for name in ("face", "audio")}
        networks[f"fusion, {fusion}"] = Fusion(both, fusion, spans)
    return {name: network.to(DEVICE).train() for name, network in networks.items()}


def modality_rows(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """A training step of each network, in interleaved rounds; ratios are to the face's of the same round."""
    size, threads = max(arguments.sizes), torch.get_num_threads()
    print(f"{DEVICE}, {threads} threads, torch {torch.__version__}")
    clips = torch.randn(1, 3, arguments.frames, size, size, device=DEVICE)
    samples = torch.randint(-3000, 3000, (1, round(SOUND_S * RATE)), dtype=torch.int16, device=DEVICE)
    present = {"audio": torch.ones(1, dtype=torch.bool, device=DEVICE)}

    def step(network: Network) -> None:
        network.zero_grad(set_to_none=True)
        inputs = {"face": clips}
        if "audio" in network.modalities:
            inputs["audio"] = audio_input(samples)
        with autocast():
            loss = network.score(inputs, present).float().square().mean()
        loss.backward()

    networks = modality_networks(arguments.features)
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for round_ in range(arguments.rounds + 1):
        for name, network in networks.items():
            taken = spent(partial(step, network))
            if round_:
                seconds[name].append(taken)
    for name, times in seconds.items():
        ratio = statistics.median(own / face for face, own in zip(seconds["face"], times, strict=True))
        values = [arguments.frames, size, SOUND_S, threads, name]
        values += [round(statistics.median(times), 4), round(ratio, 3)]
        yield dict(zip(MODALITY_COLUMNS, values, strict=True))


def main() -> None:
    """Print a table and write a CSV."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--sizes", type=int, nargs="+", default=[112, 224], help="pixels a side")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 5])
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory-gb", type=float, default=12, help="leave out what needs more on a CPU")
    parser.add_argument("--compile", action="store_true", help="compiled networks too: minutes more")
    parser.add_argument("--modalities", action="store_true", help="face, audio and fusion instead")
    parser.add_argument("--csv", type=Path, default=Path("network_benchmark.csv"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    columns, measure = (MODALITY_COLUMNS, modality_rows) if arguments.modalities else (COLUMNS, rows)
    table = Table(*columns)
    with arguments.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in measure(arguments):
            writer.writerow(row)
            file.flush()
            table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(width=140).print(table)
    print(f"wrote {arguments.csv}")


if __name__ == "__main__":
    main()
