"""What several trainings of one recipe tell of it: the interval over runs and people, measured.

    python -m benchmarks.repeats [--output outputs/repeats]     # 20 minutes; a stopped one goes on

Ten trainings of one small network on the same drawn films differ by seed alone. For every 2, 3 and 5 of them
the interval over runs and people is compared with the mean of all ten. As these ten share their people, that
alone would flatter it; so runs and people are also drawn anew, with the variances that the ten show, and the
interval is compared with the true mean.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.audit.films import Replicate
from benchmarks.audit.trainings import Trained
from benchmarks.markdown import show
from stan_lightning.evaluation.over_runs import over_runs
from stan_lightning.evaluation.statistics import mean_with_interval

RUNS, SUBSETS = 10, (2, 3, 5)
PEOPLE = (12, 24, 48)
TABLES = 2_000
Floats = NDArray[np.float64]


def main() -> None:
    """Train what is missing, then print the two tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repeats",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=Path("outputs/repeats"), help="of films and runs")
    parser.add_argument("--processes", type=int, default=2, help="trainings at once, of one thread each")
    given = parser.parse_args()
    errors, subject = measured(given.output, given.processes)
    runs = errors.mean(axis=1)
    print(f"MAE of {RUNS} trainings: mean {runs.mean():.2f}, sd {runs.std(ddof=1):.2f}")
    subsets = {count: list(combinations(range(RUNS), count)) for count in SUBSETS}
    rows = []
    for count, chosen in subsets.items():
        found = [over_runs(errors[list(which)], subject) for which in chosen]
        held = np.mean([one["low"] <= runs.mean() <= one["high"] for one in found])
        width = np.median([one["high"] - one["low"] for one in found])
        share = np.median([one["run_share"] for one in found])
        alone = np.mean([_over_people(errors[list(which)], subject, runs.mean()) for which in chosen])
        rows.append(
            [str(count), str(len(chosen)), f"{held:.0%}", f"{alone:.0%}", f"{width:.1f}", f"{share:.2f}"]
        )
    show(
        ["runs", "subsets", "hold the mean of ten", "over people alone", "width", "run's share of variance"],
        rows,
    )
    variances = components(errors, subject)
    print("variance of a run {:.2f}, of a person {:.2f}, of what is left {:.2f}".format(*variances))
    simulated = [
        [f"{people}", *(f"{coverage(variances, runs_, people):.1%}" for runs_ in SUBSETS)]
        for people in track(PEOPLE, "tables drawn with these variances")
    ]
    show(["people", *(f"{count} runs" for count in SUBSETS)], simulated)


def measured(folder: Path, processes: int) -> tuple[Floats, NDArray[np.str_]]:
    """Absolute errors in points (R, N) of the trainings on the same test videos, and whom each shows (N,)."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = [Trained(Replicate(0, "face"), "subject_disjoint", "face", seed) for seed in range(RUNS)]
    trained[0].prepare(folder)
    with ThreadPoolExecutor(processes) as pool:
        found = list(track(pool.map(lambda one: one.numbers(folder), trained), "trainings", total=RUNS))
    tables = [pd.DataFrame(one["videos"]) for one in found]
    errors = np.stack([(table["prediction"] - table["label"]).abs().to_numpy(float) for table in tables])
    return errors, tables[0]["subject"].astype(str).to_numpy(str)


def components(errors: Floats, subject: NDArray[np.str_]) -> tuple[float, float, float]:
    """Variances of a run, of a person and of both together, from a table of people's mean errors."""
    people = np.unique(subject)
    table = np.stack([errors[:, subject == person].mean(axis=1) for person in people], axis=1)
    runs, count = table.shape
    by_run, by_person = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    left = ((table - by_run - by_person + table.mean()) ** 2).sum() / ((runs - 1) * (count - 1))
    run = max(float(by_run.var(ddof=1)) - left / count, 0.0)
    person = max(float(by_person.var(ddof=1)) - left / runs, 0.0)
    return run, person, float(left)


def coverage(variances: tuple[float, float, float], runs: int, people: int) -> float:
    """How often the interval holds the true mean, runs and people being drawn anew."""
    random = np.random.default_rng([runs, people])
    of_run, of_person, left = np.sqrt(variances)
    held = 0
    for _ in range(TABLES):
        table = random.normal(0, of_run, (runs, 1)) + random.normal(0, of_person, (1, people))
        found = over_runs(table + random.normal(0, left, (runs, people)), np.arange(people))
        held += found["low"] <= 0 <= found["high"]
    return held / TABLES


def _over_people(errors: Floats, subject: NDArray[np.str_], truth: float) -> bool:
    """Whether an interval over people alone, of the runs' mean error, holds it."""
    found = mean_with_interval(errors.mean(axis=0), subject)
    return found["low"] is not None and found["high"] is not None and found["low"] <= truth <= found["high"]


if __name__ == "__main__":
    main()
