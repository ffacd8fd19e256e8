"""How every command of this project ends when the user's input cannot be used."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from hydra.types import RunMode

from stan_boundary import trouble
from stan_boundary.errors import InputError
from stan_boundary.names import printable


class JobFailedError(CompactHydraException):
    """One job of a multirun failed on its input; Hydra prints it without a traceback."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an `InputError` into one line on stderr and a non-zero exit code.

    So is any error that Hydra met in making an object that the config describes, and what the machine
    refuses (`trouble.said`). A single run exits with
    code 2. A job of a multirun raises instead, because an exit would take the other jobs with it:
    Hydra goes on with them and exits with code 1 at the end.
    """
    try:
        yield
    except InputError as error:
        _end(error)
    except InstantiationException as error:
        if said := trouble.said(error):
            _end(InputError(said))
        if not isinstance(error.__cause__, InputError):
            if gone := re.search(r"Error locating target '([^']+)'", str(error)):
                said = f"the config names {gone[1]}, which this version lacks: was the run made by another?"
                _end(InputError(said))
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            said = " ".join(str(error).split())[:400]
            _end(
                InputError(
                    f"the config asks for what cannot be made: {said} (HYDRA_FULL_ERROR=1 shows where)"
                )
            )
        _end(error.__cause__)
    except (OSError, RuntimeError, UnicodeEncodeError) as error:
        if not (said := trouble.said(error)):
            raise
        _end(InputError(said))


def speak_any_terminal() -> None:
    """Let what a terminal's encoding lacks be replaced, in place of an error in the middle of a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _end(cause: BaseException) -> NoReturn:
    print(f"error: {printable(cause)}", file=sys.stderr, flush=True)
    if HydraConfig.get().mode is RunMode.MULTIRUN:
        raise JobFailedError(printable(cause)) from None
    sys.exit(2)
