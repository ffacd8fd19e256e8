"""What decides the bytes of a recording's crops, besides the video."""

from dataclasses import asdict, dataclass

from stan_boundary.errors import InputError

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
        if self.crop_size < 16:
            raise InputError(f"crop_size={self.crop_size}: must be 16 or more")
        if self.max_gap_s < 0:
            raise InputError(f"max_gap_s={self.max_gap_s}: must be 0 or more")
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f"jpeg_quality={self.jpeg_quality}: must be 1 to 100")

    def as_dict(self) -> dict[str, object]:
        """The settings as they are stored in a recording's zip, to be compared with `read_settings`."""
        return asdict(self)
