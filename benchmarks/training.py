"""Training steps fed by the package's loader and by a plain one: clips a second, and the wait for data.

    python -m benchmarks.training            # a small network, for a CPU; the next line is for a GPU
    python -m benchmarks.training --features 16 --layers 2 2 2 2 --size 224 --batch 5 --clips 100

Network, optimiser and loss are the same. The plain loader hands over finished float clips; ours hands over
8-bit crops that are resized, augmented and normalised on the device as a part of the step. Both run in each
round, one after the other, with as many workers; shown are medians over the rounds. On a GPU the step is in
16-bit autocast.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.crops import write
from benchmarks.plain_loader import PlainClips
from stan_lightning.data.augmentation import DEFAULT
from stan_lightning.data.dataset import ClipDataset, Reading, Source
from stan_lightning.data.inputs import network_input
from stan_lightning.data.sampler import EpochBatches
from stan_lightning.network import STADRN

GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
RECORDING_FRAMES, CROP = 140, 112


def epoch(loader: DataLoader[Any], ready: Callable[[Any], Tensor], network: nn.Module) -> tuple[float, float]:
    """Train one epoch.

    Args:
        loader: Gives batches with a `target`, or pairs of clips and labels.
        ready: Makes a batch the network's input on the device.
        network: What is trained.

    Returns:
        Clips a second, and the share of the time in which the process waited for a batch.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    begun = idle = time.perf_counter()
    waited, clips = 0.0, 0
    for batch in loader:
        waited += time.perf_counter() - idle
        with torch.autocast("cuda", torch.float16, enabled=GPU):
            output = network(ready(batch))
        labels = getattr(batch, "target", batch[1])  # of ours, and of the plain loader
        target = labels.to(DEVICE, torch.float32) / 63
        nn.functional.mse_loss(output.float()[:, 0], target).backward()
        optimizer.step()
        optimizer.zero_grad()
        clips += len(target)
        if GPU:
            torch.cuda.synchronize()
        idle = time.perf_counter()
    return clips / (idle - begun), waited / (idle - begun)


def loaders(
    root: Path, chosen: argparse.Namespace
) -> dict[str, tuple[DataLoader[Any], Callable[[Any], Tensor]]]:
    """Both loaders, and what makes their batches the network's input."""
    zips, folders = sorted(root.glob("*.zip")), sorted((root / "folders").iterdir())
    sources = [Source(str(file), RECORDING_FRAMES, 1, 20.0) for file in zips]
    reading = Reading(["face"], CROP)
    ours = ClipDataset(sources, chosen.frames, reading, seed=0, augment=DEFAULT)
    batches = EpochBatches(len(ours), chosen.batch, seed=0, epoch=lambda: 0)
    plain = PlainClips(folders, [20.0] * len(folders), chosen.frames, chosen.size)
    workers: dict[str, Any] = {
        "num_workers": chosen.workers,
        "persistent_workers": True,
        "pin_memory": GPU,
        "worker_init_fn": one_thread,
    }

    def on_device(batch: Any) -> Tensor:
        crops = batch.inputs["face"].to(DEVICE)
        return network_input(crops, chosen.size, partial(DEFAULT.apply, "face", draws=batch.draws))

    return {
        "plain": (
            DataLoader(plain, batch_size=chosen.batch, shuffle=True, **workers),
            lambda batch: batch[0].to(DEVICE),
        ),
        "ours": (DataLoader(ours, batch_sampler=batches, **workers), on_device),
    }


def one_thread(worker: int) -> None:
    """Workers share the cores; more threads each would only get in their way."""
    torch.set_num_threads(1)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--features", type=int, default=4)
    arguments.add_argument("--layers", type=int, nargs=4, default=[1, 1, 1, 1])
    arguments.add_argument("--frames", type=int, default=64)
    arguments.add_argument("--size", type=int, default=112)
    arguments.add_argument("--batch", type=int, default=2)
    arguments.add_argument("--clips", type=int, default=8, help="clips of an epoch")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--workers", type=int, default=2)
    chosen = arguments.parse_args()
    network = STADRN(features=chosen.features, layers=tuple(chosen.layers)).to(DEVICE)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), chosen.clips, RECORDING_FRAMES, CROP, folders=chosen.clips)
        both = loaders(Path(folder), chosen)
        for loader, ready in both.values():  # workers start, files come into the system's cache
            epoch(loader, ready, network)
        rounds = [{name: epoch(*each, network) for name, each in both.items()} for _ in range(chosen.rounds)]
    title = f"{chosen.frames} frames, {CROP} to {chosen.size} px, batch {chosen.batch}, {DEVICE.type}"
    table = Table(title=title)
    for column in ("loader", "clips/s", "waits for data", "times plain"):
        table.add_column(column, justify="left" if column == "loader" else "right")
    for name in both:
        pace, wait = (statistics.median(round_[name][i] for round_ in rounds) for i in (0, 1))
        ratio = statistics.median(round_[name][0] / round_["plain"][0] for round_ in rounds)
        table.add_row(name, f"{pace:.2f}", f"{wait:.0%}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
