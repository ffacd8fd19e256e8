"""The project's own commands, as a user types them, each done once; and what they took."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TIMES = "seconds.json"


def command(module: str, *arguments: str) -> None:
    """Run a command of the project; its failure ends the benchmark."""
    ended = subprocess.run([sys.executable, "-m", module, *arguments])
    if ended.returncode:
        raise SystemExit(f"error: python -m {module} {' '.join(arguments)} ended with {ended.returncode}")


def crops(output: Path, *settings: str) -> Path:
    """Drawn people and their crops in `output`."""
    if not (output / "quality.html").is_file():  # the last that preprocessing writes
        timed(output, "preprocess", "corpus=demo", *settings, f"output={output}")
    return output


def evaluated(run: Path, training: list[str], evaluation: list[str]) -> Mapping[str, Any]:
    """What is not there yet of a run and its evaluation on test, and the evaluation's numbers."""
    output = run / "evaluation" / "test"
    if not (output / "metrics.json").is_file():
        timed(run, "stan_lightning.train", *training, f"hydra.run.dir={run}", "go_on=true")
        checkpoint = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
        timed(run, "stan_lightning.evaluate", checkpoint, *evaluation, f"output={output}")
    numbers: Mapping[str, Any] = json.loads((output / "metrics.json").read_text())
    return numbers


def timed(folder: Path, module: str, *arguments: str) -> None:
    """`command`, with what it took added to what earlier starts took in the same folder."""
    began, used = time.perf_counter(), _cpu_s()
    try:
        command(module, *arguments)
    finally:
        took = {"wall": time.perf_counter() - began, "cpu": _cpu_s() - used}
        file = folder / _TIMES
        known = json.loads(file.read_text()) if file.is_file() else {}
        before = known.get(module, {"wall": 0.0, "cpu": 0.0})
        known[module] = {name: before[name] + seconds for name, seconds in took.items()}
        if folder.is_dir():
            beside = file.with_suffix(".part")
            beside.write_text(json.dumps(known, indent=1))
            os.replace(beside, file)


def minutes(folder: Path) -> tuple[float, float]:
    """Minutes by the clock, and of processors, that all below a folder took."""
    steps = [one for file in folder.rglob(_TIMES) for one in json.loads(file.read_text()).values()]
    return sum(one["wall"] for one in steps) / 60, sum(one["cpu"] for one in steps) / 60


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
