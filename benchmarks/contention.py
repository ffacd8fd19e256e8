"""Training, scoring and preprocessing beside busy processes, by how long OpenMP's threads spin.

    python -m benchmarks.contention
    python -m benchmarks.contention --rounds 5 --limit 120

Each kind of work runs in processes of its own, one for each policy: `chosen` is what the commands set,
`asleep` is ``OMP_WAIT_POLICY=PASSIVE`` alone, `spinning` is the default of GNU's OpenMP. All are started and
warm before anything is measured, and take turns in each round: alone, beside one busy process, beside two.
What takes longer than the limit is stopped and counts as the limit. Shown are medians, and two ratios: the
cost on an idle machine (to spinning), and how many times as long as alone each takes beside others.

Training: epochs of a small network on clips, read by the loader's two processes. Step: one step of the
published network on a clip of 32 x 112 x 112. Scoring: the epochs without gradients. Preprocessing: crops of
synthetic films by as many workers as there are processors; their start, which loads MediaPipe, is timed by
itself.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stan_boundary.environment import DEFAULTS

POLICIES = {
    "chosen": {name: value for name, value in DEFAULTS.items() if name.startswith(("OMP_", "GOMP_"))},
    "asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spinning": {"GOMP_SPINCOUNT": "300000"},
}
"""The last is what GNU's OpenMP counts to where nothing is set."""
FRAMES, SIDE, CLIPS = 16, 48, 24


# --- the work, in a process of its own ----------------------------------------------------------------


def training(folder: Path) -> Callable[[], None]:
    """Epochs fed by the loader."""
    return _passes(folder, learns=True)


def step(folder: Path) -> Callable[[], None]:
    """One step of the published network."""
    import torch

    from stan_lightning.network import STADRN

    network = STADRN(features=16, layers=(2, 2, 2, 2), k=2).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    clip = torch.randn(1, 3, 32, 112, 112)

    def learn() -> None:
        network(clip).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return learn


def scoring(folder: Path) -> Callable[[], None]:
    """Passes without gradients, fed by the loader."""
    return _passes(folder, learns=False)


def _passes(folder: Path, learns: bool) -> Callable[[], None]:
    import torch

    from stan_lightning.data.augmentation import DEFAULT
    from stan_lightning.data.dataset import ClipDataset, Reading, Source
    from stan_lightning.data.inputs import network_input
    from stan_lightning.data.loaders import loader
    from stan_lightning.data.sampler import EpochBatches
    from stan_lightning.network import STADRN

    sources = [Source(str(file), 60, 1, 20.0) for file in sorted(folder.glob("*.zip"))]
    clips = ClipDataset(sources, FRAMES, Reading(["face"], SIDE), seed=0, augment=DEFAULT)
    order = EpochBatches(len(clips), 8, seed=0, epoch=lambda: 0)
    batches = loader(clips, 2, batch_sampler=order)
    network = STADRN(features=8, layers=(1, 1, 1, 1)).train(learns)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def epoch() -> None:
        with torch.set_grad_enabled(learns):
            for batch in batches:
                change = partial(DEFAULT.apply, "face", draws=batch.draws)
                loss = network(network_input(batch.inputs["face"], SIDE, change)).square().mean()
                if learns:
                    loss.backward()
                    optimizer.step()
                    optimizer.zero_grad()

    return epoch


def preprocessing(folder: Path) -> Callable[[], None]:
    """Crops of films by workers that live on."""
    from preprocess.workers.pool import ProcessPool

    pool = ProcessPool(None)
    return lambda: _crop_all(folder, pool)


def starting(folder: Path) -> Callable[[], None]:
    """The same by workers that start for it."""
    from preprocess.workers.pool import ProcessPool

    def crop() -> None:
        with ProcessPool(None) as pool:
            _crop_all(folder, pool)

    return crop


def _crop_all(folder: Path, pool: "object") -> None:
    from benchmarks.preprocess import SETTINGS
    from preprocess.corpora.recording import Recording
    from preprocess.run.tasks import crop_recording

    with tempfile.TemporaryDirectory() as output:
        films = sorted(folder.glob("*.mp4"))
        futures = [
            pool.submit(  # type: ignore[attr-defined]
                crop_recording,
                Recording(film.stem, "", "", "", "", None, "", film.name, film),
                SETTINGS,
                Path(output),
                progress=lambda count: None,
            )
            for film in films
        ]
        if any(future.result()["status"] != "ok" for future in futures):
            raise RuntimeError("a drawn film could not be cropped")


WORK = {work.__name__: work for work in (training, step, scoring, preprocessing, starting)}


def serve(name: str, folder: Path) -> None:
    """Do the work once for each line on standard input, and answer with seconds."""
    work = WORK[name](folder)
    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        work()
        print(time.perf_counter() - begun, flush=True)
    os._exit(0)


# --- who measures ---------------------------------------------------------------------------------


class Worker:
    """One kind of work under one policy, started again where it was stopped at the limit."""

    def __init__(self, name: str, policy: str, folder: Path) -> None:
        """Start it."""
        self.name, self.policy, self.folder = name, policy, folder
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it is warm."""
        free = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contention", "--serve", self.name, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=free | POLICIES[self.policy],
            start_new_session=True,
        )
        if self._line() != "ready":
            raise SystemExit(f"error: {self.name} could not be started")

    def seconds(self, limit: float) -> float:
        """Seconds of one turn, at most `limit`."""
        if self.process.poll() is not None:
            self.start()
        assert self.process.stdin is not None
        timer = threading.Timer(limit, self.stop)
        timer.start()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        try:
            return float(self._line())
        except ValueError:
            self.process.wait()
            return limit
        finally:
            timer.cancel()

    def stop(self) -> None:
        """End the process and those that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many other processes that never rest."""
    others = [
        multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(processes)
    ]
    for other in others:
        other.start()
    time.sleep(1.0 if others else 0.0)
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def inputs(folder: Path, seconds: float) -> None:
    """Crops and films to work on."""
    from benchmarks.crops import write
    from benchmarks.preprocess import FPS, _pictures, _write

    write(folder, CLIPS, 60, SIDE, folders=0)
    pictures = list(_pictures(None))
    for number in range(os.cpu_count() or 1):
        count = int(seconds * FPS)
        _write(folder / f"film{number}.mp4", iter((pictures * (count // len(pictures) + 1))[:count]))


def table(found: dict[tuple[str, str, int], list[float]], limit: float) -> Table:
    """Medians and ratios of all kinds of work."""
    drawn = Table(title=f"seconds, median; {os.cpu_count()} processors; limit {limit:.0f} s")
    columns = (
        "work",
        "threads",
        "alone",
        "beside 1",
        "beside 2",
        "to spinning",
        "beside 1 / alone",
        "2 / alone",
    )
    for column in columns:
        drawn.add_column(column, justify="left" if column in columns[:2] else "right")
    for name in WORK:
        for policy in POLICIES:
            seconds = [statistics.median(found[name, policy, others]) for others in (0, 1, 2)]
            pairs = zip(found[name, policy, 0], found[name, "spinning", 0], strict=True)
            cost = f"{statistics.median(one / other for one, other in pairs):.2f}"
            shown = [f"> {one:.0f}" if one >= limit else f"{one:.2f}" for one in seconds]
            more = [f"{'> ' if one >= limit else ''}{one / seconds[0]:.1f}" for one in seconds[1:]]
            drawn.add_row(name, policy, *shown, cost, *more)
    return drawn


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--limit", type=float, default=60.0, help="seconds of one turn at most")
    arguments.add_argument("--film", type=float, default=8.0, help="seconds of each film")
    arguments.add_argument("--work", nargs="+", default=list(WORK), choices=list(WORK))
    arguments.add_argument("--serve", nargs=2, metavar=("WORK", "FOLDER"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        serve(chosen.serve[0], Path(chosen.serve[1]))
    for name in set(WORK) - set(chosen.work):
        del WORK[name]
    with tempfile.TemporaryDirectory() as folder:
        inputs(Path(folder), chosen.film)
        workers = [Worker(name, policy, Path(folder)) for name in WORK for policy in POLICIES]
        found: dict[tuple[str, str, int], list[float]] = {}
        try:
            for turn in range(chosen.rounds):
                for others in (0, 1, 2):
                    with busy(others):
                        for worker in workers if turn % 2 else workers[::-1]:
                            key = worker.name, worker.policy, others
                            found.setdefault(key, []).append(worker.seconds(chosen.limit))
        finally:
            for worker in workers:
                worker.stop()
    Console(width=140).print(table(found, chosen.limit))


if __name__ == "__main__":
    main()
