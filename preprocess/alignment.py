"""Square crops cut out of a picture: by the eyes, by a detection box, or its centre."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from preprocess.detector import LEFT_EYE, RIGHT_EYE, Picture, Points

# Where the eye centres go, as a share of the crop's side. The person's right eye is on the viewer's left.
RIGHT_EYE_PLACE = (0.34, 0.40)
LEFT_EYE_PLACE = (0.66, 0.40)
BOX_MARGIN = 0.2

cv2.setNumThreads(1)  # recordings are the unit of parallel work


@dataclass(frozen=True)
class Placement:
    """Where a square crop lies in a picture.

    Coordinates are continuous: a picture of W pixels spans 0 to W, the centre of its first pixel is 0.5.

    Attributes:
        origin: Upper left corner of the crop in the picture, x and y, shape (2,).
        across: The crop's upper side from left to right as a vector in the picture, (2,). Its left side
            is that turned by a quarter, of the same length: a crop is turned and scaled, never squashed.
    """

    origin: npt.NDArray[np.float64]
    across: npt.NDArray[np.float64]

    @property
    def down(self) -> npt.NDArray[np.float64]:
        """The crop's left side from top to bottom, (2,)."""
        return np.array([-self.across[1], self.across[0]])

    @property
    def side(self) -> float:
        """Length of the crop's side in pixels of the picture."""
        return float(np.hypot(*self.across))

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Middle of the crop in the picture, (2,)."""
        return self.origin + (self.across + self.down) / 2

    def widened(self, factor: float) -> "Placement":
        """The placement with `factor` times the side about the same centre."""
        across = self.across * factor
        down = self.down * factor
        return Placement(self.centre - (across + down) / 2, across)

    def to_picture(self, points: Points) -> Points:
        """Points in shares of the crop's side, (..., 2), to pixels of the picture."""
        return self.origin + points[..., :1] * self.across + points[..., 1:] * self.down

    def from_picture(self, points: Points) -> Points:
        """Points in pixels of the picture, (..., 2), to shares of the crop's side."""
        offset = points - self.origin
        return np.stack([offset @ self.across, offset @ self.down], axis=-1) / self.side**2


def place_by_eyes(points: Points) -> Placement:
    """The placement that brings the eyes among a face's six points, (6, 2), to their places."""
    right, left = points[RIGHT_EYE], points[LEFT_EYE]
    share = LEFT_EYE_PLACE[0] - RIGHT_EYE_PLACE[0]
    across = (left - right) / share
    down = np.array([-across[1], across[0]])
    return Placement(right - RIGHT_EYE_PLACE[0] * across - RIGHT_EYE_PLACE[1] * down, across)


def place_centre(picture: Picture) -> Placement:
    """The largest square in the middle of a picture."""
    height, width = picture.shape[:2]
    side = min(height, width)
    return Placement(np.array([(width - side) / 2, (height - side) / 2]), np.array([float(side), 0.0]))


@dataclass(frozen=True)
class Region:
    """A part of a picture, averaged down by a whole factor, that can be kept in its stead.

    Attributes:
        pixels: RGB, (h, w, 3).
        offset: Where its upper left corner lies in the picture, (2,).
        shrink: Side in the picture of one of its pixels.
    """

    pixels: Picture
    offset: npt.NDArray[np.float64]
    shrink: int


def cut(picture: Picture, placement: Placement, size: int) -> Picture:
    """Resample a placement to (size, size, 3), bilinear; what lies outside repeats the border's pixels."""
    # Bilinear sampling alone skips pixels where it shrinks: the region is averaged down first.
    if placement.side >= 2 * size:
        return cut_region(take_region(picture, placement, size), placement, size)
    return cut_region(Region(picture, np.zeros(2), 1), placement, size)


def cut_region(region: Region, placement: Placement, size: int) -> Picture:
    """As `cut`, from a region of the picture that `placement` is given in."""
    step = np.stack([placement.across, placement.down], axis=1) / (size * region.shrink)
    start = (placement.origin - region.offset) / region.shrink + step @ np.array([0.5, 0.5]) - 0.5
    return _as_picture(
        cv2.warpAffine(
            region.pixels,
            np.column_stack([step, start]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def take_region(picture: Picture, placement: Placement, size: int) -> Region:
    """A copy of what a crop of `size` pixels at `placement` is made from, as small as it can be."""
    shrink = max(int(placement.side // size), 1)
    limit = np.array([picture.shape[1], picture.shape[0]])
    corners = placement.to_picture(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    low = np.clip(np.floor(corners.min(axis=0)) - 2 * shrink, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2 * shrink, low + 1, limit).astype(int)
    cells = np.maximum((high - low) // shrink, 1)
    high = np.minimum(low + cells * shrink, limit)
    pixels = picture[low[1] : high[1], low[0] : high[0]]
    if shrink > 1:
        small = cv2.resize(pixels, (int(cells[0]), int(cells[1])), interpolation=cv2.INTER_AREA)
        return Region(_as_picture(small), low.astype(np.float64), shrink)
    return Region(pixels.copy(), low.astype(np.float64), shrink)


def cut_box(picture: Picture, box: npt.NDArray[np.float64], size: int) -> Picture:
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
