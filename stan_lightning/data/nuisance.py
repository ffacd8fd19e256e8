"""What a recording tells without the person in it: its length, light, picture and sound.

Where these predict the score, a network that does no better may have learnt only them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops, open_crops
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.log_mel import RATE

NUISANCE = (
    "duration_s",
    "brightness",
    "sharpness",
    "detection_rate",
    "face_size",
    "loudness_db",
    "noise_floor_db",
)
_CROPS = 16  # of a recording, evenly spread: 6 ms
_STRETCHES, _STRETCH_S = 16, 1.0  # of its sound, evenly spread: 6 ms
_PIECE = RATE // 20  # samples in which a level is taken
_FLOOR = 0.1  # quantile of the levels
_SILENCE_DB = -96.0
_FULL_SCALE = 32_768.0


def measure(row: Mapping[str, Any], side: int) -> dict[str, float]:
    """What one recording tells, by the names of `NUISANCE`; NaN where it does not tell.

    `duration_s` is the film's, or the stretch that a folder's images span at 30 frames a second. `brightness`
    (mean grey level) and `sharpness` (variance of the Laplacian) are means over up to 16 crops. `face_size`
    is the median width of the detector's box in source pixels. `loudness_db` is the level of the sound and
    `noise_floor_db` that of its quietest tenth, against full scale, over up to 16 seconds.

    Args:
        row: Of `manifest.read_manifest`.
        side: Crops are measured at this many pixels, so that recordings of several sizes compare.
    """
    crops = open_crops(str(row["crops"]))
    greys = _greys(crops, side)
    widths = crops.tracked("box_width")
    levels = _levels_db(crops, float(row["sound_s"]))
    loudness = _decibel(float(np.mean(10 ** (levels / 10)))) if len(levels) else float("nan")
    return {
        "duration_s": _duration_s(row, crops),
        "brightness": _mean([grey.mean() for grey in greys]),
        "sharpness": _mean([cv2.Laplacian(grey, cv2.CV_64F).var() for grey in greys]),
        "detection_rate": _number(row.get("detection_rate")),
        "face_size": float("nan") if widths is None else float(np.median(widths[~np.isnan(widths)])),
        "loudness_db": loudness,
        "noise_floor_db": float(np.quantile(levels, _FLOOR)) if len(levels) else float("nan"),
    }


def _greys(crops: Crops, side: int) -> list[npt.NDArray[np.uint8]]:
    """Some crops as grey levels, (side, side) each; none where one cannot be decoded."""
    spread = np.linspace(0, len(crops.frames) - 1, _CROPS).round().astype(int)
    try:
        pictures = crops.read(sorted(set(spread.tolist())), side)
    except InputError:
        return []
    return [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in pictures]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _duration_s(row: Mapping[str, Any], crops: Crops) -> float:
    frames, fps = _number(row.get("n_source_frames")), float(row["fps"])
    if frames == frames and fps == fps:
        return frames / fps
    return float(crops.frames[-1] - crops.frames[0] + int(row["stride"])) / NOMINAL_FPS


def _levels_db(crops: Crops, sound_s: float) -> npt.NDArray[np.float64]:
    """Levels of the sound's pieces, (N,); none where there is no sound, or none that can be decoded."""
    if not crops.has_sound or not sound_s > 0:
        return np.zeros(0)
    total, length = int(sound_s * RATE), int(_STRETCH_S * RATE)
    starts = np.linspace(0, total - length, _STRETCHES).astype(int)
    if total <= _STRETCHES * length:
        starts, length = np.zeros(1, int), total
    try:
        heard = np.concatenate([crops.sound(int(start), length) for start in starts])
    except InputError:
        return np.zeros(0)
    pieces = heard[: len(heard) // _PIECE * _PIECE].reshape(-1, _PIECE).astype(np.float64)
    return np.array([_decibel(power) for power in (pieces**2).mean(axis=1) / _FULL_SCALE**2])


def _decibel(power: float) -> float:
    return max(_SILENCE_DB, 10 * float(np.log10(max(power, 1e-12))))


def _number(text: object) -> float:
    return float(str(text)) if text is not None and str(text) != "" else float("nan")
