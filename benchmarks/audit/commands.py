"""The project's own commands, as a user types them, each done once; and what they took."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from stan_boundary.writing import write_whole

_TIMES = "seconds.json"
_OUTPUT, _DONE = "output.txt", "summary.json"


def crops(output: Path, *settings: str) -> Path:
    """Drawn people and their crops in `output`, with progress."""
    if not (output / "quality.html").is_file():  # the last that preprocessing writes
        _timed(output, "preprocess", "corpus=demo", *settings, f"output={output}")
    return output


def train(run: Path, settings: list[str]) -> None:
    """Train, or go on, where the run is not done; `output.txt` in its folder holds what was printed."""
    if not (run / _DONE).is_file():
        run.mkdir(parents=True, exist_ok=True)
        _timed(
            run, "stan_lightning.train", *settings, f"hydra.run.dir={run}", "go_on=true", log=run / _OUTPUT
        )


def minutes(folder: Path) -> float:
    """Minutes of processors that all commands below a folder took, those of earlier starts included."""
    return sum(sum(json.loads(file.read_text()).values()) for file in folder.rglob(_TIMES)) / 60


def _timed(folder: Path, module: str, *arguments: str, log: Path | None = None) -> None:
    """Run a command, and add the processor time that it took to what earlier starts took.

    Raises:
        SystemExit: It failed.
    """
    with open(log or os.devnull, "a") as written:
        given: dict[str, Any] = {} if log is None else {"stdout": written, "stderr": subprocess.STDOUT}
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], **given)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if folder.is_dir():
        file = folder / _TIMES
        known = json.loads(file.read_text()) if file.is_file() else {}
        known[module] = known.get(module, 0.0) + used.ru_utime + used.ru_stime
        write_whole(file, json.dumps(known, indent=1).encode())
    if process.returncode:
        told = f"; it said: {log.read_text().strip().splitlines()[-1]}" if log else ""
        raise SystemExit(
            f"error: python -m {module} {' '.join(arguments)} ended with {process.returncode}{told}"
        )
