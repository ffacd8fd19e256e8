"""The package's loader against a plain one, clips a second and core; and the memory of its workers.

    python -m benchmarks.loader
    python -m benchmarks.loader --rounds 9 --epoch 600

Both loaders run in each round, one after the other, in one thread; a ratio is the median over the rounds of
plain time by ours, in CPU time of this process, so that what else the machine does matters little. Ours on
the host is reading and decoding; resizing, augmentation and normalisation run on the device, for the whole
batch. What they would take on this machine's CPU is shown beside it.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import cv2
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

from benchmarks.crops import write
from benchmarks.plain_loader import PlainClips
from stan_lightning.data.augmentation import DEFAULT, Draw, augment
from stan_lightning.data.dataset import ClipDataset, Reading, Source
from stan_lightning.data.inputs import network_input
from stan_lightning.data.sampler import EpochBatches

FRAMES, CROP, SIZE, SOUND_S = 64, 112, 224, 6.4


def cpu_seconds(task: Callable[[], object], times: int) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    for _ in range(times):
        task()
    return (time.process_time() - begun) / times


def compare(ours: ClipDataset, plain: PlainClips, rounds: int) -> None:
    """Print the table of clips a second and core."""
    clip = ours[0, 0]
    crops = clip.inputs["face"][None]
    draws = Draw(*(part[None] for part in clip.draws["picture"]))
    hearing = ClipDataset(
        ours.sources, FRAMES, Reading(["face", "audio"], CROP, SOUND_S), seed=0, augment=DEFAULT
    )
    tasks: dict[str, tuple[Callable[[], object], int]] = {
        "plain, all on the host": (lambda: plain[0], 1),
        "ours, on the host": (lambda: ours[0, 1], 10),
        "ours with sound, on the host": (lambda: hearing[0, 1], 10),
        "ours, the device's part on this CPU": (
            lambda: network_input(crops, SIZE, partial(augment, draws=draws)),
            1,
        ),
    }
    for task, _ in tasks.values():
        task()
    seconds = [{name: cpu_seconds(*task) for name, task in tasks.items()} for _ in range(rounds)]
    table = Table(title=f"clips of {FRAMES} frames, {CROP} px JPEGs to {SIZE} px, {rounds} rounds")
    for column in ("loader", "ms a clip", "clips/s and core", "times plain"):
        table.add_column(column, justify="left" if column == "loader" else "right")
    for name in tasks:
        median = statistics.median(round_[name] for round_ in seconds)
        ratio = statistics.median(round_["plain, all on the host"] / round_[name] for round_ in seconds)
        table.add_row(name, f"{1000 * median:.1f}", f"{1 / median:.1f}", f"{ratio:.1f}")
    Console().print(table)
    kept = statistics.median(
        round_["ours, on the host"] / round_["ours with sound, on the host"] for round_ in seconds
    )
    print(f"with sound {kept:.0%} of the clips a second without it")


def workers_mib() -> float:
    """Memory of this process's workers without what they share with others, all together in MiB."""
    private = 0
    for worker in active_children():
        lines = Path(f"/proc/{worker.pid}/smaps_rollup").read_text().splitlines()
        private += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return private / 1024


def memory(ours: ClipDataset, clips: int, workers: int) -> None:
    """Print the private memory of the loader's workers at the quarters of a long epoch."""
    repeats = -(-clips // len(ours))
    long = ClipDataset(ours.sources * repeats, FRAMES, ours.reading, seed=0, augment=DEFAULT)
    batches = EpochBatches(len(long), 5, seed=0, epoch=lambda: 0)
    loader = iter(DataLoader(long, num_workers=workers, batch_sampler=batches))
    marks = {max(1, round(len(batches) * part)) for part in (0.1, 0.25, 0.5, 0.75, 0.95)}
    said = []
    for number, _ in enumerate(loader, 1):
        if number in marks:
            said.append(f"{5 * number}: {workers_mib() / workers:.0f}")
    print(f"private MiB a worker after so many clips ({len(ours)} recordings): {', '.join(said)}")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--recordings", type=int, default=100)
    arguments.add_argument(
        "--epoch", type=int, default=400, help="clips in the epoch that memory is watched over"
    )
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, chosen.recordings, 140, CROP, folders=1)
        sources = [Source(str(file), 140, 1, 0.0) for file in sorted(root.glob("*.zip"))]
        ours = ClipDataset(sources, FRAMES, Reading(["face"], CROP), seed=0, augment=DEFAULT)
        plain = PlainClips([next((root / "folders").iterdir())], [0.0], FRAMES, SIZE)
        compare(ours, plain, chosen.rounds)
        memory(ours, chosen.epoch, workers=2)


if __name__ == "__main__":
    main()
