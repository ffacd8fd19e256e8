"""A media file's sound on the film's clock.

Presentation times decide where samples lie, not their count: streams start late, packets are lost or
overlap, and clocks drift. PyAV decodes and resamples; where its decoders skip an encoder's delay (an edit
list, skip samples), times are those after the skip.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from preprocess.archive.flac import RATE, Samples
from preprocess.media.clock import Clock
from preprocess.media.container import Packets, UnreadableVideoError, open_media, reason
from preprocess.media.streams import sounds, told
from preprocess.media.survey import StreamFacts, Survey, survey
from preprocess.sound.tape import Tape

Sounds = npt.NDArray[np.float32]

_JUMP_S = 0.03  # a time further off than this starts anew; below, containers round
_DRIFT_S = 0.001  # a mean further off than this is followed
_MEMORY_S = 0.5  # over which that mean is taken
_BEYOND_S = 60.0  # after the film's end, reading ends: sounds may be hours longer
_BLOCK_S = 0.5  # that are resampled at once
_FAINT_DB = -75.0  # of full scale: what is below counts as silence where there is another stream
_LEAST_RATE, _MOST_RATE, _MOST_CHANNELS = 1_000, 768_000, 64  # beyond, a filter would fill the memory
_CANCELLED = 0.01  # of the channels' mean power: what is left of channels in opposite phase


@dataclass(frozen=True)
class Sound:
    """What was had of a recording's sound.

    Attributes:
        samples: int16 at `archive.flac.RATE`, as long as the film, shape (N,).
        seconds: Of them that the file had samples for; 0 where there is no sound or digital silence alone.
        rms: Level of those in dB of full scale; None where there are none.
        damage: What is known to be missing or broken, in words; empty where nothing is.
        note: What else a user should know; empty where nothing is.
        choice: Which stream or channel was taken, where the file has several to choose from.
    """

    samples: Samples
    seconds: float
    rms: float | None
    damage: str
    note: str
    choice: str = ""


def read_sound(
    path: Path,
    zero_s: float | None,
    seconds: float,
    at_s: float = 0.0,
    wanted: int | None = None,
    known: Survey | None = None,
    clock: Clock | None = None,
) -> Sound:
    """Decode a file's sound: of several streams the first by `streams.sounds` that is more than silence.

    Args:
        path: Any file that PyAV reads.
        zero_s: Time in that file that becomes 0; None: where it begins (an MP3 counts its encoder's delay).
        seconds: Length of what is wanted.
        at_s: What it becomes in place of 0.
        wanted: Index of the stream that the user names.
        known: Survey of the file, where it was made before.
        clock: Of the film in the same file: what mends the film's clock mends the sound's.

    Returns:
        Samples of that length. A file that cannot be read is no error but `damage`.
    """
    empty = Tape(seconds).samples
    try:
        found = known or survey(path)
        if not found.sounds:
            return Sound(empty, 0.0, None, "", "no sound track")
        candidates = sounds(found, wanted)
        read: list[tuple[StreamFacts, Sound]] = []
        for facts in candidates:
            shifts = clock.shifts.get(facts.index, ()) if clock else ()
            read.append((facts, _read_stream(path, facts, shifts, zero_s, seconds, at_s)))
            if _level(read[-1][1]) > _FAINT_DB:
                break
    except UnreadableVideoError as error:
        return Sound(empty, 0.0, None, str(error), "")
    except (OSError, ValueError, av.error.FFmpegError) as error:
        return Sound(empty, 0.0, None, f"cannot be opened: {reason(error)}", "")
    taken, sound = max(read, key=lambda one: (_level(one[1]), one[0].is_decodable))
    why = "" if taken is candidates[0] else "what comes before it is silent or cannot be decoded"
    said = "; ".join(filter(None, [told("audio", taken, found.sounds, why), sound.choice]))
    return replace(sound, choice=said)


def _level(sound: Sound) -> float:
    return -np.inf if sound.rms is None else sound.rms


def _read_stream(
    path: Path,
    facts: StreamFacts,
    shifts: Sequence[tuple[int, float]],
    zero_s: float | None,
    seconds: float,
    at_s: float,
) -> Sound:
    if not facts.is_decodable:
        return Sound(Tape(seconds).samples, 0.0, None, "its codec cannot be decoded", "")
    choice, channel = "", None
    for _ in range(2):
        tape = Tape(seconds)
        with open_media(path) as container:
            stream = next(one for one in container.streams.audio if one.index == facts.index)
            begin_s = (container.start_time or 0) / av.time_base if zero_s is None else zero_s
            recorder = _Recorder(tape, begin_s - at_s, channel)
            n_errors = recorder.record(_Led(container, stream, shifts), stream)
        if channel is not None or not recorder.is_cancelled:
            break
        channel = recorder.loudest
        choice = f"its channels are in opposite phase: channel {channel + 1} alone was taken"
    told_of = [(n_errors, "decoding error"), (facts.n_corrupt, "damaged packet")]
    damage = ", ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in told_of if count)
    note = "" if tape.seconds else "damaged throughout" if n_errors else "digital silence"
    return Sound(tape.samples, tape.seconds, tape.rms, damage, note, choice)


class _Led(Packets):
    """Packets of a sound, with their stamps led on where the file's clock starts anew."""

    def __init__(
        self, container: InputContainer, stream: AudioStream, shifts: Sequence[tuple[int, float]]
    ) -> None:
        super().__init__(container, [stream])
        self._shifts = dict(shifts)
        self._tick_s = float(stream.time_base or 0)

    def __iter__(self) -> "Iterator[av.Packet[Stream]]":
        shift = 0
        for number, packet in enumerate(super().__iter__()):
            if number in self._shifts and self._tick_s:
                shift = round(self._shifts[number] / self._tick_s)
            if shift:
                packet.pts = None if packet.pts is None else packet.pts + shift
                packet.dts = None if packet.dts is None else packet.dts + shift
            yield packet


class _Recorder:
    """Lays decoded frames on a tape, each where its time says."""

    def __init__(self, tape: Tape, zero_s: float, channel: int | None) -> None:
        self._tape, self._zero_s = tape, zero_s
        self._channel = channel  # None: the mean of all
        self._mixed = 0.0  # power of the mean
        self._powers: Sounds = np.zeros(0, np.float32)  # of each channel
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
        if not (
            _LEAST_RATE <= frame.sample_rate <= _MOST_RATE and frame.layout.nb_channels <= _MOST_CHANNELS
        ):
            raise UnreadableVideoError(
                f"sound of {frame.layout.nb_channels} channels at {frame.sample_rate} Hz is not read"
            )
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
        channels = np.concatenate(self._pieces, axis=1)
        if self._channel is None:
            block = channels.mean(axis=0)
        else:  # in a piece, which the resampler takes for granted
            block = np.ascontiguousarray(channels[self._channel % len(channels)])
        self._weigh(channels, block)
        self._pieces, self._n_pieces = [], 0
        if self._resampler is None:
            self._lay(block)
            return
        frame = AudioFrame.from_ndarray(block[None], "flt", "mono")
        frame.sample_rate = self._rate
        self._lay_all(self._resampler.resample(frame))

    def _weigh(self, channels: Sounds, block: Sounds) -> None:
        powers = np.einsum("cn,cn->c", channels, channels)
        if len(powers) > len(self._powers):
            self._powers = np.pad(self._powers, (0, len(powers) - len(self._powers)))
        self._powers[: len(powers)] += powers
        self._mixed += float(block @ block)

    @property
    def is_cancelled(self) -> bool:
        """Whether the channels' mean is next to nothing, as theirs is who stand in opposite phase."""
        return len(self._powers) > 1 and self._mixed < _CANCELLED * float(self._powers.mean())

    @property
    def loudest(self) -> int:
        """The first channel of about the most power."""
        return int((self._powers >= 0.5 * self._powers.max()).argmax())

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
    with np.errstate(all="ignore"):  # a file's own numbers may be any
        found = np.asarray(samples, np.float32)
    return found if np.isfinite(found).all() else np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
