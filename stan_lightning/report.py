"""Compares runs: ``python -m stan_lightning.report <runs...>``.

Takes folders of runs, multiruns or evaluations, and compares any two of them on the recordings that both
scored. The folds of a cross-validation are pooled; runs that differ by seed alone also get their mean, their
standard deviation and their ensemble. Writes report.html and, for pooled folds, the files of an evaluation.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Terminal

from stan_boundary import trouble
from stan_boundary.entry import speak_any_terminal
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

SOME_REFUSED = 3
COMPARED = ("train_median", "identity")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, write the report, say what came out."""
    speak_any_terminal()
    parser = argparse.ArgumentParser(
        prog="python -m stan_lightning.report", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs, multiruns or evaluations")
    parser.add_argument(
        "--output", type=Path, help="folder for the report; without it, `report` in the runs' folder"
    )
    parser.add_argument(
        "--partition", default="test", choices=PARTITIONS, help="which evaluations (default: test)"
    )
    parser.add_argument("--names", action="store_true", help="name recordings, where they are numbered")
    asked = parser.parse_args(arguments)
    refused: list[str] = []
    try:
        runs = pool_folds(find_runs(asked.runs, asked.partition, refused))
        if not runs:
            raise InputError(refused[0])
        together = [*runs, *ensembles(runs)]
        output = asked.output or Path(os.path.commonpath([run.resolve() for run in asked.runs])) / "report"
        paths = write(runs, together, output, asked.names)
    except (InputError, OSError) as error:
        if not (said := str(error) if isinstance(error, InputError) else trouble.said(error)):
            raise
        parser.exit(2, f"error: {printable(said)}\n")
    console = Console()
    if len(runs) == 1:
        numbers = runs[0].evaluation.metrics
        console.print(verdict.table(numbers))
        for line in (*verdict.not_fitted(numbers), *findings(numbers)):
            print(printable(line))
    else:
        everybody = contenders(together)
        console.print(terminal(runs, together, everybody))
        console.print(any_two(everybody))
        for line in repeated_seeds(runs):
            print(line)
        print(better_than_the_median(runs))
        for run in together:
            print("\n  ".join([f"{printable(run.name)}:", *map(printable, findings(run.evaluation.metrics))]))
    print(DISCLAIMER)
    for path in paths:
        print(printable(path))
    if refused:
        parser.exit(SOME_REFUSED, "".join(f"not compared: {printable(line)}\n" for line in refused))


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


if __name__ == "__main__":
    main()
