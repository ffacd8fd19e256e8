"""What an evaluation shows where the truth is known: networks trained on drawn films.

    python -m benchmarks.audit [--replicates 5]      # a stopped one goes on where it stood

Where a person's score is dealt at random (*identity*), nothing but recognising people predicts it: a network
must beat the training median where people recur, and must not where they are new. Where face, voice, both or
the order of frames carry the score, the networks that read them must beat the median on new people, the
others must not, and shuffled frames or another person's voice must cost what was gained. Each question is
one difference in MAE over replicates (partitions, identity labels and trainings anew), with Holm's
correction for all; what must show no gain needs an interval that excludes one, not a missing difference.
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.audit import memory
from benchmarks.audit.commands import minutes
from benchmarks.audit.films import LABELS, pool
from benchmarks.audit.questions import QUESTIONS
from benchmarks.audit.tables import Answer, report
from benchmarks.audit.trainings import NETWORKS, Trained
from benchmarks.markdown import show


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=Path("outputs/audit"), help="folder of films and runs")
    parser.add_argument("--replicates", type=int, default=5, help="of each training, at least 3")
    parser.add_argument("--processes", type=int, default=2, help="trainings at once, of one thread each")
    parser.add_argument("--labels", nargs="+", choices=LABELS, help="only the questions on these")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, help="only what these alone answer")
    given = parser.parse_args()
    if given.replicates < 3:
        parser.error("--replicates: an interval over fewer than 3 says nothing")
    questions = [
        one
        for one in QUESTIONS
        if one.labels in (given.labels or LABELS) and set(one.networks) <= set(given.networks or NETWORKS)
    ]
    if not questions:
        parser.error("--labels, --networks: no question asks for these together")
    os.environ["OMP_NUM_THREADS"] = "1"
    folder: Path = given.output
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(given.replicates)
    wanted = dict.fromkeys(
        one for number in numbers for asked in questions for one in asked.trainings(number)
    )
    for name in dict.fromkeys(one.replicate.pool for one in wanted):
        pool(folder, name)
    train(list(wanted), folder, given.processes)
    answers = [Answer(one, [one.errors(folder, number) for number in numbers]) for one in questions]
    report(answers, folder / "audit.csv")
    recurring = [labels for labels in memory.LABELS if any(one.labels == labels for one in questions)]
    show(memory.COLUMNS, [memory.row(folder, labels, numbers) for labels in recurring])
    print(f"films, trainings and evaluations took {minutes(folder):.0f} minutes of processor time")


def train(wanted: list[Trained], folder: Path, processes: int) -> None:
    """Train and evaluate, several at once, with progress."""
    for one in wanted:
        one.prepare(folder)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress, ThreadPoolExecutor(processes) as pool_:
        shown = progress.add_task("networks", total=len(wanted))
        futures = {pool_.submit(one.numbers, folder): one for one in wanted}
        try:
            for future in as_completed(futures):
                future.result()
                progress.update(shown, advance=1, description=futures[future].name)
        except BaseException:
            pool_.shutdown(wait=False, cancel_futures=True)
            raise


if __name__ == "__main__":
    main()
