"""A speech model over the sound of a recording, long ones in stretches."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops
from stan_lightning.data.log_mel import RATE
from stan_lightning.embedding.pretrained import chosen_device, open_network, probe
from stan_lightning.embedding.signal_folder import Moments

MOST_FIELD = RATE
"""Samples that a frame is made of at most: a second."""
_PIECE = 60 * RATE  # samples read at once for mean and deviation


class Grid(NamedTuple):
    """Where the frames of a stack of convolutions without padding lie in the sound.

    Attributes:
        hop: Samples from one frame to the next.
        field: Samples that a frame is made of: frame k reads ``k * hop .. k * hop + field - 1``.
    """

    hop: int
    field: int

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        return max(0, (samples - self.field) // self.hop + 1)

    def times(self, frames: int) -> npt.NDArray[np.float64]:
        """Seconds of the middle of each frame's samples, shape (frames,); sample n lies at ``n / RATE``."""
        return (np.arange(frames) * self.hop + (self.field - 1) / 2) / RATE

    def stretches(self, frames: int, length: int, margin: int) -> Iterator[tuple[range, range]]:
        """Frames to compute together, and those of them that are kept: each frame is kept once.

        Args:
            frames: Of the recording.
            length: Frames to keep of a stretch.
            margin: Frames computed on either side, where there are any, for the kept ones to hear their
                neighbours.
        """
        for start in range(0, frames, length):
            end = min(start + length, frames)
            yield range(max(0, start - margin), min(frames, end + margin)), range(start, end)


class SpeechEncoder:
    """Sound to vectors at the network's own frame rate.

    Its feature extractor's settings hold: 16 kHz, and where it normalises, mean and deviation are those of
    the whole recording, as if it were read in one. A recording longer than a stretch is read in stretches
    with a margin on both sides, on one grid of frames: in memory are one stretch and the vectors. Frames of a
    stretch hear no further than its margin.

    What each argument means and its default stand in ``conf/encoder/speech.yaml``.

    Attributes:
        reads: Which part of a recording.
        unit: What its amounts count.
        record: What ``signal.json`` says of it.
    """

    reads = "audio"
    unit = "seconds of sound"

    def __init__(
        self, name: str, weights: str, seed: int, device: str, stretch_s: float, margin_s: float
    ) -> None:
        if stretch_s <= 0 or margin_s < 0:
            raise InputError(
                f"encoder.stretch_s={stretch_s}, encoder.margin_s={margin_s}: seconds, above 0 and at least 0"
            )
        self._device = chosen_device(device)
        self._opened = open_network(name, weights, seed, self._device, "input_values")
        settings = self._opened.settings
        if settings.get("sampling_rate") != RATE:
            raise InputError(
                f"encoder.name={name} hears sound at {settings.get('sampling_rate')} Hz; here it is {RATE} Hz"
            )
        self._normalises = bool(settings.get("do_normalize", True))
        self._grid = grid(self._opened.config, name)
        self._length = max(1, round(stretch_s * RATE / self._grid.hop))
        self._margin = round(margin_s * RATE / self._grid.hop)
        noise = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
        tried = probe(self._opened, lambda: self._vectors(noise))
        if len(tried) != self._grid.frames(RATE):
            raise InputError(
                f"encoder.name={name} gives {len(tried)} frames a second where its convolutions make "
                f"{self._grid.frames(RATE)}: their times are unknown"
            )
        self.record: dict[str, Any] = {
            "what": f"last layer of {self._opened.record['encoder']} for each frame of the sound",
            "resample": "linear",
            **self._opened.record,
            "reads": self.reads,
            "pooling": None,
            "width": tried.shape[1],
            "rate_hz": RATE / self._grid.hop,
            "input": {"rate_hz": RATE, "normalised": self._normalises, **self._grid._asdict()}
            | {"stretch_s": float(stretch_s), "margin_s": float(margin_s)},
        }

    def amounts(self, table: pd.DataFrame) -> "pd.Series[float]":
        """Seconds of sound of each recording, 0 where it has none."""
        return table["sound_s"].fillna(0).astype(float)

    def fingerprint(self, crops: Crops) -> str:
        """What tells this sound from other sound."""
        if not crops.has_sound:
            raise InputError(
                f"{crops.path}: no sound in it, but the manifest says so; run preprocessing again"
            )
        return crops.sound_fingerprint()

    def embed(self, crops: Crops, count: Callable[[float], None]) -> Moments:
        """One vector for each frame, at the middle of the samples that it is made of."""
        grid, n_frames = self._grid, self._grid.frames(crops.sound_samples)
        if not n_frames:
            return Moments("time_s", grid.times(0), np.zeros((0, self.record["width"]), np.float32))
        mean, scale = self._level(crops)
        found = [np.zeros((0, self.record["width"]), np.float32)]
        for computed, kept in grid.stretches(n_frames, self._length, self._margin):
            samples = crops.sound(computed.start * grid.hop, (len(computed) - 1) * grid.hop + grid.field)
            sound = torch.from_numpy((samples.astype(np.float32) / 32768 - mean) / scale)
            vectors = self._vectors(sound[None])[kept.start - computed.start :][: len(kept)]
            found.append(vectors.cpu().numpy())
            count(len(kept) * grid.hop / RATE)
        return Moments("time_s", grid.times(n_frames), np.concatenate(found))

    def _level(self, crops: Crops) -> tuple[np.float32, np.float32]:
        """What is taken off the sound, and what it is divided by: exact sums over the whole recording."""
        if not self._normalises:
            return np.float32(0), np.float32(1)
        length, total, squares = crops.sound_samples, 0, 0
        for start in range(0, length, _PIECE):
            piece = crops.sound(start, min(_PIECE, length - start)).astype(np.int64)
            total += int(piece.sum())
            squares += int((piece * piece).sum())
        mean = total / length
        variance = (squares / length - mean * mean) / 32768**2
        return np.float32(mean / 32768), np.float32(math.sqrt(max(variance, 0) + 1e-7))

    @torch.inference_mode()
    def _vectors(self, sound: Tensor) -> Tensor:
        """Vectors of one stretch, shape ``(1, samples)``; returns ``(frames, F)``."""
        vectors: Tensor = self._opened.network(input_values=sound.to(self._device)).last_hidden_state[0]
        return vectors


def grid(config: Any, name: str) -> Grid:
    """Hop and field of the convolutions that such networks begin with."""
    kernels, strides = (getattr(config, key, None) for key in ("conv_kernel", "conv_stride"))
    if not kernels or not strides:
        raise InputError(
            f"encoder.name={name}: a {config.model_type} model does not begin with convolutions over the "
            "sound (no conv_kernel), so where its frames lie is unknown; take one of wav2vec 2.0's kind"
        )
    lists = isinstance(kernels, list | tuple) and isinstance(strides, list | tuple)
    steps = [*kernels, *strides] if lists else []
    whole = all(isinstance(one, int) and 1 <= one <= RATE for one in steps)
    if not steps or not whole or len(kernels) != len(strides):
        raise InputError(f"encoder.name={name}: conv_kernel and conv_stride are no lists of steps")
    hop, field = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * hop
        hop *= stride
        if field > MOST_FIELD:
            raise InputError(f"encoder.name={name}: its frames are made of more than {MOST_FIELD:,} samples")
    return Grid(hop, field)
