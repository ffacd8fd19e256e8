"""Samples laid down by their times: 16 kHz, mono, 16 bit, as long as the film."""

import numpy as np
import numpy.typing as npt

from preprocess.archive.flac import RATE, Samples

_FULL_SCALE = 32768
_BLOCK = 1 << 20


class Tape:
    """Silence of a fixed length, on which stretches of sound are laid.

    Attributes:
        samples: What is on it, shape (N,); sample n lies at n / `RATE` seconds.
    """

    def __init__(self, seconds: float) -> None:
        """Prepare so many seconds of silence."""
        self.samples: Samples = np.zeros(max(0, round(seconds * RATE)), np.int16)
        self._laid = np.zeros(len(self.samples), bool)

    def lay(self, first: int, sound: npt.NDArray[np.float32]) -> None:
        """Put samples in [-1, 1], shape (n,), from sample `first` on; what lies beyond either end is cut."""
        start, end = max(first, 0), min(first + len(sound), len(self.samples))
        if start >= end:
            return
        piece = np.rint(sound[start - first : end - first] * _FULL_SCALE)
        self.samples[start:end] = np.clip(piece, -_FULL_SCALE, _FULL_SCALE - 1)
        self._laid[start:end] = True

    @property
    def seconds(self) -> float:
        """Length of what was laid; 0 where all of it is digital silence."""
        return float(self._laid.sum()) / RATE if self.samples.any() else 0.0

    @property
    def rms(self) -> float | None:
        """Level of what was laid in dB of full scale; None where there is nothing but silence."""
        if not self.samples.any():
            return None
        blocks = (
            self.samples[at : at + _BLOCK].astype(np.int64) for at in range(0, len(self.samples), _BLOCK)
        )
        squares = sum(int(block @ block) for block in blocks)
        return float(10 * np.log10(squares / self._laid.sum() / _FULL_SCALE**2))
