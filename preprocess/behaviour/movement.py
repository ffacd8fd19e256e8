"""What `track.csv` tells of the head, and how fast anything moves; see `columns`."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from preprocess.behaviour.columns import FROM_TRACK, SPEEDS

Values = npt.NDArray[np.float64]

_EYES = ("right_eye_x", "right_eye_y", "left_eye_x", "left_eye_y")
_GAP_STEPS = 1.5  # moments further apart than so many of the usual steps have a gap between them


def carriage(rows: Sequence[Mapping[str, str]]) -> dict[str, Values]:
    """Roll, position and scale of the head, by the detector's eyes in the picture.

    Args:
        rows: Of `track.csv`.

    Returns:
        `columns.FROM_TRACK`, each (T,); NaN where the face was interpolated, or no eyes are known at all.
    """
    eyes = np.array([[_number(row, column) for column in _EYES] for row in rows]).reshape(-1, 2, 2)
    eyes[[row["interpolated"] == "1" for row in rows]] = np.nan
    if np.isnan(eyes).all():
        return {name: np.full(len(rows), np.nan) for name in FROM_TRACK}
    across = eyes[:, 1] - eyes[:, 0]
    distance = np.linalg.norm(across, axis=1)
    usual = float(np.nanmedian(distance))
    middle = eyes.mean(1)
    away = (middle - np.nanmedian(middle, axis=0)) / usual
    roll = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    return dict(zip(FROM_TRACK, (roll, away[:, 0], away[:, 1], distance / usual), strict=True))


def speeds(times_s: Values, values: Mapping[str, Values]) -> dict[str, Values]:
    """How fast each number changed since the moment before, in its units a second.

    Args:
        times_s: Of the moments, (T,), ascending.
        values: `columns.FROM_MESH` and `columns.FROM_TRACK`, each (T,).

    Returns:
        `columns.SPEEDS`, each (T,), never negative; NaN at the first moment, after a gap (more than 1.5 times
        the usual step) and beside a missing value.
    """
    steps = np.diff(times_s, prepend=np.nan)
    if len(steps) > 1:
        steps[steps > _GAP_STEPS * np.nanmedian(steps)] = np.nan
    found = {}
    for name, (_, parts) in SPEEDS.items():
        means = [np.mean([values[column] for column in part], axis=0) for part in parts]
        moved = np.linalg.norm([np.diff(mean, prepend=np.nan) for mean in means], axis=0)
        found[name] = moved / steps
    return found


def _number(row: Mapping[str, str], column: str) -> float:
    return float(row[column] or "nan")
