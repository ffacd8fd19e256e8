"""A media file's sound on the film's clock.

Presentation times decide where samples lie, not their count: streams start late, packets are lost or
overlap, and clocks drift. PyAV decodes and resamples; where its decoders skip an encoder's delay (an edit
list, skip samples), times are those after the skip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from preprocess.archive.flac import RATE, Samples
from preprocess.container import Packets, UnreadableVideoError, open_media, pick_film, reason, wild_span
from preprocess.sound.tape import Tape

Sounds = npt.NDArray[np.float32]

_JUMP_S = 0.03  # a time further off than this starts anew; below, containers round
_DRIFT_S = 0.001  # a mean further off than this is followed
_MEMORY_S = 0.5  # over which that mean is taken
_BEYOND_S = 60.0  # after the film's end, reading ends: sounds may be hours longer
_BLOCK_S = 0.5  # that are resampled at once


@dataclass(frozen=True)
class Sound:
    """What was had of a recording's sound.

    Attributes:
        samples: int16 at `archive.flac.RATE`, as long as the film, shape (N,).
        seconds: Of them that the file had samples for; 0 where there is no sound or digital silence alone.
        rms: Level of those in dB of full scale; None where there are none.
        damage: What is known to be missing or broken, in words; empty where nothing is.
        note: What else a user should know; empty where nothing is.
    """

    samples: Samples
    seconds: float
    rms: float | None
    damage: str
    note: str


def film_span(path: Path) -> tuple[float, float]:
    """First presentation time and end of a film in seconds, from its packets; nothing is decoded.

    Raises:
        UnreadableVideoError: There is no film, or none with times.
    """
    try:
        with open_media(path) as container:
            stream = pick_film(container)
            times = [
                (packet.pts, packet.duration or 0)
                for packet in Packets(container, [stream])
                if packet.pts is not None and not packet.is_discard
            ]
            tick = float(stream.time_base or 0)
            rate = float(stream.average_rate or 25)
    except (OSError, ValueError) as error:
        raise UnreadableVideoError(reason(error)) from error
    if not times:
        raise UnreadableVideoError("its packets carry no times")
    first, (last, length) = min(times)[0], max(times)
    if wild := wild_span(len(times), (last - first) * tick):
        raise UnreadableVideoError(wild)
    spacing = (last - first) * tick / (len(times) - 1) if len(times) > 1 else 1 / rate
    return first * tick, last * tick + (length * tick or spacing)


def read_sound(path: Path, zero_s: float | None, seconds: float, at_s: float = 0.0) -> Sound:
    """Decode a file's first sound.

    Args:
        path: Any file that PyAV reads.
        zero_s: Time in that file that becomes 0; None: where it begins (an MP3 counts its encoder's delay).
        seconds: Length of what is wanted.
        at_s: What it becomes in place of 0.

    Returns:
        Samples of that length. A file that cannot be read is no error but `damage`.
    """
    tape = Tape(seconds)
    try:
        with open_media(path) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                return Sound(tape.samples, 0.0, None, "", "no sound track")
            if stream.codec_context is None:
                return Sound(tape.samples, 0.0, None, "its codec cannot be decoded", "")
            if zero_s is None:
                zero_s = (container.start_time or 0) / av.time_base
            n_errors = _Recorder(tape, zero_s - at_s).record(Packets(container, [stream]), stream)
    except (OSError, ValueError) as error:
        return Sound(tape.samples, 0.0, None, f"cannot be opened: {reason(error)}", "")
    damage = f"{n_errors} decoding error{'s' * (n_errors > 1)}" if n_errors else ""
    note = "" if tape.seconds else "damaged throughout" if n_errors else "digital silence"
    return Sound(tape.samples, tape.seconds, tape.rms, damage, note)


class _Recorder:
    """Lays decoded frames on a tape, each where its time says."""

    def __init__(self, tape: Tape, zero_s: float) -> None:
        self._tape, self._zero_s = tape, zero_s
        self._format: object = None  # of the frames at hand: another starts anew
        self._resampler: AudioResampler | None = None
        self._rate = RATE
        self._pieces: list[Sounds] = []  # of all channels, not yet resampled
        self._n_pieces = 0
        self._next_s: float | None = None  # when the next sample is due
        self._late_s = 0.0  # how far times run ahead of the count, on average
        self._at = 0  # where on the tape the next resampled sample lies

    def record(self, packets: Packets, stream: AudioStream) -> int:
        """Decode all there is; gives the number of errors."""
        for frame in _decoded(packets, stream.codec_context):
            self._add(frame)
            if self._at > len(self._tape.samples) + _BEYOND_S * RATE:  # nothing of it is wanted
                break
        self._flush()
        return packets.n_errors

    def _add(self, frame: AudioFrame) -> None:
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        time_s = frame.time
        off_s = 0.0 if time_s is None or self._next_s is None else time_s - self._next_s
        if kind != self._format or self._next_s is None or abs(off_s) > _JUMP_S:
            self._flush()
            self._start(kind, frame.sample_rate, self._next_s if time_s is None else time_s)
        else:
            self._follow(off_s, frame.samples / frame.sample_rate)
        assert self._next_s is not None
        self._next_s += frame.samples / frame.sample_rate
        self._pieces.append(_channels(frame))
        self._n_pieces += frame.samples
        if self._n_pieces >= _BLOCK_S * self._rate:
            self._resample()

    def _start(self, kind: object, rate: int, time_s: float | None) -> None:
        self._format, self._rate = kind, rate
        self._resampler = AudioResampler("flt", "mono", RATE) if rate != RATE else None
        self._next_s = time_s or 0.0
        self._late_s = 0.0
        self._at = round((self._next_s - self._zero_s) * RATE)

    def _follow(self, off_s: float, length_s: float) -> None:
        """Go with times that run away from the count of samples: with their mean, as each is rounded."""
        self._late_s += (off_s - self._late_s) * min(1.0, length_s / _MEMORY_S)
        if abs(self._late_s) <= _DRIFT_S:
            return
        assert self._next_s is not None
        self._resample()
        self._at += round(self._late_s * RATE)
        self._next_s += self._late_s
        self._late_s = 0.0

    def _resample(self) -> None:
        if not self._pieces:
            return
        block = np.concatenate(self._pieces, axis=1).mean(axis=0)
        self._pieces, self._n_pieces = [], 0
        if self._resampler is None:
            self._lay(block)
            return
        frame = AudioFrame.from_ndarray(block[None], "flt", "mono")
        frame.sample_rate = self._rate
        self._lay_all(self._resampler.resample(frame))

    def _flush(self) -> None:
        self._resample()
        if self._resampler is not None:
            self._lay_all(self._resampler.resample(None))
            self._resampler = None

    def _lay_all(self, frames: "list[AudioFrame]") -> None:
        for frame in frames:
            self._lay(np.asarray(frame.to_ndarray().reshape(-1), np.float32))

    def _lay(self, samples: Sounds) -> None:
        self._tape.lay(self._at, samples)
        self._at += len(samples)


def _decoded(packets: Packets, decoder: AudioCodecContext) -> Iterator[AudioFrame]:
    for packet in (*packets, None):
        try:
            yield from decoder.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            packets.n_errors += 1


def _channels(frame: AudioFrame) -> Sounds:
    """A frame's samples in [-1, 1], shape (channels, samples)."""
    samples = np.asarray(frame.to_ndarray())
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return np.asarray(samples.astype(np.float32) / 128 - 1, np.float32)
    if samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / 2.0 ** (8 * samples.itemsize - 1)
    return np.asarray(samples, np.float32)
