"""Folders that are written: room and rights."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stan_boundary.trouble import SHARED_MEMORY
from stan_lightning.machine.fact import BAD, NOTE, Fact

GB = 1e9
LITTLE_GB = 1.0
SMALL_SHARED_GB = 0.5
_TRIAL = 64 * 1024


def facts() -> Iterator[Fact]:
    """Where commands write: the folder at hand, temporary files, fetched models; and the shared memory."""
    yield _room("the folder at hand", Path.cwd(), "make room there, or run elsewhere")
    yield from _temporary()
    yield from _home()
    if SHARED_MEMORY.is_dir():
        size = shutil.disk_usage(SHARED_MEMORY).total / GB
        if size < SMALL_SHARED_GB:
            said = f"shared memory: {size:.2f} GB, little for processes that read crops"
            yield Fact(said, NOTE, "data.num_workers=0, or docker run --shm-size=2g")
        else:
            yield Fact(f"shared memory: {size:.1f} GB")


def _temporary() -> Iterator[Fact]:
    mend = "make room there, or export TMPDIR=<another folder>"
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:
        yield Fact("temporary files: no folder can be written", BAD, mend)
        return
    yield _room("temporary files", folder, mend)


def _home() -> Iterator[Fact]:
    """The home folder, and what libraries keep in its cache."""
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if home is None or not home.is_dir():
        where = "unknown" if home is None else f"{home}, which is not there"
        mend = "export HOME=<a folder that you can write>"
        if not os.path.isabs(cache):
            yield Fact(f"home folder: {where}; fetched models and settings have no place", BAD, mend)
        else:
            yield Fact(f"home folder: {where}; fetched models go to XDG_CACHE_HOME", NOTE, mend)
            yield _room("fetched models", Path(cache), "export XDG_CACHE_HOME=<another folder>")
        return
    mend = "make room there, or export XDG_CACHE_HOME=<another folder>"
    yield _room("fetched models", Path(cache) if os.path.isabs(cache) else home / ".cache", mend)


def _room(name: str, folder: Path, mend: str) -> Fact:
    """Free room, and whether a file can be written in the folder or the nearest one above that is there."""
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), Path("/"))
    free = shutil.disk_usage(there).free / GB
    said = f"{name}: {folder}, {free:.1f} GB free"
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(_TRIAL))
    except OSError as error:
        return Fact(f"{said}; it cannot be written ({error.strerror})", BAD, mend)
    return Fact(said, NOTE if free < LITTLE_GB else "ok", mend if free < LITTLE_GB else "")
