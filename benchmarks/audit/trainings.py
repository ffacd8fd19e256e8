"""The audit's networks, each trained by the project's own command.

They are small, see 32 pixels instead of 112, and train for as many clips whatever the size of their training
partition. The last epoch counts: nothing is selected, as development is a few people.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.audit.commands import train
from benchmarks.audit.films import Replicate, listing, manifest
from benchmarks.audit.scores import scores
from stan_lightning.data.protocol import split

BATCH = 8
_ENCODER = "sta_drn_small"
# Colour jitter off: it hides who it is, and here that must be found if it can be.
_ALL = [
    *("experiment=demo", "data.image_size=32", "data.augment.picture.jitter=0"),
    *("data.frame_stride=1", "data.clip_frames=8"),
    *("trainer.accelerator=cpu", "trainer.check_val_every_n_epoch=1000", f"data.batch_size={BATCH}"),
]


@dataclass(frozen=True)
class Network:
    """A network and how it is trained.

    Attributes:
        settings: Of the training command.
        clips: How many it sees in all.
        rate: Learning rate at its highest.
        changes: What is scored besides; of `scores.CHANGES`.
    """

    settings: tuple[str, ...] = ()
    clips: int = 7_680
    rate: float = 2.5e-3
    changes: tuple[str, ...] = ()


NETWORKS = {
    "face": Network(),
    "audio": Network(("model=audio", f"model/encoder@model.network.encoder={_ENCODER}", "data.sound_s=0.8")),
    "fusion": Network(
        (
            *("model=fusion", "data.sound_s=0.8"),
            *(f"model/encoder@model.network.encoders.{one}={_ENCODER}" for one in ("face", "audio")),
        ),
        clips=5_120,
        changes=("another person's audio",),
    ),
    "temporal": Network(
        ("data.frame_stride=2", "data.clip_frames=16"), clips=14_400, changes=("shuffled frames",)
    ),
}


@dataclass(frozen=True)
class Trained:
    """One network of one replicate.

    Attributes:
        replicate: What it is trained on.
        protocol: Of the training.
        network: One of `NETWORKS`.
        seed: Of the training.
    """

    replicate: Replicate
    protocol: str
    network: str
    seed: int = 0

    @property
    def name(self) -> str:
        """Of its folder."""
        which = (self.replicate.labels, self.protocol, self.network, self.replicate.number, self.seed)
        return "_".join(map(str, which))

    def prepare(self, folder: Path) -> None:
        """Draw its films and deal its labels, where that is not done."""
        manifest(folder, self.replicate)

    def folder(self, folder: Path) -> Path:
        """Of its run, below the audit's folder."""
        return folder / self.name

    def numbers(self, folder: Path) -> Mapping[str, Any]:
        """As `scores` gives them; trained and scored where that is not done. `prepare` comes first."""
        run = self.folder(folder)
        train(run, self._settings(folder))
        return scores(run, NETWORKS[self.network].changes)

    def _settings(self, folder: Path) -> list[str]:
        network, file = NETWORKS[self.network], listing(folder, self.replicate)
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        epochs = math.ceil(network.clips / len(split(table, self.protocol)["train"]))
        rising = max(1, epochs // 5)
        scheduler = "model.scheduler"
        return [
            *(*_ALL, *network.settings),
            *(f"data.root={file}", f"data.protocol={self.protocol}", f"seed={self.seed}"),
            *(f"model.optimizer.lr={network.rate}", f"trainer.max_epochs={epochs}"),
            *(f"{scheduler}.milestones=[{rising}]", f"{scheduler}.schedulers.1.T_0={epochs - rising}"),
            f"{scheduler}.schedulers.0.start_factor={1 / (rising + 1)}",
        ]
