"""Evaluates a trained network: ``python -m stan_lightning.evaluate checkpoint=<file> data.root=<crops>``.

Writes predictions.csv, windows.csv, metrics.json, baselines.csv and report.html, and ends with one table and
one sentence. ``weights=<released state dict>`` with ``model.*`` and ``data=...`` stands for a checkpoint.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import numpy as np
import pandas as pd
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from preprocess.command_line import check_command_line, with_new_keys
from preprocess.entry import CONF, one_line_errors
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.notices import DISCLAIMER, SYNTHETIC
from stan_lightning.data.presence import having
from stan_lightning.data.protocol import overlap
from stan_lightning.errors import InputError
from stan_lightning.evaluation import results, robustness, tables, verdict
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.identity_audit import audit
from stan_lightning.evaluation.modalities import gates, worth
from stan_lightning.evaluation.scoring import recording_features, score_windows
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.network import STADRN
from stan_lightning.network.weights import load_released
from stan_lightning.pages import report_page
from stan_lightning.training.module import StanModule
from stan_lightning.training.quiet import quiet
from stan_lightning.training.refusals import refuse_unread
from stan_lightning.training.trainer_refusals import SCORING, refuse_trainer_settings
from stan_lightning.training.versions import versions

DECIDED_IN_TRAINING = ("protocol", "fold", "n_folds", "split_seed", "score_range", "seed")
OF_THE_CROPS = ("root", "make_crops", "crops_stride")


@dataclass(frozen=True)
class Candidate:
    """What is evaluated, on what, and against whom it was trained.

    Attributes:
        module: The network.
        data: The crops, set up.
        training: Who was trained on, None where that is unknown.
        header: First entries of metrics.json.
        output: Folder for the results.
        run: Folder of the training run, None for released weights.
    """

    module: StanModule
    data: CropDataModule
    training: TrainingSessions | None
    header: dict[str, Any]
    output: Path
    run: Path | None


EXAMPLES = (
    "python -m stan_lightning.evaluate checkpoint=runs/a/checkpoints/best.ckpt",
    "python -m stan_lightning.evaluate checkpoint=runs/a/checkpoints/best.ckpt robustness=true",
    "python -m stan_lightning.evaluate weights=released.pth data.root=/data/crops partition=dev",
)


def main() -> None:
    """Check what was typed, then run."""
    sys.argv[1:] = with_new_keys(sys.argv[1:], "data.tracks")
    check_command_line("evaluate", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="evaluate")
def run(config: DictConfig) -> None:
    """Evaluate one network on one partition."""
    with one_line_errors(InputError):
        evaluate(config, HydraConfig.get().overrides.task)


def evaluate(config: DictConfig, overrides: list[str]) -> None:
    """Score, write and say what came out."""
    quiet()
    refuse_trainer_settings(config.trainer, SCORING)
    if config.partition not in PARTITIONS:
        raise InputError(f"partition={config.partition} is none of {', '.join(PARTITIONS)}")
    if (config.checkpoint is None) == (config.weights is None):
        raise InputError(
            "give checkpoint=<run>/checkpoints/best.ckpt, or weights=<released state dict> with its model.*"
        )
    candidate = from_weights(config) if config.checkpoint is None else from_checkpoint(config, overrides)
    refuse_broken_promises(candidate, config.partition)
    refuse_unread(candidate.module.network.modalities, candidate.data.hparams["modalities"])
    trainer: L.Trainer = instantiate(config.trainer, _convert_="all")
    windows = score_windows(candidate.module, candidate.data, config.partition, trainer)
    found = assess(candidate, windows, config)
    if config.robustness:
        found.metrics["robustness"] = under_corruption(candidate, trainer, windows, config)
    if len(candidate.module.network.modalities) > 1:
        found.metrics["modalities"] = worth_of_modalities(candidate, trainer, windows, config)
    if config.identity_audit:
        audits = whom_features_show(candidate, trainer, config)
        found.metrics["identity_audit"] = audits
        if all(one is None for one in audits.values()):
            print("no identity audit: no subject has two sessions in these crops")
    if not trainer.is_global_zero:
        return
    paths = results.write(found, candidate.output)
    paths.append(candidate.output / "report.html")
    paths[-1].write_text(report_page.page(found, candidate.run), encoding="utf-8")
    say(found, paths)


def from_checkpoint(config: DictConfig, overrides: list[str]) -> Candidate:
    """Open a checkpoint; what the command line says about data overrides what it was trained with."""
    asked = {override.split("=", 1)[0].lstrip("+~") for override in overrides}
    if fixed := [name for name in asked if name == "model" or name.startswith("model.")]:
        raise InputError(f"{fixed[0]}: a checkpoint knows its own network; leave model out")
    trained = open_checkpoint(config.checkpoint)
    if trained.module.hparams["objective"] != "severity":
        raise InputError(f"{config.checkpoint} was trained to tell classes; only severity is evaluated here")
    arguments = dict(trained.data)
    names = {name.split(".")[1] for name in asked if name.startswith("data.")}
    for name in names | (set(OF_THE_CROPS) if "data" in asked else set()):
        value: Any = OmegaConf.select(config.data, name)
        value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
        if name in DECIDED_IN_TRAINING and value != arguments[name]:
            raise InputError(
                f"data.{name}={value}, but the checkpoint was trained with {arguments[name]}: who is tested "
                "is decided in training; train again, or leave it out"
            )
        # Folders of tracks that are not named anew stay as they were in training.
        arguments[name] = (arguments.get(name) or {}) | value if name == "tracks" else value
    data = CropDataModule(**arguments)
    data.columns = trained.columns
    data.setup("test")
    training = trained.sessions if trained.sessions.sessions else None
    checkpoint = Path(config.checkpoint).resolve()
    header = {**trained.record, "partition": config.partition, "checkpoint": str(checkpoint)}
    run = checkpoint.parents[1]
    output = Path(config.output or run / "evaluation" / config.partition)
    return Candidate(trained.module, data, training, header, output, run)


def from_weights(config: DictConfig) -> Candidate:
    """Build the network that `model` describes, load released weights; the manifest is all that is known."""
    data: CropDataModule = instantiate(config.data, _convert_="all")
    data.setup("test")
    module: StanModule = instantiate(config.model, _convert_="all")
    if not isinstance(module.network, STADRN) or module.network.modalities != ("face",):
        raise InputError(
            "weights= takes the published network's: leave model= as it is, or give a checkpoint"
        )
    load_released(module.network, config.weights)
    training = TrainingSessions.from_table(data.tables["train"])
    kept = ("protocol", "fold", "n_folds", "score_range")
    weights = Path(config.weights).resolve()
    header = {name: data.hparams[name] for name in kept}
    header |= {"seed": None, "partition": config.partition, "checkpoint": str(weights)}
    output = Path(config.output or weights.parent / "evaluation" / config.partition)
    known = training if training.sessions else None
    return Candidate(module.eval(), data, known, header, output, None)


def refuse_broken_promises(candidate: Candidate, partition: str) -> None:
    """Under a protocol by subject nobody evaluated may have been trained on, whatever crops are given."""
    if candidate.training is None or partition == "train" or candidate.header["protocol"] == "official":
        return
    seen = candidate.training.subjects & set(candidate.data.tables[partition]["subject"].astype(str))
    if seen:
        raise InputError(
            f"protocol {candidate.header['protocol']} promises new subjects, but {min(seen)} was trained on: "
            "these are not the crops that the checkpoint was trained with; give data.root as in training"
        )


def assess(candidate: Candidate, windows: pd.DataFrame, config: DictConfig) -> results.Evaluation:
    """Tables and numbers from scored windows."""
    recordings = candidate.data.tables[config.partition].assign(partition=config.partition)
    expected = pd.concat([recordings, candidate.data.missing[config.partition]])
    score_range = candidate.data.hparams["score_range"]
    predictions = tables.predictions_table(windows, recordings, score_range, candidate.training)
    baselines = tables.baseline_table(predictions, candidate.training)
    bootstrap = tables.Bootstrap(config.bootstrap.resamples, config.bootstrap.seed)
    missing = tables.missing_recordings(expected, predictions)
    training = candidate.training
    order = ("protocol", "partition", "checkpoint", "seed")
    numbers = {name: candidate.header[name] for name in order}
    numbers["n_train_subjects"] = None if training is None else len(training.subjects)
    numbers |= tables.metrics(predictions, windows, baselines, score_range, bootstrap)
    numbers |= {"n_expected": len(expected), "n_missing": len(missing), "missing": missing}
    numbers["n_unlabelled"] = int(predictions["label"].isna().sum())
    numbers |= {name: value for name, value in candidate.header.items() if name not in order}
    numbers["synthetic"] = candidate.data.hparams["synthetic"]
    numbers["overlap"] = overlap(candidate.data.tables)
    numbers["bootstrap"] = {"resamples": bootstrap.resamples, "seed": bootstrap.seed}
    numbers["versions"] = versions()
    return results.Evaluation(numbers, predictions, windows, baselines)


def under_corruption(
    candidate: Candidate, trainer: L.Trainer, clean: pd.DataFrame, config: DictConfig
) -> dict[str, Any]:
    """Metrics at video level under noise and blur."""
    recordings = candidate.data.tables[config.partition].assign(partition=config.partition)
    score_range = candidate.data.hparams["score_range"]
    bootstrap = tables.Bootstrap(config.bootstrap.resamples, config.bootstrap.seed)

    def describe(corrupt: Mapping[str, robustness.Corruption]) -> dict[str, Any]:
        windows = clean
        if corrupt:
            windows = score_windows(candidate.module, candidate.data, config.partition, trainer, corrupt)
        predictions = tables.predictions_table(windows, recordings, score_range, candidate.training)
        return tables.describe_videos(predictions, score_range, bootstrap)

    return robustness.series(describe, candidate.module.network.modalities, config.seed)


def worth_of_modalities(
    candidate: Candidate, trainer: L.Trainer, windows: pd.DataFrame, config: DictConfig
) -> dict[str, Any] | None:
    """What each modality is worth, on the recordings that have them all; None where none has.

    And how the network weighed them in the windows of everybody, where it does so by gates.
    """
    table = everybody = candidate.data.tables[config.partition]
    modalities = candidate.module.network.modalities
    for modality in modalities:
        table = having(table, modality, candidate.data.tracks)
    if table.empty:
        return None
    score_range = candidate.data.hparams["score_range"]
    bootstrap = tables.Bootstrap(config.bootstrap.resamples, config.bootstrap.seed)

    def score(**changes: Any) -> pd.DataFrame:
        windows = score_windows(candidate.module, candidate.data, config.partition, trainer, **changes)
        recordings = table.assign(partition=config.partition)
        found = tables.predictions_table(windows, recordings, score_range, candidate.training)
        return found.dropna(subset=["label"])

    with only(candidate.data, {config.partition: table}):
        rows = worth(
            modalities,
            table["subject"].astype(str).tolist(),
            score,
            lambda found: tables.describe_videos(found, score_range, bootstrap),
            resamples=bootstrap.resamples,
            seed=bootstrap.seed,
        )
    there = {one: having(everybody, one, candidate.data.tracks)["recording"].tolist() for one in modalities}
    weighed = gates(windows, modalities, there)
    return {"rows": rows, "n_without": len(everybody) - len(table), "gates": weighed}


def whom_features_show(candidate: Candidate, trainer: L.Trainer, config: DictConfig) -> dict[str, Any]:
    """The identity audit of each encoder's features, by modality, over the recordings of all partitions."""
    found: dict[str, Any] = {}
    for modality in candidate.module.network.modalities:
        tables, tracks = candidate.data.tables, candidate.data.tracks
        kept = {name: having(table, modality, tracks) for name, table in tables.items()}
        kept = {name: table for name, table in kept.items() if len(table)}
        with only(candidate.data, kept):
            features = [
                recording_features(candidate.module, candidate.data, name, trainer, modality) for name in kept
            ]
        people = pd.concat(kept.values(), ignore_index=True)
        found[modality] = audit(
            np.concatenate(features),
            people["subject"],
            people["session"],
            resamples=config.bootstrap.resamples,
            seed=config.bootstrap.seed,
        )
    return found


@contextmanager
def only(data: CropDataModule, kept: Mapping[str, pd.DataFrame]) -> Iterator[None]:
    """For a while, these recordings alone."""
    everybody = data.tables
    data.tables = {**everybody, **kept}
    try:
        yield
    finally:
        data.tables = everybody


def say(found: results.Evaluation, paths: list[Path]) -> None:
    """End with one table, one sentence, what is missing, and the paths."""
    console = Console()
    numbers = found.metrics
    if numbers["n_missing"]:
        names = ", ".join(f"{row['recording']} ({row['reason']})" for row in numbers["missing"][:5])
        more = f" and {numbers['n_missing'] - 5} more" if numbers["n_missing"] > 5 else ""
        print(f"{numbers['n_missing']} of {numbers['n_expected']} recordings have no crops: {names}{more}")
    if numbers["n_unlabelled"]:
        print(
            f"{numbers['n_unlabelled']} of {len(found.predictions)} recordings have no label: "
            "predicted, not counted"
        )
    if numbers["video"]["n"]:
        console.print(verdict.table(numbers))
    if numbers.get("modalities"):
        console.print(verdict.modalities_table(numbers["modalities"]))
        if numbers["modalities"]["gates"]:
            print(verdict.gates_line(numbers["modalities"]["gates"]))
    print(verdict.sentence(numbers))
    if numbers["synthetic"]:
        print(SYNTHETIC)
    print(DISCLAIMER)
    for path in paths:
        print(path)


if __name__ == "__main__":
    main()
