"""The demo's network by the project's own commands: trained, killed, gone on with, evaluated twice."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.gpu.report import Report
from stan_lightning.evaluation.findings import findings

BETTER = "better than predicting the training median"
POINTS = 0.1  # of a score: the device's resize differs by a grey level here and there
TABLE = "The demo's network"
SMALL_CORPUS = ["corpus.subjects=24", "corpus.sessions={train: 14, dev: 4, test: 6}"]


def check_demo(
    report: Report, device: torch.device, folder: Path, crops: Path | None, epochs: int, whole: bool
) -> None:
    """Train, kill at a third, go on, and evaluate on the device and on the CPU.

    Args:
        report: Takes the rows.
        device: Whose accelerator trains.
        folder: For the corpus, the run and both evaluations.
        crops: A drawn corpus that is there; None: it is drawn.
        epochs: Of training.
        whole: Whether the network sees enough that it must beat the training median.
    """
    if crops is None:
        crops = folder / "crops"
        command("preprocess", "corpus=demo", *([] if whole else SMALL_CORPUS), f"output={crops}")
    run = folder / "run"
    on = ["trainer.accelerator=gpu", "trainer.precision=16-mixed", "trainer.devices=1"]
    if device.type == "cpu":
        on = ["trainer.accelerator=cpu", "trainer.precision=32-true"]
    asked = ["experiment=demo", f"data.root={crops}", f"trainer.max_epochs={epochs}", *on]
    kept = epochs // 3
    code = command(
        "stan_lightning.train",
        *asked,
        f"hydra.run.dir={run}",
        until=lambda: len(rows(run)) >= kept,
        good=None,
    )
    killed = rows(run)
    expected = 0 if code == -signal.SIGKILL else math.nan
    report.compare("demo: killed in training", expected, 0, f"SIGKILL after {len(killed)} epochs")
    command("stan_lightning.train", f"resume={run}")
    resumed = rows(run)
    report.compare(
        "demo: epochs after going on", abs(len(resumed) - epochs), 0, f"{epochs} rows in metrics.csv"
    )
    again = 0 if resumed[: len(killed)] == killed else math.nan
    report.compare("demo: rows of before the kill", again, 0, "as they were")
    found = {}
    for place in dict.fromkeys(("gpu" if device.type == "cuda" else "cpu", "cpu")):
        output = folder / f"evaluation_{place}"
        best = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
        command("stan_lightning.evaluate", best, f"output={output}", f"trainer.accelerator={place}")
        found[place] = pd.read_csv(output / "predictions.csv")["prediction"]
        metrics = json.loads((output / "metrics.json").read_text())
        measured = {
            "scored on": place,
            "MAE": metrics["video"]["mae"]["value"],
            "verdict": findings(metrics)[0].text,
        }
        report.measure(TABLE, measured)
        if whole:
            beats = 0 if findings(metrics)[0].text.startswith(BETTER) else math.nan
            report.compare(f"demo: verdict, scored on {place}", beats, 0, BETTER)
    scores = list(found.values())
    report.compare("demo: scores on both, points", (scores[0] - scores[-1]).abs().max(), POINTS)


def rows(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's metrics.csv, as text; none before its first epoch ended."""
    file = run / "metrics.csv"
    return pd.read_csv(file, dtype=str).to_dict("records") if file.is_file() else []


def command(
    module: str, *arguments: str, until: Callable[[], bool] | None = None, good: int | None = 0
) -> int:
    """Run a command of the project, its lines shown as they come.

    Args:
        module: Of ``python -m``.
        arguments: Its command line.
        until: Asked after each line: where it says yes, the command is killed.
        good: The exit code that it must have; None: any.

    Returns:
        Its exit code.

    Raises:
        RuntimeError: It ended with another exit code; the message holds its last lines.
    """
    typed = [sys.executable, "-m", module, *arguments]
    environment = os.environ | {"COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    said: list[str] = []
    with subprocess.Popen(
        typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            print(f"    {line.rstrip()}", flush=True)
            if until is not None and until():
                process.send_signal(signal.SIGKILL)
                until = None
    if good is not None and process.returncode != good:
        last = "".join(said[-20:])
        raise RuntimeError(
            f"python -m {module} {' '.join(arguments)} ended with {process.returncode}:\n{last}"
        )
    return process.returncode
