"""What a gallery shows of one recording beside its numbers: faces, a film with sound, loudness."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from stan_boundary.writing import whole_path
from stan_lightning.data.crops import Crops
from stan_lightning.data.log_mel import RATE

SIDE = 160
"""Of the film's pictures, in pixels."""
FACES = 8
_CLOCK = 1000  # of the film's pictures, in parts of a second
_CHUNK_S = 10


def strip(crops: Crops, faces: int = FACES, side: int = SIDE) -> bytes:
    """JPEG of some crops side by side, spread evenly over the recording; empty without pictures."""
    if crops.grid is not None:
        return b""
    positions = np.linspace(0, len(crops.frames) - 1, min(faces, len(crops.frames))).astype(int)
    row = np.concatenate(list(crops.read(positions.tolist(), side)), axis=1)
    return bytes(
        cv2.imencode(".jpg", cv2.cvtColor(row, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    )


def envelope(crops: Crops, parts: int) -> NDArray[np.float64]:
    """Loudest sample of so many equal parts of the sound, as shares of the loudest of all, (parts,)."""
    peaks = np.zeros(parts)
    total = max(crops.sound_samples, 1)
    for start in range(0, total, _CHUNK_S * RATE):
        count = min(_CHUNK_S * RATE, total - start)
        loud = np.abs(crops.sound(start, count).astype(np.float64))
        np.maximum.at(peaks, (np.arange(start, start + count) * parts) // total, loud)
    return np.asarray(peaks / max(float(peaks.max()), 1.0), np.float64)


def film(crops: Crops, times: Sequence[float], path: Path) -> None:
    """Write a recording's crops, and its sound where it has some, as an mp4 on the recording's own clock.

    Args:
        crops: Of the recording; with pictures, or with sound.
        times: Seconds of each crop, ascending; none for sound alone.
        path: Of the film; there is none until it is whole.
    """
    options = {"movflags": "faststart"}
    with whole_path(path) as part, av.open(str(part), "w", format="mp4", options=options) as container:
        picture = _picture_stream(container) if len(times) else None
        sound = container.add_stream("aac", rate=RATE, layout="mono") if crops.has_sound else None
        if picture is not None:
            for frame in _pictures(crops, times):
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if sound is not None:
            for heard in _sound(crops):
                container.mux(sound.encode(heard))
            container.mux(sound.encode(None))


def _picture_stream(container: av.container.OutputContainer) -> VideoStream:
    stream = container.add_stream(
        "libx264", rate=_CLOCK, options={"preset": "veryfast", "crf": "26", "bf": "0"}
    )
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK)
    return stream


def _pictures(crops: Crops, times: Sequence[float]) -> Iterator[av.VideoFrame]:
    """Each crop at its time; the first from 0 on, as players begin at the first picture."""
    last = -1
    for position, moment in enumerate([0.0, *times[1:]]):
        frame = av.VideoFrame.from_ndarray(crops.read([position], SIDE)[0], format="rgb24")
        frame.pts = last = max(last + 1, round(moment * _CLOCK))
        frame.time_base = Fraction(1, _CLOCK)
        yield frame


def _sound(crops: Crops) -> Iterator[av.AudioFrame]:
    for start in range(0, crops.sound_samples, _CHUNK_S * RATE):
        samples = crops.sound(start, min(_CHUNK_S * RATE, crops.sound_samples - start))
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame
