"""Antialiased drawing in units of the face instead of pixels."""

from collections.abc import Callable

import cv2
import numpy as np

from preprocess.synthetic.look import Colour

_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates


class Pen:
    """Antialiased drawing in face units, `unit` pixels each; `origin` is where (0, 0) lies in the picture."""

    def __init__(self, picture: np.ndarray, unit: float, origin: tuple[float, float]) -> None:
        self.picture = picture
        self._unit = unit
        self._origin = np.array(origin)

    def fill(self, points: np.ndarray, colour: Colour | float) -> None:
        """A closed shape through `points`, shape (N, 2)."""
        cv2.fillPoly(self.picture, [self._fixed(points)], _scalar(colour), cv2.LINE_AA, _SHIFT)

    def line(self, points: np.ndarray, colour: Colour, width: float, closed: bool = False) -> None:
        """An open or closed line through `points`, `width` units thick, at least one pixel."""
        thickness = max(1, round(width * self._unit))
        cv2.polylines(
            self.picture, [self._fixed(points)], closed, _scalar(colour), thickness, cv2.LINE_AA, _SHIFT
        )

    def ellipse(self, x: float, y: float, width: float, height: float, colour: Colour | float) -> None:
        """A filled ellipse with half axes `width` and `height`."""
        self.fill(oval(x, y, width, height), colour)

    def inlay(
        self,
        centre: np.ndarray,
        reach: tuple[float, float],
        detail: int,
        outline: np.ndarray,
        draw: Callable[["Pen"], None],
    ) -> None:
        """Put what `draw` draws in place of what lies within `outline`.

        Args:
            centre: Where the inlay's origin comes to lie, shape (2,).
            reach: Half width and half height of the inlay's canvas.
            detail: Times the picture's size at which it is drawn.
            outline: Closed shape around the origin, shape (N, 2).
            draw: Is handed a pen whose origin is the inlay's.
        """
        middle = np.array(centre) * self._unit + self._origin
        first = np.floor(middle - np.array(reach) * self._unit).astype(int)
        last = np.ceil(middle + np.array(reach) * self._unit).astype(int)
        columns, rows = (int(one) for one in last - first)
        fine = np.zeros((rows * detail, columns * detail, 3), np.uint8)
        mask = np.zeros((rows * detail, columns * detail), np.uint8)
        x, y = (middle - first) * detail
        draw(Pen(fine, self._unit * detail, (x, y)))
        Pen(mask, self._unit * detail, (x, y)).fill(outline, 255.0)
        small = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)
        opacity = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        under = self.picture[first[1] : last[1], first[0] : last[0]]
        under[:] = cv2.blendLinear(small, np.ascontiguousarray(under), opacity, 1 - opacity)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        pixels = (np.asarray(points) * self._unit + self._origin) * 2**_SHIFT
        return np.asarray(np.round(pixels), np.int32)


def _scalar(colour: Colour | float) -> tuple[float, ...]:
    return colour if isinstance(colour, tuple) else (colour,)


def oval(x: float, y: float, width: float, height: float) -> np.ndarray:
    """Points of an ellipse, shape (32, 2)."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], axis=1)


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` darker (below 1) or lighter (above 1)."""
    blue, green, red = (min(255.0, one * factor) for one in colour)
    return blue, green, red
