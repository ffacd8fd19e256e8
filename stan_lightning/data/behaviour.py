"""Simple statistics of a recording's behaviour track, ``<crops>/tracks/behaviour/<recording>.csv``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stan_lightning.errors import InputError

TRACK = "behaviour"
STATISTICS = ("mean", "sd", "q10", "q50", "q90", "speed")
_NO_MEASUREMENTS = ("time_s", "frame")


def track_file(roots: str | Path | Sequence[str | Path], recording: str) -> Path | None:
    """Where a recording's behaviour track lies beside its crops; None where there is none.

    Args:
        roots: Folders that hold `manifest.csv`, or manifest files.
        recording: Its name.
    """
    for root in [roots] if isinstance(roots, str | Path) else roots:
        folder = Path(root) if Path(root).is_dir() else Path(root).parent
        file = folder / "tracks" / TRACK / f"{recording}.csv"
        if file.is_file():
            return file
    return None


def statistics(file: Path) -> dict[str, float]:
    """Statistics of each column, named ``<column> <one of STATISTICS>``; NaN where it has no values.

    `speed` is the mean of what it changes by in a second, between neighbouring rows that have it.

    Raises:
        InputError: Where the file is no table of numbers over ascending times; it names file and row.
    """
    table = _numbers(file)
    times = table.pop("time_s").to_numpy()
    found = {}
    for name, column in table.items():
        values = column.to_numpy()
        known = ~np.isnan(values)
        if not known.any():
            continue
        low, middle, high = np.quantile(values[known], [0.1, 0.5, 0.9])
        moved = np.abs(np.diff(values)) / np.diff(times)
        moved = moved[~np.isnan(moved)]
        speed = float(moved.mean()) if len(moved) else float("nan")
        told = (values[known].mean(), values[known].std(), low, middle, high, speed)
        found |= {f"{name} {what}": float(one) for what, one in zip(STATISTICS, told, strict=True)}
    return found


def _numbers(file: Path) -> pd.DataFrame:
    try:
        text = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a CSV table ({' '.join(str(error).split())})") from None
    text.columns = text.columns.str.strip()
    if "time_s" not in text:
        raise InputError(f"{file}: has no column time_s; make the behaviour track again")
    text = text.drop(columns=[name for name in _NO_MEASUREMENTS if name in text and name != "time_s"])
    numbers = text.apply(lambda column: pd.to_numeric(column.str.strip(), errors="coerce"))
    strange = numbers.isna() & ~text.apply(lambda column: column.str.strip().str.lower().isin(["", "nan"]))
    if strange.any(axis=None):
        row, column = (int(place[0]) for place in np.nonzero(strange.to_numpy()))
        raise InputError(
            f"{file}: row {row + 2}, {text.columns[column]}: {text.iloc[row, column]!r} is no number"
        )
    steps = np.diff(numbers["time_s"].to_numpy())
    if not (steps > 0).all():
        row = int(np.flatnonzero(~(steps > 0))[0])
        raise InputError(f"{file}: row {row + 3}: its time_s does not follow that of the row before")
    return numbers.replace([np.inf, -np.inf], np.nan)
