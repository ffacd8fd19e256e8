"""Development's windows with and without `data.cache_gb`: the same digits, time and memory.

    python -m benchmarks.development

Recordings of a minute are read twice in a row by the loader's workers, as in two epochs; the second reading
is timed. Both ways run in each round, one after the other; shown are medians. Memory is that of the workers
which they share with nobody. Files come from the system's own cache here: what a slow disk or a mounted
Drive costs comes on top without `data.cache_gb`.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.crops import write
from benchmarks.loader import workers_mib
from stan_lightning.data.dataset import Reading, Source, WindowDataset
from stan_lightning.data.loaders import window_loader

FRAMES, CROP, RECORDING_FRAMES = 64, 112, 600


def measure(sources: list[Source], workers: int, cache_gb: float) -> tuple[float, float, str]:
    """Seconds of the second reading, private MiB of all workers after it, a sum over what was read."""
    dataset = WindowDataset(sources, FRAMES, Reading(["face"], CROP))
    loader = window_loader(dataset, 5, workers, 0, 1, cache_gb)
    for _ in range(2):
        found, begun = hashlib.sha256(), time.perf_counter()
        batches = iter(loader)
        for batch in batches:
            found.update(batch.inputs["face"].numpy())
        took = time.perf_counter() - begun
    return took, workers_mib(), found.hexdigest()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--recordings", type=int, default=24)
    arguments.add_argument("--workers", type=int, default=2)
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    ways = {"data.cache_gb=0": 0.0, "data.cache_gb=1": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), chosen.recordings, RECORDING_FRAMES, CROP, folders=0)
        sources = [Source(str(file), RECORDING_FRAMES, 1, 0.0) for file in sorted(Path(folder).glob("*.zip"))]
        rounds = [
            {way: measure(sources, chosen.workers, gb) for way, gb in ways.items()}
            for _ in range(chosen.rounds)
        ]
    if len({found for round_ in rounds for *_, found in round_.values()}) > 1:
        raise SystemExit("error: the two ways do not read the same")
    table = Table(title=f"{chosen.recordings} recordings of a minute, {chosen.workers} workers, same digits")
    for column in ("", "seconds", "workers, MiB"):
        table.add_column(column)
    for way in ways:
        took, held = (statistics.median(float(round_[way][i]) for round_ in rounds) for i in (0, 1))
        table.add_row(way, f"{took:.1f}", f"{held:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
