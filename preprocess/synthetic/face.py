"""Draws a synthetic face: a shaded head once a video, its moving features once a frame."""

import cv2
import numpy as np

from preprocess.synthetic.behaviour import Motion
from preprocess.synthetic.features import draw_features
from preprocess.synthetic.look import Look
from preprocess.synthetic.pen import Pen, oval, shade

# The head's own canvas, in units of half the distance between the eyes, its origin midway between them.
_LEFT, _RIGHT, _TOP, _BOTTOM = -3.6, 3.6, -4.2, 5.4
_NOISE_SD = 3.0  # of the camera, in grey levels
_NOISE_MARGIN = 64


class Studio:
    """Films one subject: what does not move is drawn at construction, a frame by `film`."""

    def __init__(self, look: Look, width: int, height: int, random: np.random.Generator) -> None:
        """Set up for pictures of `width` x `height` pixels; `random` draws the noise and the day's light."""
        self._look = look
        self._random = random
        self._unit = look.eye_distance * height
        self._brightness = float(random.uniform(0.93, 1.07))
        self._place = (width / 2 + random.normal(0, 0.02) * width, height * 0.44)
        self._scene = _draw_scene(look, width, height, self._unit, self._place)
        self._head, self._alpha = _draw_head(look, self._unit)
        noise = random.normal(0, _NOISE_SD, (height + _NOISE_MARGIN, width + _NOISE_MARGIN, 3))
        self._noise = cv2.GaussianBlur(noise, (3, 3), 0.5).astype(np.int16)

    def film(self, motion: Motion, index: int) -> np.ndarray:
        """The picture of frame `index`, shape (H, W, 3), uint8, blue first."""
        head = self._head.copy()
        pen = Pen(head, self._unit, (-_LEFT * self._unit, -_TOP * self._unit))
        draw_features(pen, self._look, motion, index)
        turn = cv2.getRotationMatrix2D(
            (-_LEFT * self._unit, -_TOP * self._unit), -np.degrees(motion.roll[index]), motion.zoom[index]
        )
        turn[0, 2] += self._place[0] + (_LEFT + motion.x[index]) * self._unit
        turn[1, 2] += self._place[1] + (_TOP + motion.y[index]) * self._unit
        height, width = self._scene.shape[:2]
        alpha = cv2.warpAffine(self._alpha, turn, (width, height))
        front = cv2.warpAffine(head, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        picture = cv2.blendLinear(front, self._scene, alpha, 1 - alpha)
        row, column = self._random.integers(0, _NOISE_MARGIN, 2)
        noise = self._noise[row : row + height, column : column + width]
        lit = cv2.convertScaleAbs(picture, alpha=self._brightness)
        filmed: np.ndarray = cv2.add(lit, noise, dtype=cv2.CV_8U)
        return filmed


def _draw_scene(look: Look, width: int, height: int, unit: float, place: tuple[float, float]) -> np.ndarray:
    """The wall behind, neck and shoulders."""
    random = np.random.default_rng(look.wall_pattern)
    fall = np.linspace(1.1, 0.8, height)[:, None, None] * np.linspace(0.9, 1.1, width)[None, :, None]
    scene = np.clip(fall * np.array(look.wall), 0, 255).astype(np.uint8)
    for _ in range(4):  # furniture and pictures, out of focus
        x, y = (int(random.uniform(0, side)) for side in (width, height))
        w, h = (int(random.uniform(0.1, 0.4) * height) for _ in range(2))
        cv2.rectangle(scene, (x, y), (x + w, y + h), shade(look.wall, random.uniform(0.6, 1.3)), -1)
    scene = cv2.GaussianBlur(scene, (0, 0), 0.02 * height)
    pen = Pen(scene, unit, place)
    if look.side_hair > 2:
        pen.ellipse(0, 1.2, look.face_width + 0.75, look.side_hair, shade(look.hair, 0.8))
    pen.ellipse(0, look.face_height + 4.6, 5.6, 3.6, look.shirt)
    chin = look.face_height
    neck = np.array(
        [(-1.2, chin - 1.5), (1.2, chin - 1.5), (1.3, chin + 1.2), (0, chin + 2), (-1.3, chin + 1.2)]
    )
    pen.fill(neck, shade(look.skin, 0.72))
    pen.line(np.array([(-1.5, chin + 1.1), (0, chin + 2.1), (1.5, chin + 1.1)]), shade(look.shirt, 0.75), 0.2)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), 0.8))


def _draw_head(look: Look, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Head without features, (h, w, 3) uint8, and its opacity, (h, w) float32."""
    size = (round((_RIGHT - _LEFT) * unit), round((_BOTTOM - _TOP) * unit))
    x = np.linspace(_LEFT, _RIGHT, size[0])[None, :]
    y = np.linspace(_TOP, _BOTTOM, size[1])[:, None]
    wide, chin = look.face_width, look.face_height
    centre = (chin - 3.2) / 2
    tall = (chin + 3.2) / 2
    round_off = np.clip((x / wide) ** 2 + ((y - centre) / tall) ** 2, 0, 1)
    light = 1.04 - 0.30 * round_off**2 + 0.10 * look.light * x / wide
    for where_x, where_y, spread, amount in _relief(look):
        light = light + amount * np.exp(
            -(((x - where_x) / spread[0]) ** 2) - ((y - where_y) / spread[1]) ** 2
        )
    skin = light[..., None] * np.array(look.skin)
    jaw = np.clip((y - 1.2) / 0.8, 0, 1) * np.clip(3 * (round_off - 0.35), 0.25, 1) * look.beard
    jaw = jaw[..., None] * 0.75
    face = np.clip(skin * (1 - jaw) + np.array(look.hair) * jaw, 0, 255).astype(np.uint8)
    skin_mask = np.zeros(size[::-1], np.uint8)
    hair_mask = np.zeros(size[::-1], np.uint8)
    origin = (-_LEFT * unit, -_TOP * unit)
    skin_pen, hair_pen = Pen(skin_mask, unit, origin), Pen(hair_mask, unit, origin)
    for side in (-1, 1):
        skin_pen.ellipse(side * (wide + 0.02), 0.45, 0.3, 0.6, 255.0)  # ears
    skin_pen.fill(_jawline(wide, centre, tall), 255.0)
    hair_pen.ellipse(0, -0.75, wide + 0.3, 3.15, 255.0)
    hair_pen.fill(_opening(look, wide, centre, tall), 0.0)
    hair_mask[round((look.side_hair - _TOP) * unit) :] = 0
    hair_mask = cv2.GaussianBlur(hair_mask, (0, 0), 0.06 * unit)
    streaks = 1 + 0.12 * np.sin(9 * np.arctan2(x, y + 4.5) * 6) * (1 - 0.1 * np.abs(x))
    hair = np.clip(streaks[..., None] * (1.15 - 0.05 * (y[..., None] + 4)) * np.array(look.hair), 0, 255)
    cover = hair_mask[..., None] / 255
    head = (face * (1 - cover) + hair * cover).astype(np.uint8)
    alpha = np.maximum(cv2.GaussianBlur(skin_mask, (0, 0), 0.04 * unit), hair_mask)
    return head, (alpha / 255).astype(np.float32)


def _relief(look: Look) -> list[tuple[float, float, tuple[float, float], float]]:
    """Soft light and shadow on the skin: (x, y, spreads, amount)."""
    tip = look.nose_length
    return [
        *((side, -0.05, (0.65, 0.42), -0.14) for side in (-1.0, 1.0)),  # sockets
        *((side * 1.2, 1.15, (0.55, 0.5), 0.07) for side in (-1.0, 1.0)),  # cheeks
        (0, tip * 0.45, (0.16, 0.7), 0.13),  # bridge
        *((side * 0.36, tip * 0.6, (0.16, 0.55), -0.08) for side in (-1.0, 1.0)),
        (0, tip + 0.3, (0.5, 0.16), -0.16),  # under the nose
        (0, 2.75, (0.6, 0.18), -0.12),  # under the lip
        (0, -1.3, (1.2, 0.6), 0.06),  # forehead
        (0, look.face_height - 0.35, (0.5, 0.3), 0.05),  # chin
    ]


def _jawline(wide: float, centre: float, tall: float) -> np.ndarray:
    """Outline of the face: an ellipse, narrower towards the chin."""
    points = oval(0, centre, wide, tall)
    below = np.clip((points[:, 1] - centre) / tall, 0, 1)
    points[:, 0] *= 1 - 0.14 * below
    return points


def _opening(look: Look, wide: float, centre: float, tall: float) -> np.ndarray:
    """Outline of the face within the hair."""
    points = oval(0, centre, 0.95 * wide, tall)  # narrower than the head: no wall shows at the temples
    line = -look.hairline + 0.35 * (points[:, 0] / wide) ** 4 - 0.3 * look.fringe * points[:, 0] / wide
    points[:, 1] = np.maximum(points[:, 1], line)
    return points
