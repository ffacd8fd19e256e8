"""Simple statistics of a signal over a recording, such as ``<crops>/signals/behaviour/<recording>.csv``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stan_boundary.errors import InputError
from stan_boundary.file_names import find_file
from stan_lightning.data.crops import Crops
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.signal_clock import settle
from stan_lightning.data.signal_file import open_signal
from stan_lightning.data.signals import SUFFIXES

BEHAVIOUR, PROSODY = "behaviour", "prosody"
STATISTICS = ("mean", "sd", "q10", "q50", "q90", "speed")


def signal_file(row: Mapping[str, Any], folder: str | None, signal: str) -> Path | None:
    """Where a recording's signal lies; None where there is none.

    Args:
        row: Of `manifest.read_manifest`.
        folder: Of the signal (`data.signals.<signal>`); None: beside the crops.
        signal: Its name.
    """
    home = Path(folder or Path(str(row["crops_root"])) / "signals" / signal)
    for stem in (str(row["recording"]), Path(str(row["video"])).stem):
        for suffix in SUFFIXES:
            if os.path.isfile(file := find_file(home / f"{stem}{suffix}")):
                return file
    return None


def statistics(file: Path, crops: Crops | None = None) -> dict[str, float]:
    """Statistics of each column that has numbers, named ``<column> <one of STATISTICS>``.

    `speed` is the mean of what it changes by in a second (of 30 frames where the file has no times), between
    neighbouring rows that have it; NaN where there are none.

    Args:
        file: The signal's.
        crops: Of the recording, whose video the rows must fit where its times are known; their clock is then
            chosen as for a network. Else it is the file's own.

    Raises:
        InputError: Where the file is no table of numbers over ascending times, or does not fit the video; it
            names file and row.
    """
    signal = open_signal(str(file))
    for why in signal.unreadable.values():
        raise InputError(why)
    is_timed = signal.times is not None
    if crops is not None and crops.times is not None:
        is_timed = is_timed and not settle(signal, crops).by_frame
    clock = signal.clock(timed=is_timed) / (1 if is_timed else NOMINAL_FPS)
    found: dict[str, float] = {}
    for name, column in zip(signal.columns, signal.values.T.astype(np.float64), strict=True):
        values = column[~np.isnan(column)]
        if not len(values):
            continue
        moved = np.abs(np.diff(column)) / np.diff(clock)
        moved = moved[~np.isnan(moved)]
        speed = float(moved.mean()) if len(moved) else float("nan")
        told = (values.mean(), values.std(), *np.quantile(values, [0.1, 0.5, 0.9]), speed)
        found |= {f"{name} {what}": float(one) for what, one in zip(STATISTICS, told, strict=True)}
    return found
