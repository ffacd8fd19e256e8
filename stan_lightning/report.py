"""Compares runs: ``python -m stan_lightning.report <runs...>``.

Takes folders of runs, multiruns or evaluations. The folds of a cross-validation are pooled; runs that
differ by seed alone also get their mean and standard deviation. Writes report.html and, for pooled folds, the
files of an evaluation.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as Terminal

from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.notices import DISCLAIMER
from stan_lightning.errors import InputError
from stan_lightning.evaluation import results, verdict
from stan_lightning.evaluation.runs import Run, by_seed, differing, find_runs, pool_folds
from stan_lightning.pages import figures, report_page
from stan_lightning.pages.page import Picture, Section, Table, render

COMPARED = ("train_median", "identity")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, write the report, say what came out."""
    parser = argparse.ArgumentParser(
        prog="python -m stan_lightning.report", description=__doc__.split("\n")[0]
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs, multiruns or evaluations")
    parser.add_argument(
        "--output", type=Path, help="folder for the report; without it, `report` in the runs' folder"
    )
    parser.add_argument(
        "--partition", default="test", choices=PARTITIONS, help="which evaluations (default: test)"
    )
    asked = parser.parse_args(arguments)
    try:
        runs = pool_folds(find_runs(asked.runs, asked.partition))
        output = asked.output or Path(os.path.commonpath([run.resolve() for run in asked.runs])) / "report"
        paths = write(runs, output)
    except InputError as error:
        parser.exit(2, f"error: {error}\n")
    console = Console()
    console.print(verdict.table(runs[0].evaluation.metrics) if len(runs) == 1 else terminal(runs))
    for run in runs:
        said = verdict.sentence(run.evaluation.metrics)
        print(said if len(runs) == 1 else f"{run.name}: {said}")
    print(DISCLAIMER)
    for path in paths:
        print(path)


def write(runs: Sequence[Run], output: Path) -> list[Path]:
    """Write the pages and, for pooled folds, their tables and numbers; returns the paths."""
    output.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, run in enumerate(runs):
        if "folds" in run.evaluation.metrics:
            folder = output if len(runs) == 1 else output / f"folds_{number}"
            paths += results.write(run.evaluation, folder)
            if len(runs) > 1:
                paths.append(folder / "report.html")
                paths[-1].write_text(report_page.page(run.evaluation, None), encoding="utf-8")
    paths.append(output / "report.html")
    alone = len(runs) == 1
    home = None if "folds" in runs[0].evaluation.metrics else runs[0].folder
    html = report_page.page(runs[0].evaluation, home) if alone else comparison(runs)
    paths[-1].write_text(html, encoding="utf-8")
    return paths


def comparison(runs: Sequence[Run]) -> str:
    """The page that sets runs side by side."""
    named = [(run.name, run.evaluation.metrics) for run in runs]
    table = report_page.metric_table((name, numbers["video"]) for name, numbers in named)
    rows = [(f"model: {name}", numbers["video"]["mae"]) for name, numbers in named]
    baselines = [(name, numbers["baselines"]) for name, numbers in named if numbers["baselines"]]
    rows += [(f"{name}: training median", row["train_median"]["mae"]) for name, row in baselines]
    picture = Picture("MAE at video level with 95 % interval, by subject", figures.errors(rows))
    sections = [
        Section("Runs", f"Video level. {report_page.INTERVALS}", table, [picture]),
        Section(
            "Against the baselines", "MAE of the model less the baseline's, paired.", _differences(named)
        ),
        *_seen(named),
        *_seeds(runs),
        _settings(runs),
    ]
    notes = [f"{name}: {note}" for name, numbers in named for note in report_page.notes(numbers)]
    said = "\n".join(f"{name}: {verdict.sentence(numbers)}" for name, numbers in named)
    sections.insert(2, Section("In words", listing=said))
    compared = [numbers["baselines"] for _, numbers in named if numbers["baselines"]]
    beaten = sum((row["train_median"]["mae_difference"]["high"] or 0) < 0 for row in compared)
    headline = f"{beaten} of {len(runs)} runs are better than predicting the training median"
    return render(f"{len(runs)} runs side by side", headline, notes, sections)


def _differences(named: Sequence[tuple[str, Any]]) -> Table:
    cells = []
    for name, numbers in named:
        compared = numbers["baselines"] or {}
        shown = [
            verdict.shown(compared[key]["mae_difference"]) if compared else "unknown" for key in verdict.NAMES
        ]
        cells.append([name, *shown])
    return Table(["", *(verdict.ROWS[key] for key in verdict.NAMES)], cells)


def _seen(named: Sequence[tuple[str, Any]]) -> list[Section]:
    rows = [
        (f"{name}, {part}", numbers[part])
        for name, numbers in named
        for part in ("unseen", "seen")
        if numbers[part]
    ]
    return [Section("Seen and unseen subjects", "", report_page.metric_table(rows))] if rows else []


def _seeds(runs: Sequence[Run]) -> list[Section]:
    """Mean and standard deviation over runs that differ by seed alone."""
    rows = []
    for group in by_seed(runs):
        videos = [run.evaluation.metrics["video"] for run in group]
        rows.append(
            [", ".join(run.name for run in group), *(_spread(videos, name) for name in report_page.TITLES)]
        )
    if not rows:
        return []
    return [
        Section("Over seeds", "Mean and standard deviation.", Table(["", *report_page.TITLES.values()], rows))
    ]


def _spread(videos: Sequence[Any], name: str) -> str:
    values = [video[name]["value"] for video in videos if name in video]
    known = [value for value in values if value is not None]
    return (
        f"{fmean(known):.2f}, sd {stdev(known):.2f}" if values and len(known) == len(values) else "undefined"
    )


def _settings(runs: Sequence[Run]) -> Section:
    names = differing(runs)
    rows = [
        [run.name, str(run.evaluation.metrics["seed"]), *(run.settings.get(name, "") for name in names)]
        for run in runs
    ]
    return Section("What differs", table=Table(["", "seed", *names], rows))


def terminal(runs: Sequence[Run]) -> Terminal:
    """The runs' headline numbers for the terminal."""
    drawn = Terminal(
        caption="video level; [95 % bootstrap interval, resampled by subject]", box=box.SIMPLE_HEAD
    )
    for column in ("", "MAE", "RMSE", "- training median", "- identity"):
        drawn.add_column(column)
    for run in runs:
        numbers = run.evaluation.metrics
        compared = [numbers["baselines"][name] for name in COMPARED] if numbers["baselines"] else []
        cells = [
            numbers["video"]["mae"],
            numbers["video"]["rmse"],
            *(row["mae_difference"] for row in compared),
        ]
        drawn.add_row(run.name, *(verdict.stacked(cell, 1) for cell in cells))
    for group in by_seed(runs):
        videos = [run.evaluation.metrics["video"] for run in group]
        drawn.add_row(
            f"{len(group)} seeds of {group[0].name}", _spread(videos, "mae"), _spread(videos, "rmse")
        )
    return drawn


if __name__ == "__main__":
    main()
