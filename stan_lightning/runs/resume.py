"""Going on with a run where it stood, by its own config."""

import os
import pickle
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf

from stan_boundary import trouble
from stan_boundary.config_folder import trusted
from stan_boundary.errors import InputError
from stan_boundary.received_folder import check_inside
from stan_boundary.targets import check_readers, check_targets
from stan_boundary.typed import override, typed
from stan_boundary.writing import private_folder, write_whole
from stan_boundary.yaml_file import read_yaml
from stan_lightning.network import checkpoint_file
from stan_lightning.runs.places import check_places, untyped

CONFIG = "config.yaml"
_CHANGEABLE = re.compile(
    r"(trainer|logger)\..+|data\.(root|signals(\..+)?|num_workers)|resume|go_on|trust|group|hydra\..+"
)


_OF_CONTENT = (
    *(AttributeError, ArithmeticError, AssertionError, EOFError, IndexError, KeyError, TypeError, ValueError),
    *(RuntimeError, MisconfigurationException, pickle.PickleError),
)
"""What Lightning and torch raise where a state or setting is not as they wrote it."""


@contextmanager
def answerable(checkpoint: Path) -> Iterator[None]:
    """Say in one line what fails before a resumed run's next epoch is kept: its files are to blame.

    Raises:
        InputError: Something failed; with HYDRA_FULL_ERROR=1 the error itself, as after that epoch.
    """
    last = checkpoint.with_name("last.ckpt")
    before = _mark(last)
    try:
        yield
    except InputError:
        raise
    except _OF_CONTENT as error:
        known = isinstance(error, torch.OutOfMemoryError) or trouble.said(error)
        if known or _mark(last) != before or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{checkpoint} or the run's config does not fit this version: nothing could be trained "
            f"({type(error).__name__}: {said}; HYDRA_FULL_ERROR=1 shows where)"
        ) from error


def _mark(file: Path) -> tuple[int, int] | None:
    return (file.stat().st_ino, file.stat().st_mtime_ns) if file.is_file() else None


def own_config(run: Path, asked: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The config that a run was started with, with the values that the command line changes.

    Args:
        run: Folder of the run.
        asked: The config as composed from this command line.
        overrides: The command line, ``key=value`` each.

    Raises:
        InputError: Where the folder holds no run, or something would change that a run depends on.
    """
    config = read(run)
    check(config, run, overrides, str(run / CONFIG))
    keys = {given.split("=", 1)[0].lstrip("+~"): given for given in overrides}
    fixed = [given for key, given in keys.items() if not _CHANGEABLE.fullmatch(key)]
    if fixed and difference(config, asked):
        raise InputError(
            f"{fixed[0]}: a resumed run keeps its own config; only trainer.*, logger.*, data.root, "
            "data.signals.* and data.num_workers can change"
        )
    for key in keys:
        if key.startswith(("trainer.", "logger.", "data.")):
            OmegaConf.update(config, key, OmegaConf.select(asked, key))
    return config


def same_config(run: Path, asked: DictConfig) -> DictConfig:
    """The config of the same command given again, as a requeued job does.

    Raises:
        InputError: Where the folder holds a run of another config.
    """
    if found := difference(read(run), asked):
        raise InputError(
            f"{run} holds another run, {found}: give another folder, or the command that it was started with"
        )
    return asked


def difference(own: DictConfig, asked: DictConfig) -> str:
    """The first key that a run depends on and that two configs differ in, said in words, or ""."""
    here, there = flat(own), flat(asked)
    for key in sorted(here.keys() | there.keys()):
        if not _CHANGEABLE.fullmatch(key) and here.get(key) != there.get(key):
            return f"with {key}={here.get(key)} and not {there.get(key)}"
    return ""


def read(run: Path) -> DictConfig:
    """The config of the run in a folder.

    Raises:
        InputError: Where there is none.
    """
    file = run / CONFIG
    if not file.is_file():
        if run.is_dir() and not any(run.iterdir()):
            run.rmdir()  # Hydra made it for this very command
        raise InputError(f"nothing to resume: {run} holds no {CONFIG}; give the folder of a run")
    content = read_yaml(check_inside(file, run))
    lacking = [
        part for part in ("data", "model", "trainer", "logger") if not isinstance(content.get(part), dict)
    ]
    if lacking:
        raise InputError(f"{file} is no configuration of a run: it lacks {lacking[0]}")
    return OmegaConf.create(content)


def check(config: DictConfig, run: Path, overrides: Sequence[str], where: str) -> None:
    """Check a config that others may have written before anything in it is built.

    Args:
        config: It.
        run: The folder that it may write to.
        overrides: The command line, whose values are the user's own and are not looked at.
        where: Where the config lies, for the message.

    Raises:
        InputError: It would run code of other packages, or write outside of the run.
    """
    theirs, trust = untyped(config, overrides), trusted(overrides)
    check_targets(theirs, trust, where)
    plain: Any = OmegaConf.to_container(theirs, resolve=False)
    check_readers([plain.get("model"), plain.get("data")], trust, where)
    check_places(theirs, run, where, trust)


def write(run: Path, config: DictConfig) -> None:
    """Put the config into the run's folder, whole or not at all, without `resume`, `go_on` and `trust`."""
    kept = config.copy()
    OmegaConf.update(kept, "resume", "???")
    OmegaConf.update(kept, "go_on", False)
    if "trust" in kept:
        OmegaConf.update(kept, "trust", [])
    write_whole(private_folder(run) / CONFIG, OmegaConf.to_yaml(kept).encode())


def flat(config: DictConfig) -> dict[str, Any]:
    """Values by dotted key; lists are one value, interpolations stay as they are written."""
    values: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{key}.")
            else:
                values[f"{prefix}{key}"] = value

    walk(OmegaConf.to_container(config, resolve=False), "")
    return values


def finished_epochs(checkpoint: Path) -> int:
    """How many epochs a checkpoint has behind it."""
    content = checkpoint_file.load(checkpoint, mmap=True)
    try:
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{checkpoint} is no checkpoint of a training run (no epochs)") from None


def refuse_other_network(planned: torch.nn.Module, checkpoint: Path) -> None:
    """Refuse a config whose network is not the checkpoint's, before memory is asked for.

    Args:
        planned: The module that the config describes, on torch's meta device.
        checkpoint: Whose tensors are no larger than its file.

    Raises:
        InputError: They differ.
    """
    checkpoint_file.check_state(planned, checkpoint_file.load(checkpoint, mmap=True), str(checkpoint))


def columns(checkpoint: Path | None) -> dict[str, list[str]]:
    """What a checkpoint's network reads of each signal; empty without a checkpoint or a signal."""
    if checkpoint is None:
        return {}
    content = checkpoint_file.load(checkpoint, mmap=True)
    try:
        found = content["hyper_parameters"].get("data", {}).get("columns") or {}
        return {str(name): [str(column) for column in columns] for name, columns in found.items()}
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{checkpoint} is no checkpoint of a training run (no network)") from None


def command(run: Path) -> str:
    """What to type to go on with a run."""
    return typed(f"python -m stan_lightning.train {override('resume', run)}")
