"""How many samples an MP4 or QuickTime file claims: FFmpeg takes memory for each before it reads any.

A box of twenty bytes can claim a billion.
"""

from pathlib import Path
from typing import BinaryIO

_HEADS = frozenset((b"ftyp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx"))
# All that FFmpeg looks into, wherever they stand.
_FOLDERS = frozenset(
    one.encode() for one in "moov trak mdia minf stbl moof traf edts dinf mvex tapt wave udta mfra".split()
)
_DEEPEST = 12  # it looks into ten
_MOST_BOXES = 2_000_000
_MORE = 1_000_000  # than two a byte: QuickTime's oldest sounds take half a byte a sample


def claimed_samples(path: Path) -> int:
    """Samples of all tracks and fragments; 0 of other containers."""
    with path.open("rb") as file:
        if file.read(8)[4:] not in _HEADS:
            return 0
        return _Counter(file).count(0, path.stat().st_size)


def most_samples(path: Path) -> int:
    """How many samples a file of this size can hold."""
    return 2 * path.stat().st_size + _MORE


class _Counter:
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._n_boxes = file, 0

    def count(self, at: int, end: int, depth: int = 0) -> int:
        """Samples claimed by the boxes between two places."""
        found = 0
        while at + 8 <= end and self._n_boxes < _MOST_BOXES:
            self._n_boxes += 1
            self._file.seek(at)
            head = self._file.read(28)
            size, kind, start = int.from_bytes(head[:4], "big"), head[4:8], 8
            if size == 1:
                size, start = int.from_bytes(head[8:16], "big"), 16
            stop = min(at + size, end) if size else end
            if kind in _FOLDERS and depth < _DEEPEST:
                found += self.count(at + start, stop, depth + 1)
            elif kind in (b"stsz", b"stz2"):
                found += int.from_bytes(head[start + 8 : start + 12], "big")
            elif kind == b"trun":
                found += int.from_bytes(head[start + 4 : start + 8], "big")
            elif kind == b"cmov":
                raise ValueError("its header is compressed, which is not read")
            if stop < at + 8:
                break
            at = stop
        return found
