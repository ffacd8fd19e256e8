"""A clip loader as such projects are usually written: Pillow, frame by frame, all of it on the host.

It does the work that training needs (decode, resize to the network's side, brightness, contrast, saturation
and hue in one drawn order, flip, normalise) and is what the package's loader is measured against.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.utils.data import Dataset

MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)


def hue(frame: Image.Image, shift: float) -> Image.Image:
    """Turn the hue by a fraction of the circle."""
    channels = list(frame.convert("HSV").split())
    turned = (np.asarray(channels[0]).astype(int) + int(shift * 255)) % 256
    channels[0] = Image.fromarray(turned.astype(np.uint8))
    return Image.merge("HSV", channels).convert("RGB")


STEPS: Sequence[Callable[[Image.Image, float], Image.Image]] = (
    lambda frame, factor: ImageEnhance.Brightness(frame).enhance(factor),
    lambda frame, factor: ImageEnhance.Contrast(frame).enhance(factor),
    lambda frame, factor: ImageEnhance.Color(frame).enhance(factor),
    hue,
)


class PlainClips(Dataset[tuple[Tensor, Tensor]]):
    """One random clip a folder of numbered JPEGs: ``(3, T, size, size)`` float32, and its label."""

    def __init__(self, folders: Sequence[Path], labels: Sequence[float], frames: int, size: int) -> None:
        self.files = [sorted(folder.iterdir()) for folder in folders]
        self.labels, self.frames, self.size = labels, frames, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng()
        start = int(random.integers(len(self.files[index]) - self.frames))
        factors = [*random.uniform(0.8, 1.2, 3), random.uniform(-0.2, 0.2)]
        order, flip = random.permutation(4), random.random() < 0.5
        clip = []
        for file in self.files[index][start : start + self.frames]:
            frame = Image.open(file).convert("RGB").resize((self.size, self.size), Image.Resampling.BICUBIC)
            for step in order:
                frame = STEPS[step](frame, factors[step])
            if flip:
                frame = frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            clip.append((np.asarray(frame, np.float32) / 255 - MEAN) / STD)
        return torch.from_numpy(np.stack(clip).transpose(3, 0, 1, 2).copy()), torch.tensor(self.labels[index])
