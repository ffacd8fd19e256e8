"""Sound as the network reads it: a log-mel spectrogram in which neither gain nor a microphone's colour tells.

Computed on the device, in float32 whatever training's precision. The frame of moment t is centred on
(t + 0.5) hops, so that N samples give N / hop frames.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

RATE = 16_000  # samples a second
HOP = 160  # 10 ms
BANDS = 64
_WINDOW = 400  # 25 ms
_FFT = 1024  # fine enough that the lowest bands hold a bin each
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0
_FLOOR, _LEAST_DEVIATION = 1e-8, 1e-3
_LONGEST_MASK, _WIDEST_MASK = 0.1, 8  # share of the time, and bands


class SoundDraw(NamedTuple):
    """The random part of a clip's augmentation (SpecAugment's masks; nothing that changes pitch or rate).

    Attributes:
        times: First and end of each masked stretch as shares of the clip, (M, 2).
        bands: First and end of each masked run of bands, (M, 2).
    """

    times: Tensor
    bands: Tensor


def draw_masks(random: np.random.Generator, masks: int) -> SoundDraw:
    """Draw one clip's masks, so many of time and so many of bands.

    Source: Park et al., SpecAugment, Interspeech 2019.
    """
    lengths, starts, widths, places = random.random((4, masks))
    lengths *= _LONGEST_MASK
    starts *= 1 - lengths
    widths = np.floor(widths * (_WIDEST_MASK + 1))
    places = np.floor(places * (BANDS - widths + 1))
    spans = np.array([(starts, starts + lengths), (places, places + widths)], np.float32).transpose(0, 2, 1)
    return SoundDraw(*torch.from_numpy(np.ascontiguousarray(spans)))


def audio_input(
    samples: Tensor,
    augment: Callable[[Tensor], Tensor] | None = None,
    corrupt: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """What the network reads of a batch of clips' sound.

    Args:
        samples: int16 at `RATE`, shape ``(B, N)``.
        augment: Changes spectrograms ``(B, N / HOP, BANDS)`` in training.
        corrupt: Test-time corruption of float samples in the range of int16, ``(B, N)``.

    Returns:
        float32, shape ``(B, 1, N / HOP, BANDS, 1)``: a clip of pictures of one column.
    """
    if corrupt is not None:
        samples = corrupt(samples.float())
    found = normalised(log_mel(samples))
    found = found * samples.ne(0).any(1)[:, None, None]  # silence is 0, not what rounding leaves of it
    if augment is not None:
        found = augment(found)
    return found[:, None, :, :, None]


def log_mel(samples: Tensor) -> Tensor:
    """Logarithm of the power in each mel band, shape ``(B, N / HOP, BANDS)``, of samples ``(B, N)``."""
    device = samples.device
    with torch.autocast(device.type, enabled=False):
        sound = samples.float() / 32768
        border = (_FFT - HOP) // 2
        # Mirrored at both ends: an edge to zeros would sound in every band.
        padded = torch.nn.functional.pad(sound[:, None], (border, border), mode="reflect")[:, 0]
        window = torch.hann_window(_WINDOW, dtype=torch.float32, device=device)
        spectrum = torch.stft(
            padded, _FFT, HOP, _WINDOW, window, center=False, onesided=True, return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        found: Tensor = (_filters_on(device) @ power + _FLOOR).log().transpose(1, 2)
    return found


def normalised(spectrogram: Tensor) -> Tensor:
    """Each clip with the mean over time taken from each band, divided by the deviation of what is left."""
    centred = spectrogram - spectrogram.mean(1, keepdim=True)
    deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
    return centred / deviation.clamp(min=_LEAST_DEVIATION)


def masked(spectrogram: Tensor, draws: SoundDraw) -> Tensor:
    """Zeros in the masks of each clip."""
    n_frames, n_bands = spectrogram.shape[1:]
    times = (torch.arange(n_frames, device=spectrogram.device) + 0.5) / n_frames
    bands = torch.arange(n_bands, device=spectrogram.device)
    hidden_times = _within(times, draws.times)
    hidden_bands = _within(bands, draws.bands)
    return spectrogram * ~(hidden_times[:, :, None] | hidden_bands[:, None, :])


def _within(places: Tensor, spans: Tensor) -> Tensor:
    """Which places (P,) lie in any of a clip's spans (B, M, 2): (B, P)."""
    inside = (places >= spans[..., :1]) & (places < spans[..., 1:])
    return inside.any(1)


@cache
def filters() -> Tensor:
    """Triangles of `BANDS` HTK mel bands over the bins of the spectrum, shape ``(BANDS, _FFT / 2 + 1)``."""
    mel_edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    edges = 700.0 * (10.0 ** (mel_edges / 2595.0) - 1.0)
    bins = np.arange(_FFT // 2 + 1) * RATE / _FFT
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return torch.from_numpy(np.maximum(0, np.minimum(rising, falling)).astype(np.float32))


@cache
def _filters_on(device: torch.device) -> Tensor:
    """`filters`, brought to a device once, since bringing them waits for it."""
    with torch.inference_mode(False):
        return filters().to(device)


def band_of(hertz: float) -> float:
    """Where a frequency lies on an axis of bands from 0 to `BANDS`; the middle of the first is 0.5."""
    lowest, highest = _mel(_LOWEST_HZ), _mel(_HIGHEST_HZ)
    return (_mel(hertz) - lowest) / (highest - lowest) * (BANDS + 1) - 0.5


def _mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))
