"""When somebody speaks (Silero's voice activity detector), and when speech pauses.

Source: silero-vad 6 (MIT). Its wheel carries the network; the package itself is not imported, as that loads
torch into every worker.
"""

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions  # type: ignore[attr-defined]

from stan_boundary.errors import InputError

CHUNK = 512
"""Samples at 16 kHz that a probability is of."""
LEAST_PAUSE_S = 0.25
_CONTEXT, _BLOCK = 64, 512
Values = npt.NDArray[np.float64]


class SpeechDetector:
    """Probability of speech in each `CHUNK` of samples, told piece after piece of one recording."""

    def __init__(self) -> None:
        """Load the network, on one thread.

        Raises:
            InputError: The package is missing or another one.
        """
        options = SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        self._session = InferenceSession(str(network_file()), options, providers=["CPUExecutionProvider"])

    def probabilities(self, samples: npt.NDArray[np.float32]) -> Values:
        """Of a whole recording.

        Args:
            samples: (N,) in [-1, 1] at 16 kHz.

        Returns:
            (ceil(N / `CHUNK`),), the last of them of a chunk that is filled up with silence.
        """
        state: list[Any] = [np.zeros((1, 1, 128), np.float32)] * 2
        found = [np.zeros(0)]
        for start in range(0, len(samples), _BLOCK * CHUNK):
            piece = samples[start : start + _BLOCK * CHUNK]
            before = samples[max(0, start - _CONTEXT) : start]
            chunks = np.pad(piece, (0, -len(piece) % CHUNK)).reshape(-1, CHUNK)
            first = np.pad(before, (_CONTEXT - len(before), 0))
            contexts = np.concatenate([first[None], chunks[:-1, -_CONTEXT:]])
            rows = np.concatenate([contexts, chunks], axis=1).astype(np.float32)
            fed = {"input": rows, "h": state[0], "c": state[1]}
            probability, *state = self._session.run(["speech_probs", "hn", "cn"], fed)
            found.append(np.asarray(probability, np.float64).reshape(-1))
        return np.concatenate(found)


def network_file() -> Path:
    """The network in silero-vad's wheel.

    Raises:
        InputError: It is not installed, or another version.
    """
    package = importlib.util.find_spec("silero_vad")
    places = list(package.submodule_search_locations or []) if package else []
    file = Path(places[0]) / "data" / "silero_vad_16k_sequence.onnx" if places else None
    if file is None or not file.is_file():
        raise InputError("prosody needs silero-vad 6.2 or later: pip install 'stan-lightning[audio]'")
    return file


def pauses(speaking: npt.NDArray[np.bool_], step_s: float) -> Values:
    """The column `pause` from where somebody speaks, both (T,), whose rows lie `step_s` apart."""
    found = np.full(len(speaking), np.nan)
    at = np.flatnonzero(speaking)
    if not len(at):
        return found
    found[at[0] : at[-1] + 1] = 0.0
    for before, after in itertools.pairwise(at):
        if (after - before - 1) * step_s >= LEAST_PAUSE_S:
            found[before + 1 : after] = 1.0
    return found
