"""MP4 files that claim more samples than they can hold, whose list alone would fill the memory."""

import struct
from pathlib import Path

import pytest

from preprocess.media.container import UnreadableVideoError, open_media
from preprocess.media.estimate import estimate_frames
from preprocess.media.samples import claimed_samples
from preprocess.media.survey import survey


def box(kind: bytes, *body: bytes) -> bytes:
    content = b"".join(body)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, *body: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", flags), *body)


def track(number: int, count: int) -> bytes:
    """A track of `count` pictures of a byte each."""
    entry = struct.pack(">6xH16xHHIIIH32sHh", 1, 64, 48, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), box(b"mp4v", entry)),
        full(b"stts", struct.pack(">III", 1, count, 1)),
        full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
        full(b"stsz", struct.pack(">II", 1, count)),
        full(b"stco", struct.pack(">II", 1, 40)),
    )
    reference = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1)))
    media = box(
        b"mdia",
        full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, 1000, 0, 0)),
        full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"v\0"),
        box(b"minf", full(b"vmhd", bytes(8)), reference, table),
    )
    head = struct.pack(">IIIII52sII", 0, 0, number, 0, 1000, b"", 64 << 16, 48 << 16)
    return box(b"trak", full(b"tkhd", head, flags=3), media)


def movie(tracks: int, count: int, *more: bytes) -> bytes:
    head = full(b"mvhd", struct.pack(">IIIIIH10x36s24xI", 0, 0, 1000, 1000, 0x10000, 0x100, b"", 2))
    content = box(b"moov", head, *(track(number + 1, count) for number in range(tracks)), *more)
    return box(b"ftyp", b"isom\0\0\2\0isom") + box(b"mdat", bytes(64)) + content


def fragment(count: int) -> bytes:
    run = full(b"trun", struct.pack(">I", count))
    return box(b"moof", box(b"traf", full(b"tfhd", struct.pack(">I", 1)), run))


@pytest.mark.parametrize(
    "data",
    [
        movie(1, 80_000_000),
        movie(3, 60_000_000),
        movie(1, 0, box(b"mvex", full(b"trex", struct.pack(">IIIII", 1, 1, 1, 1, 0)))) + fragment(80_000_000),
        movie(1, 1, box(b"cmov", bytes(16))),
    ],
)
def test_more_samples_than_a_file_can_hold_are_refused_unopened(data: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "a.mp4").write_bytes(data)
    assert len(data) < 5_000
    with pytest.raises(ValueError, match=r"it claims [0-9,]+ samples|compressed"):
        open_media(path)
    assert estimate_frames(path, lambda count: None) == 0


def test_streams_beyond_all_use_and_nested_boxes_are_unreadable(tmp_path: Path) -> None:
    (path := tmp_path / "a.mp4").write_bytes(movie(5_000, 10))
    with pytest.raises(UnreadableVideoError):
        survey(path)
    path.write_bytes(b"\0\0\0\0moov" * 20_000)
    assert claimed_samples(path) == 0


def test_what_a_movie_claims_is_counted(tmp_path: Path) -> None:
    (path := tmp_path / "a.mp4").write_bytes(movie(2, 10) + fragment(5))
    assert claimed_samples(path) == 25
    path.write_bytes(b"RIFF1234AVI stsz")
    assert claimed_samples(path) == 0
