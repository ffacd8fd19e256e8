"""What the loader's workers do: read crops of one clip, as 8-bit pixels of the crops' size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from stan_lightning.data.augmentation import Draw, draw
from stan_lightning.data.clips import random_clip, windows
from stan_lightning.data.crops import open_crops


@dataclass(frozen=True)
class Source:
    """Where a recording's clips come from.

    Attributes:
        crops: Path of its zip or folder.
        n_frames: Positions after the stride.
        step: Crops from one position to the next.
        target: Score in points or class index, NaN where unknown.
    """

    crops: str
    n_frames: int
    step: int
    target: float

    def read(self, positions: Sequence[int], size: int) -> Tensor:
        """Frames at positions after the stride: uint8, shape ``(T, size, size, 3)``."""
        return torch.from_numpy(open_crops(self.crops).read([p * self.step for p in positions], size))


class TrainingClip(NamedTuple):
    """One random clip; collates to a batch. `noise` is a standard normal draw for the label."""

    crops: Tensor
    target: Tensor
    noise: Tensor
    draw: Draw


class Window(NamedTuple):
    """One evaluation window; collates to a batch. `recording` indexes the partition's table."""

    crops: Tensor
    target: Tensor
    recording: Tensor
    window: Tensor


class ClipDataset(Dataset[TrainingClip]):
    """One random clip a recording and epoch: all of it drawn from (seed, epoch, index)."""

    def __init__(
        self,
        sources: Sequence[Source],
        clip_frames: int,
        crop_size: int,
        seed: int,
        jitter: float,
        flip: float,
    ) -> None:
        self.sources, self.clip_frames, self.crop_size = sources, clip_frames, crop_size
        self.seed, self.jitter, self.flip = seed, jitter, flip

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, key: tuple[int, int]) -> TrainingClip:
        epoch, index = key
        random = np.random.default_rng((self.seed, epoch, index))
        source = self.sources[index]
        return TrainingClip(
            source.read(random_clip(source.n_frames, self.clip_frames, random), self.crop_size),
            torch.tensor(source.target, dtype=torch.float32),
            torch.tensor(random.standard_normal(), dtype=torch.float32),
            draw(random, self.jitter, self.flip),
        )


class WindowDataset(Dataset[Window]):
    """Every evaluation window of every recording, one item a window."""

    def __init__(self, sources: Sequence[Source], clip_frames: int, crop_size: int) -> None:
        self.sources, self.crop_size = sources, crop_size
        self.windows = [
            (recording, window, positions)
            for recording, source in enumerate(sources)
            for window, positions in enumerate(windows(source.n_frames, clip_frames))
        ]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Window:
        recording, window, positions = self.windows[index]
        source = self.sources[recording]
        return Window(
            source.read(positions, self.crop_size),
            torch.tensor(source.target, dtype=torch.float32),
            torch.tensor(recording),
            torch.tensor(window),
        )
