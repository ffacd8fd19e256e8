"""Trains STA-DRN: ``python -m stan_lightning.train trainer.max_epochs=200``.

A run's folder holds ``config.yaml``, ``versions.txt``, ``metrics.csv`` and ``checkpoints/`` with
``best.ckpt`` (lowest development MAE) and ``last.ckpt``; ``resume=<folder>`` goes on where it stood.
"""

import logging
import warnings
from functools import partial
from importlib.metadata import version
from pathlib import Path

import hydra
import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig, OmegaConf

from preprocess.entry import one_line_errors
from preprocess.errors import InputError
from stan_lightning import resume
from stan_lightning.checkpoints import WholeCheckpointIO, newest
from stan_lightning.datamodule import CropDataModule
from stan_lightning.module import StanModule
from stan_lightning.summary import announce, summarise

CONF = str(Path(__file__).resolve().parents[1] / "conf")
PACKAGES = ("stan-lightning", "torch", "lightning", "torchmetrics", "hydra-core", "numpy", "opencv-python")


@hydra.main(version_base="1.3", config_path=CONF, config_name="train")
def main(config: DictConfig) -> float:
    """Train one network; returns the best development MAE in points, for sweeps."""
    with one_line_errors():
        return train(config, Path(HydraConfig.get().runtime.output_dir))


def train(config: DictConfig, run: Path) -> float:
    """Train, or go on training, in the folder `run`; returns the best value of the monitored metric."""
    quiet()
    checkpoint = None
    if OmegaConf.is_missing(config, "resume"):
        refuse_used(run)
    else:
        config = resume.own_config(run, config, HydraConfig.get().overrides.task)
        checkpoint, said = newest(run)
        print(said, end="\n" if said else "")
    L.seed_everything(config.seed, verbose=False)
    data: CropDataModule = instantiate(config.data, _convert_="all")
    data.setup("fit")
    module: StanModule = instantiate(config.model, classes=data.classes, _convert_="all")
    trainer = build_trainer(config)
    announce(config, data, module, trainer)
    if checkpoint is None:
        write_down(config, run)
    else:
        restore_metrics(run, checkpoint, trainer)
    for logger in trainer.loggers:
        logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
    trainer.fit(module, data, ckpt_path=checkpoint)
    return summarise(run, data, trainer)


def refuse_used(run: Path) -> None:
    """A fresh run takes no folder that holds another."""
    if (run / resume.CONFIG).is_file():
        raise InputError(
            f"{run} holds a run already: go on with it by `resume={run}`, or give another hydra.run.dir"
        )


def write_down(config: DictConfig, run: Path) -> None:
    """What a fresh run is made of: its config, which repeats it, and the versions it ran with."""
    OmegaConf.save(config, run / resume.CONFIG)
    versions = [f"{package}=={version(package)}\n" for package in PACKAGES]
    (run / "versions.txt").write_text("".join(versions))


def build_trainer(config: DictConfig) -> L.Trainer:
    """Lightning's Trainer with the config's callbacks and loggers and whole checkpoints."""
    make: partial[L.Trainer] = instantiate(config.trainer, _partial_=True, _convert_="all")
    callbacks = list(make.keywords["callbacks"].values())
    refuse_test_metrics(callbacks)
    precision = config.trainer.precision
    if precision == "auto":
        precision = "16-mixed" if torch.cuda.is_available() else "32-true"
    loggers = list(instantiate(config.logger, _convert_="all").values())
    try:
        return make(callbacks=callbacks, logger=loggers, precision=precision, plugins=[WholeCheckpointIO()])
    except MisconfigurationException as error:
        said = " ".join(str(error).split())
        raise InputError(f"this machine cannot run this trainer ({said}); try trainer=default") from None


def refuse_test_metrics(callbacks: list[L.Callback]) -> None:
    """Selection is by the development partition only."""
    for callback in callbacks:
        monitored = getattr(callback, "monitor", None)
        if isinstance(monitored, str) and monitored.startswith("test"):
            raise InputError(
                f"{type(callback).__name__} would monitor {monitored}: a choice made on test data makes its "
                "number worthless; monitor val/mae"
            )


def restore_metrics(run: Path, checkpoint: Path, trainer: L.Trainer) -> None:
    """Hand the finished epochs' rows of metrics.csv to the logger that is about to write it anew."""
    finished = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["epoch"] + 1
    rows = resume.rows_before(run, finished)
    for logger in trainer.loggers:
        if isinstance(logger, CSVLogger) and rows:
            resume.put_back(run, logger, rows)


def quiet() -> None:
    """Leave out what Lightning and torch say that a user of this program can do nothing about."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "does not have many workers",
        "LeafSpec",
        "Checkpoint directory",
        "Experiment logs directory",
    ):
        warnings.filterwarnings("ignore", f".*{message}.*")


if __name__ == "__main__":
    main()
