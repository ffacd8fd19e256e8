"""A column of the `track.csv` in a zip of crops."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from stan_boundary.errors import InputError

_MOST_COLUMNS = 200
_LONGEST_S = 7 * 86_400.0


def most_bytes(n_crops: int) -> int:
    """How large the track of so many crops can be."""
    return 100_000 + 400 * n_crops


def track_column(
    data: bytes, column: str, frames: Sequence[int], where: str
) -> npt.NDArray[np.float64] | None:
    """What a track says of these source frames, shape (N,); None where it does not tell of all.

    Raises:
        InputError: The track is damaged, or larger than these crops' can be.
    """
    if data.count(b"\n") > 10 * len(frames) + 1_000:
        raise InputError(f"{where} has more rows than there are crops; make it again")
    if data[: data.find(b"\n") + 1 or None].count(b",") >= _MOST_COLUMNS:
        raise InputError(f"{where} has more than {_MOST_COLUMNS} columns; make it again")
    try:
        table = pd.read_csv(io.BytesIO(data), usecols=lambda name: name in ("frame", column), index_col=False)
        if not {"frame", column} <= set(table):
            return None
        known = dict(zip(table["frame"].astype(int), table[column].astype(float), strict=True))
    except (ValueError, TypeError, OverflowError) as error:  # pandas' own errors are ValueErrors
        said = " ".join(str(error).split())
        raise InputError(f"{where} cannot be read ({said}); make it again") from None
    if any(frame not in known for frame in frames):
        return None
    found = np.array([known[frame] for frame in frames])
    if column == "time_s" and not (np.isfinite(found).all() and (np.diff(found) >= 0).all()):
        raise InputError(f"{where}: its times do not ascend; make it again")
    if column == "time_s" and np.abs(found).max() > _LONGEST_S:
        raise InputError(f"{where}: times of more than {_LONGEST_S / 86_400:.0f} days; make it again")
    return found
