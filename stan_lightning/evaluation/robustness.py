"""The network under noise, blur and shuffled frames, and with noisy, dull or loud sound: one at a time.

Source: the paper's robustness experiments. Differs: the released blur runs over the wrong axes (it mixes
channels and rows); here it is spatial, so blur figures are not comparable with the paper's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from stan_boundary.errors import InputError

SIGMAS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
KERNELS = (1, 3, 5, 7, 15, 27, 49)
RATIOS_DB = (20, 10, 0)
GAINS_DB = (-12, 12)
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


def sound_noise(ratio_db: float, seed: int) -> Corruption:
    """White noise so many dB below each clip's own level; silence stays silent.

    Args:
        ratio_db: Signal to noise.
        seed: Fixes the noise, given the device and the order of batches.
    """
    generators: dict[torch.device, torch.Generator] = {}

    def corrupt(samples: Tensor) -> Tensor:
        if samples.device not in generators:
            generators[samples.device] = torch.Generator(samples.device).manual_seed(seed)
        drawn = torch.randn(samples.shape, device=samples.device, generator=generators[samples.device])
        level = samples.square().mean(1, keepdim=True).sqrt()
        return (samples + drawn * level * 10 ** (-ratio_db / 20)).clamp(-32768, 32767)

    return corrupt


def telephone() -> Corruption:
    """Nothing above 4 kHz, as of sound sampled at 8 kHz."""

    def corrupt(samples: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(samples)
        kept = torch.arange(spectrum.shape[1], device=samples.device) <= spectrum.shape[1] // 2
        dull: Tensor = torch.fft.irfft(spectrum * kept, n=samples.shape[1])
        return dull

    return corrupt


def gain(change_db: float) -> Corruption:
    """Louder or softer, clipped at full scale."""
    return lambda samples: (samples * 10 ** (change_db / 20)).round().clamp(-32768, 32767)


def series(
    describe: Callable[[Mapping[str, Corruption]], dict[str, Any]], modalities: Sequence[str], seed: int
) -> dict[str, list[dict[str, Any]]]:
    """The series of what a network reads, one entry a strength: `strength` and the metrics of `describe`.

    Args:
        describe: Metrics at video level under corruptions by modality, or clean where there are none.
            Strengths that change nothing (sigma 0, kernel 1, frames in order) are described once.
        modalities: Of the network.
        seed: Seed of the noise and of the orders.
    """
    clean = describe({})
    rows: dict[str, list[dict[str, Any]]] = {}
    if "face" in modalities:
        rows |= {"noise": [], "blur": []}
        for sigma in SIGMAS:
            found = describe({"face": noise(sigma, seed)}) if sigma else clean
            rows["noise"].append({"strength": sigma} | found)
        for kernel in KERNELS:
            found = describe({"face": blur(kernel)}) if kernel > 1 else clean
            rows["blur"].append({"strength": kernel} | found)
        rows["shuffle"] = [{"strength": 0} | clean, {"strength": 1} | describe({"face": shuffle(seed)})]
    if "audio" in modalities:
        rows["sound_noise"] = [
            {"strength": ratio} | describe({"audio": sound_noise(ratio, seed)}) for ratio in RATIOS_DB
        ]
        rows["bandwidth"] = [{"strength": 8} | describe({"audio": telephone()})]
        rows["gain"] = [{"strength": change} | describe({"audio": gain(change)}) for change in GAINS_DB]
    return rows
