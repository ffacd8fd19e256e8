"""Trains STA-DRN: ``python -m stan_lightning.train trainer.max_epochs=200``.

A run's folder holds ``config.yaml``, ``versions.txt``, ``metrics.csv`` and ``checkpoints/`` with
``best.ckpt`` (lowest development MAE) and ``last.ckpt``; ``resume=<folder>`` goes on where it stood.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from stan_boundary.command_line import check_command_line, with_new_keys, with_scale
from stan_boundary.composition import check
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import override
from stan_boundary.writing import discard_parts, write_whole
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.logging.metrics_table import MetricsTable
from stan_lightning.logging.processes import is_first, share_processors
from stan_lightning.network.build import modalities, written_out
from stan_lightning.runs import resume
from stan_lightning.runs.callbacks import EpochLine, Sigterm
from stan_lightning.runs.checkpoints import FOLDER, WholeCheckpointIO, holds_run, newest
from stan_lightning.runs.divergence import StopAtNaN
from stan_lightning.runs.interruption import interruptible
from stan_lightning.runs.interval import Interval
from stan_lightning.runs.quiet import quiet
from stan_lightning.runs.rehearsal import rehearsal, rehearsed
from stan_lightning.runs.summary import announce, summarise
from stan_lightning.runs.versions import versions
from stan_lightning.sharing.hub import local
from stan_lightning.training.module import StanModule
from stan_lightning.training.objective import Objective
from stan_lightning.training.refusals import (
    refuse_area_of_one_class,
    refuse_half_precision,
    refuse_impossible_numbers,
    refuse_other_kind,
    refuse_single_values,
    refuse_sweep_on_processes,
    refuse_sync_on_cpu,
    refuse_test_metrics,
    refuse_unlogged_monitors,
)
from stan_lightning.training.trainer_refusals import (
    TRAINING,
    refuse_callbacks,
    refuse_profiler,
    refuse_thawing_in_processes,
    refuse_trainer_settings,
)

FILES = (
    "config.yaml",
    "versions.txt",
    "metrics.csv",
    "summary.json",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
)
EXAMPLES = (
    "python -m stan_lightning.train trainer.max_epochs=200",
    "python -m stan_lightning.train experiment=sta_drn_2023 data.root=/data/crops hydra.run.dir=runs/a",
    "python -m stan_lightning.train resume=runs/a",
)


def main() -> None:
    """Check what was typed, then run."""
    sys.argv[1:] = with_scale(sys.argv[1:])
    for names in ("data.signals", "model.init_weights"):
        sys.argv[1:] = with_new_keys(sys.argv[1:], names)
    check_command_line("train", __doc__ or "", EXAMPLES, optional="resume")
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="train")
def run(config: DictConfig) -> float:
    """Train one network; returns the best development MAE in points, for sweeps."""
    with one_line_errors():
        return train(config, Path(HydraConfig.get().runtime.output_dir))


def train(config: DictConfig, run: Path) -> float:
    """Train, or go on training, in the folder `run`; returns the best value of the monitored metric."""
    quiet()
    with interruptible(run):
        name_group(config)
        refuse_links(run)
        config, checkpoint = take_up(config, run)
        with resume.answerable(checkpoint) if checkpoint is not None else nullcontext():
            return fit(config, run, checkpoint)


def fit(config: DictConfig, run: Path, checkpoint: Path | None) -> float:
    """Train by a config, from a checkpoint where there is one; the result as `train`'s."""
    refuse_impossible_numbers(config)
    L.seed_everything(config.seed, verbose=False)
    data = open_data(config)
    data.columns = resume.columns(checkpoint)
    data.setup("fit")
    known = data.facts()
    if checkpoint is not None:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            planned: StanModule = instantiate(config.model, data=known, _convert_="all")
        refuse_other_kind("model", planned, StanModule)
        resume.refuse_other_network(planned, checkpoint)
    else:
        config = with_fetched_weights(config)
    module: StanModule = instantiate(config.model, data=known, _convert_="all")
    refuse_other_kind("model", module, StanModule)
    data.serve(module.network.parts)
    with closing(build_trainer(config, run, module.objective)) as trainer:
        recordings = data.tables["train"].label.count()
        refuse_single_values(module.network, config.data, recordings, trainer.world_size)
        if data.classes:
            refuse_area_of_one_class(trainer.callbacks, data.tables["dev"].label)  # type: ignore[attr-defined]
        announce(config, data, module, trainer)
        if trainer.is_global_zero and not rehearsal(trainer):
            write_down(config, run)
        log_start(config, checkpoint, trainer)
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        return rehearsed(run, trainer) if rehearsal(trainer) else summarise(run, data, module, trainer)


def with_fetched_weights(config: DictConfig) -> DictConfig:
    """Initial weights of the hub, ``user/name``, by the folder that they are kept in here."""
    config = config.copy()
    given = config.model.init_weights
    if isinstance(given, str):
        config.model.init_weights = str(local(given))
    else:
        for name, one in (given or {}).items():
            config.model.init_weights[name] = str(local(one)) if isinstance(one, str) else one
    return config


def open_data(config: DictConfig) -> CropDataModule:
    """The crops; of a clip is read what the network asks for, unless the config says what."""
    asked = modalities(OmegaConf.to_container(config.model.network))  # type: ignore[arg-type] # a mapping
    read = config.data.modalities or asked
    for name in ("augment", "sampler"):
        check(OmegaConf.to_container(config.data[name]) if config.data[name] else None, f"data.{name}")
    data: CropDataModule = instantiate(config.data, modalities=read, _convert_="all")
    refuse_other_kind("data", data, CropDataModule)
    return data


def name_group(config: DictConfig) -> None:
    """Jobs of a multirun share a group that is named after the sweep and its folder."""
    settings = HydraConfig.get()
    if settings.mode is RunMode.MULTIRUN and config.group is None:
        kind = settings.runtime.choices.get("sweep") or "sweep"
        config.group = f"{kind}_{Path(settings.sweep.dir).name}"


def refuse_links(run: Path) -> None:
    """A run's folder that others filled may hold links, which writing would follow, or what stops it late."""
    links = (
        [path for path in run.iterdir() if path.is_symlink() and not path.is_file()] if run.is_dir() else []
    )
    if links:
        raise InputError(
            f"{links[0]} is a link to a folder: nothing is written through one; move the folder itself"
        )
    for name in (FOLDER, *FILES):
        if (run / name).exists() and (run / name).is_dir() != (name == FOLDER):
            kinds = ("no folder", "where checkpoints") if name == FOLDER else ("a folder", f"where {name}")
            raise InputError(f"{run / name} is {kinds[0]}, {kinds[1]} will lie: move it away")


def take_up(config: DictConfig, run: Path) -> tuple[DictConfig, Path | None]:
    """Start a fresh run, or take up the one that the folder holds.

    Returns:
        The run's config, and the checkpoint to go on from.
    """
    if not OmegaConf.is_missing(config, "resume"):
        config = resume.own_config(run, config, HydraConfig.get().overrides.task)
    elif not holds_run(run):
        return standing_alone(config, run), None
    elif config.go_on:
        config = resume.same_config(run, standing_alone(config, run))
    else:
        raise InputError(
            f"{run} holds a run already: go on with it by `{override('resume', run)}`, "
            "give the same command with go_on=true, or another hydra.run.dir"
        )
    if is_first():
        discard_parts(run / FOLDER)
    checkpoint, said = newest(run)
    if said and is_first():
        print(printable(said))
    return config, checkpoint


def standing_alone(config: DictConfig, run: Path) -> DictConfig:
    """A fresh run's config, once checked, with what its network reads from files written out."""
    check_folders(config, run)
    network: Any = OmegaConf.to_container(config.model.network)
    if isinstance(network, dict) and (found := written_out(network)) != network:
        config.model.network = found
    return config


def check_folders(config: DictConfig, run: Path) -> None:
    """Check a config that a folder of others had a part in, as a resumed run's own is."""
    settings = HydraConfig.get()
    for source in settings.runtime.config_sources:
        if source.path != CONF and source.provider.startswith(("main", "command-line", "hydra.searchpath")):
            resume.check(config, run, settings.overrides.task, source.path)


def write_down(config: DictConfig, run: Path) -> None:
    """What a run is made of: its config, which repeats it, and the versions it ran with."""
    resume.write(run, config)
    lines = [f"{package}=={number}\n" for package, number in versions().items()]
    write_whole(run / "versions.txt", "".join(lines).encode())


def build_trainer(config: DictConfig, run: Path, objective: Objective) -> L.Trainer:
    """Lightning's Trainer with the config's callbacks and loggers and whole checkpoints."""
    settings = with_selection(config.trainer, objective)
    check(OmegaConf.to_container(settings), "trainer")
    make: partial[L.Trainer] = instantiate(settings, _partial_=True, _convert_="all")
    if not isinstance(make, partial) or make.func is not L.Trainer:
        raise InputError("the config's trainer is no lightning.Trainer: its _target_ is missing or another's")
    refuse_trainer_settings(make.keywords, TRAINING)
    refuse_profiler(make.keywords.get("profiler"))
    refuse_callbacks(make.keywords.get("callbacks"))
    callbacks = [*make.keywords["callbacks"].values(), Sigterm(), Interval(), EpochLine(), StopAtNaN(run)]
    refuse_test_metrics(callbacks)
    refuse_unlogged_monitors(callbacks, objective.metrics)
    precision = config.trainer.precision
    if precision == "auto":
        precision = "16-mixed" if torch.cuda.is_available() else "32-true"
    refuse_half_precision(precision, config.trainer.accelerator)
    watchers = instantiate(config.logger, _convert_="all").values()
    loggers = [watcher for watcher in watchers if isinstance(watcher, Logger)]
    callbacks += [watcher for watcher in watchers if isinstance(watcher, L.Callback)]
    plugins = [*(make.keywords.get("plugins") or []), WholeCheckpointIO()]
    home = make.keywords.get("default_root_dir") or run  # where callbacks and profilers write without a place
    given = dict(callbacks=callbacks, logger=loggers, precision=precision, plugins=plugins)
    try:
        trainer = make(**given, default_root_dir=home)
    except (MisconfigurationException, ValueError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"this machine cannot run this trainer ({said}); try trainer=default") from None
    refuse_thawing_in_processes(callbacks, trainer.world_size)
    share_processors(trainer.num_devices)
    refuse_sync_on_cpu(trainer, config.trainer.get("sync_batchnorm", False))
    if HydraConfig.get().mode is RunMode.MULTIRUN:
        refuse_sweep_on_processes(trainer)
    return trainer


def with_selection(settings: DictConfig, objective: Objective) -> DictConfig:
    """The trainer's config, in which `best` selects by the objective where nothing else is said.

    Raises:
        InputError: It is said by what, and nobody knows whether less of that is better, or more.
    """
    settings = settings.copy()
    best = settings.callbacks.get("best")
    if best is None:
        return settings
    best.monitor = best.monitor or objective.monitor
    tested = str(best.monitor).startswith("test")  # which is refused, whatever its mode
    best.mode = best.mode or objective.metrics.get(best.monitor, "min" if tested else None)
    if best.mode is None:
        raise InputError(
            f"trainer.callbacks.best.monitor={best.monitor}: say which is better, "
            "trainer.callbacks.best.mode=min or max"
        )
    return settings


def log_start(config: DictConfig, checkpoint: Path | None, trainer: L.Trainer) -> None:
    """Hand the loggers the config, and the table of metrics the epochs that are done."""
    for logger in trainer.loggers:
        logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
        if checkpoint is not None and isinstance(logger, MetricsTable):
            logger.keep_before(resume.finished_epochs(checkpoint))


@contextmanager
def closing(trainer: L.Trainer) -> Iterator[L.Trainer]:
    """Close the dashboard's run whatever happens, so that the next job of a multirun has its own."""
    failed = True
    try:
        yield trainer
        failed = False
    finally:
        for logger in trainer.loggers:
            if type(logger).__name__ == "Dashboard":  # whose import takes seconds
                logger.close(failed)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
