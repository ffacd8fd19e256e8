"""Video files to upright pictures, whatever is wrong with the file.

PyAV rather than OpenCV: OpenCV's wheel reads nothing from AV1, stops at the first corrupt packet, invents
frames for cover art and hides timestamps.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.stream import Stream

from preprocess.faces.headers import container_margins, recordings_in
from preprocess.faces.interlace import Deinterlacer
from preprocess.faces.shown import Picture, Screen
from preprocess.media.clock import film_clock
from preprocess.media.container import (
    MOST_PIXELS,
    Packets,
    UnreadableVideoError,
    open_media,
    reason,
    wild_span,
)
from preprocess.media.streams import films
from preprocess.media.survey import Survey, survey

# Containers round their duration and count frames that were never coded: seen up to 4 % on a sound
# 5-second clip. What is missing beyond both counts as cut off.
MISSING_S = 0.5
MISSING_SHARE = 0.02
_PROGRESS_FRAMES = 30
_LEAST_STEP_S = 2e-6  # between two kept frames: tracks give six decimals


@dataclass(frozen=True)
class Frame:
    """A kept frame.

    Attributes:
        number: Index among the decoded frames, from 0.
        time_s: Presentation time in seconds after the film's first frame.
        picture: RGB, shape (H, W, 3), as a player shows it (see `shown`).
    """

    number: int
    time_s: float
    picture: Picture


@dataclass(frozen=True)
class _Stamp:
    """Number and time of a decoded frame, in seconds on the file's clock; whether it is asked for."""

    number: int
    time_s: float
    is_kept: bool


class Video:
    """A file opened for one pass of decoding; what it came to is known when the pass is over.

    Attributes:
        survey: What the file holds.
        stream: Index of the film that is decoded.
        clock: The film's.
        n_frames: Decoded so far.
        n_damaged: Of them those that the decoder calls corrupt; they are never given out.
    """

    def __init__(
        self, path: Path, stream: int | None = None, fps: float | None = None, known: Survey | None = None
    ) -> None:
        """Open a film.

        Args:
            path: The file.
            stream: Index of the film among the file's streams; None: the one that `streams.films` puts first.
            fps: Frames a second of a film without times.
            known: Survey of the file, where it was made before.

        Raises:
            UnreadableVideoError: No such file, not a video, no such stream, or audio only.
        """
        try:
            if path.stat().st_size == 0:
                raise UnreadableVideoError("the file is empty")
            self.survey = known or survey(path)
            self._film = films(self.survey, stream)[0]
            self.clock = film_clock(self.survey, self._film, fps)
            self._container = open_media(path)
        except (OSError, ValueError) as error:
            if isinstance(error, UnreadableVideoError):
                raise
            raise UnreadableVideoError(f"cannot be opened as a video: {reason(error)}") from error
        self.stream = self._film.index
        found = next(one for one in self._container.streams.video if one.index == self.stream)
        if found.codec_context is None:
            self._container.close()
            raise UnreadableVideoError("no video: its codec is unknown")
        width, height = found.codec_context.width, found.codec_context.height
        if width * height > MOST_PIXELS:
            self._container.close()
            raise UnreadableVideoError(f"{width} x {height} pixels are more than are read")
        self._stream = found
        # One thread: recordings are the unit of parallel work, and threads would fight over the cores.
        found.codec_context.thread_count = 1
        found.codec_context.copy_opaque = self.clock.times_s is not None
        name = self._container.format.name
        margins = container_margins(path, name, self.stream, self._stream.id)
        self._n_recordings = recordings_in(path, name, self.survey.reach)
        self._screen = Screen(self._stream.sample_aspect_ratio, margins)
        self._deinterlacer: Deinterlacer[_Stamp] = Deinterlacer()
        # Audio is read along, undecoded, to know how far the file reaches.
        self._packets = Packets(self._container, [self._stream, *self._container.streams.audio])
        self._tick_s = float(self._stream.time_base or 0)  # frames out of the flushed decoder know none
        self._first_s = self._last_s = 0.0
        self._ends: dict[int, int] = {}  # by stream, in units of its clock
        self.n_frames = self.n_damaged = 0
        self._n_errors = self._n_lost = self._n_late = self._n_turned = self._n_built = 0
        self._builds_on = False  # the picture at hand is coded after a damaged one
        self._highest = -1  # packet that a frame came from

    def __enter__(self) -> "Video":
        """Hand over the open video."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release the file and the decoder's pictures."""
        self._container.close()

    def frames(self, stride: int, sampling: str, progress: Callable[[int], None]) -> Iterator[Frame]:
        """Decode everything, convert and give every `stride`-th frame (see `Settings.sampling`).

        `progress` is told how many source frames were decoded since it was last called.
        """
        told = 0
        last_s = -float("inf")
        for frame, stamp in self._whole(stride, sampling):
            if stamp.is_kept and stamp.time_s < last_s + _LEAST_STEP_S:
                self._n_late += 1  # two crops of one time would be refused further on
            elif stamp.is_kept and (picture := self._converted(frame)) is not None:
                last_s = stamp.time_s
                yield Frame(stamp.number, stamp.time_s - self._first_s, picture)
            if self.n_frames - told >= _PROGRESS_FRAMES:
                progress(self.n_frames - told)
                told = self.n_frames
        if self.n_frames > told:
            progress(self.n_frames - told)

    def _whole(self, stride: int, sampling: str) -> Iterator[tuple[av.VideoFrame, _Stamp]]:
        """Frames that are not damaged, deinterlaced, with what is known of them."""
        last_tick = -1
        for frame in self._decoded():
            number = self.n_frames
            time_s = self._time_of(frame)
            self.n_frames += 1
            if sampling == "frames":
                kept = number % stride == 0
            else:
                # Half an interval of tolerance: timestamps are rounded to the container's clock.
                tick = int(((time_s - self._first_s) * self.clock.rate + 0.5) // stride)
                kept = tick > last_tick
                last_tick = max(tick, last_tick)
            if frame.is_corrupt:
                self.n_damaged += 1
                kept, self._builds_on = False, True
            else:
                self._builds_on = self._builds_on and not frame.key_frame
                self._n_built += self._builds_on
            try:
                yield from self._deinterlacer.add(frame, _Stamp(number, time_s, kept))
            except (av.error.FFmpegError, ValueError):
                self._n_errors += 1
        yield from self._deinterlacer.end()

    @property
    def zero_s(self) -> float:
        """Time of the film's first frame in the file, which is 0 on every clock of this project."""
        return self._first_s

    @property
    def n_errors(self) -> int:
        """How often demuxer and decoder stumbled."""
        return self._n_errors + self._packets.n_errors

    @property
    def fps(self) -> float:
        """Mean frame rate: the container's where the timestamps bear it out (to 5 %), else measured."""
        rate = self.clock.rate
        if self.n_frames < 2 or self._last_s <= self._first_s:
            return rate
        measured = (self.n_frames - 1) / (self._last_s - self._first_s)
        return rate if abs(measured / rate - 1) < 0.05 else measured

    @property
    def damage(self) -> str:
        """What is known to be missing, in words; empty if the video is whole as far as one can tell.

        Frame counts in containers lie, so what counts is decoding errors and how far the timestamps
        reach: the video's own stated duration, or the container's against all its streams.
        """
        parts = []
        if self.n_damaged:
            built = f" ({self._n_built} more build on those)" if self._n_built else ""
            parts.append(f"{self.n_damaged} of them damaged and left out{built}")
        if self.n_errors:
            parts.append(f"{self.n_errors} decoding error{'s' * (self.n_errors > 1)}")
        parts += self.clock.faults
        if self._film.n_corrupt and (self.n_damaged or not self.clock.joined):  # a joint is no damage
            parts.append(f"{self._film.n_corrupt} damaged packet{'s' * (self._film.n_corrupt > 1)}")
        if self._n_late:
            parts.append(f"{self._n_late} left out whose time is not after that of the one before")
        if self._n_recordings > 1:
            behind = self._n_recordings - 1
            parts.append(f"{behind} more recording{'s' * (behind > 1)} joined behind, which cannot be read")
        claimed_s, reached_s = (0.0, 0.0) if self.clock.joined else self._claimed_and_reached_s()
        if claimed_s - reached_s > max(MISSING_S, MISSING_SHARE * claimed_s):
            parts.append(f"ends at {reached_s:.1f} s of {claimed_s:.1f} s")
        if wild := wild_span(self.n_frames, self._last_s - self._first_s):
            parts.append(wild)
        of_all = f" of {self._stream.frames}" if self._stream.frames > self.n_frames else ""
        return ", ".join([f"{self.n_frames}{of_all} frames decoded", *parts]) if parts else ""

    @property
    def notes(self) -> list[str]:
        """What was done to the film that a user should know and that leaves nothing out."""
        found = list(self.clock.notes)
        if self._n_turned:
            found.append("stamps in decoding order: put in the order of the pictures")
        if self._deinterlacer.n_interlaced:
            found.append("interlaced: deinterlaced (bwdif)")
        found += [f"high dynamic range ({name}): mapped to BT.709" for name in self._screen.curves]
        return found

    def _claimed_and_reached_s(self) -> tuple[float, float]:
        stream, container = self._stream, self._container
        if container.format.name == "avi" and stream.frames:
            # An AVI states its length in frames; the duration is what the reader makes of what is left.
            return stream.frames / self.clock.rate, self._end_s(stream)
        if stream.duration and stream.time_base:
            start_s = float((stream.start_time or 0) * stream.time_base)
            return float(stream.duration * stream.time_base), self._end_s(stream) - start_s
        ends_s = [self._end_s(one) for one in (stream, *container.streams.audio)]
        return (container.duration or 0) / av.time_base, max(ends_s)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        decoder = self._stream.codec_context
        number = -1
        for packet in self._packets:
            self._note_end(packet)
            if packet.stream_index != self._stream.index:
                continue
            number += 1
            if self.clock.times_s is not None:
                packet.opaque = (number,)  # an object of its own: PyAV knows it by its place in memory
            try:
                yield from decoder.decode(packet)
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, ValueError):
                self._n_errors += 1
                self._n_lost += 1
        try:
            yield from decoder.decode(None)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self._n_errors += 1

    def _note_end(self, packet: "av.Packet[Stream]") -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            end = stamp + (packet.duration or 0)
            self._ends[packet.stream_index] = max(self._ends.get(packet.stream_index, 0), end)

    def _end_s(self, stream: Stream) -> float:
        return float(self._ends.get(stream.index, 0) * (stream.time_base or 0))

    def _time_of(self, frame: av.VideoFrame) -> float:
        if self.clock.times_s is not None:
            time_s = self._mended_time_of(frame)
        elif frame.pts is not None:
            time_s = frame.pts * self._tick_s
        else:  # a picture without a stamp: count on from the last one
            time_s = self._last_s + 1.0 / self.clock.rate if self.n_frames else 0.0
        if self.n_frames == 0:
            self._first_s = time_s
        self._last_s = time_s
        return time_s

    def _mended_time_of(self, frame: av.VideoFrame) -> float:
        number = frame.opaque[0] if isinstance(frame.opaque, tuple) else None
        if number is not None:
            self._n_turned += self.clock.in_turn and not self.survey.is_raw and number < self._highest
            self._highest = max(self._highest, number)
        if self.clock.in_turn or number is None:
            number = self.n_frames + self._n_lost
        time_s = self.clock.time_s(number)
        return self._last_s + 1.0 / self.clock.rate if math.isnan(time_s) else time_s

    def _converted(self, frame: av.VideoFrame) -> Picture | None:
        try:
            return self._screen.show(frame)
        except (av.error.FFmpegError, ValueError):
            self._n_errors += 1
            return None
