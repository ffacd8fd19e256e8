"""Media files opened for reading: this file and no other."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

from preprocess.media.samples import claimed_samples, most_samples

# Containers that hold what they play. A playlist or description would make the program open other files or
# the network, and some never end.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,asf,ogg,flv,gif,wav,w64,flac,mp3,aac,"
    "aiff,caf,amr,ac3,eac3,h264,hevc,av1,obu,ivf,vc1,mjpeg,dv,mxf,nut,rm,yuv4mpegpipe"
)
MOST_PIXELS = 36_000_000  # of a picture: 8192 x 4320
# Opening decodes the first pictures of each stream, covers too.
_ONLY_THIS_FILE = {
    "protocol_whitelist": "file",
    "format_whitelist": FORMATS,
    "max_streams": "64",
    "max_pixels": str(MOST_PIXELS),
}
MOST_SPAN_S = 6 * 3600.0  # of a film; an hour of sound at 16 kHz takes 170 MB of memory
_MOST_SPAN_S_OF_FEW, _MOST_S_A_PICTURE = 60.0, 10.0
_DEMUX_TRIES = 100


class UnreadableVideoError(ValueError):
    """Nothing can be had from this file; the message is the reason in a few words."""


def open_media(path: Path) -> InputContainer:
    """Open a regular file in one of `FORMATS`.

    Raises:
        OSError, ValueError: It is not there, or nothing that is read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
        raise UnreadableVideoError("it is no regular file")
    check_samples(path)
    try:
        container = av.open(os.path.abspath(path), options=_ONLY_THIS_FILE)
    except av.error.ArgumentError as error:
        raise UnreadableVideoError("its format is not among those that are read, or damaged") from error
    except av.error.FFmpegError as error:
        if isinstance(error, OSError | ValueError):
            raise
        raise UnreadableVideoError(reason(error)) from error  # no memory for so many streams, and the like
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return container


def check_samples(path: Path) -> None:
    """Raise where an MP4 claims more samples than it can hold."""
    if (claimed := claimed_samples(path)) > most_samples(path):
        raise UnreadableVideoError(f"it claims {claimed:,} samples, more than it can hold")


class Packets:
    """The packets of some streams, with what the demuxer stumbles over counted and passed.

    Attributes:
        n_errors: How often it stumbled so far.
    """

    def __init__(self, container: InputContainer, streams: "list[Stream]") -> None:
        self._container, self._streams = container, streams
        self.n_errors = 0

    def __iter__(self) -> "Iterator[av.Packet[Stream]]":
        """Give them in the file's order; the demuxer's empty ones at the end are left out."""
        for _ in range(_DEMUX_TRIES):
            try:
                for packet in self._container.demux(self._streams):
                    if packet.size:
                        yield packet
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.n_errors += 1  # and on behind it, as long as the demuxer finds something


def wild_span(n_pictures: int, span_s: float) -> str:
    """What is wrong with time stamps that make few pictures a film of days; empty where nothing is."""
    if span_s <= min(MOST_SPAN_S, _MOST_SPAN_S_OF_FEW + _MOST_S_A_PICTURE * n_pictures):
        return ""
    return f"time stamps that make {n_pictures} pictures a film of {span_s / 3600:.1f} h"


def reason(error: Exception) -> str:
    """What went wrong, in the library's few words."""
    return getattr(error, "strerror", None) or str(error)
