"""Media files opened for reading: this file and no other."""

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

# A playlist must not make the program open other files or the network.
_ONLY_THIS_FILE = {"protocol_whitelist": "file"}
_DEMUX_TRIES = 100


class UnreadableVideoError(ValueError):
    """Nothing can be had from this file; the message is the reason in a few words."""


def open_media(path: Path) -> InputContainer:
    """Open a file.

    Raises:
        OSError, ValueError: It is not there, or nothing that PyAV knows.
    """
    return av.open(str(path), options=_ONLY_THIS_FILE)


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


def reason(error: Exception) -> str:
    """What went wrong, in the library's few words."""
    return getattr(error, "strerror", None) or str(error)
