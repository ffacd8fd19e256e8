"""What training says at its start and its end."""

import json
from collections.abc import Mapping
from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from stan_boundary import cores
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import override, typed
from stan_boundary.writing import write_whole
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.notices import SYNTHETIC
from stan_lightning.data.protocol import overlap
from stan_lightning.network import checkpoint_file
from stan_lightning.network.build import modalities
from stan_lightning.training.development import in_sixteen_bits, score_in_float32
from stan_lightning.training.module import StanModule


def announce(config: DictConfig, data: CropDataModule, module: StanModule, trainer: L.Trainer) -> None:
    """Say what is about to be trained, on whom, and who stands in more than one partition."""
    if not trainer.is_global_zero:
        return
    parameters = sum(parameter.numel() for parameter in module.network.parameters())
    device = "CPU" if trainer.strategy.root_device.type == "cpu" else str(trainer.strategy.root_device)
    print(f"{kind(config.model.network)}, {parameters:,} parameters, on {device} in {trainer.precision}")
    print(f"processors to use: {cores.said()}; threads: {torch.get_num_threads()}")
    if in_sixteen_bits(module.hparams["validation_precision"], trainer):
        print("development is scored in 16 bits, and the chosen checkpoint once in float32 at the end")
    if not torch.cuda.is_available() and config.trainer.precision == "auto":
        print("no GPU here: training runs in float32 on the CPU")
    if config.data.synthetic:
        print(SYNTHETIC)
    counts = [f"{len(table)} {name}" for name, table in data.tables.items()]
    missing = sum(len(table) for table in data.missing.values())
    print(f"recordings: {', '.join(counts)}; {missing} without crops; protocol {config.data.protocol}")
    if config.data.protocol == "subject_disjoint":
        print(people_left(data.tables, config.data.n_folds))
    shared = {pair: n for pair, n in overlap(data.tables).items() if n and pair.count("+") == 1}
    if shared:
        said = ", ".join(f"{n} in {pair.replace('+', ' and ')}" for pair, n in shared.items())
        print(
            f"subjects in more than one partition: {said}; this flatters (see data.protocol=subject_disjoint)"
        )


def people_left(tables: Mapping[str, pd.DataFrame], n_folds: int) -> str:
    """How many people `subject_disjoint` leaves to train on, and how many folds by subject would."""
    training = tables["train"]
    people = training["subject"].nunique()
    everybody = pd.concat([table["subject"] for table in tables.values()]).nunique()
    folds = round(everybody * (n_folds - 2) / n_folds)
    said = (
        f"{people} people with {len(training[['subject', 'session']].drop_duplicates())} sessions to train on"
    )
    if folds <= people:
        return f"subject_disjoint: {said}"
    return (
        f"subject_disjoint leaves {said}; data.protocol=group_kfold trains on about {folds} in each fold, "
        "and tests everybody"
    )


def kind(network: DictConfig) -> str:
    """A network in a few words: its class, what it reads, and by which encoders."""
    encoders = network.get("encoders") or {name: network.encoder for name in modalities(network)}
    parts = ", ".join(f"{name} ({_class(one)})" for name, one in encoders.items())
    how = f"{network.fusion} of " if "fusion" in network else ""
    return f"{_class(network)}: {how}{parts}"


def _class(config: DictConfig) -> str:
    return str(config._target_).rpartition(".")[2]


def summarise(run: Path, data: CropDataModule, module: StanModule, trainer: L.Trainer) -> float:
    """Show the selected epoch beside the baselines, where things lie and what to type next.

    The same goes into ``summary.json``. Where development was scored in 16 bits, the value of a run is that
    of its selected epoch in float32, as evaluation's numbers are; the one that chose it stands beside.

    Returns:
        Best value of the monitored metric.
    """
    best = trainer.checkpoint_callback
    if not isinstance(best, ModelCheckpoint) or best.best_model_score is None or not best.best_model_path:
        raise InputError(
            f"{run} has no best checkpoint to report: trainer.callbacks.best must be the first one"
        )
    value, chosen_by = float(best.best_model_score), {}
    if in_sixteen_bits(module.hparams["validation_precision"], trainer):
        chosen_by = {"value_in_sixteen_bits": value}
        value = score_in_float32(trainer, module, data, best.best_model_path)
    if not trainer.is_global_zero:
        return value
    epoch = checkpoint_file.load(best.best_model_path, mmap=True)["epoch"]
    baselines = trivial_scores(data) if best.monitor == module.objective.monitor else {}
    selected = {"metric": best.monitor, "mode": best.mode, "value": value}
    found = selected | {"epoch": epoch, "epochs": trainer.current_epoch}
    write_whole(run / "summary.json", json.dumps(found | chosen_by | baselines, indent=1).encode())
    table = Table(title=f"development, {int(data.tables['dev'].label.count())} recordings")
    table.add_column("predicted by")
    table.add_column(str(best.monitor), justify="right")
    table.add_row(f"the network, best of {trainer.current_epoch} epochs: {epoch}", f"{value:.2f}")
    for in_sixteen_bits_too in chosen_by.values():
        table.add_row("the same in 16 bits, which chose the epoch", f"{in_sixteen_bits_too:.2f}")
    for name, baseline in baselines.items():
        table.add_row(f"the {name.replace('train_', 'training ').replace('_', ' ')}", f"{baseline:.2f}")
    console = Console()
    console.print(table)
    for word, path in (("best", best.best_model_path), ("last", run / "checkpoints" / "last.ckpt")):
        console.print(printable(f"{word}: {path}"), soft_wrap=True, markup=False, highlight=False)
    console.print(printable(f"curves: {run / 'metrics.csv'}"), soft_wrap=True, markup=False, highlight=False)
    command = f"python -m stan_lightning.evaluate {override('checkpoint', best.best_model_path)}"
    console.print(f"next: {typed(command)} partition=test", soft_wrap=True, markup=False, highlight=False)
    return value


def trivial_scores(data: CropDataModule) -> dict[str, float]:
    """What costs nothing: development MAE of the training median and mean, or the accuracy of one class."""
    train, dev = (data.tables[name].label for name in ("train", "dev"))
    if data.classes:
        train, dev = train[train != ""], dev[dev != ""]
        return {"most_common_training_class": float((dev == train.mode()[0]).mean())}
    train, dev = train.dropna(), dev.dropna()
    guesses = {"train_median": train.median(), "train_mean": train.mean()}
    return {name: float(np.abs(dev - guess).mean()) for name, guess in guesses.items()}
