"""Files of others, opened: regular ones alone, of a size that is known before anything is read.

A pipe or device in place of a file would hang a program or fill its memory. All refusals are one line.
"""

import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stan_boundary.errors import InputError

MOST_JSON_BYTES = 1_000_000
MOST_MEMBERS = 500_000
"""Of a zip: more than four hours of crops of every frame at 30 frames/s."""
_MOST_DIRECTORY_BYTES = MOST_MEMBERS * 96
_MOST_JSON_DEPTH = 16
_ENCRYPTED_OR_PATCHED = 0x1 | 0x20 | 0x40  # bits of a member's flags
_BROKEN_ZIP = (
    zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, KeyError, OverflowError, MemoryError,
)  # fmt: skip # what the standard library raises; NotImplementedError is a RuntimeError


def open_regular(path: Path | str, max_bytes: int | None = None) -> io.BufferedReader:
    """Open a regular file to read; links are followed, but to a regular file alone.

    Args:
        path: The file.
        max_bytes: Refuse a larger one.

    Raises:
        InputError: It is missing, cannot be opened, is a folder, pipe, device or socket, or is too large.
    """
    try:
        file = open(path, "rb", opener=_open)
    except OSError as error:
        folder = isinstance(error, IsADirectoryError)
        said = "is a folder, not a regular file" if folder else f"cannot be opened: {error.strerror or error}"
        raise InputError(f"{path}: {said}") from None
    except ValueError as error:  # NUL in the path, or no valid text
        raise InputError(f"{str(path)!r}: cannot be opened: {error}") from None
    try:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is {_kind(found.st_mode)}, not a regular file")
        if max_bytes is not None and found.st_size > max_bytes:
            raise InputError(f"{path}: has {found.st_size:,} bytes, more than the {max_bytes:,} expected")
    except BaseException:
        file.close()
        raise
    return file


def _open(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe waits for a writer.
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags)


def read_regular(path: Path | str, max_bytes: int) -> bytes:
    """All of a regular file; errors as for `open_regular`."""
    with open_regular(path, max_bytes) as file:
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if data is None or len(data) > max_bytes:  # the kernel's own files state no size
        raise InputError(f"{path}: has more than the {max_bytes:,} bytes expected, or none to read")
    return data


def check_regular(path: Path | str, max_bytes: int | None = None) -> None:
    """For libraries that insist on opening a path themselves; arguments and errors as `open_regular`."""
    open_regular(path, max_bytes).close()


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


# --- zips -----------------------------------------------------------------------------------------


class _Bounded(io.BufferedReader):
    """A file whose single reads are bounded while `bounded`: a zip states how long its directory is."""

    bounded = True

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.bounded:
            return super().read(size)
        to_end = size is None or size < 0
        data = super().read(
            _MOST_DIRECTORY_BYTES + 1 if to_end else min(size or 0, _MOST_DIRECTORY_BYTES + 1)
        )
        if len(data) > _MOST_DIRECTORY_BYTES:
            raise InputError("its list of members is too long")
        return data


class _Zip(zipfile.ZipFile):
    """A zip that closes the file that it was given."""

    def close(self) -> None:
        file = self.fp
        super().close()
        if file is not None:
            file.close()


@contextmanager
def open_zip(path: Path | str, max_member_bytes: int | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip as this project writes them; its members are not read yet (see `read_member`).

    Args:
        path: The zip.
        max_member_bytes: Refuse a zip with a larger member.

    Raises:
        InputError: It is no regular file or no zip, has more than `MOST_MEMBERS` members, two of one name,
            or one that is compressed, encrypted, too large or longer than the file.
    """
    archive = open_zip_for_good(path, max_member_bytes)
    try:
        yield archive
    finally:
        archive.close()


def open_zip_for_good(path: Path | str, max_member_bytes: int | None = None) -> zipfile.ZipFile:
    """As `open_zip`, for handles that are kept; `close` closes the file too."""
    file = _Bounded(open_regular(path).detach())
    try:
        archive = _Zip(file)
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined] # where the file says that its list is
        if end[6] != archive.start_dir:  # other readers, such as torch's, would see another list there
            raise InputError("its list of members is not where it says")
        file.bounded = False
        _check_members(archive, os.fstat(file.fileno()).st_size, max_member_bytes)
    except BaseException as error:
        file.close()
        if isinstance(error, _BROKEN_ZIP):
            raise InputError(f"{path}: cannot be read as a zip of crops ({_said(error)})") from None
        raise
    return archive


def read_member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """A member of an opened zip.

    Args:
        archive: As `open_zip` gives it.
        name: The member.
        max_bytes: Refuse a larger one, before it is read.

    Raises:
        InputError: It is missing, damaged or too large.
    """
    where = f"{getattr(archive.fp, 'name', 'zip')}: {name}"
    try:
        info = archive.getinfo(name)
        if info.file_size > max_bytes:
            raise InputError(f"has {info.file_size:,} bytes, more than the {max_bytes:,} expected")
        return archive.read(info)
    except KeyError:
        raise InputError(f"{where}: is missing") from None
    except _BROKEN_ZIP as error:
        raise InputError(f"{where}: {_said(error)}") from None


def _check_members(archive: zipfile.ZipFile, size: int, most: int | None) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise InputError(f"it has {len(members):,} members, more than {MOST_MEMBERS:,}")
    if len(archive.NameToInfo) != len(members):
        raise InputError("a member is there twice")
    total = 0
    for info in members:
        if info.flag_bits & _ENCRYPTED_OR_PATCHED:
            raise InputError(f"{info.filename} is encrypted")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise InputError(
                f"{info.filename} is compressed: only stored members are read, as `zip -0` makes"
            )
        if most is not None and info.file_size > most:
            raise InputError(f"{info.filename} has {info.file_size:,} bytes, more than {most:,}")
        total += info.file_size
    if total > size:  # members that share their bytes, or go on after the end
        raise InputError("its members are longer than the file")


def _said(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


# --- JSON -----------------------------------------------------------------------------------------


def read_json(data: bytes, where: str, max_bytes: int = MOST_JSON_BYTES) -> Any:
    """What a JSON text says, if it is of a size and depth that can be worked with.

    Args:
        data: The text in UTF-8.
        where: File, and member, for the message.
        max_bytes: Refuse a longer one.

    Raises:
        InputError: It is no JSON, too long or too deep, or holds text or numbers that cannot be written.
    """
    if len(data) > max_bytes:
        raise InputError(f"{where}: has {len(data):,} bytes, more than the {max_bytes:,} expected")
    try:
        content = json.loads(data)
    except (RecursionError, ValueError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else _said(error)
        raise InputError(f"{where}: cannot be read as JSON ({said})") from None
    level, depth = [content], 0
    while level:
        depth += 1
        if depth > _MOST_JSON_DEPTH:
            raise InputError(f"{where}: cannot be read as JSON (nested too deeply)")
        level = [below for node in level for below in _children(node, where)]
    return content


def _children(node: Any, where: str) -> list[Any]:
    if isinstance(node, dict):
        return [*node, *node.values()]
    if isinstance(node, list):
        return node
    if isinstance(node, str):
        try:
            node.encode()
        except UnicodeEncodeError:
            raise InputError(f"{where}: holds text that is not valid Unicode") from None
    elif isinstance(node, int) and abs(node) >= 2**63:
        raise InputError(f"{where}: holds a number beyond all bounds")
    elif isinstance(node, float) and math.isinf(node):
        raise InputError(f"{where}: holds an infinite number")
    return []
