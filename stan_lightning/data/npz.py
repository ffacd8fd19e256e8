"""Arrays of numbers out of an npz, of sizes that its headers state before anything is allocated."""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError
from stan_boundary.opening import open_regular

MOST_BYTES = 1_600_000_000
"""Of all arrays that are read, and of their copies: an hour of 1,024 numbers fifty times a second."""
MOST_ROWS = 5_000_000
"""Of a signal: a day at fifty a second."""
_MOST_MEMBERS, _MOST_DIRECTORY, _MOST_TEXT = 100, 1_000_000, 1_000
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError,
           OverflowError, MemoryError, SyntaxError)  # fmt: skip # of zipfile and of NumPy's header


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: "np.dtype[Any]"

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def taken(self) -> int:
        """Bytes of it and of the float32 that become of it."""
        return math.prod(self.shape) * (self.dtype.itemsize + 4)


def read_npz(path: str, names: Sequence[str], most_bytes: int = MOST_BYTES) -> Mapping[str, npt.NDArray[Any]]:
    """The arrays of these names that are there.

    Args:
        path: The npz; its members may be deflated.
        names: Without ``.npy``; others are not touched.
        most_bytes: Of all of them together.

    Raises:
        InputError: It is no regular file, no npz, holds objects, or more than can be read.
    """
    with open_regular(path) as file:
        try:
            return _arrays(file, names, most_bytes)
        except _BROKEN as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: no npz of a signal ({said[:200]})") from None


def _arrays(file: IO[bytes], names: Sequence[str], most_bytes: int) -> dict[str, npt.NDArray[Any]]:
    _check_directory(file)
    found: dict[str, npt.NDArray[Any]] = {}
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        for name in names:
            info = members.get(f"{name}.npy")
            if info is None:
                continue
            if info.flag_bits & _ENCRYPTED:
                raise ValueError(f"{name} is encrypted")
            with archive.open(info) as member:
                header = _header(member, name)
                most_bytes -= header.taken
                if most_bytes < 0 or header.size > info.file_size:
                    raise ValueError(
                        f"{name} is {list(header.shape)} of {header.dtype}, more than there is or than can "
                        "be read"
                    )
                found[name] = _array(member, header, name)
    return found


def _check_directory(file: IO[bytes]) -> None:
    """Bound how many members a zip claims, before the library reads them all."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + 22:
        raise zipfile.BadZipFile("it is no zip")
    members = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    long = tail[max(0, end - 20) :].startswith(b"PK\6\7")  # another directory, of more than 65,535 members
    if long or members > _MOST_MEMBERS or directory > _MOST_DIRECTORY:
        raise zipfile.BadZipFile(f"it has more than {_MOST_MEMBERS} members")
    file.seek(0)


def _header(member: IO[bytes], name: str) -> _Header:
    version = np.lib.format.read_magic(member)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError(f"{name} is of a version that is not known here")
    header = _Header(*read[version](member))
    if header.dtype.hasobject or not header.dtype.itemsize or header.dtype.kind not in "fiubU":
        raise ValueError(f"{name} is {header.dtype}, no numbers")
    if header.dtype.kind == "U" and header.size > _MOST_TEXT:
        raise ValueError(f"{name} is a text of {header.size:,} bytes")
    if len(header.shape) > 2 or any(side < 0 for side in header.shape) or header.shape[:1] > (MOST_ROWS,):
        raise ValueError(f"{name} is {list(header.shape)[:8]}")
    return header


def _array(member: IO[bytes], header: _Header, name: str) -> npt.NDArray[Any]:
    """What the header announced, filled as it is inflated."""
    flat = np.zeros(math.prod(header.shape), header.dtype)
    into = flat.view(np.uint8).data if flat.size else memoryview(b"")
    at = 0
    while at < len(into):
        piece = member.read(min(1 << 20, len(into) - at))
        if not piece:
            raise EOFError(f"{name} ends too early")
        into[at : at + len(piece)] = piece
        at += len(piece)
    if member.read(1):
        raise ValueError(f"{name} goes on behind its end")
    return flat.reshape(header.shape, order="F" if header.fortran else "C")
