"""What the device makes of crops and sound, beside what the CPU makes of them."""

import itertools
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu.precision import relative
from benchmarks.gpu.report import Report
from stan_lightning.data.augmentation import Draw, augment
from stan_lightning.data.log_mel import RATE, audio_input, draw_masks, log_mel, masked
from stan_lightning.data.log_mel import SoundDraw as Masks
from stan_lightning.data.resize import bicubic, float_bicubic
from stan_lightning.network.precision import single_precision

SIZES = [(112, 112, 224), (112, 112, 48), (100, 130, 64), (33, 47, 112)]
STEPS = ("brightness", "contrast", "saturation", "hue")
# As the docstrings of resize and augmentation say of themselves and Pillow.
RESIZE_LEVELS, RESIZE_SHARE = 2, 0.01  # each is within one level of Pillow
HUE_LEVELS, HUE_SHARE = 6, 0.002
SOUND = 1e-4


def compare_inputs(report: Report, device: torch.device) -> None:
    """Resize, augmentation and log-mel."""
    random = np.random.default_rng(0)
    for height, width, size in SIZES:
        frames = torch.from_numpy(random.integers(0, 256, (8, 3, height, width), dtype=np.uint8))
        expected, found = bicubic(frames, size), float_bicubic(frames.to(device), size).cpu()
        levels, share = apart(found, expected)
        what = f"resize {height}x{width} to {size}"
        report.compare(f"{what}: levels", levels, RESIZE_LEVELS, "8-bit kernel on the CPU, two float passes")
        report.compare(f"{what}: share of values", share, RESIZE_SHARE)
    compare_augmentation(report, device, random)
    compare_sound(report, device, random)


def apart(found: Tensor, expected: Tensor) -> tuple[int, float]:
    """The largest difference in grey levels, and the share of values that differ."""
    difference = (found.int() - expected.int()).abs()
    return int(difference.max()), float((difference > 0).float().mean())


def compare_augmentation(report: Report, device: torch.device, random: np.random.Generator) -> None:
    """Each step alone, then every order of the four, with and without a flip."""
    noise = torch.from_numpy(random.integers(0, 256, (1, 4, 3, 64, 48), dtype=np.uint8))
    grey = noise[:, :, :1].expand_as(noise).contiguous()
    clips = torch.cat([noise, torch.where(noise > 127, noise, grey)])  # and ties between channels
    for position, name in enumerate(STEPS):
        found = []
        for value in (-0.2, -0.07, 0.13, 0.2):
            factors = torch.tensor([1.0, 1.0, 1.0, 0.0])
            factors[position] += value
            found.append(apart(*augmented(clips, factors, torch.arange(4), False, device)))
        levels, share = (max(values) for values in zip(*found, strict=True))
        report.compare(f"{name}: levels", levels, HUE_LEVELS if name == "hue" else 0)
        if name == "hue":
            report.compare(f"{name}: share of values", share, HUE_SHARE)
    for flip in (False, True):
        factors = torch.tensor([1.1, 0.85, 1.2, -0.1])
        orders = [torch.tensor(order) for order in itertools.permutations(range(4))]
        shares = [apart(*augmented(clips, factors, order, flip, device))[1] for order in orders]
        what = f"all {len(orders)} orders, {'mirrored' if flip else 'as they are'}: share of values"
        report.compare(what, max(shares), HUE_SHARE)


def augmented(
    clips: Tensor, factors: Tensor, order: Tensor, flip: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Clips with one draw for all: the device's and the CPU's."""
    count = len(clips)
    draws = Draw(factors.expand(count, 4), order.expand(count, 4), torch.tensor([flip]).expand(count))
    return augment(clips.to(device), draws).cpu(), augment(clips, draws)  # draws stay on the host


def compare_sound(report: Report, device: torch.device, random: np.random.Generator) -> None:
    """Spectrograms of noise, of a tone and of silence, as they are and as the network reads them."""
    times = np.arange(4 * RATE) / RATE
    sounds = [random.normal(0, 1500, len(times)), 8000 * np.sin(2 * np.pi * 220 * times), 0 * times]
    samples = torch.from_numpy(np.stack(sounds).astype(np.int16))
    masks = Masks(
        *(torch.stack(parts) for parts in zip(*(draw_masks(random, 2) for _ in sounds), strict=True))
    )
    present = Masks(*(part.to(device) for part in masks))
    with single_precision(device.type):
        mel = relative([log_mel(samples.to(device))], [log_mel(samples)])
        read = relative(
            [audio_input(samples.to(device), partial(masked, draws=present))],
            [audio_input(samples, partial(masked, draws=masks))],
        )
    report.compare("log-mel", mel, SOUND, "norm of the difference over the norm")
    report.compare("log-mel, normalised and masked", read, SOUND)
