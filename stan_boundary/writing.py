"""Files that are there whole or not at all: written beside their place under a random name, then renamed.

Nothing is written through a link. A link at a file's place is replaced. An output folder, and each folder
that is made or entered below it, must not be a link (`private_folder`): a received tree could lead anywhere.
Links above the output folder are its user's own.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stan_boundary.errors import InputError

PART_SUFFIX = ".part"
_LOST = (errno.EIO, errno.ENOSPC, errno.EDQUOT)  # the data may not be on the disk; all else: no such call


@contextlib.contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """As `whole_file`, for libraries that insist on opening a path themselves.

    Gives an empty file's absolute path: FFmpeg takes what stands before a colon in a relative one for a
    protocol.

    Raises:
        InputError: A folder is in the file's place.
        OSError: The folder cannot be written or the disk is full.
    """
    # A random name: two workers may write the same file after a scheduler lost sight of one.
    part = Path(os.path.abspath(path.parent)) / f".{secrets.token_hex(8)}{PART_SUFFIX}"
    try:
        part.open("xb").close()
        yield part
        with part.open("rb") as file:
            _sync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, where a file is to be written: move it away") from None
    except OSError as error:
        if error.filename in (None, str(part)):  # of a full disk the system says no name
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place at `path` at a clean end, and leaves nothing behind an exception.

    A link at `path` is replaced, never followed. What a killed process leaves, `discard_parts` removes.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    with whole_path(path) as part, part.open("r+b") as file:
        yield file


def write_whole(path: Path, data: bytes) -> None:
    """Write all of a file at once; see `whole_file`.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    with whole_file(path) as file:
        file.write(data)


def private_folder(path: Path, root: Path | None = None) -> Path:
    """Make a folder that its owner alone may enter: outputs hold faces, voices and scores.

    A folder that is there keeps its mode. Folders above are made with the usual mode.

    Args:
        path: The folder.
        root: The output folder that `path` lies in, or None where it is one: what lies between is made and
            checked as `path` is, and `root` too.

    Returns:
        `path`.

    Raises:
        InputError: `path`, or a folder between it and `root`, is a link or no folder, or cannot be made.
    """
    root = path if root is None else root
    below = path.relative_to(root).parts
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (root, *(root.joinpath(*below[: depth + 1]) for depth in range(len(below)))):
            if folder.name and folder.is_symlink():
                raise InputError(
                    f"{folder} is a link: nothing is written through one; name the folder itself"
                )
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{error.filename or path} cannot be made a folder: {error.strerror}; choose another output"
        ) from None
    return path


def output_folder(path: Path) -> Path:
    """As `private_folder`, and something can be written there: asked before hours of work, not after.

    Raises:
        InputError: As `private_folder`, or nothing can be written there.
    """
    private_folder(path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written: choose another output or mend its permissions")
    return path


def discard_parts(folder: Path, root: Path | None = None) -> int:
    """Remove what killed processes left half-written in `folder`; gives how many files that were.

    Only for the start of a run: part files of a run that is still alive go too, and its recordings with
    them. What lies behind a link is not ours: nothing is removed where `folder` is one, or a folder between
    it and the output folder `root` that it lies in.
    """
    below = folder.relative_to(root or folder).parts
    if any(one.is_symlink() for one in (folder, *folder.parents[: len(below)])):
        return 0
    parts = [path for path in folder.glob(f".*{PART_SUFFIX}") if path.is_file()]
    for path in parts:
        path.unlink(missing_ok=True)
    return len(parts)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where its file system knows how to."""
    if os.name == "posix":  # Windows has no such call
        try:
            handle = os.open(folder, os.O_RDONLY)
        except PermissionError:  # a folder to drop files in, which cannot be read
            return
        try:
            _sync(handle)
        finally:
            os.close(handle)


def _sync(handle: int) -> None:
    """Bring what was written to the disk; many network and FUSE file systems cannot, and say EINVAL."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in _LOST:
            raise
