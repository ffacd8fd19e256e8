"""One recording's file of a signal: rows of numbers with a time, and what they are at any other moments.

What can be read: a CSV of named measurements (ours, OpenFace's as it is), or an ``.npz`` with `time_s` (N,),
or source `frame` where there is no time, and `values` (N, F). Missing is what has no number: empty cells,
NaN, infinities, rows whose `success` or `valid` is 0 or False, and of `X_valid` the columns `X_...` of a row.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.opening import check_regular
from stan_boundary.typed import typed
from stan_lightning.data.csv_size import check_size
from stan_lightning.data.npz import read_npz
from stan_lightning.data.signal_csv import flag_of, numbers, read_table

Moments = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]
TIMES = ("time_s", "timestamp")  # the second is OpenFace's
NEVER_MEASURED = (*TIMES, "frame", "face_id", "confidence", "success")
RESAMPLINGS = ("linear", "nearest")
BRIDGED = 3.5  # median intervals: two samples in a row may be missing, and printed times are rounded
SAME_S = 1e-3  # OpenFace prints times with three decimals


@dataclass(frozen=True, eq=False)
class Signal:
    """A file, read.

    Attributes:
        path: The file.
        columns: Names of what is measured; numbers from 0 in an npz.
        values: Shape (N, F), NaN where missing.
        times: Seconds on the video's clock, (N,), ascending; None where the file has frames alone.
        frames: Source frames, (N,), ascending; None where it has none.
        unreadable: By name of a column that holds text where numbers belong, the line that says so.
    """

    path: str
    columns: Sequence[str]
    values: Values
    times: Moments | None
    frames: Moments | None
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each column stands."""
        return {name: place for place, name in enumerate(self.columns)}

    def clock(self, timed: bool) -> Moments:
        """The rows' moments: times for crops whose times are known, else source frames.

        Raises:
            InputError: Where the crops have no times and the file no frames.
        """
        if timed and self.times is not None:
            return self.times
        if self.frames is None:
            raise InputError(
                f"{self.path}: these crops have no times, so rows are found by a column `frame` of ascending "
                "frame numbers, which is not there; add it, or make the crops by "
                f"`{typed('python -m preprocess')}`"
            )
        return self.frames

    def reach(self, timed: bool) -> float:
        """Longest distance of two numbers that are joined, on `clock`."""
        clock = self.clock(timed)
        return BRIDGED * float(np.median(np.diff(clock))) if len(clock) > 1 else 0.0

    def read(self, moments: Moments, timed: bool, columns: Sequence[str], resample: str) -> Values:
        """What is measured at given moments.

        A moment has a number where the file has one within `SAME_S`, or numbers on both sides that are no
        further apart than `BRIDGED` of the file's median intervals. So gaps are never bridged, and there is
        nothing beyond both ends.

        Args:
            moments: On `clock`, shape (T,).
            timed: Whether they are seconds, as for `clock`.
            columns: Names; of one that the file lacks all is missing.
            resample: One of `RESAMPLINGS`.

        Returns:
            Shape (T, len(columns)), NaN where missing.
        """
        clock = self.clock(timed)
        reach = self.reach(timed)
        first = int(np.searchsorted(clock, moments.min() - reach - SAME_S, "left"))
        end = int(np.searchsorted(clock, moments.max() + reach + SAME_S, "right"))
        places = np.array([self.places.get(name, -1) for name in columns])
        known = self.values[first:end][:, places]
        known[:, places < 0] = np.nan
        return resampled(clock[first:end], known, moments, reach, resample)


def resampled(times: Moments, values: Values, moments: Moments, reach: float, how: str) -> Values:
    """Numbers (N, F) at times (N,) as numbers at moments (T,): shape (T, F), NaN where missing.

    Args:
        times: Ascending.
        values: NaN where missing.
        moments: Any.
        reach: Longest distance of two numbers that are joined.
        how: One of `RESAMPLINGS`.
    """
    n, width = values.shape
    if not n:
        return np.full((len(moments), width), np.nan, np.float32)
    present, rows = ~np.isnan(values), np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(present, rows, -1), axis=0)  # the last row so far with a number
    after = np.minimum.accumulate(np.where(present, rows, n)[::-1], axis=0)[::-1]  # the next one
    none = np.ones((1, width), np.int64)
    left = np.concatenate([-none, before])[np.searchsorted(times, moments, "right")]
    right = np.concatenate([after, n * none])[np.searchsorted(times, moments, "left")]
    clock = np.concatenate([times, [np.inf, -np.inf]])  # row n is never, and so is row -1
    padded = np.concatenate([values, np.full((2, width), np.nan, np.float32)])
    which = np.arange(width)
    to_left, to_right = moments[:, None] - clock[left], clock[right] - moments[:, None]
    earlier, later = padded[left, which], padded[right, which]
    nearest = np.where(to_left <= to_right, earlier, later)
    found = nearest
    if how == "linear":
        with np.errstate(invalid="ignore"):  # beyond an end nothing is known, and is left so
            share = to_left / np.maximum(to_left + to_right, np.finfo(float).tiny)
            found = (earlier + share * (later - earlier)).astype(np.float32)
    near = np.minimum(to_left, to_right) <= SAME_S
    joined = to_left + to_right <= reach
    return np.where((to_left == 0) | (near & ~joined), nearest, np.where(joined, found, np.nan)).astype(
        np.float32
    )


@lru_cache(maxsize=512)
def _opened(path: str, columns: tuple[str, ...] | None, changed: int, size: int) -> Signal:
    return _read_npz(path) if path.endswith(".npz") else _read_csv(path, columns)


def open_signal(path: str, columns: tuple[str, ...] | None = None) -> Signal:
    """A file, read once a process; workers that are forked share what was read before.

    Args:
        path: The file.
        columns: Those of a CSV that are wanted, None for all: OpenFace writes 711, and few are of use.

    Raises:
        InputError: It cannot be used; the line names the row, counted as a spreadsheet does (its header is
            row 1), or that of an npz, from 1.
    """
    check_regular(path)
    seen = os.stat(path)
    return _opened(path, columns, seen.st_mtime_ns, seen.st_size)


def _read_csv(path: str, columns: tuple[str, ...] | None) -> Signal:
    wanted = None if columns is None else {*columns, *NEVER_MEASURED}
    check_size(path, None if wanted is None else len(wanted))
    table = read_table(path, wanted)
    table = table.dropna(how="all")  # blank lines; the index still counts them
    if table.empty:
        raise InputError(f"{path}: holds no row")
    clocks = [name for name in TIMES if name in table][:1] or [name for name in ["frame"] if name in table]
    if not clocks:
        raise InputError(
            f"{path}: has no column {', '.join(TIMES)} or frame, so nobody knows when its rows are"
        )
    clock = _ascending(path, clocks[0], numbers(path, table, clocks[0]), [int(row) for row in table.index])
    frames = numbers(path, table, "frame") if "frame" in table else None
    if frames is not None and not (np.diff(frames) > 0).all():
        frames = None
    flags = _flags(path, table)
    asked = columns or ()
    names = [
        str(one)
        for one in table
        if one in asked or not (one in NEVER_MEASURED or one in flags or str(one).startswith("Unnamed: "))
    ]
    unreadable = {}
    for name in [one for one in names if table[one].dtype.kind not in "fiub"]:
        try:
            table[name] = numbers(path, table, name)
        except InputError as error:
            unreadable[name] = str(error)
    measured = [name for name in names if name not in unreadable]
    values = table[measured].to_numpy(np.float32, copy=True)
    values[~np.isfinite(values)] = np.nan
    for flag, valid in flags.items():
        of = (flag_of(flag) or "").lower()
        places = [place for place, one in enumerate(measured) if not of or one.lower().startswith(f"{of}_")]
        values[np.ix_(valid == 0, places)] = np.nan
    times = clock if clocks[0] in TIMES else None
    return Signal(path, measured, values, times, frames, unreadable)


def _flags(path: str, table: pd.DataFrame) -> dict[str, Moments]:
    """Columns that say whether others were measured: `success`, and any of truth values that is called so."""
    found = {}
    for name in [str(one) for one in table if flag_of(str(one)) is not None]:
        valid = numbers(path, table, name)
        if name == "success" or np.isin(valid[~np.isnan(valid)], (0, 1)).all():
            found[name] = valid
    return found


def _read_npz(path: str) -> Signal:
    content = read_npz(path, ("time_s", "frame", "values"))
    try:
        name = "time_s" if "time_s" in content or "frame" not in content else "frame"
        if missing := [one for one in (name, "values") if one not in content]:
            raise ValueError(f"it has no {missing[0]}")
        clock, values = content[name], content["values"]
        if values.ndim != 2 or clock.shape != values.shape[:1] or not len(clock):
            raise ValueError(f"{name} is {list(clock.shape)} and values {list(values.shape)}")
        if clock.dtype.kind not in "fiu" or values.dtype.kind not in "fiub":
            raise ValueError(f"{name} is {clock.dtype} and values {values.dtype}, no numbers")
        values = values.astype(np.float32, copy=False)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise InputError(
            f"{path}: no npz of a signal ({said}): that holds time_s or frame (N,) and values (N, F), "
            "numbers alone"
        ) from None
    values[~np.isfinite(values)] = np.nan
    clock = _ascending(path, name, clock.astype(np.float64), range(1, len(clock) + 1))
    times, frames = (clock, None) if name == "time_s" else (None, clock)
    return Signal(path, [str(place) for place in range(values.shape[1])], values, times, frames)


def _ascending(path: str, name: str, clock: Moments, rows: Sequence[int]) -> Moments:
    if len(lost := np.flatnonzero(~np.isfinite(clock))):
        raise InputError(f"{path}: row {rows[int(lost[0])]}: has no {name}")
    if len(back := np.flatnonzero(np.diff(clock) <= 0)):
        place = int(back[0]) + 1
        raise InputError(
            f"{path}: row {rows[place]}: {name} {clock[place]:g} does not come after {clock[place - 1]:g}; "
            "sort the rows, and keep one face and one row a moment"
        )
    return clock
