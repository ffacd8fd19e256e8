"""What decides the bytes of a recording's crops, besides the video."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stan_boundary.errors import InputError
from stan_boundary.names import printable, shortened
from stan_boundary.picture import MOST_SIDE

ALIGNMENTS = ("eyes", "box", "none")
SAMPLINGS = ("frames", "time")


@dataclass(frozen=True)
class Settings:
    """How a recording is sampled, aligned and written; stored beside its crops.

    Attributes:
        frame_stride: One source frame in so many is kept.
        sampling: How the stride runs. `frames`: every `frame_stride`-th decoded frame, whatever its
            time. `time`: one frame per `frame_stride` nominal frame intervals (the container's average
            rate), the first at or after each tick, so that kept frames are evenly spaced in time on a
            variable frame rate. On a constant frame rate both keep the same frames.
        crop_size: Side of the square crops in pixels.
        align: `eyes`: similarity transform that brings both eyes to fixed places. `box`: the
            predecessor's squashed detection box. `none`: the whole picture's centre square.
        max_gap_s: Longest absence of the face, in seconds, that is bridged by interpolation.
        jpeg_quality: 1 to 100.
        model_path: Detector models other than the fetched ones (see `model_file.find_models`), or None.
    """

    frame_stride: int
    sampling: str
    crop_size: int
    align: str
    max_gap_s: float
    jpeg_quality: int
    model_path: str | None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: A setting is out of range; the message names it.
        """
        if self.align not in ALIGNMENTS:
            raise InputError(f"align={self.align}: choose one of {', '.join(ALIGNMENTS)}")
        if self.sampling not in SAMPLINGS:
            raise InputError(f"sampling={self.sampling}: choose one of {', '.join(SAMPLINGS)}")
        if self.frame_stride < 1:
            raise InputError(f"frame_stride={self.frame_stride}: must be 1 or more")
        if not 16 <= self.crop_size <= MOST_SIDE:
            raise InputError(f"crop_size={self.crop_size}: must be 16 to {MOST_SIDE}")
        if not self.max_gap_s >= 0:
            raise InputError(f"max_gap_s={self.max_gap_s}: must be 0 or more")
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f"jpeg_quality={self.jpeg_quality}: must be 1 to 100")

    def as_dict(self) -> dict[str, object]:
        """The settings as they are stored in a recording's zip, to be compared with `read_settings`."""
        return asdict(self)


def taken_settings(stored: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Of settings that a received zip holds those that say how to crop, checked.

    Args:
        stored: Of `recording.json`; fields that are missing there are missing here.
        where: Zip, for the message.

    Returns:
        Fields of `Settings` but `model_path`: no file is opened because a zip names it.

    Raises:
        InputError: There is another key, or a value of another kind or out of range.
    """
    if extra := sorted(set(stored) - {*_TAKEN, "model_path"}):
        raise InputError(f"{where}: {shortened(printable(extra[0]))} is no setting of preprocessing")
    taken = {}
    for name, value in stored.items():
        if name == "model_path":
            continue
        kind = _TAKEN[name]
        wide = (int, float) if kind is float else kind
        if (
            isinstance(value, bool)
            or not isinstance(value, wide)
            or (isinstance(value, int | float) and not _is_sane(value))
        ):
            said = shortened(printable(repr(value)), 40)
            raise InputError(f"{where}: setting {name} is {said}, not of the kind that preprocessing writes")
        taken[name] = kind(value)
    try:
        Settings(**(_ANY | taken), model_path=None)
    except InputError as error:
        raise InputError(f"{where}: setting {shortened(printable(error), 200)}") from None
    return taken


def _is_sane(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= 1e6


_TAKEN: dict[str, type] = {"frame_stride": int, "sampling": str, "crop_size": int, "align": str}
_TAKEN |= {"max_gap_s": float, "jpeg_quality": int}
_ANY: dict[str, Any] = {"frame_stride": 1, "sampling": "frames", "crop_size": 112, "align": "none"}
_ANY |= {"max_gap_s": 0.0, "jpeg_quality": 1}
