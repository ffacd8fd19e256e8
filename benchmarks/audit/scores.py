"""What a trained network says of its test partition, by the functions that an evaluation calls.

An evaluation itself would take longer than these networks train: it fits shortcut models and corrupts
pictures in many ways, of which the audit asks only for shuffled frames and another person's sound.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd

from stan_boundary.writing import write_whole
from stan_lightning.evaluation.candidate import Candidate, from_checkpoint
from stan_lightning.evaluation.modalities import derangement
from stan_lightning.evaluation.robustness import shuffle
from stan_lightning.evaluation.scoring import score_windows
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table
from stan_lightning.runs.quiet import quiet

CHANGES = ("shuffled frames", "another person's audio")
_FILE = "scores.json"


def scores(run: Path, changes: Collection[str]) -> Mapping[str, Any]:
    """Numbers of a run's last checkpoint, made where they are not there yet.

    Args:
        run: The run's folder.
        changes: Of `CHANGES`, what is to be scored as well.

    Returns:
        `mae` in points by what it is of (`network`, `median` and each change), `validity` as ``metrics.json``
        has it, and `videos`: recording, subject, label and prediction of each.
    """
    file = run / _FILE
    if not file.is_file():
        write_whole(file, json.dumps(_made(run, changes)).encode())
    found: Mapping[str, Any] = json.loads(file.read_text())
    return found


def _made(run: Path, changes: Collection[str]) -> dict[str, Any]:
    quiet()
    candidate = from_checkpoint(run / "checkpoints" / "last.ckpt", {"num_workers": 0})
    recordings = candidate.data.tables["test"].assign(partition="test")
    windows, predictions = _scored(candidate, recordings)
    baselines = baseline_table(predictions, candidate.training)
    numbers = metrics(predictions, windows, baselines, candidate.scale)
    errors = {
        "network": numbers["video"]["mae"]["value"],
        "median": numbers["baselines"]["train_median"]["mae"]["value"],
    }
    asked: dict[str, dict[str, Any]] = {
        CHANGES[0]: {"corrupt": {"face": shuffle(seed=0)}},
        CHANGES[1]: {"swapped": {"audio": derangement(recordings["subject"].astype(str).tolist(), seed=0)}},
    }
    for change in changes:
        _, changed = _scored(candidate, recordings, **asked[change])
        errors[change] = float((changed["prediction"] - changed["label"]).abs().mean())
    kept = predictions[["recording", "subject", "label", "prediction"]]
    return {"mae": errors, "validity": numbers["validity"], "videos": kept.to_dict("list")}


def _scored(
    candidate: Candidate, recordings: pd.DataFrame, **changes: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Windows and videos."""
    silent = dict(logger=False, enable_checkpointing=False, enable_model_summary=False)
    trainer = L.Trainer(accelerator="cpu", enable_progress_bar=False, use_distributed_sampler=False, **silent)
    windows = score_windows(candidate.module, candidate.data, recordings, trainer, **changes)
    points = candidate.data.hparams["score_range"]
    return windows, predictions_table(windows, recordings, points, candidate.training)
