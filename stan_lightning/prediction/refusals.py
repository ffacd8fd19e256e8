"""Why a recording cannot be scored, or is scored without one of its modalities."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.clips import step
from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.readable import FACELESS, why_unreadable
from stan_lightning.data.signal_listing import find
from stan_lightning.data.signals import gather
from stan_lightning.evaluation.trained import Trained


def refused(table: pd.DataFrame, trained: Trained, shortest: float) -> dict[str, str]:
    """Why each recording that cannot be scored is not: unreadable, no face, too short, another stride.

    Args:
        table: As `stan_lightning.prediction.intake.recordings` returns it.
        trained: The network.
        shortest: Least share of a clip's frames that a recording must have.
    """
    reasons: dict[str, str] = {}
    stride, length = trained.data["frame_stride"], trained.data["clip_frames"]
    least = max(1, round(shortest * (length or 0)))
    modalities = list(trained.module.network.modalities)
    for row in table.itertuples():
        if not row.crops:
            reasons[str(row.recording)] = str(row.reason) or "no crops"
            continue
        try:
            frames = -(-int(str(row.n_crops)) // step(stride, int(str(row.stride))))
            crops = open_crops(str(row.crops))
            silent = modalities == ["audio"] and not crops.has_sound
        except ValueError as error:
            reasons[str(row.recording)] = f"{error}; crop the video again, or give the video"
            continue
        if silent:
            reasons[str(row.recording)] = "no audio, and this network reads audio only"
            continue
        if crops.grid is not None and modalities == ["face"]:
            reasons[str(row.recording)] = FACELESS
            continue
        if 0 < frames < least:  # of signals alone nobody knows yet
            what = "moments" if crops.grid is not None else "frames with a face"
            reasons[str(row.recording)] = (
                f"too short: {frames} {what} at stride {stride}, a clip has {length}, at least "
                f"{least} are needed (shortest={shortest})"
            )
    return reasons


def unreadable(table: pd.DataFrame, trained: Trained, folders: Mapping[str, Any]) -> dict[str, str]:
    """Why each recording that came from elsewhere cannot be read to its end: its crops, sound or signals.

    Args:
        table: As for `refused`.
        trained: The network.
        folders: Of signals that do not lie beside the crops.
    """
    reasons: dict[str, str] = {}
    modalities = trained.module.network.modalities
    for place, row in table.iterrows():
        crops, n_crops = str(row["crops"]), int(row["n_crops"])
        why = why_unreadable(crops, n_crops, modalities, every_crop=True) if row["received"] else ""
        if why := why or _bad_signal(table.loc[[place]], trained, folders):
            reasons[str(row["recording"])] = why
    return reasons


def _bad_signal(row: pd.DataFrame, trained: Trained, folders: Mapping[str, Any]) -> str:
    """Why a file of one recording's signals cannot be read; empty where all can, or there is none."""
    for name in trained.signals:
        folder = folders.get(name)
        home = Path(folder or Path(row["crops_root"].iloc[0]) / "signals" / name)
        if not any(find(row, name, [home], "signals")):
            continue
        try:
            gather(row, name, folder, trained.columns[name], "signals")
        except InputError as error:
            return str(error)
    return ""


def missing(data: CropDataModule, recording: str, crops: str) -> list[str]:
    """The modalities that are read and that a recording lacks."""
    return [
        one
        for one in data.hparams["modalities"]
        if (one == "face" and open_crops(crops).grid is not None)
        or (one == "audio" and not open_crops(crops).has_sound)
        or (one in data.signals and not data.signals[one].members[recording].path)
    ]
