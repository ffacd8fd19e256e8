"""What is evaluated, on what, and against whom it was trained."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.scale import SeverityScale, scale_of
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.released import load_into
from stan_lightning.evaluation.trained import Trained, open_checkpoint
from stan_lightning.training.conformal import Conformal
from stan_lightning.training.module import StanModule

DECIDED_IN_TRAINING = (
    "protocol",
    "fold",
    "n_folds",
    "split_seed",
    "train_people",
    "score_range",
    "scale",
    "seed",
)


@dataclass(frozen=True)
class Candidate:
    """A network, opened, with the crops that it is asked about.

    Attributes:
        module: The network.
        data: The crops, set up.
        training: Who was trained on, None where that is unknown.
        header: First entries of metrics.json.
        home: Folder that an evaluation is kept in where nobody says otherwise.
        run: Folder of the training run, None for released weights.
        conformal: What its development told of errors on new people; None where it tells nothing.
    """

    module: StanModule
    data: CropDataModule
    training: TrainingSessions | None
    header: dict[str, Any]
    home: Path
    run: Path | None
    conformal: Conformal | None = None

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes that it tells; None where it gives scores."""
        return self.data.classes

    @property
    def scale(self) -> SeverityScale:
        """What its scores are on."""
        return scale_of(self.data.hparams["scale"], self.data.hparams["score_range"])


def from_checkpoint(path: str | Path, changes: Mapping[str, Any], trust: Collection[str] = ()) -> Candidate:
    """Open a checkpoint.

    Args:
        path: Of the checkpoint.
        changes: Arguments of the datamodule that are to differ from training's.
        trust: As for `open_checkpoint`.

    Raises:
        InputError: Where it cannot be read, or a change would decide anew who is tested.
    """
    trained = open_checkpoint(path, trust)
    run = home_of(Path(path))
    for name in DECIDED_IN_TRAINING:
        if name in changes and changes[name] != trained.data.get(name):
            raise InputError(
                f"data.{name}={changes[name]}, but the checkpoint was trained with {trained.data.get(name)}: "
                "who is trained on and tested is decided in training; train again, or leave it out"
            )
    arguments = {**trained.data, **changes}
    if "signals" in changes:  # folders that are not named anew stay as they were in training
        arguments["signals"] = (trained.data.get("signals") or {}) | changes["signals"]
    data = CropDataModule(**arguments)
    data.columns, data.classes = trained.columns, trained.classes
    data.serve(trained.module.network.parts)
    data.lenient = True
    data.setup("test")
    training = trained.sessions if trained.sessions.sessions else None
    header = {**trained.record, "checkpoint": str(Path(path).resolve())}
    return Candidate(trained.module, data, training, header, run / "evaluation", run, trained.conformal)


def from_model(trained: Trained, name: str, changes: Mapping[str, Any], home: Path) -> Candidate:
    """A network of a model folder; of its training set numbers alone are known.

    Args:
        trained: The folder, opened.
        name: As it was given.
        changes: Arguments of the datamodule: `root`, and what else is to differ.
        home: As for `Candidate`.

    Raises:
        InputError: No crops are named, or its scale would change.
    """
    if not changes.get("root"):
        raise InputError("a model folder knows no crops: give data.root=<crops>, or data=<a corpus>")
    own = trained.data["score_range"]
    if (asked := changes.get("score_range", own)) != own and list(asked or ()) != list(own or ()):
        told = f"gives scores of {own}" if own else "tells classes"
        raise InputError(f"data.score_range: {name} {told}")
    data = CropDataModule(**{**trained.data, **changes})
    data.columns, data.classes = trained.columns, trained.classes
    data.serve(trained.module.network.parts)
    data.lenient = True
    data.setup("test")
    kept = ("protocol", "fold", "n_folds", "score_range", "scale")
    header = {key: data.hparams[key] for key in kept} | {"seed": None, "checkpoint": name}
    return Candidate(trained.module, data, None, header, home, None, trained.conformal)


def home_of(checkpoint: Path) -> Path:
    """The run's folder; links above it are free.

    Raises:
        InputError: A link in the run would lead its evaluation elsewhere.
    """
    given = Path(os.path.abspath(checkpoint))
    found = given.resolve()
    if len(given.parts) < 3 or found.parents[1] != given.parents[1].resolve():
        raise InputError(f"{checkpoint} is, or lies behind, a link: give the path of the checkpoint itself")
    return found.parents[1]


def from_weights(path: str | Path, module: StanModule, data: CropDataModule) -> Candidate:
    """Load released weights into a network; the crops, set up, are all that is known of its training.

    Raises:
        InputError: Where the network is not the published one.
    """
    load_into(module, path)
    training = TrainingSessions.from_table(data.tables["train"])
    weights = Path(path).resolve()
    kept = ("protocol", "fold", "n_folds", "score_range", "scale")
    header = {name: data.hparams[name] for name in kept} | {"seed": None, "checkpoint": str(weights)}
    known = training if training.sessions else None
    return Candidate(module.eval(), data, known, header, weights.parent / "evaluation", None)


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
