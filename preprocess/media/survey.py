"""A media file's streams and the stamps of their packets, read once without decoding a picture."""

from array import array
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.video.stream import VideoStream

from preprocess.media.container import Packets, open_media

Stamps = npt.NDArray[np.int64]
NO_STAMP = int(np.iinfo(np.int64).min)
# Elementary streams; FFmpeg makes up times for some of them.
_RAW = frozenset(
    "h264 hevc vvc mjpeg mpegvideo m4v h261 h263 vc1 dirac cavsvideo obu dnxhd jpeg_pipe".split()
)
_TRIED_PACKETS = 100
_MOST_JOINTS = 20  # of recordings in one file: where stamps go back more often, they are those of pictures
_LEAST_RATE, _MOST_RATE = 1.0, 240.0  # what lies beyond is the rate of the container's clock


@dataclass
class StreamFacts:
    """What is known of one stream before decoding.

    Attributes:
        index: In the file, from 0, as ffprobe counts.
        is_film: Film or sound.
        is_default: By the file's flag.
        is_cover: An attached picture.
        is_decodable: There is a decoder for it.
        reorders: Its pictures are coded in another order than shown, and its stamps do not tell.
        area: Width times height in pixels; 0 for sound.
        tick_s: Unit of its stamps in seconds; 0 where it states none.
        rate: Frames a second as the container states them; None where that is no rate of pictures.
        pts: Presentation stamps of its packets in the file's order, `NO_STAMP` where there is none.
        dts: Decoding stamps.
        lengths: Durations of the packets in ticks, 0 where unknown.
        keys: 1 where decoding can begin.
        unshown: 1 where the container says that the packet is not to be shown.
        n_corrupt: Packets that the container knows to be damaged.
    """

    index: int
    is_film: bool
    is_default: bool
    is_cover: bool
    is_decodable: bool
    reorders: bool
    area: int
    tick_s: float
    rate: float | None
    pts: "array[int]" = field(default_factory=lambda: array("q"))
    dts: "array[int]" = field(default_factory=lambda: array("q"))
    lengths: "array[int]" = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    unshown: bytearray = field(default_factory=bytearray)
    n_corrupt: int = 0

    @property
    def length_s(self) -> float:
        """From the first stamp to the last, restarts aside; where there are none, by the count of packets."""
        stamps = np.frombuffer(self.pts, np.int64)
        stamps = stamps[stamps != NO_STAMP]
        if len(stamps) < 2:
            return len(self.pts) / (self.rate or 25.0)
        steps = np.diff(np.sort(stamps))
        return float(np.minimum(steps * self.tick_s, 1.0).sum())


@dataclass(frozen=True)
class Survey:
    """A file's films and sounds.

    Attributes:
        format_name: The container's, as FFmpeg calls it.
        is_raw: The format holds no times at all (an elementary stream).
        streams: In the file's order.
        reach: End of the last packet in bytes; 0 where the container does not tell.
    """

    format_name: str
    is_raw: bool
    streams: tuple[StreamFacts, ...]
    reach: int = 0

    @property
    def films(self) -> list[StreamFacts]:
        """The video streams, cover pictures among them."""
        return [stream for stream in self.streams if stream.is_film]

    @property
    def sounds(self) -> list[StreamFacts]:
        """The audio streams."""
        return [stream for stream in self.streams if not stream.is_film]


def survey(path: Path) -> Survey:
    """Read all packets of a file once.

    Raises:
        OSError, ValueError: It is not there, or nothing that PyAV knows.
    """
    with open_media(path) as container:
        streams: list[VideoStream | AudioStream] = [*container.streams.video, *container.streams.audio]
        name = container.format.name
        is_raw = name in _RAW
        found = {stream.index: _facts(stream, is_raw) for stream in streams}
        reach = 0
        for packet in Packets(container, list(streams)):
            facts = found[packet.stream_index]
            facts.pts.append(NO_STAMP if packet.pts is None else packet.pts)
            facts.dts.append(NO_STAMP if packet.dts is None else packet.dts)
            facts.lengths.append(packet.duration or 0)
            facts.keys.append(packet.is_keyframe)
            facts.unshown.append(packet.is_discard)
            facts.n_corrupt += packet.is_corrupt
            if packet.pos is not None and packet.pos >= 0:
                reach = max(reach, packet.pos + packet.size)
        for facts in found.values():
            facts.reorders = facts.reorders and _is_shuffled(path, facts, name)
        return Survey(
            name,
            is_raw,
            tuple(found[index] for index in sorted(found)),
            reach,
        )


def _is_shuffled(path: Path, facts: StreamFacts, format_name: str) -> bool:
    """Whether pictures leave the decoder in another order than their packets, whose stamps only rise.

    Stamps of pictures would go back wherever one is coded before another that is shown first. AVI has
    decoding stamps alone, of which FFmpeg guesses the others. The first pictures tell.
    """
    stamps = np.frombuffer(facts.pts, np.int64)
    descents = int((np.diff(stamps[stamps != NO_STAMP]) < 0).sum())
    if format_name != "avi" and descents > _MOST_JOINTS:
        return False
    highest = -1
    with open_media(path) as container:
        film = next(one for one in container.streams.video if one.index == facts.index)
        film.codec_context.copy_opaque = True
        film.codec_context.thread_count = 1
        for number, packet in enumerate(Packets(container, [film])):
            packet.opaque = (number,)  # an object of its own: PyAV knows it by its place in memory
            try:
                frames = film.codec_context.decode(packet)
            except (av.error.FFmpegError, ValueError):
                continue
            for frame in frames:
                came_from = frame.opaque[0] if isinstance(frame.opaque, tuple) else highest
                if came_from < highest:
                    return True
                highest = came_from
            if number >= _TRIED_PACKETS:
                break
    return False


def _facts(stream: VideoStream | AudioStream, is_raw: bool) -> StreamFacts:
    facts = StreamFacts(
        index=stream.index,
        is_film=isinstance(stream, VideoStream),
        is_default=bool(stream.disposition & Disposition.default),
        is_cover=bool(stream.disposition & Disposition.attached_pic),
        is_decodable=stream.codec_context is not None,
        reorders=False,
        area=0,
        tick_s=float(stream.time_base or 0),
        rate=None,
    )
    if not isinstance(stream, VideoStream) or stream.codec_context is None:
        return facts
    context = stream.codec_context
    # What the coded stream states; a raw one's other rate is made up.
    rate = (is_raw and context.framerate) or stream.average_rate
    facts.rate = float(rate) if rate and _LEAST_RATE <= rate <= _MOST_RATE else None
    facts.reorders = bool(context.has_b_frames)
    facts.area = context.width * context.height
    return facts
