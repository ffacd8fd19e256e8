"""Next commands as their reader types them: with the interpreter that this command was typed with."""

import re
import shlex
import sys


def typed_python() -> str:
    """The interpreter as its user typed it, such as ``.venv/bin/python``: how a next command begins."""
    return shlex.quote(sys.orig_argv[0] if sys.orig_argv else sys.executable or "python")


def typed(command: str) -> str:
    """A command line of this project, ``python -m ...``, as this user types it; others as they are."""
    return re.sub(r"^python(?= -m )", lambda _: typed_python(), command)
