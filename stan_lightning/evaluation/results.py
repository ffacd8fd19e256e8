"""The files of an evaluation, written and read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from stan_boundary.errors import InputError
from stan_boundary.names import csv_cell
from stan_boundary.received_folder import check_inside
from stan_boundary.writing import private_folder, write_whole
from stan_lightning.evaluation.baselines import LOOKED_UP
from stan_lightning.evaluation.received import TEXT, check_together, read_numbers, read_table
from stan_lightning.evaluation.tables import PREDICTIONS, WINDOWS

CLASSES = ("label", "predicted")
"""Columns that hold names where a network tells classes."""
MOST_RECORDINGS = 10_000
MOST_WINDOWS = 2_000_000


@dataclass(frozen=True)
class Evaluation:
    """One evaluation's tables and numbers.

    Attributes:
        metrics: The content of ``metrics.json``.
        predictions: One row a video (`stan_lightning.evaluation.tables.PREDICTIONS`).
        windows: One row a window (`stan_lightning.evaluation.tables.WINDOWS`).
        baselines: What each baseline says about each video, None where there is no training set.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    windows: pd.DataFrame
    baselines: pd.DataFrame | None


def write(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write predictions.csv, windows.csv, metrics.json and, if any, baselines.csv; returns their paths."""
    private_folder(folder)
    tables = {"predictions": evaluation.predictions, "windows": evaluation.windows}
    if evaluation.baselines is not None:
        tables["baselines"] = evaluation.baselines
    else:
        (folder / "baselines.csv").unlink(missing_ok=True)
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.csv")
        write_table(paths[-1], table)
    paths.append(folder / "metrics.json")
    text = json.dumps(evaluation.metrics, indent=2, allow_nan=False, ensure_ascii=False)
    write_whole(paths[-1], f"{text}\n".encode())
    return paths


def write_table(file: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whole, with texts that no spreadsheet takes for formulas."""
    texts = {
        name: table[name].map(csv_cell)
        for name in table.columns
        if name in TEXT or (name in CLASSES and not is_numeric_dtype(table[name]))
    }
    write_whole(file, table.assign(**texts).to_csv(index=False).encode())


def read(folder: Path) -> Evaluation:
    """Read what `write` wrote.

    Raises:
        InputError: Where a file is missing or broken, leads elsewhere by a link, holds what cannot be, or was
            written by a version with other intervals.
    """
    files = {
        name: folder / name for name in ("metrics.json", "predictions.csv", "windows.csv", "baselines.csv")
    }
    for file in files.values():
        check_inside(file, folder)
    numbers = read_numbers(files["metrics.json"])
    predictions = read_table(files["predictions.csv"], PREDICTIONS, MOST_RECORDINGS)
    windows = read_table(files["windows.csv"], WINDOWS, MOST_WINDOWS)
    baselines = None
    if files["baselines.csv"].exists():
        baselines = read_table(files["baselines.csv"], ("recording", *LOOKED_UP), MOST_RECORDINGS)
    try:
        check_together(predictions, windows, baselines, numbers)
    except ValueError as error:
        raise InputError(f"{folder}: {error}: run the evaluation again") from None
    return Evaluation(numbers, predictions, windows, baselines)
