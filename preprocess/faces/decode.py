"""Video files to upright pictures, whatever is wrong with the file.

PyAV rather than OpenCV: OpenCV's wheel reads nothing from AV1, stops at the first corrupt packet, invents
frames for cover art and hides timestamps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.stream import Stream
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from preprocess.container import Packets, UnreadableVideoError, open_media, pick_film, reason, wild_span

Picture = npt.NDArray[np.uint8]

# Containers round their duration and count frames that were never coded: seen up to 4 % on a sound
# 5-second clip. What is missing beyond both counts as cut off.
MISSING_S = 0.5
MISSING_SHARE = 0.02
MAX_ASPECT = 4.0  # stranger pixel shapes are taken for a mistake in the header
MAX_RATE = 240.0  # a higher frame rate is that of the container's clock
_PROGRESS_FRAMES = 30


@dataclass(frozen=True)
class Frame:
    """A kept frame.

    Attributes:
        number: Index among the decoded frames, from 0.
        time_s: Presentation time in seconds after the film's first frame.
        picture: RGB, shape (H, W, 3), rotated as the file asks and with square pixels.
    """

    number: int
    time_s: float
    picture: Picture


class Video:
    """A file opened for one pass of decoding; what it came to is known when the pass is over."""

    def __init__(self, path: Path) -> None:
        """Open the first real video stream.

        Raises:
            UnreadableVideoError: No such file, not a video, or audio (with or without a cover) only.
        """
        try:
            if path.stat().st_size == 0:
                raise UnreadableVideoError("the file is empty")
            self._container = open_media(path)
        except (OSError, ValueError) as error:
            if isinstance(error, UnreadableVideoError):
                raise
            raise UnreadableVideoError(f"cannot be opened as a video: {reason(error)}") from error
        try:
            self._stream = pick_film(self._container)
        except UnreadableVideoError:
            self._container.close()
            raise
        # One thread: recordings are the unit of parallel work, and threads would fight over the cores.
        self._stream.codec_context.thread_count = 1
        self._reformatter = VideoReformatter()
        # Audio is read along, undecoded, to know how far the file reaches.
        self._packets = Packets(self._container, [self._stream, *self._container.streams.audio])
        self._rate = _nominal_rate(self._stream, path)
        self._tick_s = float(self._stream.time_base or 0)  # frames out of the flushed decoder know none
        self._first_s = self._last_s = 0.0
        self._ends: dict[int, int] = {}  # by stream, in units of its clock
        self.n_frames = 0
        self._n_errors = 0

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
        last_tick = -1
        for frame in self._decoded():
            number = self.n_frames
            time_s = self._time_of(frame)
            self.n_frames += 1
            if sampling == "frames":
                kept = number % stride == 0
            else:
                # Half an interval of tolerance: timestamps are rounded to the container's clock.
                tick = int(((time_s - self._first_s) * self._rate + 0.5) // stride)
                kept = tick > last_tick
                last_tick = max(tick, last_tick)
            if kept:
                picture = self._converted(frame)
                if picture is not None:
                    yield Frame(number, time_s - self._first_s, picture)
            if self.n_frames - told >= _PROGRESS_FRAMES:
                progress(self.n_frames - told)
                told = self.n_frames
        if self.n_frames > told:
            progress(self.n_frames - told)

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
        if self.n_frames < 2 or self._last_s <= self._first_s:
            return self._rate
        measured = (self.n_frames - 1) / (self._last_s - self._first_s)
        return self._rate if abs(measured / self._rate - 1) < 0.05 else measured

    @property
    def damage(self) -> str:
        """What is known to be missing, in words; empty if the video is whole as far as one can tell.

        Frame counts in containers lie, so what counts is decoding errors and how far the timestamps
        reach: the video's own stated duration, or the container's against all its streams.
        """
        parts = []
        if self.n_errors:
            parts.append(f"{self.n_errors} decoding error{'s' * (self.n_errors > 1)}")
        claimed_s, reached_s = self._claimed_and_reached_s()
        if claimed_s - reached_s > max(MISSING_S, MISSING_SHARE * claimed_s):
            parts.append(f"ends at {reached_s:.1f} s of {claimed_s:.1f} s")
        if wild := wild_span(self.n_frames, self._last_s - self._first_s):
            parts.append(wild)
        counted = f"{self.n_frames} frames decoded"
        if parts and self._stream.frames > self.n_frames:
            counted = f"{self.n_frames} of {self._stream.frames} frames decoded"
        return ", ".join([counted, *parts]) if parts else ""

    def _claimed_and_reached_s(self) -> tuple[float, float]:
        stream, container = self._stream, self._container
        if container.format.name == "avi" and stream.frames:
            # An AVI states its length in frames; the duration is what the reader makes of what is left.
            return stream.frames / self._rate, self._end_s(stream)
        if stream.duration and stream.time_base:
            start_s = float((stream.start_time or 0) * stream.time_base)
            return float(stream.duration * stream.time_base), self._end_s(stream) - start_s
        ends_s = [self._end_s(one) for one in (stream, *container.streams.audio)]
        return (container.duration or 0) / av.time_base, max(ends_s)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        decoder = self._stream.codec_context
        for packet in self._packets:
            self._note_end(packet)
            if packet.stream_index != self._stream.index:
                continue
            try:
                yield from decoder.decode(packet)
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, ValueError):
                self._n_errors += 1
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
        if frame.pts is not None:
            time_s = frame.pts * self._tick_s
        else:  # raw streams carry no times: count on from the last one
            time_s = self._last_s + 1.0 / self._rate if self.n_frames else 0.0
        if self.n_frames == 0:
            self._first_s = time_s
        self._last_s = time_s
        return time_s

    def _converted(self, frame: av.VideoFrame) -> Picture | None:
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        width, height = frame.width, frame.height
        if aspect > 1 and aspect <= MAX_ASPECT:
            width = round(width * aspect)
        elif aspect < 1 and aspect >= 1 / MAX_ASPECT:
            height = round(height / aspect)
        try:
            rgb = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
            picture = np.asarray(rgb.to_ndarray(), np.uint8)
        except (av.error.FFmpegError, ValueError):
            self._n_errors += 1
            return None
        quarter_turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(picture, quarter_turns)) if quarter_turns else picture


def _nominal_rate(stream: VideoStream, path: Path) -> float:
    rate = stream.average_rate
    return float(rate) if rate and 1 <= rate <= MAX_RATE else _packet_rate(path)


def _packet_rate(path: Path) -> float:
    """Mean rate of the coded frames: browsers' recordings state the rate of their clock instead."""
    try:
        with open_media(path) as container:
            stream = pick_film(container)
            stamps = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
            tick = stream.time_base  # of an open file: what a closed one says lies in freed memory
    except av.error.FFmpegError:
        stamps, tick = [], None
    if len(stamps) < 2 or max(stamps) == min(stamps) or not tick:
        return 25.0
    return (len(stamps) - 1) / float((max(stamps) - min(stamps)) * tick)
