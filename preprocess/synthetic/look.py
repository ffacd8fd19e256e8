"""The fixed look of a synthetic subject: colours and proportions, the same in every one of its videos."""

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # blue, green, red, 0 to 255
_SKINS: tuple[Colour, ...] = (
    (170, 195, 235),
    (150, 180, 225),
    (120, 155, 210),
    (95, 130, 185),
    (70, 100, 150),
)
_HAIRS: tuple[Colour, ...] = (
    (25, 25, 30),
    (35, 50, 75),
    (50, 85, 130),
    (90, 150, 195),
    (150, 150, 155),
    (35, 60, 140),
)
_IRISES: tuple[Colour, ...] = ((40, 60, 90), (130, 100, 60), (70, 110, 80), (25, 35, 55))


@dataclass(frozen=True)
class Look:
    """One subject; lengths in units of half the distance between the eyes."""

    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    shirt: Colour
    wall: Colour
    wall_pattern: int  # seed of the picture behind
    face_width: float  # half width
    face_height: float  # of the chin below the eyes
    hairline: float  # above the eyes
    side_hair: float  # lower end of the hair at the sides, below the eyes
    fringe: float  # -1 parted left, 1 right, 0 straight
    brow_weight: float
    brow_height: float
    brow_length: float
    eye_width: float
    nose_length: float
    nose_width: float
    mouth_width: float
    lip_weight: float
    beard: float  # 0 none, 1 full
    glasses: bool
    light: float  # -1 from the left, 1 from the right
    eye_distance: float  # half of it, as a share of the picture's height


def draw_look(random: np.random.Generator) -> Look:
    """Draw a subject's look."""

    def near(colour: Colour, sd: float) -> Colour:
        blue, green, red = (float(np.clip(one + random.normal(0, sd), 8, 247)) for one in colour)
        return blue, green, red

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    wall = between(80, 200)
    skin = near(_SKINS[random.integers(len(_SKINS))], 8)
    return Look(
        skin=skin,
        hair=near(_HAIRS[random.integers(len(_HAIRS))], 8),
        lips=near((skin[0] * 0.72, skin[1] * 0.62, skin[2] * 0.92), 5),
        iris=near(_IRISES[random.integers(len(_IRISES))], 6),
        shirt=near((between(30, 200), between(30, 200), between(30, 200)), 5),
        wall=near((wall, wall, wall), 18),
        wall_pattern=int(random.integers(2**31)),
        face_width=between(2.0, 2.4),
        face_height=between(3.3, 3.8),
        hairline=between(1.5, 2.3),
        side_hair=float(random.choice([0.2, 0.8, 2.5, 4.5])),
        fringe=between(-1, 1),
        brow_weight=between(0.16, 0.28),
        brow_height=between(0.60, 0.85),
        brow_length=between(0.50, 0.68),
        eye_width=between(0.46, 0.56),
        nose_length=between(1.15, 1.5),
        nose_width=between(0.36, 0.52),
        mouth_width=between(0.75, 0.95),
        lip_weight=between(0.14, 0.22),
        beard=float(random.choice([0, 0, 0, 0.35, 0.8])),
        glasses=bool(random.random() < 0.2),
        light=between(-1, 1),
        eye_distance=between(0.085, 0.1),
    )
