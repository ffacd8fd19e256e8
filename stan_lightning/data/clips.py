"""Which frames make a clip: index arithmetic, with no video in sight.

Positions run over a recording's crops after the stride, 0 .. n-1. Source: the behaviour of the
authors' release (evaluation windows "literally", in floating point).
"""

import math

import numpy as np


def windows(n_frames: int, length: int | None) -> list[list[int]]:
    """Evaluation windows that cover a whole recording.

    A recording of at most `length` frames is one window that is stretched over it; a longer one is
    ``ceil(n_frames / length)`` windows of consecutive frames that overlap as little as they must.

    Args:
        n_frames: Frames of the recording after the stride.
        length: Frames of a window; None: all of the recording's.

    Returns:
        One list of `length` positions for each window.

    Raises:
        ValueError: Where there is no frame or no length.
    """
    if length is None and n_frames >= 1:
        return [list(range(n_frames))]
    if n_frames < 1 or length is None or length < 1:
        raise ValueError(f"windows need frames and a length, got {n_frames} and {length}")
    if n_frames <= length:
        return [stretched(n_frames, length)]
    count = math.ceil(n_frames / length)
    hop = length - (length * count - n_frames) / (count - 1)
    starts = [int(i * hop) for i in range(count)]
    return [list(range(start, start + length)) for start in starts]


def stretched(n_frames: int, length: int) -> list[int]:
    """Positions ``i * n_frames // length``: a short recording slowed down to a whole clip."""
    return [i * n_frames // length for i in range(length)]


def random_clip(n_frames: int, length: int | None, random: np.random.Generator) -> list[int]:
    """One training clip of consecutive frames.

    The start is uniform in 0 .. n_frames - length - 1: as in the release, its upper end is excluded
    and the last frame of a longer recording is never trained on.

    Args:
        n_frames: Frames of the recording after the stride.
        length: Frames of the clip; None: the whole recording.
        random: Source of the start.
    """
    if length is None or n_frames <= length:
        return windows(n_frames, length)[0]
    start = int(random.integers(n_frames - length))
    return list(range(start, start + length))


def step(frame_stride: int, crops_stride: int) -> int:
    """Positions to advance for a stride stated in source frames.

    Args:
        frame_stride: Wanted distance of two frames of a clip, in source frames.
        crops_stride: Distance of two crops on disk, in source frames.

    Raises:
        ValueError: Where the wanted stride is no multiple of the crops' own.
    """
    if frame_stride < 1 or crops_stride < 1 or frame_stride % crops_stride:
        raise ValueError(
            f"a stride of {frame_stride} cannot be read from crops of every {crops_stride} frames"
        )
    return frame_stride // crops_stride
