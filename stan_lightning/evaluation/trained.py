"""What a checkpoint tells: the network, how its clips were read, who it was trained on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stan_boundary.errors import InputError
from stan_boundary.targets import check_readers, check_targets
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.protocol import PROTOCOLS
from stan_lightning.data.scale import SeverityScale, scale_of
from stan_lightning.data.settings import MOST_SCORE
from stan_lightning.data.signals import OF_CROPS
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.network import checkpoint_file
from stan_lightning.training.conformal import Conformal
from stan_lightning.training.module import StanModule

OF_THE_MACHINE: Mapping[str, Any] = {
    "num_workers": 0,
    "batch_size": 5,
    "eval_batch_size": None,
}
"""Settings of a datamodule that a checkpoint does not decide for the machine that scores it."""
WAYS = {
    "checkpoint": "checkpoint=<run>/checkpoints/best.ckpt",
    "model_folder": "model=<model folder, or user/name on the hub>",
    "weights": "weights=<released state dict> with its model.*",
}
"""How a command is told which network, by the key of its config."""
COMPOSED = ("augment", "sampler")
"""Of a datamodule's, what names classes."""
RECORD = ("protocol", "fold", "n_folds", "split_seed", "seed", "score_range")
REQUIRED = ("state_dict", "hyper_parameters", "datamodule_hyper_parameters", "training")
_MOST_OF_COMPOSED = 4096
"""Of numbers in what prepares clips: modules made of them take memory before anything is compared."""


@dataclass(frozen=True)
class Trained:
    """A checkpoint, opened.

    Attributes:
        module: The network in evaluation mode, on the CPU.
        data: Arguments of the datamodule that it was trained with, but for those `OF_THE_MACHINE`.
        record: How the data was divided: protocol, fold, n_folds, split_seed, seed, score_range, scale.
        sessions: Who was trained on.
        crops: Settings that its crops were made with; None: they stand in those crops alone.
        conformal: What development told of errors on new people; None where it tells nothing.
    """

    module: StanModule
    data: Mapping[str, Any]
    record: Mapping[str, Any]
    sessions: TrainingSessions
    crops: Mapping[str, Any] | None = None
    conformal: Conformal | None = None

    @property
    def scale(self) -> SeverityScale:
        """What its scores are on; a network that tells classes has none."""
        return scale_of(self.record.get("scale"), self.record["score_range"])

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes that it tells, in the order of its outputs; None where it gives scores."""
        return (
            None if self.record["score_range"] is not None else list(self.module.hparams["data"]["classes"])
        )

    @property
    def signals(self) -> list[str]:
        """Those that the network reads: all but what crops show by themselves."""
        return [name for name in self.module.network.modalities if name not in OF_CROPS]

    @property
    def columns(self) -> dict[str, list[str]]:
        """What the network reads of each signal."""
        columns = self.module.hparams["data"]["columns"]
        return {name: list(names) for name, names in columns.items()}


def way(given: Mapping[str, Any]) -> str:
    """Which of `WAYS` a command line takes.

    Raises:
        InputError: None, or more than one.
    """
    taken = [name for name in WAYS if given.get(name) is not None]
    if len(taken) != 1:
        raise InputError(f"give {', or '.join(WAYS.values())}{': one of them' if taken else ''}")
    return taken[0]


def open_checkpoint(path: str | Path, trust: Collection[str] = ()) -> Trained:
    """Read a checkpoint of a training run.

    Nothing in it is executed; the classes that it names are those of this project, of torch and of `trust`.

    Args:
        path: The file.
        trust: Packages of the user's own whose classes it may name besides.

    Raises:
        InputError: Where there is none, it is damaged, or it is something else.
    """
    file = Path(path)
    if not file.exists() or file.is_dir():
        what = " (a folder)" if file.is_dir() else ""
        raise InputError(f"no checkpoint at {file}{what}: give the path of a run's checkpoints/best.ckpt")
    try:
        content = checkpoint_file.load(file)
    except InputError:
        raise
    except Exception as error:  # a damaged file fails in whatever part of the reader meets the damage first
        said = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise InputError(f"{file} cannot be read as a checkpoint (damaged, or not one): {said}") from None
    lacking = [key for key in REQUIRED if not isinstance(content, dict) or key not in content]
    if lacking:
        raise InputError(
            f"{file} is no checkpoint of a training run (no {lacking[0]}); give released weights as weights="
        )
    return from_content(content, str(file), trust)


def from_content(
    content: Mapping[str, Any], file: str, trust: Collection[str] = (), crops: Mapping[str, Any] | None = None
) -> Trained:
    """What a checkpoint holds, checked and built.

    Args:
        content: `REQUIRED`, as training writes them.
        file: Where it stood, for messages.
        trust: As for `open_checkpoint`.
        crops: As for `Trained`.

    Raises:
        InputError: It names what is not allowed, or does not fit together.
    """
    try:
        check_targets(content["hyper_parameters"], trust, file)
        data = {**content["datamodule_hyper_parameters"], **OF_THE_MACHINE}
        composed = {name: data.get(name) for name in COMPOSED}
        check_targets(composed, trust, file)
        check_readers([content["hyper_parameters"], composed], trust, file)
        if not trust and _largest(composed) > _MOST_OF_COMPOSED:
            raise InputError(f"{file}: a number of its data.{' or data.'.join(COMPOSED)} is beyond bounds")
        CropDataModule(**data)
        with torch.device("meta"):
            planned = StanModule(**content["hyper_parameters"])
        checkpoint_file.check_state(planned, content, file)
        module = StanModule(**content["hyper_parameters"])
        module.load_state_dict(content["state_dict"])
        record = {name: content["training"][name] for name in RECORD}
        record["scale"] = content["training"].get("scale")
        classes = content["hyper_parameters"]["data"]["classes"]
        sessions = TrainingSessions.from_rows(content["training"]["sessions"], classes)
        check_record(record, sessions, file)
        conformal = Conformal.from_record(content["training"].get("conformal"))
    except InputError as error:
        raise error if file in str(error) else InputError(f"{file}: {error}") from None
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError, ArithmeticError) as error:
        said = " ".join(f"{error}".split())[:160] or type(error).__name__
        raise InputError(f"{file} was made by another version of this project: {said}") from None
    return Trained(module.eval(), data, record, sessions, crops, conformal)


def _largest(node: Any) -> float:
    """The largest whole number in plain data."""
    if isinstance(node, Mapping):
        return max(map(_largest, node.values()), default=0)
    if isinstance(node, (list, tuple)):
        return max(map(_largest, node), default=0)
    return abs(node) if isinstance(node, int) else 0


def check_record(record: Mapping[str, Any], sessions: TrainingSessions, file: str) -> None:
    """Check what a checkpoint says of its training; raises where that cannot be."""
    numbers = [record[name] for name in ("fold", "n_folds", "split_seed", "seed")]
    low, high = record["score_range"] or (0, 1)
    numbers += [low, high, *(label for _, _, label in sessions.sessions)]
    if record["score_range"] is not None:
        scale_of(record["scale"], record["score_range"])
    right = all(type(one) in (int, float) and abs(one) < MOST_SCORE for one in numbers) and low < high
    if not right or record["protocol"] not in PROTOCOLS:
        raise InputError(
            f"{file} says of its training what cannot be: train again, or ask for another checkpoint"
        )
