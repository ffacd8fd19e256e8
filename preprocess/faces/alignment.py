"""Square crops cut out of a picture: by the eyes, by a detection box, or its centre."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from preprocess.faces.detector import LEFT_EYE, RIGHT_EYE, Picture

# Where the eye centres go, in shares of the crop's side, x + iy; the person's right is the viewer's left.
RIGHT_EYE_PLACE = 0.34 + 0.40j
LEFT_EYE_PLACE = 0.66 + 0.40j
BOX_MARGIN = 0.2

cv2.setNumThreads(1)  # recordings are the unit of parallel work


@dataclass(frozen=True)
class Placement:
    """Where a square crop lies in a picture: turned and scaled, never squashed.

    Attributes:
        origin: Upper left corner of the crop in the picture, x + iy in continuous pixels.
        across: The crop's upper side from left to right, as a step in the picture. Its left side, from top
            to bottom, is that turned by a quarter: `1j * across`.
    """

    origin: complex
    across: complex

    @property
    def side(self) -> float:
        """Length of the crop's side in pixels of the picture."""
        return abs(self.across)

    @property
    def centre(self) -> complex:
        """Middle of the crop in the picture."""
        return self.origin + self.across * (0.5 + 0.5j)

    def widened(self, factor: float) -> "Placement":
        """The placement with `factor` times the side about the same centre."""
        return Placement(self.centre - self.across * factor * (0.5 + 0.5j), self.across * factor)

    def half_turned(self) -> "Placement":
        """The same square upside down."""
        return Placement(self.origin + self.across * (1 + 1j), -self.across)

    def to_picture(self, point: complex) -> complex:
        """A point in shares of the crop's side to pixels of the picture."""
        return self.origin + self.across * point

    def from_picture(self, point: complex) -> complex:
        """A point in pixels of the picture to shares of the crop's side."""
        return (point - self.origin) / self.across


def place_by_eyes(points: tuple[complex, ...]) -> Placement:
    """The placement that brings the eyes among a face's points to their places."""
    right, left = points[RIGHT_EYE], points[LEFT_EYE]
    across = (left - right) / (LEFT_EYE_PLACE - RIGHT_EYE_PLACE)
    return Placement(right - across * RIGHT_EYE_PLACE, across)


def place_centre(picture: Picture) -> Placement:
    """The largest square in the middle of a picture."""
    height, width = picture.shape[:2]
    side = min(height, width)
    return Placement(complex(width - side, height - side) / 2, complex(side))


@dataclass(frozen=True)
class Region:
    """A part of a picture, averaged down by a whole factor, that can be kept in its stead.

    Attributes:
        pixels: RGB, (h, w, 3).
        offset: Where its upper left corner lies in the picture, x + iy.
        shrink: Side in the picture of one of its pixels.
    """

    pixels: Picture
    offset: complex
    shrink: int


def cut(picture: Picture, placement: Placement, size: int) -> Picture:
    """Resample a placement to (size, size, 3), bilinear; what lies outside repeats the border's pixels."""
    # Bilinear sampling alone skips pixels where it shrinks: the region is averaged down first.
    if placement.side >= 2 * size:
        return cut_region(take_region(picture, placement, size), placement, size)
    return cut_region(Region(picture, 0j, 1), placement, size)


def cut_region(region: Region, placement: Placement, size: int) -> Picture:
    """As `cut`, from a region of the picture that `placement` is given in."""
    step = placement.across / (size * region.shrink)
    # Continuous coordinates put a pixel's centre at its half, OpenCV at its whole number.
    start = (placement.origin - region.offset) / region.shrink + (step - 1) * (0.5 + 0.5j)
    matrix = np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])
    return _as_picture(
        cv2.warpAffine(
            region.pixels,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def take_region(picture: Picture, placement: Placement, size: int) -> Region:
    """A copy of what a crop of `size` pixels at `placement` is made from, as small as it can be."""
    shrink = max(int(placement.side // size), 1)
    height, width = picture.shape[:2]
    corners = [placement.to_picture(corner) for corner in (0, 1, 1j, 1 + 1j)]
    left, columns = _span([corner.real for corner in corners], width, shrink)
    top, rows = _span([corner.imag for corner in corners], height, shrink)
    pixels = picture[top : top + rows * shrink, left : left + columns * shrink]
    if shrink > 1:
        pixels = _as_picture(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA))
    return Region(np.ascontiguousarray(pixels), complex(left, top), shrink)


def _span(places: list[float], length: int, shrink: int) -> tuple[int, int]:
    """Start in pixels and number of whole cells of `shrink` pixels that cover `places` and a margin."""
    low = min(max(math.floor(min(places)) - 2 * shrink, 0), max(length - shrink, 0))
    high = min(math.ceil(max(places)) + 2 * shrink, length)
    return low, max((high - low) // shrink, 1)


def cut_box(picture: Picture, box: tuple[float, float, float, float], size: int) -> Picture:
    """The predecessor's crop: the box, a margin of a fifth of its longer side, clipped and squashed.

    Args:
        picture: RGB, (H, W, 3).
        box: x, y, width, height in whole pixels.
        size: Side of the crop.
    """
    x, y, width, height = (int(value) for value in box)
    margin = int(BOX_MARGIN * max(width, height))
    rows = slice(max(0, y - margin), min(picture.shape[0], y + height + margin))
    columns = slice(max(0, x - margin), min(picture.shape[1], x + width + margin))
    return _as_picture(cv2.resize(picture[rows, columns], (size, size), interpolation=cv2.INTER_LINEAR))


def _as_picture(picture: object) -> Picture:
    return np.asarray(picture, np.uint8)
