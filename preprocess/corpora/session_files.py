"""Files of a corpus' sessions where they lie: in folders, in zips and in tar.gz, without unpacking them."""

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from preprocess.corpora.corpus import files_below, relative_to_root
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.opening import check_regular, read_regular

MOST_BYTES = 2**30
_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted zip
)


class SessionFile(NamedTuple):
    """One file that was asked for.

    Attributes:
        kind: The pattern's name.
        place: POSIX path below the root; of a file in an archive the archive's, a slash, and its own.
        data: What it holds.
    """

    kind: str
    place: str
    data: bytes


def session_files(
    root: Path, patterns: Mapping[str, str], faults: list[str], most_bytes: int = MOST_BYTES
) -> Iterator[SessionFile]:
    """Files below a folder whose own name matches a pattern, at any depth, in a fixed order.

    Every archive is opened once and read from its beginning to its end. Hidden names (`._*`, `.~lock*`) and
    `__MACOSX` are passed over. An archive that ends too early gives what stands before its end.

    Args:
        root: Folder that holds sessions as folders, as files or packed.
        patterns: Kind to wildcards for the whole name, in any case, such as `*_CLNF_features.txt`; the first
            that matches counts.
        faults: Gains one line for each file or archive that cannot be read; the rest goes on.
        most_bytes: A longer file is a fault.

    Raises:
        InputError: `root` is no folder, or cannot be read.
    """
    for path in files_below(root):
        place, name = relative_to_root(path, root), path.name.lower()
        try:
            if name.endswith(".zip"):
                check_regular(path)
                yield from _in_zip(path, place, patterns, faults, most_bytes)
            elif name.endswith((".tar.gz", ".tgz")):
                check_regular(path)
                yield from _in_tar(path, place, patterns, faults, most_bytes)
            elif kind := _kind(name, patterns):
                if path.stat().st_size > most_bytes:
                    faults.append(_too_long(place, most_bytes))
                else:
                    yield SessionFile(kind, place, read_regular(path, most_bytes))
        except InputError as error:  # no regular file
            faults.append(str(error))
        except _DAMAGE as error:
            faults.append(f"{place} cannot be read ({_said(error)}): fetch it again")


def _in_zip(
    path: Path, place: str, patterns: Mapping[str, str], faults: list[str], most_bytes: int
) -> Iterator[SessionFile]:
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.infolist(), key=lambda one: one.filename):
            kind = None if member.is_dir() else _kind(member.filename, patterns)
            if kind is None:
                continue
            inner = f"{place}/{as_text(member.filename)}"
            if member.file_size > most_bytes:
                faults.append(_too_long(inner, most_bytes))
                continue
            try:
                data = archive.read(member)
            except _DAMAGE as error:
                faults.append(f"{inner} cannot be read ({_said(error)}): fetch the archive again")
                continue
            yield SessionFile(kind, inner, data)


def _in_tar(
    path: Path, place: str, patterns: Mapping[str, str], faults: list[str], most_bytes: int
) -> Iterator[SessionFile]:
    # gzip's own reader, because tarfile's takes a stream that breaks off for one that ends.
    with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            kind = _kind(member.name, patterns) if member.isfile() else None
            if kind is None:
                continue
            inner = f"{place}/{as_text(member.name)}"
            if member.size > most_bytes:
                faults.append(_too_long(inner, most_bytes))
            elif (content := archive.extractfile(member)) is not None:
                yield SessionFile(kind, inner, content.read())
        while stream.read(2**20):  # to the checksum in the end
            pass


def _kind(name: str, patterns: Mapping[str, str]) -> str | None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or any(part.startswith(("._", ".~", "__MACOSX")) for part in parts):
        return None
    own = parts[-1].lower()
    return next((kind for kind, wanted in patterns.items() if fnmatchcase(own, wanted.lower())), None)


def _too_long(place: str, most_bytes: int) -> str:
    return f"{place} is longer than {most_bytes:,} bytes: left out"


def _said(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
