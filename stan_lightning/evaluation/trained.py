"""What a checkpoint tells: the network, how its clips were read, who it was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.training.module import StanModule

REQUIRED = ("state_dict", "hyper_parameters", "datamodule_hyper_parameters", "training")


@dataclass(frozen=True)
class Trained:
    """A checkpoint, opened.

    Attributes:
        module: The network in evaluation mode, on the CPU.
        data: Arguments of the datamodule that it was trained with.
        record: How the data was divided: protocol, fold, n_folds, split_seed, seed, score_range.
        sessions: Who was trained on.
    """

    module: StanModule
    data: Mapping[str, Any]
    record: Mapping[str, Any]
    sessions: TrainingSessions

    @property
    def columns(self) -> dict[str, list[str]]:
        """What the network reads of each track."""
        columns = self.module.hparams["data"]["columns"]
        return {name: list(names) for name, names in columns.items()}


def open_checkpoint(path: str | Path) -> Trained:
    """Read a checkpoint of a training run; nothing in it is executed.

    Raises:
        InputError: Where there is none, it is damaged, or it is something else.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"no checkpoint at {file}: give the path of a run's checkpoints/best.ckpt")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in whatever part of the reader meets the damage first
        said = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise InputError(f"{file} cannot be read as a checkpoint (damaged, or not one): {said}") from None
    lacking = [key for key in REQUIRED if not isinstance(content, dict) or key not in content]
    if lacking:
        raise InputError(
            f"{file} is no checkpoint of a training run (no {lacking[0]}); give released weights as weights="
        )
    try:
        module = StanModule(**content["hyper_parameters"])
        CropDataModule(**content["datamodule_hyper_parameters"])
    except TypeError as error:
        raise InputError(f"{file} was made by another version of this project: {error}") from None
    try:
        module.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise InputError(
            f"{file} does not fit this version's network: {' '.join(str(error).split())[:160]}"
        ) from None
    record = dict(content["training"])
    sessions = TrainingSessions.from_rows(record.pop("sessions"))
    return Trained(module.eval(), content["datamodule_hyper_parameters"], record, sessions)
