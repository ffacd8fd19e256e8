"""The folder that a run writes to: held by one run at a time, its failures said in one line."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.writing import output_folder


@contextmanager
def one_line_os_errors(output: Path) -> Iterator[None]:
    """Turn what the file system refuses into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot go on writing to {error.filename or output}: {error.strerror or error}; "
            "finished recordings are kept: mend this and run the same command again"
        ) from error


@contextmanager
def sole_use(output: Path) -> Iterator[None]:
    """Hold the output folder for this run, so that two do not clear away each other's part files.

    Raises:
        InputError: Another run holds it, it is a link, or it cannot be written.
    """
    output_folder(output)
    handle = os.open(output, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another run is at work in {output}: wait for its end or stop it") from None
        except OSError as error:  # many network file systems have no locks
            print(
                f"note: {as_text(output)} lies on a file system without locks ({error.strerror}): see to it "
                "that no other run writes there",
                flush=True,
            )
        yield
    finally:
        os.close(handle)
