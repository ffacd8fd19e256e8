import json
import os
import socket
import struct
import zipfile
from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_boundary.opening import check_regular, open_zip, read_json, read_member, read_regular


def _zip(path: Path, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_regular_files_are_read_up_to_their_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"four")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "link", 4) == b"four"
    with pytest.raises(InputError, match="more than the 3"):
        read_regular(tmp_path / "a", 3)


def test_a_zip_that_two_readers_read_as_two_is_refused(tmp_path: Path) -> None:
    """Python finds the list of members by its end, torch by the place that the zip states."""
    good, other = (_zip(tmp_path / name, **{name: b"x" * 9}).read_bytes() for name in ("one", "two"))
    (tmp_path / "prefixed").write_bytes(b"PK\x03\x04" + good)
    (tmp_path / "double").write_bytes(good + other)
    for name in ("prefixed", "double"):
        assert zipfile.ZipFile(tmp_path / name).namelist()
        with pytest.raises(InputError, match="not where it says"), open_zip(tmp_path / name):
            pass


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "gone").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for path in (
            *tmp_path.iterdir(),
            tmp_path,
            tmp_path / "none",
            tmp_path / "a\0b",
            tmp_path / ("x" * 999),
        ):
            for opened in (
                check_regular,
                lambda path: read_regular(path, 10),
                lambda path: open_zip(path).__enter__(),
            ):
                with pytest.raises(InputError) as refused:
                    opened(path)
                assert str(refused.value).isprintable()


def test_the_kernels_own_files_state_no_size_and_are_bounded_all_the_same() -> None:
    with pytest.raises(InputError, match="more than"):
        read_regular("/proc/self/maps", 100)


def test_members_come_out_as_they_went_in(tmp_path: Path) -> None:
    with open_zip(_zip(tmp_path / "a.zip", a=b"one", b=b"")) as archive:
        assert archive.namelist() == ["a", "b"] and read_member(archive, "a", 3) == b"one"
        with pytest.raises(InputError, match=r"a\.zip: a: has 3 bytes"):
            read_member(archive, "a", 2)
        with pytest.raises(InputError, match=r"a\.zip: c: is missing"):
            read_member(archive, "c", 2)
        file = archive.fp
    assert file is not None and file.closed


def test_a_damaged_member_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", a=b"one", b=b"two")
    path.write_bytes(path.read_bytes().replace(b"one", b"eno", 1))
    with open_zip(path) as archive:
        with pytest.raises(InputError, match="CRC"):
            read_member(archive, "a", 3)
        assert read_member(archive, "b", 3) == b"two"


def _patched(path: Path, offset: int, value: int, layout: str = "<H") -> Path:
    """A zip with a field of its first directory entry changed."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(b"PK\1\2") + offset, value)
    path.write_bytes(data)
    return path


def test_zips_that_are_not_as_this_project_writes_them_are_refused(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "whole", a=b"12345").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-9])
    (tmp_path / "text").write_bytes(b"no zip")
    (tmp_path / "empty").write_bytes(b"")
    _zip(tmp_path / "deflated", zipfile.ZIP_DEFLATED, a=bytes(10_000_000))
    _zip(tmp_path / "large", a=bytes(1001))
    _patched(_zip(tmp_path / "encrypted", a=b"12345"), 8, 1)
    _patched(_zip(tmp_path / "longer", a=b"12345"), 20, 999, "<I")
    both = _patched(_zip(tmp_path / "overrun", a=b"12345"), 20, 999, "<I")
    _patched(both, 24, 999, "<I")
    _patched(_zip(tmp_path / "method", a=b"12345"), 10, 99)
    _patched(_zip(tmp_path / "version", a=b"12345"), 6, 99)
    with zipfile.ZipFile(tmp_path / "twice", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    names = [
        "cut",
        "text",
        "empty",
        "deflated",
        "large",
        "encrypted",
        "longer",
        "overrun",
        "method",
        "version",
    ]
    for name in [*names, "twice"]:
        with pytest.raises(InputError) as refused, open_zip(tmp_path / name, max_member_bytes=1000):
            pass
        assert str(refused.value).startswith(f"{tmp_path / name}: ") and str(refused.value).isprintable()


def test_a_directory_that_claims_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    size = 3_000_000_000
    with (tmp_path / "a.zip").open("wb") as file:
        file.truncate(size)  # a sparse file
        file.seek(size)
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, size, 0, 0))
    with pytest.raises(InputError, match="too long"), open_zip(tmp_path / "a.zip"):
        pass


def test_json_is_read_to_a_depth_and_size() -> None:
    assert read_json(b'{"row": {"fps": 25.0, "label": null}}', "a.zip") == {
        "row": {"fps": 25.0, "label": None}
    }
    hostile = [
        b"[" * 100_000,
        b"[" * 100 + b"]" * 100,
        b"9" * 5000,
        b"9" * 30,
        b"1e999",
        b'"\\ud800"',
        b"{",
        b"\xff",
    ]
    for data in [*hostile, b'{"\\udc00": 1}', json.dumps("x" * 2_000_000).encode()]:
        with pytest.raises(InputError, match=r"^a\.zip: ") as refused:
            read_json(data, "a.zip")
        assert len(str(refused.value)) < 200
