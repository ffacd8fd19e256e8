"""One program for all commands: ``stan-lightning <command>`` is ``python -m stan_lightning.<command>``.

Nothing is imported here that takes time: what there is and each command's help are said at once.
"""

import ast
import os
import runpy
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from stan_boundary.typed import COMMANDS, PROGRAM


def main() -> None:
    """Say what there is, or run a command as ``python -m`` would."""
    name, rest = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    if name in ("--help", "-h"):
        print(overview())
        return
    if name == "--version":
        print(version("stan-lightning"))
        return
    if name not in COMMANDS:
        print(_unknown(name), file=sys.stderr)
        sys.exit(2)
    module = "preprocess" if name == "preprocess" else f"stan_lightning.{name}"
    if {"--help", "-h"} & set(rest) and (said := quick_help(module, name)):
        print(said)
        return
    if not sys.flags.safe_path:  # modules of one's own lie where the command runs
        sys.path[0] = os.getcwd()
    sys.argv[1:] = rest
    # As `python -m` does it, so that processes that Lightning or a sweep starts are of the same module.
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def overview() -> str:
    """The commands, a line each."""
    lines = [f"{PROGRAM} <command> [arguments]", ""]
    lines += [f"  {name:<12}{what}" for name, what in COMMANDS.items()]
    lines += ["", "Each says --help. The same without this program: python -m stan_lightning.<command>, and"]
    lines += ["python -m preprocess."]
    return "\n".join(lines)


def quick_help(module: str, config_name: str) -> str:
    """A Hydra command's help, read from its source, whose imports take seconds; empty for another's."""
    from stan_boundary.command_line import help_text
    from stan_boundary.configs import CONF

    if not (Path(CONF) / f"{config_name}.yaml").is_file():
        return ""
    spec = find_spec(f"{module}.__main__" if module == "preprocess" else module)
    assert spec is not None and spec.origin is not None
    source = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    examples: Sequence[str] = ()
    for line in source.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "EXAMPLES":
            examples = ast.literal_eval(line.value)
    return help_text(config_name, ast.get_docstring(source) or "", examples)


def _unknown(name: str) -> str:
    if not name:
        return f"{overview()}\n\nerror: name a command"
    near = get_close_matches(name, COMMANDS, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    shown = name if name.isprintable() else ascii(name)
    return f"error: there is no command {shown}{meant} ({PROGRAM} --help lists all)"


if __name__ == "__main__":
    main()
