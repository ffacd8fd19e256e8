"""Crops, signals and manifests of others: each ends in one line within 20 s and 1.5 GB."""

import io
import os
import resource
import signal
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from preprocess.archive.flac import encode
from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops
from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.signal_file import open_signal

JPEG = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
SIGNAL = b"frame,time_s\n0,0.0\n1,0.1\n"
GB = 10**9


def _too_slow(*_: object) -> None:
    raise TimeoutError("20 s are over")


@contextmanager
def refused(said: str = "") -> Iterator[None]:
    """What is done within ends in one line of an `InputError`, soon and without much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = signal.signal(signal.SIGALRM, _too_slow)
    signal.alarm(20)
    try:
        with pytest.raises(InputError, match=said) as error:
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    assert "\n" not in str(error.value)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 1.5 * GB


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def patched(path: Path, find: bytes, at: int, new: bytes, last: bool = False) -> Path:
    """A file with some bytes changed behind the first or last place of others."""
    data = bytearray(path.read_bytes())
    place = (data.rfind(find) if last else data.find(find)) + at
    data[place : place + len(new)] = new
    path.write_bytes(data)
    return path


def huge_jpeg() -> bytes:
    at = JPEG.index(b"\xff\xc0")
    return JPEG[: at + 5] + struct.pack(">HH", 65500, 65500) + JPEG[at + 9 :]


def huge_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 20_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10**7))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def many_scans() -> bytes:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * 200 + b"\xff\xd9"


def png_with(kind: bytes, count: int, size: int = 100_000) -> bytes:
    """A PNG of 8 x 8 pixels with more chunks, each of which inflates."""
    data, zeros = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes(), bytes(10**6)
    deflate = zlib.compressobj()
    content = b"".join(deflate.compress(zeros[: size - at]) for at in range(0, size, len(zeros)))
    content = (b"a\0\0" if kind == b"zTXt" else b"") + content + deflate.flush()
    chunk = struct.pack(">I", len(content)) + kind + content
    chunk += struct.pack(">I", zlib.crc32(kind + content))
    return data[:33] + chunk * count + data[33:]


PICTURES = {
    "jpeg of 65500 pixels a side": (huge_jpeg, "65500 x 65500 pixels"),
    "png of 800 million pixels": (huge_png, "40000 x 20000 pixels"),
    "bmp of 30000": (
        lambda: b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 30_000, -30_000, 1, 24) + bytes(40),
        "30000 x 30000 pixels",
    ),
    "tiff under another name": (
        lambda: cv2.imencode(".tiff", np.zeros((8, 8, 3), np.uint8))[1].tobytes(),
        "is not an image",
    ),
    "jpeg of 200 scans": (many_scans, "more than 100 scans"),
    "no bytes": (lambda: b"", "is not an image"),
    "png of 900 inflating texts": (lambda: png_with(b"zTXt", 900), "compressed texts"),
    "png of more data than pixels": (lambda: png_with(b"IDAT", 1, 600_000_000), "bytes for 8 x 8 pixels"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_that_claim_too_much_are_not_decoded(tmp_path: Path, kind: str) -> None:
    make, said = PICTURES[kind]
    path = zipped(tmp_path / "a.zip", {"000000.jpg": make()})
    with refused(rf"a.zip: 000000.jpg.*{said}"):
        Crops(path).image(0)


def local_header_differs(path: Path) -> Path:
    return patched(zipped(path, {"000000.jpg": JPEG}), b"000000.jpg", 0, b"999999.png")


def overlapping(path: Path) -> Path:
    zipped(path, {f"{n:06d}.jpg": JPEG for n in range(20)})
    data = path.read_bytes()
    for place in [one for one in range(len(data)) if data.startswith(b"PK\1\2", one)]:
        data = data[: place + 42] + bytes(4) + data[place + 46 :]
    path.write_bytes(data)
    return path


def encrypted(path: Path) -> Path:
    return patched(zipped(path, {"000000.jpg": JPEG}), b"PK\1\2", 8, b"\x01")


ZIPS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "deflated": (lambda p: zipped(p, {"0.jpg": bytes(10**8)}, zipfile.ZIP_DEFLATED), "compressed"),
    "encrypted": (encrypted, "encrypted"),
    "damaged": (lambda p: patched(zipped(p, {"0.jpg": JPEG}), JPEG[20:40], 0, b"no more"), "CRC"),
    "local header differs": (local_header_differs, "differ"),
    "members share bytes": (overlapping, "differ|longer|cannot be read"),
    "frame of 30 digits": (lambda p: zipped(p, {f"{'9' * 30}.jpg": JPEG}), "no frame's number"),
    "name of 60,000 digits": (lambda p: zipped(p, {f"{'9' * 60_000}": b"", "1.txt": b""}), "no crops"),
    "fifo": (lambda p: os.mkfifo(p) or p, "not a regular file"),
    "device": (lambda p: p.symlink_to("/dev/zero") or p, "not a regular file"),
    "member of 30 MB": (lambda p: zipped(p, {"0.jpg": JPEG + bytes(3 * 10**7)}), "more than the"),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_zips_that_are_not_ours(tmp_path: Path, kind: str) -> None:
    make, said = ZIPS[kind]
    path = make(tmp_path / "a.zip")
    with refused(said):
        crops = Crops(path)
        for position in range(len(crops.frames)):
            crops.image(position)


def test_pipes_among_images_are_no_images_and_large_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(JPEG)
    os.mkfifo(tmp_path / "2.jpg")
    (tmp_path / "3.jpg").symlink_to("/dev/zero")
    assert Crops(tmp_path).frames.tolist() == [1]
    with (tmp_path / "4.jpg").open("wb") as file:
        file.truncate(10**12)
    with refused("4.jpg: has 1,000,000,000,000 bytes"):
        Crops(tmp_path).image(1)


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (b"frame,time_s" + b",x" * 10**6 + b"\n0,0.0\n", "more than"),
        (SIGNAL + b"2,0.2\n" * 10**6, "more than the"),
        (SIGNAL + b"2,0.2\n" * 10_000, "more rows than"),
        (b"frame,time_s\n0,now\n1,0.1\n", "cannot be read"),
        (b"frame,time_s\n0,0.0\n1,nan\n", "do not ascend"),
        (b"frame,time_s\n0,0.0\n1,1e30\n", "days"),
        (b"frame,time_s\n0,0.0\nnan,0.1\n", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_signals_of_crops_that_cannot_be(tmp_path: Path, signal: bytes, said: str) -> None:
    path = zipped(tmp_path / "a.zip", {"0.jpg": JPEG, "1.jpg": JPEG, "track.csv": signal})
    with refused(rf"track.csv.*{said}"):
        assert Crops(path).times is None


def hours_of_silence() -> bytes:
    """Frames of a FLAC repeated: 100 hours in 20 MB."""
    data = encode(np.zeros(16_000 * 600, np.int16))
    first = data.index(b"\xff\xf8", 42)
    return data[:first] + data[first:] * 600


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (hours_of_silence, "longer than its film"),
        (lambda: encode(np.zeros(0, np.int16)), "cannot be read"),
        (lambda: encode(np.zeros(16_000, np.int16))[:60], "cannot be read"),
        (lambda: b"fLaC" + os.urandom(1000), "cannot be read"),
        (lambda: b"#EXTM3U\nfile:///etc/passwd\n", "cannot be read"),
    ],
)
def test_sound_that_cannot_be(tmp_path: Path, sound: Callable[[], bytes], said: str) -> None:
    members = {"0.jpg": JPEG, "1.jpg": JPEG, "track.csv": SIGNAL, "sound.flac": sound()}
    with refused(f"sound.flac {said}.*|{said}"):
        Crops(zipped(tmp_path / "a.zip", members)).sound(0, 16_000)


def test_a_deep_record_is_no_reason_to_end(tmp_path: Path) -> None:
    members = {"0.jpg": JPEG, "1.jpg": JPEG, "track.csv": SIGNAL, "sound.flac": encode(np.ones(9, np.int16))}
    path = zipped(tmp_path / "a.zip", members | {"recording.json": b"[" * 10**5 + b"]" * 10**5})
    with refused("recording.json.*nested"):
        Crops(path).sound(0, 9)


# --- signals beside crops --------------------------------------------------------------------------


def npy(shape: str, descr: str = "'<f4'", data: bytes = b"") -> bytes:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (len(head) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([[print]], object), allow_pickle=True)
    return file.getvalue()


CLOCK = npy("(2,)", "'<f8'", np.arange(2.0).tobytes())
NPZS = {
    "10^12 rows": {"values.npy": npy("(1000000000000, 4)", data=bytes(64))},
    "10^12 rows of nothing": {"values.npy": npy("(1000000000000, 4)", "'<U0'")},
    "objects": {"values.npy": objects()},
    "a structure": {"values.npy": npy("(2, 1)", "[('a', '<f4')]", bytes(8))},
    "negative": {"values.npy": npy("(-2, -4)", data=bytes(32))},
    "cut": {"values.npy": npy("(2, 4)", data=bytes(8))},
    "longer than said": {"values.npy": npy("(2, 4)", data=bytes(80))},
    "40 million rows": {
        "values.npy": npy("(40000000, 0)"),
        "time_s.npy": npy("(40000000,)", "'|u1'", bytes(40_000_000)),
    },
    "header of 60 kB": {"values.npy": npy("(" + "(" * 30_000 + "2, 4)")},
    "no clock": {"values.npy": npy("(2, 4)", data=bytes(32)), "time_s.npy": None},
    "no array": {"values.npy": b"none"},
}


@pytest.mark.parametrize("kind", NPZS)
def test_npz_that_claims_too_much(tmp_path: Path, kind: str) -> None:
    members = {"time_s.npy": CLOCK} | NPZS[kind]
    path = zipped(tmp_path / "a.npz", {name: data for name, data in members.items() if data is not None})
    with refused(r"a\.npz: no npz of a signal"):
        open_signal(str(path))


def test_an_npz_counts_with_what_becomes_of_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("time_s.npy", CLOCK)
        with archive.open("values.npy", "w") as member:
            member.write(npy("(2, 200000000)", "'|u1'"))
            for _ in range(40):
                member.write(bytes(10**7))
    with refused("more than there is or than can be read"):
        open_signal(str(tmp_path / "a.npz"))


def test_npz_of_gigabytes_of_zeros(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("time_s.npy", CLOCK)
        with archive.open("values.npy", "w", force_zip64=True) as member:
            member.write(npy("(2, 375000000)"))
            for _ in range(30):
                member.write(bytes(10**8))
    with refused("more than there is or than can be read"):
        open_signal(str(tmp_path / "a.npz"))


def sparse(path: Path, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(10**9)


TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a line of 1 GB": (lambda p: sparse(p, b"time_s,a\n"), "more than 1,000,000 characters"),
    "a header of 1 GB": (lambda p: sparse(p, b"time_s,"), "more than 1,000,000 characters"),
    "400,000 columns": (lambda p: p.write_bytes(b"time_s" + b",a" * 400_000 + b"\n0\n"), "columns"),
    "400,000 cells": (lambda p: p.write_bytes(b"time_s,a\n0" + b",1" * 400_000 + b"\n"), "columns"),
    "160 million cells": (
        lambda p: p.write_bytes(b"time_s" + b",a" * 4000 + b"\n" + (b"1" + b",1" * 4000 + b"\n") * 40_000),
        "more than can be read",
    ),
    "6 million rows": (lambda p: p.write_bytes(b"time_s\n" + b"1\n" * 6_000_000), "more than can be read"),
    "a pipe": (os.mkfifo, "a pipe, not a regular file"),
    "a device": (lambda p: p.symlink_to("/dev/zero"), "a device, not a regular file"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_signals_that_claim_too_much(tmp_path: Path, kind: str) -> None:
    make, said = TABLES[kind]
    make(tmp_path / "a.csv")
    with refused(rf"a\.csv: .*{said}"):
        open_signal(str(tmp_path / "a.csv"))


# --- manifests ------------------------------------------------------------------------------------


def listed(root: Path, **changes: str) -> Path:
    """A manifest as preprocessing writes it, of one recording."""
    row = dict.fromkeys(("session", "task", "partition", "label", "group", "reason"), "")
    row |= {"recording": "a", "subject": "1", "video": "a.mp4", "fps": "30.0", "n_source_frames": "2"}
    row |= {"frame_stride": "1", "n_frames": "2", "detection_rate": "1.0", "status": "ok"}
    root.mkdir(exist_ok=True)
    zipped(root / "a.zip", {"0.jpg": JPEG, "1.jpg": JPEG, "track.csv": SIGNAL})
    pd.DataFrame([row | changes]).to_csv(root / "manifest.csv", index=False)
    return root


@pytest.mark.parametrize(
    "name", ["../../../x", "/x", "a\0b", "a\x1b[2Jb", "a\nb", ".a", "é" * 101, "..", "a/b", "a\\b"]
)
def test_a_recording_names_no_file_elsewhere(tmp_path: Path, name: str) -> None:
    with refused(r"manifest.csv: row 2: recording "):
        read_manifest(listed(tmp_path / "crops", recording=name))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(JPEG)
    row = {"video": [str(tmp_path / "images")], "subject": ["1"], "recording": [name]}
    pd.DataFrame(row).to_csv(tmp_path / "manifest.csv", index=False)
    with refused(r"manifest.csv: row 2: recording "):
        read_manifest(tmp_path)


def test_folders_of_images_may_lie_anywhere(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(JPEG)
    row = {"video": [str(tmp_path / "images")], "subject": ["1"]}
    pd.DataFrame(row).to_csv(tmp_path / "manifest.csv", index=False)
    assert read_manifest(tmp_path).recording.tolist() == ["images"]


BAD_ROWS = {
    "fps": ["0", "thirty", "nan", "inf", "-1"],
    "n_frames": ["1e12", "0", "1.5", "many", ""],
    "frame_stride": ["0", "-3", "", "x"],
    "sound_s": ["1e30", "loud"],
}


@pytest.mark.parametrize(("column", "text"), [(name, one) for name, them in BAD_ROWS.items() for one in them])
def test_numbers_of_a_row_that_cannot_be(tmp_path: Path, column: str, text: str) -> None:
    """Training ends in a line that names the row; elsewhere that recording alone is left out."""
    root = listed(tmp_path / "crops", **{column: text})
    with refused(rf"manifest.csv: row 2: a: {column} is "):
        read_manifest(root)
    row = read_manifest(root, lenient=True).iloc[0]
    assert row.crops == "" and row.status == "unreadable" and column in row.reason


def wide(root: Path) -> None:
    (root / "manifest.csv").write_bytes(b"video,subject" + b",x" * 10**6 + b"\n")


MANIFESTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a million columns": (wide, "columns"),
    "a million cells": (
        lambda root: (root / "manifest.csv").write_bytes(b"video,subject\na" + b",x" * 10**6 + b"\n"),
        "columns",
    ),
    "a line of 1 GB": (lambda root: sparse(root / "manifest.csv", b"video,subject\n"), "1,000,000,000 bytes"),
    "a pipe": (lambda root: os.mkfifo(root / "manifest.csv"), "a pipe, not a regular file"),
    "a device": (lambda root: (root / "manifest.csv").symlink_to("/dev/zero"), "a device"),
    "a cell of 1 MB": (
        lambda root: (root / "manifest.csv").write_text("video,subject\na," + "x" * 10**6 + "\n"),
        "row 2: subject has more than 4000 characters",
    ),
    "no text": (lambda root: (root / "manifest.csv").write_bytes(b"video,subject\n\xff\xfe,1\n"), "no.* CSV"),
    "a path of NUL": (lambda root: (root / "manifest.csv").write_bytes(b"video,subject\na\0b,1\n"), "a"),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_manifests_that_claim_too_much(tmp_path: Path, kind: str) -> None:
    make, said = MANIFESTS[kind]
    make(tmp_path)
    with refused(said):
        read_manifest(tmp_path)
