"""What the loader's workers do: read one clip as it lies on disk, whatever the network asks for.

Fields of a clip are named by modality: `face` is 8-bit pixels of the crops' size, `audio` 16-bit samples, any
other a signal's measurements, NaN where missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset, default_collate

from stan_lightning.data.augmentation import Pipeline
from stan_lightning.data.clips import random_clip, windows
from stan_lightning.data.crops import open_crops
from stan_lightning.data.log_mel import RATE
from stan_lightning.data.signals import OF_CROPS, Member


@dataclass(frozen=True)
class Source:
    """Where a recording's clips come from.

    Attributes:
        crops: Path of its zip or folder.
        n_frames: Positions after the stride.
        step: Crops from one position to the next.
        target: Score in points or class index, NaN where unknown.
        lent: By modality another recording, which it is read from instead: a control.
        signals: Its part in each signal.
    """

    crops: str
    n_frames: int
    step: int
    target: float
    lent: Mapping[str, "Source"] = field(default_factory=dict)
    signals: Mapping[str, Member] = field(default_factory=dict)

    def lender(self, modality: str, positions: Sequence[int]) -> tuple["Source", Sequence[int]]:
        """Who shows a modality, and where in its own recording."""
        other = self.lent.get(modality)
        if other is None:
            return self, positions
        return other, [position * other.n_frames // self.n_frames for position in positions]

    @property
    def has_pictures(self) -> bool:
        """Whether there is a face to see."""
        return open_crops(self.crops).grid is None

    def read(self, positions: Sequence[int], size: int) -> Tensor:
        """Frames at positions after the stride: uint8, shape ``(T, size, size, 3)``."""
        return torch.from_numpy(open_crops(self.crops).read([p * self.step for p in positions], size))

    def hear(self, positions: Sequence[int], seconds: float) -> Tensor:
        """Sound about the middle of the first and the last of these positions: int16, shape ``(N,)``.

        Zeros where it lies beyond the recording, or where there is none.
        """
        found, count = open_crops(self.crops), round(seconds * RATE)
        if not found.has_sound:
            return torch.zeros(count, dtype=torch.int16)
        ends = found.times_at([positions[0] * self.step, positions[-1] * self.step])
        assert ends is not None
        middle_s = float(ends.mean())
        return torch.from_numpy(found.sound(round((middle_s - seconds / 2) * RATE), count))

    def measured(self, signal: str, positions: Sequence[int]) -> Tensor:
        """A signal at positions after the stride: float32, shape ``(T, F)``, NaN where missing."""
        return self.signals[signal].read(open_crops(self.crops), [p * self.step for p in positions])


@dataclass(frozen=True)
class Reading:
    """What is read of a clip.

    Attributes:
        modalities: Of `OF_CROPS`, and names of signals.
        crop_size: Side of the crops in pixels.
        sound_s: Seconds of sound.
        every_face: No recording lacks pictures.
    """

    modalities: Sequence[str]
    crop_size: int
    sound_s: float = 0.0
    every_face: bool = True

    def read(self, source: Source, positions: Sequence[int]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A clip by modality, and for each that recordings may lack whether it is there, bool ``()``."""
        inputs, present = {}, {}
        if "face" in self.modalities:
            seen, where = source.lender("face", positions)
            if seen.has_pictures:
                inputs["face"] = seen.read(where, self.crop_size)
            else:
                inputs["face"] = torch.zeros(len(where), self.crop_size, self.crop_size, 3, dtype=torch.uint8)
            if not self.every_face:
                present["face"] = torch.tensor(seen.has_pictures)
        if "audio" in self.modalities:
            heard, where = source.lender("audio", positions)
            inputs["audio"] = heard.hear(where, self.sound_s)
            present["audio"] = torch.tensor(open_crops(heard.crops).has_sound)
        for name in [one for one in self.modalities if one not in OF_CROPS]:
            measured, where = source.lender(name, positions)
            inputs[name] = measured.measured(name, where)
            present[name] = ~inputs[name].isnan().all()
        return inputs, present


class TrainingClip(NamedTuple):
    """One random clip; collates to a batch. `noise` is a standard normal draw for the label."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    draws: dict[str, Any]
    target: Tensor
    noise: Tensor


class Window(NamedTuple):
    """One evaluation window; collates to a batch. `recording` indexes the partition's table."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    target: Tensor
    recording: Tensor
    window: Tensor


class TrainingBatch(NamedTuple):
    """What the training step reads: inputs and who is there by modality, targets and label noise ``(B,)``.

    `face` is ``(B, 3, T, H, W)``, `audio` ``(B, 1, T, BANDS, 1)``, a signal ``(B, T, F)``, NaN where it is
    missing; `present` names those that may be missing.
    """

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    target: Tensor
    noise: Tensor


class WindowBatch(NamedTuple):
    """What validation and test read: inputs as in `TrainingBatch`, their target, recording and window."""

    inputs: dict[str, Tensor]
    present: dict[str, Tensor]
    target: Tensor
    recording: Tensor
    window: Tensor


def collated_whole(items: Sequence[Any]) -> Any:
    """A batch of whole recordings: their measurements are padded at the end with moments that are missing."""
    longest = max(len(x) for item in items for x in item.inputs.values())
    even = [
        {name: pad(x, (0, 0, 0, longest - len(x)), value=torch.nan) for name, x in item.inputs.items()}
        for item in items
    ]
    return default_collate([item._replace(inputs=inputs) for item, inputs in zip(items, even, strict=True)])


class ClipDataset(Dataset[TrainingClip]):
    """One random clip a recording and epoch: all of it drawn from (seed, epoch, index)."""

    def __init__(
        self,
        sources: Sequence[Source],
        clip_frames: int | None,
        reading: Reading,
        seed: int,
        augment: Pipeline,
    ) -> None:
        self.sources, self.clip_frames, self.reading = sources, clip_frames, reading
        self.seed, self.augment = seed, augment

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, key: tuple[int, int]) -> TrainingClip:
        epoch, index = key
        random = np.random.default_rng((self.seed, epoch, index))
        source = self.sources[index]
        inputs, present = self.reading.read(source, random_clip(source.n_frames, self.clip_frames, random))
        noise = torch.tensor(random.standard_normal(), dtype=torch.float32)
        draws = self.augment.draw(random, inputs)
        target = torch.tensor(source.target, dtype=torch.float32)
        return TrainingClip(inputs, present, draws, target, noise)


class WindowDataset(Dataset[Window]):
    """Every evaluation window of every recording, one item a window."""

    def __init__(self, sources: Sequence[Source], clip_frames: int | None, reading: Reading) -> None:
        self.sources, self.clip_frames, self.reading = sources, clip_frames, reading
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
        inputs, present = self.reading.read(source, positions)
        target = torch.tensor(source.target, dtype=torch.float32)
        return Window(inputs, present, target, torch.tensor(recording), torch.tensor(window))
