"""Clips a second of training, fed by the loader and from the device's memory; and what an epoch takes."""

import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from benchmarks.crops import write
from benchmarks.gpu.networks import Size
from benchmarks.gpu.precision import as_trained, sixteen
from benchmarks.gpu.report import Report
from benchmarks.gpu.times import Candidate, built, wait
from benchmarks.training import one_thread
from stan_lightning.data.augmentation import DEFAULT
from stan_lightning.data.dataset import ClipDataset, Reading, Source, TrainingClip
from stan_lightning.data.inputs import network_input
from stan_lightning.data.sampler import EpochBatches

CROP = 112
TRAINING_CLIPS, WINDOWS, EPOCHS = 100, 900, 200  # of AVEC2014, windows about
FEEDING, EPOCH = "Clips a second of training", "An epoch of AVEC2014, and 200 of them"


def feed(report: Report, device: torch.device, size: Size, clips: int, workers: int, rounds: int) -> None:
    """Train on so many clips a round, both ways in turn."""
    frames = size.frames + 60
    network = built("auto", size)().to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6)
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")

    def train(batches: Iterable[TrainingClip]) -> float:
        wait(device)
        begun, seen = time.perf_counter(), 0
        for batch in batches:
            with as_trained(), sixteen(device, scaler.is_enabled()):
                output = network(on_device(batch, size.side, device))
            loss = (output.float()[:, 0] - batch.target.to(device) / 63).square().mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            seen += len(batch.target)
        wait(device)
        return seen / (time.perf_counter() - begun)

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), clips, frames, CROP, folders=0)
        sources = [Source(str(file), frames, 1, 20.0) for file in sorted(Path(folder).glob("*.zip"))]
        dataset = ClipDataset(sources, size.frames, Reading(["face"], CROP), seed=0, augment=DEFAULT)
        loader: DataLoader[TrainingClip] = DataLoader(
            dataset,
            batch_sampler=EpochBatches(clips, size.clips, seed=0, epoch=lambda: 0),
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
            worker_init_fn=one_thread,
        )
        held = next(iter(loader))
        present = held._replace(inputs={name: x.to(device) for name, x in held.inputs.items()})
        pace: dict[str, list[float]] = {}
        for round_ in range(rounds + 1):
            for name, batches in {"loader": loader, "memory": [present] * len(loader)}.items():
                found = train(batches)
                if round_:  # workers start, and kernels are found, in the first
                    pace.setdefault(name, []).append(found)
    for name, values in pace.items():
        report.measure(FEEDING, {"fed by": name, "workers": workers, "clips/s": statistics.median(values)})


def on_device(batch: TrainingClip, side: int, device: torch.device) -> torch.Tensor:
    """What the datamodule makes of a batch: its crops go to the device, its draws stay on the host."""
    change = partial(DEFAULT.apply, "face", draws=batch.draws)
    return network_input(batch.inputs["face"].to(device, non_blocking=True), side, change)


def extrapolate(report: Report, found: Sequence[Candidate], size: Size) -> None:
    """Seconds of an epoch and hours of 200, from the medians of steps, validation in 32 and in 16 bits."""
    clip = f"{size.frames} x {size.side} x {size.side}"
    for candidate in found:
        if "training" not in candidate.seconds:
            continue
        row = candidate.row(None)
        named = {name: row[name] for name in ("network", "how")}
        training = statistics.median(candidate.seconds["training"]) * TRAINING_CLIPS / size.clips
        for name, bits in (("single", 32), ("half", 16)):
            if name in candidate.seconds:
                scoring = statistics.median(candidate.seconds[name]) * WINDOWS / size.clips
                epoch = training + scoring
                report.measure(
                    EPOCH,
                    named
                    | {
                        "clip": clip,
                        "validation in": f"{bits} bits",
                        "training, s": training,
                        "validation, s": scoring,
                    }
                    | {"epoch, s": epoch, "hours for 200": epoch * EPOCHS / 3600},
                )
