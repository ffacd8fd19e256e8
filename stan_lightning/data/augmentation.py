"""Colour jitter and flip: one draw a clip, applied to all its frames on the device.

The steps follow Pillow's 8-bit arithmetic (truncating blends, 8-bit hue and saturation), each
saturating, so that a jitter of ours is the release's jitter. Brightness, contrast and saturation are
equal to Pillow's. Differs: hue runs in float32 and leaves 0.2 % of the values up to 6 grey levels off.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

_GREY = (19595, 38470, 7471)  # Pillow's weights of R, G and B in 1/65536


class Draw(NamedTuple):
    """The random part of a clip's augmentation; collates to one tensor a field, which stays on the host.

    Attributes:
        factors: Brightness, contrast and saturation factors and hue shift (fraction of the circle), (4,).
        order: Order of the four steps, (4,).
        flip: Whether to mirror, ().
    """

    factors: Tensor
    order: Tensor
    flip: Tensor


def draw(random: np.random.Generator, jitter: float, flip: float) -> Draw:
    """Draw one clip's augmentation.

    Args:
        random: Source of randomness.
        jitter: Half width of the factors' range around 1 and of the hue shift's around 0.
        flip: Probability of a horizontal flip.
    """
    factors = random.uniform(-jitter, jitter, 4) + np.array([1.0, 1.0, 1.0, 0.0])
    return Draw(
        torch.tensor(factors, dtype=torch.float32),
        torch.from_numpy(random.permutation(4)),
        torch.tensor(random.random() < flip),
    )


def augment(clips: Tensor, draws: Draw) -> Tensor:
    """Apply each clip's draw to all its frames.

    Args:
        clips: uint8 RGB, shape ``(B, T, 3, H, W)``.
        draws: Batched draws, on the host: their numbers are read, and a device would be waited for.

    Returns:
        uint8, same shape.
    """
    return torch.stack([_one(clip, Draw(*single)) for clip, *single in zip(clips, *draws, strict=True)])


def _one(frames: Tensor, draw: Draw) -> Tensor:
    values = draw.factors.tolist()
    steps = (_brightness, _contrast, _saturation, _hue)
    neutral = (1.0, 1.0, 1.0, 0.0)
    pixels = frames.float()
    for i in draw.order.tolist():
        if values[i] != neutral[i]:
            pixels = steps[i](pixels, values[i])
    pixels = pixels.flip(-1) if bool(draw.flip) else pixels
    return pixels.to(torch.uint8)


def _blend(towards: Tensor, pixels: Tensor, factor: float) -> Tensor:
    """In place after the first step: a clip is 40 MB, and each pass over it is felt on a CPU."""
    return (pixels - towards).mul_(factor).add_(towards).clamp_(0, 255).floor_()


def _grey(pixels: Tensor) -> Tensor:
    """Luma of ``(T, 3, H, W)`` as 8-bit values, shape ``(T, 1, H, W)``."""
    red, green, blue = (pixels[:, i : i + 1].int() * weight for i, weight in enumerate(_GREY))
    return ((red + green + blue + 0x8000) >> 16).float()


def _brightness(pixels: Tensor, factor: float) -> Tensor:
    return (pixels * factor).clamp_(0, 255).floor_()


def _contrast(pixels: Tensor, factor: float) -> Tensor:
    mean = (_grey(pixels).double().mean((1, 2, 3), keepdim=True) + 0.5).floor()
    return _blend(mean.float(), pixels, factor)


def _saturation(pixels: Tensor, factor: float) -> Tensor:
    return _blend(_grey(pixels), pixels, factor)


def _hue(pixels: Tensor, shift: float) -> Tensor:
    """Shift the hue of 8-bit HSV by a whole number of its 255ths, and back."""
    value, most = pixels.max(1, keepdim=True)
    chroma = value - pixels.amin(1, keepdim=True)
    span = chroma.clamp(min=1)
    red, green, blue = ((value - pixels[:, i : i + 1]).div_(span) for i in range(3))
    sector = torch.where(most == 0, blue - green, torch.where(most == 1, 2 + red - blue, 4 + green - red))
    hue = sector.div_(6).add_(1).frac_().mul_(255).floor_() * (chroma > 0)
    saturation = (chroma / value.clamp(min=1)).mul_(255).floor_().div_(255)
    # There are 256 hues: what each does to the three channels is worked out once and looked up.
    turned = (torch.arange(256, device=pixels.device) + int(shift * 255)) % 256 * 6 / 255
    distance = torch.stack([(offset + turned) % 6 for offset in (5, 3, 1)])
    strength = torch.minimum(distance, 4 - distance).clamp(0, 1)[:, hue[:, 0].int()].transpose(0, 1)
    return (1 - saturation * strength).mul_(value).round_().clamp_(0, 255)
