"""From crops as they lie on disk to what the network reads."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from stan_lightning.data.log_mel import audio_input
from stan_lightning.data.resize import bicubic

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
Change = Callable[[Tensor], Tensor]


def ready(
    inputs: Mapping[str, Tensor],
    image_size: int,
    formats: Mapping[str, Any],
    augment: Callable[[str, Tensor], Tensor] | None,
    corrupt: Mapping[str, Change],
) -> dict[str, Tensor]:
    """A batch by modality, as the network reads it.

    Args:
        inputs: As they lie on disk: see `stan_lightning.data.dataset`.
        image_size: As for `network_input`.
        formats: `mean`, `deviation` and `layout` of `network_input`.
        augment: Of a modality and its clips, changes them in training.
        corrupt: By modality, changes frames and samples in a test.
    """
    found = {}
    for name, x in inputs.items():
        change = None if augment is None else partial(augment, name)
        if name == "face":
            found[name] = network_input(x, image_size, change, corrupt.get(name), **formats)
        elif name == "audio":
            found[name] = audio_input(x, change, corrupt.get(name))
        else:
            found[name] = x if change is None else change(x)
    return found


def network_input(
    crops: Tensor,
    image_size: int,
    augment: Change | None = None,
    corrupt: Change | None = None,
    mean: Sequence[float] = MEAN,
    deviation: Sequence[float] = STD,
    layout: str = "BCTHW",
) -> Tensor:
    """Resize, augment or corrupt, and normalise a batch of clips, in the recipes' order.

    Args:
        crops: uint8 RGB, shape ``(B, T, S, S, 3)``.
        image_size: Side of the network's input in pixels.
        augment: Changes uint8 frames ``(B, T, 3, H, W)`` in training.
        corrupt: Test-time corruption of float frames in 0..255, shape ``(B, T, 3, H, W)``; may return float.
        mean: Of R, G and B in 0..1, which is taken from them.
        deviation: Of them, which they are divided by.
        layout: "BCTHW" or "BTCHW".

    Returns:
        float32, normalised, shape ``(B, 3, T, H, W)`` or ``(B, T, 3, H, W)``.
    """
    b, t = crops.shape[:2]
    frames = bicubic(crops.permute(0, 1, 4, 2, 3).flatten(0, 1).contiguous(), image_size)
    clips = frames.view(b, t, *frames.shape[1:])
    if augment is not None:
        clips = augment(clips)
    pixels = clips.float()
    if corrupt is not None:
        pixels = corrupt(pixels)
    centre, scale = _mean_and_std(pixels.device, tuple(mean), tuple(deviation))
    normalised: Tensor = (pixels / 255 - centre) / scale
    return normalised.transpose(1, 2) if layout == "BCTHW" else normalised


@cache
def _mean_and_std(device: torch.device, *values: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Mean and deviation, ``(3, 1, 1)`` each; brought to a device once, since bringing them waits for it."""
    with torch.inference_mode(False):
        mean, std = (torch.tensor(one, device=device).view(3, 1, 1) for one in values)
    return mean, std
