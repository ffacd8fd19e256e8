"""What the machine refuses, in one line: a full disk, too little shared memory, a killed process.

Such errors come from deep within libraries. Here they are known by type, number and text, and no library is
imported for it.
"""

import errno
import os
import re
import shutil
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_OF_THE_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE, errno.ENOMEM)
_KILLED = re.compile(
    r"DataLoader worker \(pid.*?\) (?:is killed by signal: (?P<how>[^.]*)|exited unexpectedly)"
)


def said(error: BaseException) -> str | None:
    """What happened and the way on, in one line; None for an error that the machine is not to blame for."""
    found = _of_system(error) if isinstance(error, OSError) else _of_text(error)
    if found is None and error.__cause__ is not None:
        return said(error.__cause__)
    return found


def _of_system(error: OSError) -> str | None:
    where = os.fspath(error.filename) if isinstance(error.filename, str | os.PathLike) else None
    if error.errno in _FULL:
        return f"{where or 'a file'} cannot be written: the disk is full ({error.strerror}); make room there"
    if error.errno in _REFUSED:
        return (
            f"{where or 'a file'} cannot be opened or written ({error.strerror}): mend that or give another"
        )
    if "No usable temporary directory" in str(error):
        return (
            "no folder for temporary files can be written or has room: make room in "
            f"{os.environ.get('TMPDIR', '/tmp')}, or set TMPDIR to another"
        )
    if error.errno in _OF_THE_SYSTEM:
        return f"{f'{where}: ' if where else ''}the system refuses ({error.strerror})"
    return None


def _of_text(error: BaseException) -> str | None:
    """Errors of torch and Lightning that have no type of their own, and names that a locale cannot write."""
    if isinstance(error, UnicodeEncodeError):
        lacking = ascii(error.object[max(0, error.start - 20) : error.end + 20])
        return f"{lacking} cannot be written in {error.encoding}: set PYTHONUTF8=1 or LC_ALL=C.UTF-8"
    if not isinstance(error, RuntimeError):
        return None
    text = str(error)
    if re.search(r"PytorchStreamWriter failed writing|unexpected pos \d+ vs", text):
        return (
            "a checkpoint cannot be written whole: the disk is full or its quota is used up; make room there"
        )
    if re.search(r"(shared memory|\bshm\b|</torch_).*No space left|No space left.*(shm|torch_)", text, re.S):
        return _no_shared_memory()
    if "home directory" in text:  # pathlib's; a user whom the system does not know, as in containers
        return "the home folder is not known: set HOME, or XDG_CACHE_HOME as the place of fetched models"
    if found := _KILLED.search(text):
        how = found["how"] or ""
        if "Bus error" in how:
            return _no_shared_memory()
        return (
            f"a process that reads crops was killed{f' ({how})' if how else ''}, as systems do where memory "
            "runs out: take data.num_workers=0 (predict: num_workers=0) or smaller batches"
        )
    if found := re.search(r"You set `--ntasks=(\S+)` in your SLURM", text):
        return (
            f"Slurm was told --ntasks={found[1]}, which says nothing of nodes: give --ntasks-per-node="
            "<devices of a node> in its place, as in trainer=slurm trainer.devices=<as many>"
        )
    return None


def _no_shared_memory() -> str:
    size = ""
    if SHARED_MEMORY.is_dir():
        size = f" ({shutil.disk_usage(SHARED_MEMORY).total / 1e6:,.0f} MB)"
    return (
        f"the shared memory{size} is too small for what the processes that read crops hand over: take "
        "data.num_workers=0 (predict: num_workers=0), or enlarge /dev/shm (docker run --shm-size=2g)"
    )
