"""Evaluates a trained network: ``python -m stan_lightning.evaluate checkpoint=<file> data.root=<crops>``.

Writes predictions.csv, windows.csv, metrics.json, baselines.csv and report.html, and ends with one table and
a line for each comparison. ``model=<model folder, or user/name on the hub>``, or ``weights=<released state
dict>`` with ``model.*`` and ``data=...``, stands for a checkpoint.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
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

from stan_boundary.command_line import check_command_line, with_model_folder, with_new_keys, with_scale
from stan_boundary.config_folder import trusted
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.file_names import safe_recording_name
from stan_boundary.names import printable
from stan_boundary.typed import override, typed
from stan_boundary.writing import output_folder, private_folder, write_whole
from stan_lightning.classification import assessment, terminal
from stan_lightning.classification.findings import findings as class_findings
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.notices import DISCLAIMER, SYNTHETIC
from stan_lightning.data.presence import having
from stan_lightning.data.protocol import overlap
from stan_lightning.evaluation import received, results, robustness, tables, verdict
from stan_lightning.evaluation.candidate import (
    Candidate,
    from_checkpoint,
    from_model,
    from_weights,
    refuse_broken_promises,
)
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.identity_audit import audit
from stan_lightning.evaluation.modalities import contributions, gates
from stan_lightning.evaluation.new_people import coverage
from stan_lightning.evaluation.ridge import ridge_baselines
from stan_lightning.evaluation.runtime import computed_by
from stan_lightning.evaluation.scoring import recording_features, score_windows
from stan_lightning.evaluation.trained import OF_THE_MACHINE, way
from stan_lightning.pages import class_report, gallery, report_page
from stan_lightning.runs.quiet import quiet
from stan_lightning.runs.versions import versions
from stan_lightning.sharing.folder import open_model
from stan_lightning.sharing.hub import local
from stan_lightning.training.module import StanModule
from stan_lightning.training.trainer_refusals import SCORING, refuse_trainer_settings

OF_THE_CROPS = ("root", "make_crops", "crops_stride")


EXAMPLES = (
    "python -m stan_lightning.evaluate checkpoint=runs/a/checkpoints/best.ckpt",
    "python -m stan_lightning.evaluate checkpoint=runs/a/checkpoints/best.ckpt robustness=true",
    "python -m stan_lightning.evaluate model=models/a data=folders data.root=/data/crops",
    "python -m stan_lightning.evaluate weights=released.pth data.root=/data/crops partition=dev",
)


def main() -> None:
    """Check what was typed, then run."""
    sys.argv[1:] = with_model_folder(with_scale(with_new_keys(sys.argv[1:], "data.signals")))
    check_command_line("evaluate", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="evaluate")
def run(config: DictConfig) -> None:
    """Evaluate one network on one partition."""
    with one_line_errors():
        evaluate(config, HydraConfig.get().overrides.task)


def evaluate(config: DictConfig, overrides: list[str]) -> None:
    """Score, write and say what came out."""
    quiet()
    refuse_trainer_settings(config.trainer, SCORING)
    if config.partition not in PARTITIONS:
        raise InputError(f"partition={config.partition} is none of {', '.join(PARTITIONS)}")
    candidate = opened(config, overrides)
    if config.identity_audit and config.runtime != "torch":
        raise InputError("identity_audit=true reads features, which runtime=onnx does not give")
    assessment.refuse_other_kind(config, candidate.classes)
    computed = computed_by(str(config.runtime), candidate.module, candidate.data.hparams)
    candidate = replace(candidate, module=computed)
    output = Path(config.output or private_folder(candidate.home / config.partition, candidate.home.parent))
    refuse_broken_promises(candidate, config.partition)
    output_folder(output)
    trainer: L.Trainer = instantiate(config.trainer, _convert_="all")
    try:
        found = measured(candidate, trainer, config)
    except InputError:
        # What cannot be read shows only where it is read: every crop is looked at once one could not be.
        if trainer.world_size > 1 or not candidate.data.set_aside_unreadable():
            raise
        trainer = instantiate(config.trainer, _convert_="all")
        found = measured(candidate, trainer, config)
    if not trainer.is_global_zero:
        return
    gallery.discard(output)
    paths = results.write(found, output)
    paths.append(report := output / "report.html")
    shown = report_page.page if candidate.classes is None else class_report.page
    write_whole(report, shown(found, candidate.run, config.names).encode())
    say(found, paths)
    if config.gallery:  # after the verdict, as films take minutes; a report links to what is there alone
        print(printable(gallery.write(found, candidate.data, output, config.names)))
        write_whole(report, report_page.page(found, candidate.run, config.names, gallery=True).encode())
    if (named := way(config)) != "weights":  # theirs go with a network's arguments
        scoring = override(named.removesuffix("_folder"), config[named])
        command = f"python -m stan_lightning.predict {scoring} video=<video>"
        print(printable(f"next: {typed(command)}"))


def measured(candidate: Candidate, trainer: L.Trainer, config: DictConfig) -> results.Evaluation:
    """Score, and find out all that was asked for."""
    recordings = candidate.data.recordings(config.partition)
    windows = score_windows(candidate.module, candidate.data, recordings, trainer)
    told = candidate.classes
    if told is None:
        found = assess(candidate, windows, config)
    else:
        positive = assessment.positive_of(config.positive, told)
        found = assessment.assess(candidate, windows, config.partition, positive)
    if config.robustness:
        found.metrics["robustness"] = under_corruption(candidate, trainer, windows, config)
    several = len(candidate.module.network.modalities) > 1
    if several and told is not None:
        print("what each modality contributes is told of scores alone")
    elif several:
        found.metrics["modalities"] = contribution_of_modalities(candidate, trainer, windows, config)
    if config.identity_audit:
        audits = whom_features_show(candidate, trainer)
        found.metrics["identity_audit"] = audits
        if all(one is None for one in audits.values()):
            print("no identity audit: no subject has two sessions in these crops")
    return found


def opened(config: DictConfig, overrides: list[str]) -> Candidate:
    """What the command line names; what it says about data overrides what a checkpoint was trained with."""
    named = way(config)
    if named == "weights":
        if config.data.score_range is None:
            raise InputError("weights= gives scores in points; data.score_range=null is for classes")
        data: CropDataModule = instantiate(config.data, _convert_="all")
        data.lenient = True
        data.setup("test")
        module: StanModule = instantiate(config.model, data=data.facts(), _convert_="all")
        data.serve(module.network.parts)
        return from_weights(config.weights, module, data)
    asked = {given.split("=", 1)[0].lstrip("+~").replace("/", ".") for given in overrides}
    if fixed := [name for name in asked if name == "model" or name.startswith("model.")]:
        kind = "checkpoint" if named == "checkpoint" else "model folder"
        raise InputError(f"{fixed[0]}: a {kind} knows its own network; leave model out")
    names = {name.split(".")[1] for name in asked if name.startswith("data.")} | set(OF_THE_MACHINE)
    changes = {}
    for name in names | (set(OF_THE_CROPS) if "data" in asked else set()):
        value: Any = OmegaConf.select(config.data, name)
        changes[name] = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    if named == "model_folder":
        given = str(config.model_folder)
        home = Path.cwd() / f"{safe_recording_name(Path(given).name)}_evaluation"
        return from_model(open_model(local(given), trusted(overrides)), given, changes, home)
    return from_checkpoint(config.checkpoint, changes, trusted(overrides))


def assess(candidate: Candidate, windows: pd.DataFrame, config: DictConfig) -> results.Evaluation:
    """Tables and numbers from scored windows."""
    recordings = candidate.data.tables[config.partition].assign(partition=config.partition)
    expected = pd.concat([recordings, candidate.data.missing[config.partition]])
    score_range = candidate.data.hparams["score_range"]
    predictions = tables.predictions_table(windows, recordings, score_range, candidate.training)
    ridges, fitted = ridge_baselines(candidate.data, config.partition, candidate.training)
    selected = set(candidate.data.tables["dev"]["subject"].astype(str))
    baselines = tables.baseline_table(predictions, candidate.training, ridges, selected)
    missing = tables.missing_recordings(expected, predictions)
    training = candidate.training
    order = ("protocol", "partition", "checkpoint", "seed")
    header = candidate.header | {"partition": config.partition}
    numbers = {name: header[name] for name in order}
    numbers["n_train_subjects"] = None if training is None else len(training.subjects)
    numbers |= tables.metrics(predictions, windows, baselines, candidate.scale)
    numbers["new_person"] = coverage_of_new_people(candidate, predictions, baselines)
    numbers["ridges"] = fitted
    numbers |= {"n_expected": len(expected), "n_missing": len(missing), "missing": missing}
    numbers["n_unlabelled"] = int(predictions["label"].isna().sum())
    numbers |= {name: value for name, value in header.items() if name not in order}
    numbers["synthetic"] = candidate.data.hparams["synthetic"]
    numbers["overlap"] = overlap(candidate.data.tables)
    numbers["intervals"] = received.INTERVALS
    numbers["versions"] = versions()
    return results.Evaluation(numbers, predictions, windows, baselines)


def coverage_of_new_people(
    candidate: Candidate, predictions: pd.DataFrame, baselines: pd.DataFrame | None
) -> dict[str, Any] | None:
    """How often the interval for a new person held; None where nobody knows who is new."""
    if baselines is None:
        return None
    exposure = predictions["recording"].map(baselines.set_index("recording")["exposure"])
    new = predictions[exposure == tables.NEW].dropna(subset=["label"])
    return coverage(new, candidate.conformal, candidate.scale)


def under_corruption(
    candidate: Candidate, trainer: L.Trainer, clean: pd.DataFrame, config: DictConfig
) -> dict[str, Any]:
    """Metrics at video level under noise and blur."""
    recordings = candidate.data.tables[config.partition].assign(partition=config.partition)
    score_range = candidate.data.hparams["score_range"]

    def describe(corrupt: Mapping[str, robustness.Corruption]) -> dict[str, Any]:
        windows = clean
        if corrupt:
            windows = score_windows(candidate.module, candidate.data, recordings, trainer, corrupt)
        predictions = tables.predictions_table(windows, recordings, score_range, candidate.training)
        return tables.describe_videos(predictions, candidate.scale)

    return robustness.series(describe, candidate.module.network.modalities, config.seed)


def contribution_of_modalities(
    candidate: Candidate, trainer: L.Trainer, windows: pd.DataFrame, config: DictConfig
) -> dict[str, Any] | None:
    """What each modality contributes, on the recordings that have them all; None where none has.

    And how the network weighed them in the windows of everybody, where it does so by gates.
    """
    table = everybody = candidate.data.tables[config.partition]
    modalities = candidate.module.network.modalities
    for modality in modalities:
        table = having(table, modality, candidate.data.signals)
    if table.empty:
        return None
    score_range = candidate.data.hparams["score_range"]

    def score(**changes: Any) -> pd.DataFrame:
        windows = score_windows(candidate.module, candidate.data, table, trainer, **changes)
        recordings = table.assign(partition=config.partition)
        found = tables.predictions_table(windows, recordings, score_range, candidate.training)
        return found.dropna(subset=["label"])

    rows = contributions(
        modalities,
        table["subject"].astype(str).tolist(),
        score,
        lambda found: tables.describe_videos(found, candidate.scale),
        seed=config.seed,
    )
    present = {
        one: having(everybody, one, candidate.data.signals)["recording"].tolist() for one in modalities
    }
    weighed = gates(windows, modalities, present)
    return {"rows": rows, "n_without": len(everybody) - len(table), "gates": weighed}


def whom_features_show(candidate: Candidate, trainer: L.Trainer) -> dict[str, Any]:
    """The identity audit of each encoder's features, by modality, over the recordings of all partitions."""
    found: dict[str, Any] = {}
    for modality in candidate.module.network.modalities:
        tables, signals = candidate.data.tables, candidate.data.signals
        kept = [having(table, modality, signals) for table in tables.values()]
        kept = [table for table in kept if len(table)]
        features = [
            recording_features(candidate.module, candidate.data, table, trainer, modality) for table in kept
        ]
        people = pd.concat(kept, ignore_index=True)
        found[modality] = audit(np.concatenate(features), people["subject"], people["session"])
    return found


def say(found: results.Evaluation, paths: list[Path]) -> None:
    """End with one table, a line a comparison, what is missing, and the paths."""
    console = Console()
    numbers = found.metrics
    if numbers["n_missing"]:
        names = ", ".join(f"{row['recording']} ({row['reason']})" for row in numbers["missing"][:5])
        more = f" and {numbers['n_missing'] - 5} more" if numbers["n_missing"] > 5 else ""
        said = f"{numbers['n_missing']} of {numbers['n_expected']} recordings have no crops: {names}{more}"
        print(printable(said))
    if numbers["n_unlabelled"]:
        print(
            f"{numbers['n_unlabelled']} of {len(found.predictions)} recordings have no label: "
            "predicted, not counted"
        )
    shown: Any = terminal if numbers.get("classes") else verdict
    if numbers["video"]["n"]:
        console.print(shown.table(numbers))
    if numbers.get("classes"):
        for line in (terminal.others(numbers), *terminal.rules(numbers)):
            print(printable(line))
    for reason in shown.not_fitted(numbers):
        print(printable(reason))
    if numbers.get("modalities"):
        console.print(verdict.modalities_table(numbers["modalities"]))
        if numbers["modalities"]["gates"]:
            print(printable(verdict.gates_line(numbers["modalities"]["gates"])))
    for finding in (class_findings if numbers.get("classes") else findings)(numbers):
        print(printable(finding))
    if numbers["synthetic"]:
        print(SYNTHETIC)
    print(DISCLAIMER)
    for path in paths:
        print(printable(path))


if __name__ == "__main__":
    main()
