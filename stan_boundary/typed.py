"""Next commands as their reader types them: by the program or interpreter that was typed."""

import re
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "stan-lightning"
COMMANDS = {
    "preprocess": "make face crops, sound and behaviour of a corpus' videos",
    "embed": "run a pretrained network over crops or sound and keep its outputs as a signal",
    "train": "train a network on crops, or go on with a run",
    "evaluate": "measure a trained network beside baselines",
    "predict": "score any video, with timelines and pictures",
    "report": "compare runs on one page",
    "share": "make a model folder that others can use, with nothing in it of whom it learnt from",
    "doctor": "say what this machine has and what a training needs of it",
}
"""Of the program, as a newcomer meets them; each is a module of ``python -m``."""
_MODULE = re.compile(r"python -m (?:stan_lightning\.(\w+)|(preprocess))(?= |$)")


def typed(command: str) -> str:
    """A command line of this project, ``python -m ...``, as this user types it; others as they are."""
    found = _MODULE.match(command)
    program = _program()
    if found and program and (name := found[1] or found[2]) in COMMANDS:
        return f"{program} {name}{command[found.end() :]}"
    return re.sub(r"^python(?= -m )", lambda _: typed_python(), command)


def typed_python() -> str:
    """The interpreter as its user typed it, such as ``.venv/bin/python``."""
    return shlex.quote(sys.orig_argv[0] if sys.orig_argv else sys.executable or "python")


def _program() -> str:
    """This project's program as its user typed it; empty where it was not by it that this process began."""
    given = sys.orig_argv[1] if len(sys.orig_argv) > 1 else ""
    if Path(given).name != PROGRAM:
        return ""
    return PROGRAM if given == shutil.which(PROGRAM) else shlex.quote(given)


def override(key: str, value: object) -> str:
    """``key=value`` for a shell and for Hydra, quoted where one of the two needs it."""
    text = str(value)
    if not re.fullmatch(r"[\w./-]+", text, re.ASCII):
        text = in_quotes(text)
    return shlex.quote(f"{key}={text}")


def in_quotes(text: str) -> str:
    """Text within double quotes, as Hydra's grammar reads it back."""
    # A backslash is itself there, but for those before a quote.
    escaped = re.sub(r'(\\*)("|$)', lambda run: run[1] * 2 + (run[2] and '\\"'), text)
    return f'"{escaped}"'
