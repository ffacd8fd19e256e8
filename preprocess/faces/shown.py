"""A decoded frame as a player shows it: cropped, with square pixels, turned or mirrored, in BT.709."""

import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

from preprocess.faces.headers import Margins
from preprocess.faces.tone import NAMES, to_standard

Picture = npt.NDArray[np.uint8]

MAX_ASPECT = 4.0  # stranger pixel shapes are taken for a mistake in the header


class Screen:
    """Turns frames of one film into pictures.

    Attributes:
        curves: Names of the curves that were mapped, each once.
    """

    def __init__(self, aspect: Fraction | None, margins: Margins | None) -> None:
        """Prepare.

        Args:
            aspect: Width of a pixel by its height; None: square.
            margins: What the container cuts, in stored pixels.
        """
        self._aspect = aspect or Fraction(1)
        self._margins = margins
        self._reformatter = VideoReformatter()
        self.curves: list[str] = []

    def show(self, frame: av.VideoFrame) -> Picture:
        """RGB, shape (H, W, 3).

        Raises:
            av.error.FFmpegError, ValueError: The frame cannot be converted.
        """
        wide, high = self._scales()
        width, height = round(frame.width * wide), round(frame.height * high)
        name = NAMES.get(frame.color_trc)
        if name is None:
            rgb = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
            picture = np.asarray(rgb.to_ndarray(), np.uint8)
        else:
            if name not in self.curves:
                self.curves.append(name)
            rgb = self._reformatter.reformat(frame, width, height, "rgb48le", threads=1)
            deep = np.asarray(rgb.to_ndarray(), np.uint16)
            picture = to_standard(deep, frame.color_trc, frame.color_primaries)
        return turned(self._cut(picture, wide, high), frame)

    def _scales(self) -> tuple[Fraction, Fraction]:
        aspect = self._aspect
        if 1 < aspect <= MAX_ASPECT:
            return aspect, Fraction(1)
        if 1 / MAX_ASPECT <= aspect < 1:
            return Fraction(1), 1 / aspect
        return Fraction(1), Fraction(1)

    def _cut(self, picture: Picture, wide: Fraction, high: Fraction) -> Picture:
        if self._margins is None:
            return picture
        height, width = picture.shape[:2]
        left, right = round(self._margins[0] * wide), round(self._margins[2] * wide)
        top, bottom = round(self._margins[1] * high), round(self._margins[3] * high)
        if left + right >= width or top + bottom >= height:
            return picture  # margins of another picture size
        return np.ascontiguousarray(picture[top : height - bottom, left : width - right])


def turned(picture: Picture, frame: av.VideoFrame) -> Picture:
    """Apply a frame's display matrix, to the nearest quarter turn or mirror; zeros do nothing."""
    beside: Any = frame.side_data
    if Type.DISPLAYMATRIX not in beside:
        return picture
    data = bytes(beside[Type.DISPLAYMATRIX])
    if len(data) < 36:
        return picture
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        across, down = a, d
    else:
        picture, across, down = picture.transpose(1, 0, 2), c, b
    picture = picture[:, ::-1] if across < 0 else picture
    return np.ascontiguousarray(picture[::-1] if down < 0 else picture)
