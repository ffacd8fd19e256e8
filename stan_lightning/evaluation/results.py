"""The files of an evaluation, written and read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError

INTERVALS = "95 % over people, by leaving out each in turn (jackknife)"
"""What `metrics.json` says of its intervals; those of before were narrower than they said."""

TEXT = dict.fromkeys(("recording", "subject", "session", "task", "partition", "group", "exposure"), str)


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
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"predictions": evaluation.predictions, "windows": evaluation.windows}
    if evaluation.baselines is not None:
        tables["baselines"] = evaluation.baselines
    else:
        (folder / "baselines.csv").unlink(missing_ok=True)
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.csv")
        table.to_csv(paths[-1], index=False)
    paths.append(folder / "metrics.json")
    text = json.dumps(evaluation.metrics, indent=2, allow_nan=False, ensure_ascii=False)
    paths[-1].write_text(text + "\n", encoding="utf-8")
    return paths


def read(folder: Path) -> Evaluation:
    """Read what `write` wrote.

    Raises:
        InputError: Where a file is missing or broken, or of a version with other intervals.
    """
    try:
        numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        predictions = _table(folder / "predictions.csv")
        windows = _table(folder / "windows.csv")
        known = (folder / "baselines.csv").is_file()
        baselines = _table(folder / "baselines.csv") if known else None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no readable evaluation ({error}); run the evaluation again") from None
    if numbers.get("intervals") != INTERVALS:
        raise InputError(
            f"{folder} was evaluated by an earlier version, whose intervals were too narrow: run `python -m "
            "stan_lightning.evaluate checkpoint=<run>/checkpoints/best.ckpt "
            f"partition={numbers.get('partition')}` again"
        )
    predictions["seen_subject"] = predictions["seen_subject"].astype("boolean")
    return Evaluation(numbers, predictions, windows, baselines)


def _table(file: Path) -> pd.DataFrame:
    """A table whose names stay names, also where they look like numbers or like "NA"."""
    header = pd.read_csv(file, nrows=0).columns
    numbers = {name: [""] for name in header if name not in TEXT}
    return pd.read_csv(file, dtype=TEXT, keep_default_na=False, na_values=numbers)
