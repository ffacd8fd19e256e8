"""A recording's sound to its prosody signal.

Pitch, voicing and loudness: swift-f0 (MIT), a small convolutional network that its wheel carries.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from preprocess.archive.flac import RATE, Samples, decode
from preprocess.archive.recording_zip import SOUND
from preprocess.prosody.signal_file import signal_of
from preprocess.prosody.speech import CHUNK, SpeechDetector, Values, pauses
from stan_boundary.errors import InputError
from stan_boundary.opening import open_zip, read_member

HOP = 256
"""Samples between rows."""
STEP_S = HOP / RATE
LOWEST_HZ, HIGHEST_HZ = 50.0, 600.0  # of a speaking voice
REFERENCE_HZ = 27.5
_LIKELY = 0.5
_SILENT = 1e-7  # swift-f0's least level, 140 dB below full scale
_LONGEST_S = 86_400.0
_MOST_BYTES = 1 << 30
_BLOCK = 30 * RATE  # samples that are worked on at once
_BANDS = ((50.0, 1_000.0), (1_000.0, 5_000.0))


def measure_zip(crops: Path, recording: str, progress: Callable[[int], None]) -> str:
    """Measure the sound in `<crops>/<recording>.zip` and write its signal.

    Args:
        crops: Folder of the zip.
        recording: Its name.
        progress: Told of seconds of sound.

    Returns:
        What a user has to know, empty where there is nothing.

    Raises:
        InputError: The sound cannot be read, or the libraries are missing.
        OSError: The signal cannot be written.
    """
    path = crops / f"{recording}.zip"
    with open_zip(path) as archive:
        stored = read_member(archive, SOUND, _MOST_BYTES)
    try:
        samples = decode(io.BytesIO(stored), _LONGEST_S)
    except InputError as error:
        raise InputError(f"{path}: its sound {error}; run preprocessing again") from None
    moments, values = measure(samples, progress)
    signal_of(crops).write(recording, "time_s", [f"{moment:.3f}" for moment in moments], values)
    return ""


def measure(
    samples: Samples, progress: Callable[[int], None] = lambda seconds: None
) -> tuple[Values, dict[str, Values]]:
    """The numbers of `columns.COLUMNS`.

    Args:
        samples: (N,) int16 at `RATE`, at least one.
        progress: Told of seconds of sound.

    Returns:
        (T,) moments in seconds, `STEP_S` apart, T = max(1, N // `HOP`), and the columns, (T,) each.

    Raises:
        InputError: A library is missing.
    """
    pitch, voicing, loudness = _voice(samples, progress)
    count = len(pitch)
    speech = _speech(samples, count)
    silent = loudness <= 20 * np.log10(_SILENT)
    loudness[silent] = np.nan
    tilt = np.where(silent, np.nan, _tilt(samples, count))
    values = {
        "pitch": pitch,
        "voicing": voicing,
        "loudness": loudness,
        "tilt": tilt,
        "speech": speech,
        "pause": pauses((speech >= _LIKELY) | (voicing >= _LIKELY), STEP_S),
    }
    return np.arange(count) * np.float64(STEP_S), values


def _voice(samples: Samples, progress: Callable[[int], None]) -> tuple[Values, Values, Values]:
    """Pitch in semitones, voicing and loudness in dB, (T,) each."""
    try:
        from swift_f0 import SwiftF0  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise InputError("prosody needs swift-f0: pip install 'stan-lightning[audio]'") from None
    stream = SwiftF0(threads=1, spin=False).stream(LOWEST_HZ, HIGHEST_HZ)
    found, told = [], 0
    for start, block in _blocks(samples):
        found.append(stream.push(block, RATE))
        seconds = (start + len(block)) // RATE
        progress(seconds - told)
        told = seconds
    found.append(stream.flush())
    hertz = np.concatenate([one.pitch_hz for one in found])
    voicing = np.concatenate([one.confidence for one in found])
    loudness = np.concatenate([one.loudness_db for one in found])
    voiced = voicing >= _LIKELY
    pitch = np.full(len(hertz), np.nan)
    pitch[voiced] = 12 * np.log2(hertz[voiced] / REFERENCE_HZ)
    return pitch, voicing, loudness


def _blocks(samples: Samples) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    for start in range(0, len(samples), _BLOCK):
        yield start, samples[start : start + _BLOCK].astype(np.float32) / np.float32(32768)


def _speech(samples: Samples, count: int) -> Values:
    """Probability of speech of the chunk that each of `count` rows lies in."""
    scaled = samples.astype(np.float32)
    scaled /= 32768
    of_chunk = SpeechDetector().probabilities(scaled)
    return of_chunk[np.minimum(np.arange(count) * HOP // CHUNK, len(of_chunk) - 1)]


def _tilt(samples: Samples, count: int) -> Values:
    """Low band less high band in dB, of 32 ms about each of `count` rows; NaN where one of them is silent."""
    padded = np.pad(samples, HOP)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[::HOP][:count]
    window = np.hanning(2 * HOP)
    hertz = np.fft.rfftfreq(2 * HOP, 1 / RATE)
    bands = [(hertz >= low) & (hertz < high) for low, high in _BANDS]
    found = np.full(count, np.nan)
    for start in range(0, len(windows), 4_096):
        power = np.abs(np.fft.rfft(windows[start : start + 4_096] * window)) ** 2
        low, high = (power[:, band].sum(axis=1) for band in bands)
        heard = (low > 0) & (high > 0)
        found[start : start + len(power)][heard] = 10 * np.log10(low[heard] / high[heard])
    return found
