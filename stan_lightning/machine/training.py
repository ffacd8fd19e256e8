"""A training as its words describe it: whether it can begin, what it needs, whether that is here."""

import contextlib
import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stan_boundary.command_line import with_new_keys
from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_boundary.typed import typed
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.facts import facts as data_facts
from stan_lightning.machine import hardware, needs
from stan_lightning.machine.fact import BAD, NOTE, Fact
from stan_lightning.network.build import modalities
from stan_lightning.training.module import StanModule
from stan_lightning.training.refusals import refuse_impossible_numbers

TRIAL_S = 10.0
GB = 1e9
_GPU_OVERHEAD = int(0.5 * GB)
"""Of the CUDA context, which the prediction leaves out."""
NOBODY = pd.DataFrame({"label": pd.Series(dtype=float)})
_HOURS, _MINUTES = 3600, 60


def facts(words: Sequence[str]) -> Iterator[Fact]:
    """What a training by these words needs; what cannot be said is said to be so."""
    try:
        config = _composed(words)
        refuse_impossible_numbers(config)
        data = _data(config)
    except (HydraException, OmegaConfBaseException, InputError, ValueError) as error:
        said = error.__cause__ if isinstance(error.__cause__, InputError) else error
        yield Fact(" ".join(str(said).split("\nSee ")[0].split())[:300], BAD)
        return
    missing = _crops(data)
    yield missing or Fact(
        f"crops: {', '.join(f'{len(table)} {name}' for name, table in data.tables.items())} recordings"
    )
    try:
        yield from _needs(config, data)
    except (HydraException, InputError) as error:
        said = error.__cause__ if isinstance(error.__cause__, InputError) else error
        yield Fact(f"its needs cannot be said: {' '.join(str(said).split())[:200]}", NOTE if missing else BAD)


def _composed(words: Sequence[str]) -> DictConfig:
    arguments = list(words)
    for names in ("data.signals", "model.init_weights"):
        arguments = with_new_keys(arguments, names)
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose("train", arguments)


def _data(config: DictConfig) -> CropDataModule:
    asked = modalities(OmegaConf.to_container(config.model.network))  # type: ignore[arg-type] # a mapping
    data: CropDataModule = instantiate(
        config.data, modalities=config.data.modalities or asked, _convert_="all"
    )
    return data


def _crops(data: CropDataModule) -> Fact | None:
    """Read the crops; what keeps training from beginning, or None."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # training says it again
            data.setup("fit")
    except InputError as error:
        data.tables = {}
        command = typed(str(data.hparams["make_crops"]))
        return Fact(f"crops: {error}", BAD, command if command not in str(error) else "")
    return None


def _needs(config: DictConfig, data: CropDataModule) -> Iterator[Fact]:
    known = data.facts() if data.tables else data_facts(NOBODY, None, data.columns, data.hparams)
    torch.manual_seed(0)
    module: StanModule = instantiate(config.model, data=known, _convert_="all")
    device = "cuda" if torch.cuda.is_available() and str(config.trainer.accelerator) != "cpu" else "cpu"
    precision = str(config.trainer.precision)
    if precision == "auto":
        precision = "16-mixed" if device == "cuda" else "32-true"
    count = sum(one.numel() for one in module.network.parameters())
    yield Fact(f"network: {count / 1e6:.2f} million parameters, on {device}, {precision}")
    yield _memory(module, config, data, precision, device)
    yield _disk(module)
    yield from _time(module, config, data, device)


def _memory(
    module: StanModule, config: DictConfig, data: CropDataModule, precision: str, device: str
) -> Fact:
    """The peak of a step beside what is free; where it is too much, the batch that fits."""
    batch = int(config.data.batch_size)
    over = _GPU_OVERHEAD if device == "cuda" else 0
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else hardware.memory()[1]

    def asked(size: int) -> int:
        return over + needs.memory_bytes(module, needs.example(module, data, size), precision, device)

    need = asked(batch)
    said = f"memory: {need / GB:.1f} GB predicted for batches of {batch}, {free / GB:.1f} GB free"
    if need <= free or not free:
        return Fact(said)
    one = asked(1)
    fits = int(1 + (free - one) / ((need - one) / (batch - 1))) if batch > 1 and free > one else 0
    mend = f"data.batch_size={fits}" if fits else "model.network.encoder.recompute=true or a smaller network"
    return Fact(f"{said}: too little", BAD, mend)


def _disk(module: StanModule) -> Fact:
    need, free = needs.disk_bytes(module), shutil.disk_usage(Path.cwd()).free
    said = f"disk: {need / GB:.2f} GB for a run's checkpoints, {free / GB:.1f} GB free"
    return (
        Fact(said) if need < free else Fact(f"{said}: too little", BAD, "hydra.run.dir=<a folder elsewhere>")
    )


def _time(module: StanModule, config: DictConfig, data: CropDataModule, device: str) -> Iterator[Fact]:
    batch, epochs = int(config.data.batch_size), int(config.trainer.max_epochs)
    inputs = needs.example(module, data, batch)
    try:
        trial = needs.try_out(module, inputs, device, TRIAL_S)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        yield Fact("time: the trial ran out of memory", BAD)
        return
    read_s = needs.reading_s(data)
    count = needs.amounts(data)
    every = int(config.trainer.check_val_every_n_epoch or 1)
    whole = needs.epoch_s(trial, count, batch, read_s, int(config.data.num_workers))
    alone = needs.epoch_s(trial, count | {"dev": 0}, batch, read_s, int(config.data.num_workers))
    total = epochs * alone + -(-epochs // every) * (whole - alone)
    of = "" if data.tables else " (as many as AVEC2014 has)"
    yield Fact(
        f"time: about {_said(whole)} an epoch of {count['train']} clips and {count['dev']} windows{of}, "
        f"{_said(total)} for {epochs}; by {trial.said}: {trial.step_s:.2f} s a step"
        + ("" if read_s is None else f", {1000 * read_s:.0f} ms to read a clip")
    )


def _said(seconds: float) -> str:
    for unit, name in ((_HOURS, "h"), (_MINUTES, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.1f} s"
