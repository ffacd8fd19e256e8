"""The signals of a set of recordings: where their files lie, whether they can be used, what is read of them.

A signal is a folder with a file for each recording, ``<recording>.csv`` or ``.npz``, or called as its video
is. ``signal.json`` beside them may say how it is resampled (`resample`: linear or nearest) and which
`columns` it has.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import track as progress
from torch import Tensor

from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.names import printable
from stan_lightning.data.crops import Crops, open_crops
from stan_lightning.data.signal_clock import BY_TIME, Clock, settle
from stan_lightning.data.signal_file import SAME_S, Signal, open_signal
from stan_lightning.data.signal_listing import DESCRIPTION, Described, described, find
from stan_lightning.data.signal_listing import OF_CROPS as OF_CROPS
from stan_lightning.data.signal_listing import SUFFIXES as SUFFIXES

MANY = 100
"""More columns of a CSV are hardly meant: reading them takes long, and a small corpus fits their noise."""


@dataclass(frozen=True)
class Member:
    """One recording's part in a signal.

    Attributes:
        path: Its file, "" where it has none.
        columns: What is read of it.
        kept: The columns that were named before it was opened, None for all; others are not kept in memory.
        resample: One of `stan_lightning.data.signal_file.RESAMPLINGS`.
        clock: How its rows are found.
    """

    path: str
    columns: tuple[str, ...]
    kept: tuple[str, ...] | None
    resample: str
    clock: Clock = BY_TIME

    def open(self) -> Signal:
        """The file, read."""
        return open_signal(self.path, self.kept)

    def covers(self, crops: Crops) -> bool:
        """Whether every moment of the crops lies between rows with numbers, and no gap among them."""
        signal = self.open()
        timed = crops.times is not None and signal.times is not None and not self.clock.by_frame
        clock = signal.clock(timed)
        moments = crops.times if timed and crops.times is not None else crops.frames + self.clock.first
        places = [signal.places[one] for one in self.columns if one in signal.places]
        full = ~np.isnan(signal.values[:, places]).all(1)
        inside = clock[0] <= moments[0] + SAME_S and moments[-1] <= clock[-1] + SAME_S
        return bool(inside and full.all() and len(clock) > 1 and np.diff(clock).max() <= signal.reach(timed))

    def read(self, crops: Crops, positions: Sequence[int]) -> Tensor:
        """Measurements at the moments of crops, float32 (T, F), NaN where missing."""
        if not self.path:
            return torch.full((len(positions), len(self.columns)), torch.nan)
        rows, timed = list(positions), crops.times is not None
        signal = self.open()
        timed = timed and signal.times is not None and not self.clock.by_frame
        times = crops.times_at(rows) if timed else None
        moments = crops.frames[rows] + float(self.clock.first) if times is None else times
        return torch.from_numpy(signal.read(moments, timed, self.columns, self.resample))


@dataclass(frozen=True)
class Signals:
    """One signal of a set of recordings.

    Attributes:
        columns: Names of what is measured.
        members: By recording.
    """

    columns: tuple[str, ...]
    members: Mapping[str, Member]

    def statistics(self, recordings: Iterable[str]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each column over all rows of some recordings, float32 (F,).

        A column without any number has mean and deviation 0; a constant one has deviation 0.
        """
        members = [self.members[name] for name in recordings if self.members[name].path]
        count, total, squares = np.zeros((3, len(self.columns)))
        for member in members:
            values = _columns(member.open(), self.columns)
            count += np.isfinite(values).sum(0)
            total += np.nansum(values, 0)
        mean = total / np.maximum(count, 1)
        for member in members:
            squares += np.nansum((_columns(member.open(), self.columns) - mean) ** 2, 0)
        deviation = np.sqrt(squares / np.maximum(count, 1))
        deviation[deviation <= 1e-6 * np.abs(mean)] = 0  # of a constant only rounding is left
        return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(deviation.astype(np.float32))


def gather(
    table: pd.DataFrame,
    name: str,
    folder: str | None,
    columns: Sequence[str] | None = None,
    key: str = "data.signals",
) -> Signals:
    """Find a signal's files and look at every one of them.

    Args:
        table: Recordings with crops: recording, video, crops, and `crops_root`, the folder of their set.
        name: Of the signal.
        folder: Where its files lie; None: ``<crops_root>/signals/<name>``.
        columns: What a trained network reads; None: what `signal.json` names, else what every file has.
        key: How a user names a folder.

    Raises:
        InputError: There is no folder or no file, or one cannot be used.
    """
    homes = [Path(folder or Path(root) / "signals" / name) for root in table.crops_root]
    paths = find(table, name, homes, key)
    if not any(paths):
        raise InputError(
            f"{homes[0]}: no recording has a file of the signal {name}; files are called as recordings "
            f"are, such as {table.recording.iloc[0]}.csv or .npz"
        )
    said = {home: described(home) for home in dict.fromkeys(homes)}
    wanted = None if columns is None else tuple(columns)
    kept = {home: said[home].columns if wanted is None else wanted for home in said}
    opened = _look_at(table, name, paths, homes, kept)
    clocks = _clocks(table, name, paths, opened, {home for home in homes if said[home].made_here})
    chosen = _settled(name, opened, homes, said) if wanted is None else wanted
    if lacking := [one for one in chosen if all(one not in signal.places for signal in opened.values())]:
        _tell(f"signal {name}: no file has {', '.join(lacking[:5])}; missing throughout")
    if without := [one for one, path in zip(table.recording, paths, strict=True) if not path]:
        _tell(f"{len(without)} of {len(table)} recordings have no {name}, such as {without[0]}")
    paths = _with_numbers(table, name, paths, opened, chosen)
    members = {
        recording: Member(path, chosen, kept[home], said[home].resample, clocks.get(path, BY_TIME))
        for recording, path, home in zip(table.recording, paths, homes, strict=True)
    }
    return Signals(chosen, members)


def _tell(line: str) -> None:
    """Print a line that names files, recordings and columns of others."""
    print(printable(as_text(line)))


def _look_at(
    table: pd.DataFrame,
    name: str,
    paths: Sequence[str],
    homes: Sequence[Path],
    kept: Mapping[Path, tuple[str, ...] | None],
) -> dict[str, Signal]:
    """Every file, read and found to be of use."""
    found: dict[str, Signal] = {}
    rows = [row for row in zip(paths, homes, strict=True) if row[0]]
    console = Console()
    for path, home in progress(
        rows, f"signal {name}", console=console, transient=True, disable=not console.is_terminal
    ):
        asked = kept[home]
        signal = found[path] = open_signal(path, asked)
        for one, why in signal.unreadable.items():
            if asked is None or one in asked:
                raise InputError(why)
        if asked is None and not signal.columns:
            raise InputError(f"{path}: measures nothing; give it columns of numbers beside its time")
        if asked is not None and not any(one in signal.places for one in asked):
            raise InputError(
                f"{path}: has none of the columns that are read of {name}: {', '.join(asked[:8])}"
                f"{', ...' if len(asked) > 8 else ''}"
            )
    return found


def _clocks(
    table: pd.DataFrame,
    name: str,
    paths: Sequence[str],
    opened: Mapping[str, Signal],
    made_here: Container[Path],
) -> dict[str, Clock]:
    """How each file's rows are found; what is not by time though there are times is said."""
    found = {
        path: settle(opened[path], open_crops(crops), Path(path).parent in made_here)
        for path, crops in zip(paths, table.crops, strict=True)
        if path
    }
    if off := {path: clock.off_s for path, clock in found.items() if clock.by_frame and clock.off_s}:
        worst = max(off, key=lambda path: off[path])
        _tell(
            f"signal {name}: {len(off)} of {len(found)} files are read by `frame`, as their times are not "
            f"the films', such as {worst} (off by up to {off[worst]:.3g} s)"
        )
    if ones := [path for path, clock in found.items() if clock.by_frame and clock.first]:
        _tell(f"signal {name}: {len(ones)} of {len(found)} files number frames from 1: 1 is the film's first")
    return found


def _with_numbers(
    table: pd.DataFrame,
    name: str,
    paths: Sequence[str],
    opened: Mapping[str, Signal],
    chosen: Sequence[str],
) -> list[str]:
    """The files that hold a number of what is read; recordings of the others count as without one."""
    empty = [path for path, signal in opened.items() if not np.isfinite(_columns(signal, chosen)).any()]
    if not empty:
        return list(paths)
    if len(empty) == len(opened):
        raise InputError(f"signal {name}: no file holds a number of what is read, such as {empty[0]}")
    _tell(
        f"{len(empty)} of {len(table)} recordings have a file of {name} without any number, such as "
        f"{empty[0]}: they count as recordings without it"
    )
    return ["" if path in empty else path for path in paths]


def _settled(
    name: str,
    opened: Mapping[str, Signal],
    homes: Sequence[Path],
    said: Mapping[Path, Described],
) -> tuple[str, ...]:
    """The columns that are read: those that each folder names, or that each of its files has."""
    lists = [said[home].columns for home in dict.fromkeys(homes)]
    named = [one for one in lists if one is not None]
    silent = [signal for path, signal in opened.items() if said[Path(path).parent].columns is None]
    if wide := [one for one in silent if one.path.endswith(".csv") and len(one.columns) > MANY]:
        _tell(
            f"signal {name}: all {len(wide[0].columns)} columns are read; those named under `columns` in "
            f"{Path(wide[0].path).with_name(DESCRIPTION)} would be read alone, and sooner"
        )
    if widths := {len(signal.columns): signal.path for signal in silent if signal.path.endswith(".npz")}:
        if len(widths) > 1:
            (few, one), (many, other), *_ = sorted(widths.items())
            raise InputError(
                f"{one}: {few} values a row, but {many} in {other}: they were made by different encoders"
            )
    every = [*named, *(signal.columns for signal in silent)]
    common = set(every[0]).intersection(*every[1:])
    if not common:
        raise InputError(f"signal {name}: no column is in every file, such as {next(iter(opened))}")
    if left := list(dict.fromkeys(one for columns in every for one in columns if one not in common)):
        _tell(f"signal {name}: {len(left)} columns that not every file has are left out, such as {left[0]}")
    return tuple(one for one in every[0] if one in common)


def _columns(signal: Signal, columns: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    places = np.array([signal.places.get(name, -1) for name in columns])
    values = signal.values[:, places].astype(np.float64)
    values[:, places < 0] = np.nan
    return values
