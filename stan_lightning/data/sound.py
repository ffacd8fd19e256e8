"""A stretch of a recording's sound, read from the FLAC beside its crops."""

import io
import os
import zipfile
from pathlib import Path
from typing import IO

import av
import numpy as np
import numpy.typing as npt

from stan_boundary.opening import open_regular
from stan_lightning.data.log_mel import RATE

MEMBER = "sound.flac"
Samples = npt.NDArray[np.int16]
DAMAGED = (OSError, ValueError, TypeError, IndexError, OverflowError, zipfile.BadZipFile, av.FFmpegError)
"""What libav raises of a damaged or forged file."""
_BUFFER = 65_536
_FEWEST_SAMPLES = 1_024  # of a FLAC's frames on average; ours hold 4,096, encoders seldom make fewer


class StoredMember(io.RawIOBase):
    """A zip's stored member as a file: the library's own reads through all that lies before a place."""

    def __init__(self, path: Path, member: zipfile.ZipInfo) -> None:
        if member.compress_type != zipfile.ZIP_STORED:
            raise zipfile.BadZipFile(f"{member.filename} is not stored")
        self._file = open_regular(path)
        # Behind a local header of 30 bytes, whose last four are the lengths of a name and of an extra field.
        self._file.seek(member.header_offset + 26)
        name, extra = (int.from_bytes(self._file.read(2), "little") for _ in range(2))
        self._first, self._size, self._at = member.header_offset + 30 + name + extra, member.file_size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere in the member."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        """Where in the member it stands."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none beyond the member's end."""
        left = max(0, self._size - self._at)
        self._file.seek(self._first + self._at)
        found = self._file.read(left if size < 0 else min(size, left))
        self._at += len(found)
        return found

    def close(self) -> None:
        """Let go of the zip."""
        self._file.close()
        super().close()


class SoundReader:
    """An opened FLAC, mono at `RATE`, of which stretches are read.

    Where its frames lie is found out once. libav's own search in a FLAC without a seek table fails near the
    end of a file, and takes longer.

    Attributes:
        samples: How many there are.
    """

    def __init__(self, file: IO[bytes] | StoredMember, longest_s: float = 86_400.0) -> None:
        """Open it.

        Args:
            file: Seekable; it stays open as long as this does.
            longest_s: Refuse more sound than this, as soon as it is seen.

        Raises:
            av.error.FFmpegError, ValueError: The file is damaged, or another one.
        """
        self._file = file
        with av.open(file, "r", format="flac", buffer_size=_BUFFER) as container:
            stream = container.streams.audio[0]
            if stream.rate != RATE:
                raise ValueError(f"sound at {stream.rate} Hz, not {RATE}")
            if stream.channels != 1 or stream.format.name != "s16":
                raise ValueError(f"sound of {stream.channels} channels in {stream.format.name}, not 1 in s16")
            frames, self.samples = [], 0
            most = longest_s * RATE
            for one in container.demux(stream):
                if not one.size:
                    continue
                frames.append((one.pts, one.pos, one.size))
                self.samples += one.duration or 0
                if self.samples > most or len(frames) > most / _FEWEST_SAMPLES + 1_000:
                    raise ValueError(f"it holds more than {longest_s:.0f} s, longer than its film")
            extradata = stream.codec_context.extradata
        self._first, self._pos, self._size = (np.array(column) for column in zip(*frames, strict=True))
        self._decoder = av.CodecContext.create("flac", "r")
        self._decoder.extradata = extradata

    def read(self, start: int, count: int) -> Samples:
        """Samples from `start` on, shape (count,); zeros where they lie before the sound or after its end.

        Raises:
            av.error.FFmpegError: The file is damaged.
        """
        found = np.zeros(count, np.int16)
        earliest = max(0, int(np.searchsorted(self._first, start, "right")) - 1)
        latest = int(np.searchsorted(self._first, start + count, "left"))
        for number in range(earliest, latest):
            self._file.seek(int(self._pos[number]))
            packet = av.Packet(self._file.read(int(self._size[number])))
            at = int(self._first[number]) - start
            for frame in self._decoder.decode(packet):
                first, end = max(0, -at), min(frame.samples, count - at)
                if end > first:
                    piece = np.frombuffer(memoryview(frame.planes[0]), np.int16, end - first, 2 * first)
                    found[at + first : at + end] = piece  # half the time of `to_ndarray`
                at += frame.samples
        return found
