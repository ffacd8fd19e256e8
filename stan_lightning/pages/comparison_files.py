"""What a comparison of runs leaves: its pages and tables on disk, and its tables on the terminal."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Terminal

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.writing import output_folder, private_folder, write_whole
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.notices import DISCLAIMER
from stan_lightning.evaluation import results, verdict
from stan_lightning.evaluation.comparison import Contender, better_than_the_median, contenders, matrix
from stan_lightning.evaluation.ensemble import ensembles
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.runs import Run, by_seed, find_runs, pool_folds, repeated_seeds
from stan_lightning.pages import comparison_page, report_page

COMPARED = ("train_median", "identity")


def compare(asked: Sequence[Path], partition: str, output: Path | None, names: bool) -> list[str]:
    """Compare runs: write what comes out and say it.

    Args:
        asked: Folders of runs, multiruns or evaluations.
        partition: Which evaluations.
        output: Folder for the report; None: `report` in the folder that holds the runs.
        names: Show recordings' names, where they are numbered otherwise.

    Returns:
        A line for each evaluation that was left out.

    Raises:
        InputError: Nothing can be compared.
    """
    if partition not in PARTITIONS:
        raise InputError(f"--partition={partition} is none of {', '.join(PARTITIONS)}")
    refused: list[str] = []
    runs = pool_folds(find_runs(asked, partition, refused))
    if not runs:
        raise InputError(refused[0])
    together = [*runs, *ensembles(runs)]
    output = output or Path(os.path.commonpath([run.resolve() for run in asked])) / "report"
    paths = write(runs, together, output, names)
    say(runs, together)
    print(DISCLAIMER)
    for path in paths:
        print(printable(path))
    return refused


def write(runs: Sequence[Run], together: Sequence[Run], output: Path, names: bool = False) -> list[Path]:
    """Write the pages and, for pooled folds, their tables and numbers; returns the paths."""
    output_folder(output)
    paths: list[Path] = []
    for number, run in enumerate(runs):
        if "folds" in run.evaluation.metrics:
            folder = output if len(runs) == 1 else private_folder(output / f"folds_{number}", output)
            paths += results.write(run.evaluation, folder)
            if len(runs) > 1:
                paths.append(folder / "report.html")
                write_whole(paths[-1], report_page.page(run.evaluation, None, names).encode())
    paths.append(output / "report.html")
    alone = len(runs) == 1
    home = None if "folds" in runs[0].evaluation.metrics else runs[0].folder
    html = (
        report_page.page(runs[0].evaluation, home, names) if alone else comparison_page.page(runs, together)
    )
    write_whole(paths[-1], html.encode())
    return paths


def terminal(runs: Sequence[Run], together: Sequence[Run], everybody: Sequence[Contender]) -> Terminal:
    """Headline numbers for the terminal: of runs and their ensembles, seeds together, and the ridges."""
    drawn = Terminal(
        caption="video level; [95 % interval over people]",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    drawn.add_column("", overflow="fold")
    for column in ("MAE", "RMSE", "- training\nmedian", "- identity"):
        drawn.add_column(column, no_wrap=True)
    for number, one in enumerate(everybody):
        cells = [one.video["mae"], one.video["rmse"]]
        if number < len(together):
            baselines = together[number].evaluation.metrics["baselines"]
            cells += [baselines[name]["mae_difference"] for name in COMPARED] if baselines else []
        else:
            cells.append(one.video["median_difference"])
        drawn.add_row(escape(f"{number + 1} {one.name}"), *(verdict.stacked(cell, 1) for cell in cells))
    for group in by_seed(runs):
        videos = [run.evaluation.metrics["video"] for run in group]
        name = escape(f"{len(group)} seeds of {group[0].name}")
        drawn.add_row(
            name, *(comparison_page.spread(videos, key).replace(", ", "\n") for key in ("mae", "rmse"))
        )
    return drawn


def any_two(everybody: Sequence[Contender]) -> Terminal:
    """The paired difference between any two, in short."""
    drawn = Terminal(
        title="MAE of row - MAE of column, paired, by the numbers above",
        caption="*: other than 0 after Holm's correction for all pairs; the page has the intervals",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    drawn.add_column("")
    for number in range(1, len(everybody) + 1):
        drawn.add_column(str(number), justify="right", no_wrap=True)
    cells = matrix(everybody, intervals=False)
    for number, row in enumerate(cells, start=1):
        drawn.add_row(str(number), *row)
    return drawn


def say(runs: Sequence[Run], together: Sequence[Run]) -> None:
    """What came out, on the terminal: of one run its evaluation, else tables and a line a comparison."""
    console = Console()
    if len(runs) == 1:
        numbers = runs[0].evaluation.metrics
        console.print(verdict.table(numbers))
        for line in (*verdict.not_fitted(numbers), *findings(numbers)):
            print(printable(line))
        return
    everybody = contenders(together)
    console.print(terminal(runs, together, everybody))
    console.print(any_two(everybody))
    for line in repeated_seeds(runs):
        print(line)
    print(better_than_the_median(runs))
    for run in together:
        print("\n  ".join([f"{printable(run.name)}:", *map(printable, findings(run.evaluation.metrics))]))
