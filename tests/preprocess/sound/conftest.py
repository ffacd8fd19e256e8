"""Films with a flash and a click at one moment, in any container, however their streams are shifted."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler

CLICK = 0.9 * np.hanning(10)[1:-1]


def tone(rate: int, seconds: float, click_s: float | None = None, level: float = 0.003) -> np.ndarray:
    """Faint noise with a click, float in [-1, 1], shape (N,)."""
    sound = np.random.default_rng(0).normal(0, level, round(seconds * rate))
    if click_s is not None:
        at = round(click_s * rate)
        sound[at : at + len(CLICK)] += CLICK[: len(sound) - at]
    return np.asarray(sound)


def write_film(
    path: Path,
    codecs: tuple[str, str | None] = ("libx264", "aac"),
    offset: float = 0.0,
    times: Sequence[float] | None = None,
    fps: Fraction = Fraction(25),
    seconds: float = 4.0,
    click: float = 2.0,
    sound: np.ndarray | None = None,
    rate: int = 48_000,
    layout: str = "stereo",
    stretch: float = 1.0,
) -> float:
    """Write a dark film with one white frame at about `click`, and a click in its sound at that very moment.

    Args:
        codecs: Of film and sound; None: no sound track.
        offset: Start of the sound after that of the film, in seconds; one of both starts at 0.
        times: Of the frames in seconds; else evenly spaced.
        sound: In place of faint noise with the click.
        stretch: Of the sound's presentation times, as of a clock that drifts.

    Returns:
        The time of the white frame in seconds after the first one.
    """
    film_s, sound_s = max(0.0, -offset), max(0.0, offset)
    stamps = [index / fps for index in range(round(seconds * fps))] if times is None else times
    flash = min(range(len(stamps)), key=lambda index: abs(stamps[index] - click))
    with av.open(str(path), "w") as container:
        film = container.add_stream(codecs[0], rate=fps)
        film.width, film.height = 64, 48
        film.pix_fmt = "yuvj420p" if codecs[0] == "mjpeg" else "yuv420p"
        film.codec_context.time_base = Fraction(1, 90_000)
        voice = container.add_stream(codecs[1], rate=rate) if codecs[1] else None
        packets = []
        for index, stamp in enumerate(stamps):
            grey = np.full((48, 64, 3), 255 if index == flash else 20, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = round((film_s + stamp) * 90_000), Fraction(1, 90_000)
            packets += film.encode(frame)
        packets += film.encode(None)
        if voice is not None:
            voice.layout = layout
            at = (film_s + float(stamps[flash]) - sound_s) / stretch
            samples = tone(rate, seconds, at) if sound is None else sound
            packets += encoded(voice, samples, rate, layout, sound_s, stretch)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            container.mux(packet)
    return float(stamps[flash])


def encoded(voice, samples, rate, layout, start_s=0.0, stretch=1.0):
    channels = voice.layout.nb_channels
    pcm = np.repeat(np.clip(samples * 32767, -32768, 32767).astype(np.int16), channels)[None]
    size = voice.codec_context.frame_size or 1024
    fit = AudioResampler(voice.codec_context.format.name, layout, rate, frame_size=size)
    packets = []
    for start in range(0, len(samples), size):
        piece = np.ascontiguousarray(pcm[:, start * channels : (start + size) * channels])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start + round(start_s * rate), Fraction(1, rate)
        for one in fit.resample(frame):
            packets += voice.encode(one)
    for one in fit.resample(None):
        packets += voice.encode(one)
    packets += voice.encode(None)
    if stretch != 1:
        for packet in packets:
            packet.pts = packet.dts = round(packet.pts * stretch)
    return packets


def write_sound(path: Path, codec: str, sound: np.ndarray, rate: int = 48_000, layout: str = "mono") -> Path:
    """Write samples in [-1, 1] as a sound file."""
    with av.open(str(path), "w") as container:
        voice = container.add_stream(codec, rate=rate)
        voice.layout = layout
        for packet in encoded(voice, sound, rate, layout):
            container.mux(packet)
    return path


@pytest.fixture
def film() -> Callable[..., float]:
    """`film(path, ...)`: see `write_film`."""
    return write_film


@pytest.fixture
def sound_file() -> Callable[..., Path]:
    """`sound_file(path, codec, sound, ...)`: see `write_sound`."""
    return write_sound


@pytest.fixture
def click_track() -> Callable[..., np.ndarray]:
    """`click_track(rate, seconds, click_s)`: see `tone`."""
    return tone
