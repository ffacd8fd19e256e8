"""The voice of a synthetic subject, and how a score shows in it.

A source and a filter: harmonics of a fundamental, weighed by the resonances of a throat, with breath and a
room's noise. Syllables sound while the lips are open, so that lips and sound agree.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE = 16_000  # samples a second
Sound = npt.NDArray[np.float32]

_VOWELS = np.array([(730, 1090), (530, 1840), (270, 2290), (570, 840), (300, 870), (490, 1350), (660, 1720)])
_NEUTRAL_VOWEL = np.array((500, 1500))  # of a throat at rest
_HIGHER_FORMANTS = (2600, 3500)
_BANDWIDTHS = (80, 110, 160, 220)  # Hz
CONTROL_RATE = 200  # a second: pitch and resonances are worked out so often, and drawn out between
_HIGHEST_HZ = 5000
_SYLLABLE_S = 0.2
_DULL = 0.7 ** np.arange(16)  # a filter that lets less of the high frequencies through


@dataclass(frozen=True)
class Voice:
    """One subject's voice, the same in every one of its videos."""

    pitch: float  # Hz, mean fundamental
    throat: float  # its resonances, times those of an average one
    tilt: float  # dB an octave that harmonics fall beyond the resonances
    level: float  # dB
    breath: float  # share of noise in the source


def draw_voice(random: np.random.Generator) -> Voice:
    """Draw a subject's voice."""
    low = bool(random.random() < 0.5)
    return Voice(
        pitch=float(random.uniform(95, 140) if low else random.uniform(165, 230)),
        throat=float(random.uniform(0.92, 1.02) if low else random.uniform(1.05, 1.18)),
        tilt=float(random.uniform(4, 8)),
        level=float(random.uniform(-3, 3)),
        breath=float(random.uniform(0.02, 0.06)),
    )


def speak(voice: Voice, mood: float, opening: np.ndarray, fps: float, random: np.random.Generator) -> Sound:
    """Let a voice sound while its lips are open.

    A low mood speaks on one note, with vowels that hardly differ, softer and with more breath. How fast and
    with which pauses is up to the lips.

    Args:
        voice: Whose.
        mood: 0 (well) to 1.
        opening: Of the mouth, shape (T,), 0 to 1, one value a frame.
        fps: Frames a second.
        random: Draws what is said, and the session's microphone.

    Returns:
        Shape (round(T / fps * `RATE`),), in [-1, 1].
    """
    n = round(len(opening) / fps * RATE)
    control_s = np.arange(int(np.ceil(n / RATE * CONTROL_RATE)) + 1) / CONTROL_RATE
    loud = np.interp(control_s, (np.arange(len(opening)) + 0.5) / fps, np.clip(opening, 0, 1)) ** 0.8
    pitch = melody(voice, mood, control_s, random)
    formants = _formants(voice, mood, control_s, random)
    sample_s = np.arange(n) / RATE
    gain = np.interp(sample_s, control_s, loud)
    harmonics = _harmonics(voice, pitch, formants, control_s, sample_s)
    hiss = random.standard_normal(n).astype(np.float32)
    breath = voice.breath * (1 + 3 * mood) * np.diff(hiss, prepend=hiss[:1])
    softer = 10 ** (-12 * mood / 20)
    microphone = 10 ** ((voice.level + random.uniform(-6, 6)) / 20)
    room = 0.001 * np.convolve(random.standard_normal(n + len(_DULL) - 1), _DULL, "valid")
    sound = microphone * (0.08 * softer * gain * (harmonics + breath) + room)
    return np.asarray(np.clip(sound, -1, 1), np.float32)


def melody(voice: Voice, mood: float, control_s: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The fundamental in Hz: it moves by some semitones in a bright mood, by less than one in a dark one."""
    semitones = (4.0 - 3.6 * mood) * _wander(control_s, 0.25, random)
    return np.asarray(voice.pitch * 2 ** (np.clip(semitones, -9, 9) / 12))


def _formants(voice: Voice, mood: float, control_s: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The four lowest resonances in Hz, shape (4, C): a vowel a syllable, all alike in a dark mood."""
    n_syllables = int(control_s[-1] / _SYLLABLE_S) + 2
    vowels = _VOWELS[random.integers(len(_VOWELS), size=n_syllables)]
    reach = 1.0 - 0.7 * mood
    vowels = _NEUTRAL_VOWEL + reach * (vowels - _NEUTRAL_VOWEL)
    middles = (np.arange(n_syllables) + 0.5) * _SYLLABLE_S
    moving = [np.interp(control_s, middles, vowels[:, number]) for number in range(2)]
    fixed = [np.full(len(control_s), float(hertz)) for hertz in _HIGHER_FORMANTS]
    return np.asarray(voice.throat * np.stack([*moving, *fixed]))


def _harmonics(
    voice: Voice, pitch: np.ndarray, formants: np.ndarray, control_s: np.ndarray, sample_s: np.ndarray
) -> np.ndarray:
    """All harmonics of the fundamental up to `_HIGHEST_HZ`, each as loud as the throat lets it."""
    phase = 2 * np.pi * np.cumsum(np.interp(sample_s, control_s, pitch)) / RATE
    sound = np.zeros(len(sample_s))
    for number in range(1, int(_HIGHEST_HZ / pitch.min()) + 1):
        hertz = number * pitch
        loud = (
            10 ** (-voice.tilt * np.log2(number) / 20) * _resonance(hertz, formants) * (hertz < _HIGHEST_HZ)
        )
        sound += np.interp(sample_s, control_s, loud) * np.sin(number * phase)
    return sound


def _resonance(hertz: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """How much of a frequency a throat passes: the product of its resonances."""
    passed = np.ones(len(hertz))
    for formant, width in zip(formants, _BANDWIDTHS, strict=True):
        passed *= formant**2 / np.sqrt((formant**2 - hertz**2) ** 2 + (width * hertz) ** 2)
    return np.minimum(passed, 8.0)


def _wander(control_s: np.ndarray, width_s: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise of unit variance, smooth over about `width_s`."""
    reach = max(1, round(2 * width_s * CONTROL_RATE))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (width_s * CONTROL_RATE)) ** 2)
    white = random.standard_normal(len(control_s) + 2 * reach)
    return np.convolve(white, kernel / np.sqrt(np.sum(kernel**2)), "valid")
