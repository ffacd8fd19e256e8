"""Ctrl-C and SIGTERM end a run cleanly, with one line that says how to go on."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from stan_boundary import trouble
from stan_boundary.errors import InputError
from stan_lightning.logging.processes import is_first
from stan_lightning.runs.checkpoints import FOLDER, LAST
from stan_lightning.runs.resume import command, finished_epochs


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C."""


def stop(signum: int, frame: FrameType | None) -> None:
    """Handle SIGTERM: leave at once, since the epoch will run again anyway."""
    raise TerminatedError


def catch_sigterm() -> None:
    """Take SIGTERM over, where this thread may."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


@contextmanager
def interruptible(run: Path) -> Iterator[None]:
    """Say how to go on with `run` when what is done within is interrupted.

    What the machine refuses, such as a full disk, becomes an `InputError` that says so too. Exits with 130
    after Ctrl-C and 143 after SIGTERM, as a shell counts signals; under a multirun the remaining jobs are
    not started.
    """
    before = signal.getsignal(signal.SIGTERM)
    catch_sigterm()
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:
        # Lightning turns an interruption into a SystemExit, whose context is what happened.
        cause = error if isinstance(error, KeyboardInterrupt) else error.__context__
        if not isinstance(cause, KeyboardInterrupt):
            raise
        if is_first():
            print(f"interrupted; {_what_is_kept(run)}", file=sys.stderr, flush=True)
        sys.exit(128 + (signal.SIGTERM if isinstance(cause, TerminatedError) else signal.SIGINT))
    except (OSError, RuntimeError, UnicodeEncodeError) as error:
        if not (said := trouble.said(error)):
            raise
        raise InputError(f"{said}; {_what_is_kept(run)}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _what_is_kept(run: Path) -> str:
    last = run / FOLDER / LAST
    if not last.is_file():
        return f"training had not begun, nothing is kept in {run}"
    return f"{finished_epochs(last)} whole epochs are kept; go on with: {command(run)}"
