"""Pictures of high dynamic range (HLG, PQ) as a standard display shows them.

Light is taken from the curves of ITU-R BT.2100, its reference white of 203 cd/m2 (BT.2408) becomes white,
what is brighter is compressed above nine tenths of it, and BT.709's primaries and BT.1886's curve follow.
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PQ, HLG = 16, 18  # as FFmpeg numbers transfer curves (ITU-T H.273)
NAMES = {PQ: "PQ", HLG: "HLG"}
_BT2020, _UNSPECIFIED = 9, 2
_WHITE = 203.0  # cd/m2
_PEAK = 1000.0  # of the display that HLG's overall curve is for, cd/m2
_KNEE = 0.9
_STEPS = 4096
_MOST_LIGHT = 4.0  # in whites: what is brighter is the brightest grey level
_LUMA = np.array([[0.2627, 0.6780, 0.0593]], np.float32)  # BT.2020
_TO_BT709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ],
    np.float32,
)


def to_standard(picture: npt.NDArray[np.uint16], curve: int, primaries: int) -> npt.NDArray[np.uint8]:
    """Map a picture.

    Args:
        picture: RGB, (H, W, 3), full range of 16 bits.
        curve: `PQ` or `HLG`.
        primaries: By H.273; BT.2020's where they are unspecified.

    Returns:
        RGB, (H, W, 3), in BT.709.
    """
    light: Floats = np.take(_light(curve), picture >> 4)
    if curve == HLG:
        luma = cv2.transform(light, _LUMA)
        light *= np.power(np.maximum(luma, 1e-6), 0.2).reshape(*luma.shape[:2], 1)
    light *= (_PEAK if curve == HLG else 1.0) / _WHITE
    if primaries in (_BT2020, _UNSPECIFIED):
        light = np.asarray(cv2.transform(light, _TO_BT709), np.float32)
    # Square roots: even steps of them are about even steps of what is seen.
    places = np.sqrt(np.clip(light, 0, _MOST_LIGHT)) * ((_STEPS - 1) / np.sqrt(_MOST_LIGHT))
    return np.asarray(np.take(_grey(), (places + 0.5).astype(np.uint16)), np.uint8)


@cache
def _light(curve: int) -> Floats:
    """Light by the upper 12 bits of a signal: of the scene in [0, 1] (HLG), of the display in cd/m2 (PQ)."""
    signal = np.arange(_STEPS) / (_STEPS - 1)
    if curve == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return np.asarray(light, np.float32)


@cache
def _grey() -> npt.NDArray[np.uint8]:
    """Grey levels by the square root of light in whites."""
    light = (np.arange(_STEPS) / (_STEPS - 1)) ** 2 * _MOST_LIGHT
    bent = _KNEE + (1 - _KNEE) * (1 - np.exp(-(light - _KNEE) / (1 - _KNEE)))
    return np.rint(np.where(light < _KNEE, light, bent) ** (1 / 2.4) * 255).astype(np.uint8)
