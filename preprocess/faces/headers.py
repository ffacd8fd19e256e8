"""What MP4, QuickTime and Matroska state and FFmpeg does not pass on.

That is the part of a stored picture that a player shows, and further recordings behind the first one.
Cropping in the coded stream itself (H.264, HEVC) is done by the decoder; that of the container is not.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Left, top, right and bottom margins in pixels of the stored picture.
Margins = tuple[int, int, int, int]

_MOST_ELEMENTS = 10_000  # that are looked at in a header
_MOST_BYTES = 1 << 20  # of a box that is read whole
_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_SAMPLE_ENTRY = 86  # bytes of a video sample entry before the boxes in it
_SEGMENT, _TRACKS, _TRACK, _VIDEO, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
# With which every file begins.
_HEADS = {
    "matroska,webm": b"\x1a\x45\xdf\xa3",
    "flv": b"FLV\x01",
    "avi": b"AVI LIST",
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf",
}
_CROPS = {0x54CC: 0, 0x54BB: 1, 0x54DD: 2, 0x54AA: 3}


def container_margins(path: Path, format_name: str, index: int, ident: int) -> Margins | None:
    """What a container cuts from the pictures of a stream.

    Args:
        path: The file.
        format_name: FFmpeg's name of the container.
        index: Of the stream.
        ident: The stream's number in the file (the track's).

    Returns:
        None where nothing is cut, or nothing that makes sense.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if "mp4" in format_name:
                return _clean_aperture(file, size, ident)
            if "matroska" in format_name:
                return _pixel_crop(file, size, index)
    except (OSError, ValueError, struct.error, ZeroDivisionError):
        pass
    return None


def recordings_in(path: Path, format_name: str, reach: int) -> int:
    """How many recordings a file holds one behind the other, where FFmpeg may read the first ones alone.

    Args:
        path: The file.
        format_name: FFmpeg's name of the container.
        reach: End of the last packet that FFmpeg read, in bytes.

    Returns:
        Of MP4 and QuickTime all; of Matroska, FLV, AVI and ASF those that were read, as one, and those
        behind; else 1.
    """
    try:
        with path.open("rb") as file:
            if "mp4" in format_name:
                return sum(kind == b"moov" for kind, _, _ in _boxes(file, 0, path.stat().st_size))
            if format_name in _HEADS and reach > 0:
                file.seek(reach)
                head = _HEADS[format_name]
                return 1 + sum(part.count(head) for part in iter(lambda: file.read(1 << 20), b""))
    except (OSError, ValueError, struct.error):
        pass
    return 1


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box between two places."""
    for _ in range(_MOST_ELEMENTS):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        start = at + 8
        if size == 1:
            size, start = struct.unpack(">Q", head[8:16])[0], at + 16
        stop = end if size == 0 else at + size
        if stop < start or stop > end:
            return
        yield kind, start, stop
        at = stop


def _clean_aperture(file: BinaryIO, size: int, ident: int) -> Margins | None:
    for kind, start, end in _boxes(file, 0, size):
        if kind != b"moov":
            continue
        for kind, start_track, end_track in _boxes(file, start, end):
            if kind == b"trak" and _track_number(file, start_track, end_track) == ident:
                return _entry_margins(file, start_track, end_track)
        return None
    return None


def _track_number(file: BinaryIO, start: int, end: int) -> int:
    for kind, at, _ in _boxes(file, start, end):
        if kind == b"tkhd":
            file.seek(at)
            head = file.read(24)
            return int.from_bytes(head[20:24] if head[0] else head[12:16], "big")
    return -1


def _entry_margins(file: BinaryIO, start: int, end: int) -> Margins | None:
    """Margins by the first sample entry of a track."""
    for wanted in _BOXES[2:]:
        found = next(((one, two) for kind, one, two in _boxes(file, start, end) if kind == wanted), None)
        if found is None:
            return None
        start, end = found
    for kind, at, stop in _boxes(file, start, end):
        if kind != b"stsd" or stop - at > _MOST_BYTES:
            continue
        file.seek(at + 8)
        entry = file.read(_SAMPLE_ENTRY)
        length, width, height = (
            struct.unpack(">I", entry[:4])[0],
            struct.unpack(">H", entry[32:34])[0],
            struct.unpack(">H", entry[34:36])[0],
        )
        for inner, place, _ in _boxes(file, at + 8 + _SAMPLE_ENTRY, min(at + 8 + length, stop)):
            if inner == b"clap":
                file.seek(place)
                return _aperture_margins(struct.unpack(">IIIIiIiI", file.read(32)), width, height)
    return None


def _aperture_margins(values: tuple[int, ...], width: int, height: int) -> Margins | None:
    """ISO/IEC 14496-12, 12.1.4: size of the shown part, and how far its middle lies from the picture's."""
    across, down = values[0] / values[1], values[2] / values[3]
    left = (width - across) / 2 + values[4] / values[5]
    top = (height - down) / 2 + values[6] / values[7]
    near_left, near_top = int(left + 0.5), int(top + 0.5)
    return _sensible(
        (near_left, near_top, width - near_left - round(across), height - near_top - round(down))
    )


def _sensible(margins: Margins) -> Margins | None:
    return margins if min(margins) >= 0 and max(margins) > 0 else None


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identity, start and end of the content of each EBML element between two places."""
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            return
        file.seek(at)
        head = file.read(12)
        if not head or not head[0]:
            return
        wide = 9 - head[0].bit_length()
        if len(head) <= wide or not head[wide]:
            return
        wide_size = 9 - head[wide].bit_length()
        raw = int.from_bytes(head[wide : wide + wide_size], "big") & ((1 << 7 * wide_size) - 1)
        start = at + wide + wide_size
        stop = end if raw == (1 << 7 * wide_size) - 1 else min(start + raw, end)
        yield int.from_bytes(head[:wide], "big"), start, stop
        at = stop


def _pixel_crop(file: BinaryIO, size: int, index: int) -> Margins | None:
    segment = next(((one, two) for kind, one, two in _elements(file, 0, size) if kind == _SEGMENT), None)
    for kind, start, end in _elements(file, *segment) if segment else ():
        if kind == _CLUSTER:
            return None
        if kind != _TRACKS:
            continue
        tracks = [(one, two) for inner, one, two in _elements(file, start, end) if inner == _TRACK]
        if index >= len(tracks):
            return None
        margins = [0, 0, 0, 0]
        for inner, one, two in _elements(file, *tracks[index]):
            for crop, at, stop in _elements(file, one, two) if inner == _VIDEO else ():
                if crop in _CROPS and stop - at <= 8:
                    file.seek(at)
                    margins[_CROPS[crop]] = int.from_bytes(file.read(stop - at), "big")
        left, top, right, bottom = margins
        return _sensible((left, top, right, bottom))
    return None
