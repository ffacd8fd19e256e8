"""From what is handed in to recordings that a network can score."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.trained import Trained
from stan_lightning.prediction import intake
from stan_lightning.prediction.refusals import missing, refused, unreadable

PARTITION = "test"
"""The one that recordings without any are read as."""


@dataclass(frozen=True)
class Reading:
    """How recordings are read: the keys of ``conf/predict.yaml`` of the same names.

    Attributes:
        shortest: Recordings of fewer frames than this share of a clip are refused.
        batch_size: Windows scored at once.
        num_workers: Processes that read crops.
        signals: Folders of signals that do not lie beside the crops.
        crops: How a video is cropped, where not as the crops that the network was trained on.
    """

    shortest: float
    batch_size: int
    num_workers: int
    signals: Mapping[str, Any]
    crops: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse what is no number of windows."""
        if type(self.batch_size) is not int or self.batch_size < 1:
            raise InputError(
                f"batch_size={self.batch_size}: windows scored at once, a whole number of at least 1"
            )


@dataclass(frozen=True)
class Prepared:
    """Recordings that can be scored.

    Attributes:
        data: Reads their clips.
        recordings: Those that can be scored, as `intake.recordings` returns them.
        refusals: Why each of the others cannot.
    """

    data: CropDataModule
    recordings: pd.DataFrame
    refusals: Mapping[str, str]


def prepare(
    trained: Trained, given: Path, crops: Path, reading: Reading, say: Callable[[str], None]
) -> Prepared:
    """Find, crop and check the recordings in what is handed in.

    Args:
        trained: The network.
        given: A video or sound, a folder of them, or crops.
        crops: Folder for the crops of videos.
        reading: How they are read.
        say: Told of each recording that is not scored, or scored without one of its modalities.

    Raises:
        InputError: None of them can be scored.
    """
    intake.refuse_unmade(given, trained.signals, reading.signals)
    settings = {}
    if intake.videos(given):
        settings = intake.crop_settings(trained.data, reading.crops, trained.crops)
    table = intake.recordings(given, crops, settings)
    refusals = refused(table, trained, reading.shortest)
    refusals |= unreadable(table[~table["recording"].isin(refusals)], trained, reading.signals)
    usable = table[~table["recording"].isin(refusals)].reset_index(drop=True)
    _tell(refusals, say)
    if usable.empty:
        raise InputError(f"{given}: nothing in it can be scored ({next(iter(refusals.values()))})")
    data = _as_data(usable, trained, reading)
    lacking = _lacking(data, say)
    _tell(lacking, say)
    usable = data.tables[PARTITION]
    data.tables[PARTITION] = usable = usable[~usable["recording"].isin(lacking)].reset_index(drop=True)
    return Prepared(data, usable, refusals | lacking)


def _tell(refusals: Mapping[str, str], say: Callable[[str], None]) -> None:
    for name, reason in refusals.items():
        say(f"not scored: {printable(name)}: {printable(reason)}")


def _lacking(data: CropDataModule, say: Callable[[str], None]) -> dict[str, str]:
    """Name the recordings that are judged without a modality; returns why those that lack all are not."""
    refusals: dict[str, str] = {}
    for row in data.tables[PARTITION].itertuples():
        lost = missing(data, str(row.recording), str(row.crops))
        left = [one for one in data.hparams["modalities"] if one not in lost]
        if not left:
            refusals[str(row.recording)] = f"no {' and no '.join(lost)}, and this network reads nothing else"
        for one in lost if left else []:
            what = {"audio": "sound", "face": "pictures"}.get(one, one)
            say(f"no {what}: {printable(row.recording)} is scored by its {' and '.join(left)} alone")
    return refusals


def _as_data(table: pd.DataFrame, trained: Trained, reading: Reading) -> CropDataModule:
    """The recordings as one partition, read as in training; signals lie beside them, or where it is said."""
    changed = {
        "num_workers": reading.num_workers,
        "batch_size": reading.batch_size,
        "crops_stride": None,
        "signals": dict(reading.signals),
    }
    data = CropDataModule(**(dict(trained.data) | changed))
    data.columns = trained.columns
    data.serve(trained.module.network.parts)
    data.tables = {PARTITION: table.assign(label=float("nan"))}
    data.look_at(table, key="signals")
    return data
