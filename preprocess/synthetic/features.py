"""The features of a synthetic face that move: brows, eyes, nose, mouth and glasses."""

import numpy as np

from preprocess.synthetic.behaviour import Motion
from preprocess.synthetic.look import Colour, Look
from preprocess.synthetic.pen import Pen, oval, shade

_SCLERA: Colour = (215.0, 222.0, 228.0)
_PUPIL: Colour = (18.0, 18.0, 20.0)
_MOUTH: Colour = (35.0, 25.0, 60.0)
_TEETH: Colour = (205.0, 215.0, 222.0)
_FRAMES: Colour = (40.0, 40.0, 45.0)  # of glasses
_EYE_DETAIL = 3  # eyes are drawn at this many times the picture's size


def draw_features(pen: Pen, look: Look, motion: Motion, index: int) -> None:
    """Draw frame `index` of `motion` on the canvas of a head.

    Turning and bowing the head shifts near features further than those on its rim.
    """
    shift = np.array([1.6 * motion.yaw[index], 1.1 * motion.pitch[index]])
    _nose(pen, look, shift * 1.3)
    for side in (-1.0, 1.0):
        _eye(pen, look, motion, index, np.array([side, 0.0]) + shift)
        _brow(pen, look, motion, index, np.array([side, 0.0]) + shift * 1.05, side)
    _mouth(pen, look, motion, index, np.array([0.0, 2.2]) + shift * 1.15)
    if look.glasses:
        for side in (-1.0, 1.0):
            x, y = np.array([side * 1.02, 0.08]) + shift * 1.1
            pen.line(oval(x, y, 0.78, 0.62), _FRAMES, 0.06, closed=True)
        pen.line(np.array([(-0.25, 0.0), (0.0, -0.08), (0.25, 0.0)]) + shift * 1.1, _FRAMES, 0.06)


def _eye(pen: Pen, look: Look, motion: Motion, index: int, centre: np.ndarray) -> None:
    """Eyeball between the lids, lashes and the fold above."""
    wide, lids = look.eye_width, float(motion.lids[index])
    x = np.linspace(-1, 1, 13)
    arch = 1 - x**2
    lower = 0.15 * arch * (0.4 + 0.6 * lids) + 0.02
    upper = lower * (1 - min(lids, 1.0)) - 0.38 * lids * arch
    top, bottom = np.stack([x * wide, upper], axis=1), np.stack([x * wide, lower], axis=1)
    if lids > 0.1:
        outline = np.concatenate([top, bottom[::-1]])
        gaze = np.array([motion.gaze_x[index] * 0.24, motion.gaze_y[index] * 0.14 - 0.06])
        pen.inlay(centre, (wide + 0.05, 0.45), _EYE_DETAIL, outline, lambda eye: _eyeball(eye, look, gaze))
    else:
        pen.fill(
            np.concatenate([top - (0, 0.3) * arch[:, None], bottom[::-1]]) + centre, shade(look.skin, 0.85)
        )
    lashes = shade(look.hair, 0.45)
    pen.line(top + centre, lashes, 0.09)
    pen.line(bottom + centre, shade(look.skin, 0.72), 0.04)
    if lids > 0.3:
        pen.line(top[2:-2] + centre - (0, 0.14), shade(look.skin, 0.72), 0.04)


def _eyeball(pen: Pen, look: Look, gaze: np.ndarray) -> None:
    """The whole eyeball; the lids cut it out later."""
    pen.ellipse(0, 0, 2, 2, _SCLERA)
    pen.ellipse(gaze[0], gaze[1], 0.27, 0.27, shade(look.iris, 0.7))
    pen.ellipse(gaze[0], gaze[1], 0.22, 0.22, look.iris)
    pen.ellipse(gaze[0], gaze[1], 0.11, 0.11, _PUPIL)
    pen.ellipse(gaze[0] + 0.08, gaze[1] - 0.09, 0.05, 0.05, (245.0, 245.0, 245.0))


def _brow(pen: Pen, look: Look, motion: Motion, index: int, centre: np.ndarray, side: float) -> None:
    """A tapered arch; grief lifts its inner end, a frown lowers it all."""
    t = np.linspace(-1, 1, 9)  # from the inner end to the outer
    x = side * t * look.brow_length
    level = -look.brow_height + 0.22 * float(motion.frown[index])
    middle = level - 0.12 * (1 - t**2) + 0.36 * float(motion.brow[index]) * t
    half = 0.5 * look.brow_weight * (1 - 0.55 * np.clip(t, 0, 1))
    shape = np.concatenate([np.stack([x, middle - half], 1), np.stack([x, middle + half], 1)[::-1]])
    pen.fill(shape + centre, shade(look.hair, 0.8))


def _nose(pen: Pen, look: Look, shift: np.ndarray) -> None:
    """Tip, wings and nostrils."""
    tip, wide = look.nose_length, look.nose_width
    dark = shade(look.skin, 0.62)
    for side in (-1.0, 1.0):
        wing = [(side * wide * 0.9, tip - 0.22), (side * wide, tip), (side * wide * 0.75, tip + 0.14)]
        pen.line(np.array(wing) + shift, dark, 0.06)
        pen.ellipse(side * wide * 0.5 + shift[0], tip + 0.1 + shift[1], 0.13, 0.07, shade(look.skin, 0.45))
    base = [(-wide * 0.3, tip + 0.16), (0, tip + 0.22), (wide * 0.3, tip + 0.16)]
    pen.line(np.array(base) + shift, dark, 0.05)
    pen.ellipse(shift[0], tip - 0.12 + shift[1], 0.14, 0.12, shade(look.skin, 1.1))


def _mouth(pen: Pen, look: Look, motion: Motion, index: int, centre: np.ndarray) -> None:
    """Lips around a gap; a smile lifts the corners, widens the mouth and shows teeth."""
    smile, gap = float(motion.smile[index]), 0.5 * float(motion.mouth[index])
    wide = look.mouth_width * (1 + 0.14 * smile - 0.15 * gap)
    x = np.linspace(-1, 1, 17)
    arch = 1 - x**2
    curve = 0.62 * smile * (0.45 - x**2)  # corners up or down about the middle
    parted = gap + 0.45 * max(smile - 0.1, 0)
    inner_top = curve - 0.25 * parted * arch
    inner_bottom = curve + 0.75 * parted * arch
    cupid = 0.05 * np.exp(-((x / 0.12) ** 2))
    outer_top = inner_top - look.lip_weight * arch**0.7 * 0.9 + cupid
    outer_bottom = inner_bottom + look.lip_weight * arch**0.7 * 1.3

    def between(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        rim = np.concatenate([np.stack([x * wide, upper], 1), np.stack([x * wide, lower], 1)[::-1]])
        return np.asarray(rim + centre)

    pen.fill(between(outer_top, inner_top), shade(look.lips, 0.9))
    pen.fill(between(inner_bottom, outer_bottom), look.lips)
    pen.fill(between(inner_top, inner_bottom), _MOUTH)
    if parted > 0.03:
        pen.fill(between(inner_top, inner_top + 0.45 * parted * arch), _TEETH)
    pen.line(np.stack([x * wide, inner_top], 1) + centre, shade(look.lips, 0.55), 0.05)
    if smile > 0.15:  # folds from the wings of the nose to the corners
        for side in (-1.0, 1.0):
            fold = [(side * 0.62, -0.75), (side * (wide + 0.12), -0.3), (side * (wide + 0.2), 0.0)]
            pen.line(np.array(fold) + centre, shade(look.skin, 0.9 - 0.12 * smile), 0.06)
