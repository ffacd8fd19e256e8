"""How long recordings are that have signals alone: as long as the longest of those that are read."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stan_lightning.data.crops import open_crops
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.signal_file import open_signal
from stan_lightning.data.signal_listing import described, find


def count_moments(table: pd.DataFrame, folders: Mapping[str, str | None], key: str) -> dict[str, int]:
    """Moments of each recording whose grid has no end of its own, which gets one in this process.

    Args:
        table: Recordings with crops or a clock, as `manifest.read_manifest` has them.
        folders: By name of each signal that is read where its files lie; None: beside the crops.
        key: How a user names a folder.

    Returns:
        By recording; one moment where no signal that is read tells.

    Raises:
        InputError: A folder of signals is not there, or a file cannot be used.
    """
    endless = table[(table.n_crops == 0) & ~table.pictures]
    ends_s = dict.fromkeys(endless.recording, 0.0)
    for name, folder in folders.items() if ends_s else ():
        homes = [Path(folder or Path(root) / "signals" / name) for root in endless.crops_root]
        paths = find(endless, name, homes, key)
        for recording, path, home in zip(endless.recording, paths, homes, strict=True):
            times = open_signal(path, described(home).columns).times if path else None
            if times is not None:
                ends_s[recording] = max(ends_s[recording], float(times[-1]))
    counts = {}
    for recording, crops in zip(endless.recording, endless.crops, strict=True):
        clock = open_crops(crops)
        counts[recording] = int(ends_s[recording] * NOMINAL_FPS / (clock.grid or 1) + 1e-6) + 1
        clock.last(counts[recording])
    return counts
