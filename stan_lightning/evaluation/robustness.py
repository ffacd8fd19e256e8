"""The network under noise, under blur and with shuffled frames: one corruption at a time, after the resize.

Source: the paper's robustness experiments. Differs: the released blur runs over the wrong axes (it mixes
channels and rows); here it is spatial, so blur figures are not comparable with the paper's.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from stan_lightning.errors import InputError

SIGMAS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
KERNELS = (1, 3, 5, 7, 15, 27, 49)
Corruption = Callable[[Tensor], Tensor]


def noise(sigma: float, seed: int) -> Corruption:
    """Gaussian noise, independent in each pixel and channel, clipped to 0..255 and not rounded.

    Args:
        sigma: Standard deviation in grey levels.
        seed: Fixes the noise, given the device and the order of batches.
    """
    generators: dict[torch.device, torch.Generator] = {}

    def corrupt(frames: Tensor) -> Tensor:
        if frames.device not in generators:
            generators[frames.device] = torch.Generator(frames.device).manual_seed(seed)
        drawn = torch.randn(frames.shape, device=frames.device, generator=generators[frames.device])
        return (frames + sigma * drawn).clamp(0, 255)

    return corrupt


def blur(kernel: int) -> Corruption:
    """Spatial Gaussian blur with an odd kernel of that many pixels, borders mirrored."""
    sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    half = kernel // 2

    def corrupt(frames: Tensor) -> Tensor:
        height, width = frames.shape[-2:]
        if min(height, width) <= half:
            raise InputError(
                f"a blur of {kernel} pixels needs frames larger than {half}: set data.image_size higher, or "
                "robustness=false"
            )
        offsets = torch.arange(-half, half + 1, device=frames.device, dtype=frames.dtype)
        weights = torch.exp(-(offsets**2) / (2 * sigma**2))
        weights = weights / weights.sum()
        planes = pad(frames.reshape(-1, 1, height, width), (half, half, half, half), mode="reflect")
        blurred = conv2d(conv2d(planes, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
        return blurred.reshape(frames.shape)

    return corrupt


def shuffle(seed: int) -> Corruption:
    """The frames of each clip in an order of chance: what the score loses by it came from order and duration.

    Args:
        seed: Fixes the orders, given the order of batches.
    """
    generator = torch.Generator().manual_seed(seed)

    def corrupt(frames: Tensor) -> Tensor:
        orders = [torch.randperm(frames.shape[1], generator=generator) for _ in frames]
        return torch.stack([clip[order.to(clip.device)] for clip, order in zip(frames, orders, strict=True)])

    return corrupt


def series(
    describe: Callable[[Corruption | None], dict[str, Any]], seed: int
) -> dict[str, list[dict[str, Any]]]:
    """The three series, one entry a strength: `strength` and the metrics that `describe` gives.

    Args:
        describe: Metrics at video level under a corruption, or clean. Strengths that change nothing (sigma 0,
            kernel 1, frames in order) are described once.
        seed: Seed of the noise and of the orders.
    """
    clean = describe(None)
    rows: dict[str, list[dict[str, Any]]] = {"noise": [], "blur": []}
    for sigma in SIGMAS:
        rows["noise"].append({"strength": sigma} | (describe(noise(sigma, seed)) if sigma else clean))
    for kernel in KERNELS:
        rows["blur"].append({"strength": kernel} | (describe(blur(kernel)) if kernel > 1 else clean))
    rows["shuffle"] = [{"strength": 0} | clean, {"strength": 1} | describe(shuffle(seed))]
    return rows
