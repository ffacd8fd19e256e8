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


def in_quotes(text: str) -> str:
    """Text within double quotes, as Hydra's grammar reads it back."""
    # A backslash is itself there, but for those before a quote.
    escaped = re.sub(r'(\\*)("|$)', lambda run: run[1] * 2 + (run[2] and '\\"'), text)
    return f'"{escaped}"'
