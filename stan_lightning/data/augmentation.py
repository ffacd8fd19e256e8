"""Augmentation of training clips: drawn by the workers from (seed, epoch, index), applied on the device.

Colour jitter and flip are one draw a clip, for all its frames. Their steps follow Pillow's 8-bit arithmetic
(truncating blends, 8-bit hue and saturation), each saturating, so that a jitter of ours is the release's
jitter. Brightness, contrast and saturation are equal to Pillow's. Differs: hue runs in float32 and leaves
0.2 % of the values up to 6 grey levels off.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from stan_lightning.data.log_mel import SoundDraw, draw_masks, masked


class Augmentation:
    """One step of `data.augment`; one of one's own subclasses it.

    Attributes:
        modality: What it changes: "face", "audio" or the name of a signal.
    """

    modality = "face"

    def draw(self, random: np.random.Generator) -> Any:
        """The random part of one clip's change: numbers, tensors, or named tuples of them, which collate.

        All of it comes from `random`, so that a resumed run and any number of workers draw the same.
        """
        return ()

    def apply(self, clips: Tensor, draws: Any) -> Tensor:
        """Change a batch.

        Args:
            clips: Of faces uint8 RGB at the network's size, ``(B, T, 3, H, W)``; of voices normalised log-mel
                spectrograms, ``(B, T, BANDS)``; of a signal ``(B, T, F)`` as measured, NaN where missing.
            draws: What `draw` returned, collated; of faces on the host, where reading them waits for nothing.

        Returns:
            The same shape and type.
        """
        raise NotImplementedError


class JitterAndFlip(Augmentation):
    """Brightness, contrast, saturation and hue in one shuffled order, and a mirrored clip.

    Args:
        jitter: Half width of the factors' range around 1 and of the hue shift's around 0; 0: none.
        flip: Probability of a horizontal flip.

    Raises:
        ValueError: One of them is not in 0..1.
    """

    def __init__(self, jitter: float = 0.2, flip: float = 0.5) -> None:
        for name, value in (("jitter", jitter), ("flip", flip)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: it must be a number from 0 to 1")
        self.jitter, self.flip = jitter, flip

    def draw(self, random: np.random.Generator) -> "Draw":
        """Factors, order and flip."""
        return draw(random, self.jitter, self.flip)

    def apply(self, clips: Tensor, draws: "Draw") -> Tensor:
        """The same change for all frames of a clip."""
        return augment(clips, draws)


class SoundMasks(Augmentation):
    """Masks of time and of bands.

    Args:
        masks: So many of each; 0: none.
    """

    modality = "audio"

    def __init__(self, masks: int = 2) -> None:
        self.masks = masks

    def draw(self, random: np.random.Generator) -> SoundDraw:
        """Where they lie."""
        return draw_masks(random, self.masks)

    def apply(self, clips: Tensor, draws: SoundDraw) -> Tensor:
        """Zeros in them."""
        return masked(clips, draws)


class Pipeline:
    """The steps of `data.augment`, in their order.

    Args:
        steps: By name.
    """

    def __init__(self, steps: Mapping[str, Augmentation]) -> None:
        self.steps = dict(steps)

    def draw(self, random: np.random.Generator, modalities: Any) -> dict[str, Any]:
        """One clip's draws by step; a face's always, so that it is the same whatever else is read."""
        return {
            name: step.draw(random)
            for name, step in self.steps.items()
            if step.modality == "face" or step.modality in modalities
        }

    def apply(self, modality: str, clips: Tensor, draws: Mapping[str, Any]) -> Tensor:
        """The steps of one modality; without draws, as in evaluation, nothing is changed."""
        for name, step in self.steps.items():
            if step.modality == modality and name in draws:
                clips = step.apply(clips, draws[name])
        return clips

    def on_host(self, draws: Mapping[str, Any]) -> dict[str, Any]:
        """The draws of faces, whose numbers are read: on a device, reading them would wait for it."""
        return {name: one for name, one in draws.items() if self.steps[name].modality == "face"}


DEFAULT = Pipeline({"picture": JitterAndFlip(), "sound": SoundMasks()})
"""What conf/data describes."""

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
