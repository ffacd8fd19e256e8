"""Which recordings have which modality."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.typed import typed
from stan_lightning.data.clips import windows
from stan_lightning.data.crops import open_crops
from stan_lightning.data.signals import OF_CROPS, Signals


def check_sound(used: pd.DataFrame, root: str | Sequence[str], make_crops: str) -> None:
    """Say how many recordings have no sound where sound is read; none at all cannot be."""
    silent = used[~(used.sound_s > 0)]
    if len(silent) == len(used):
        raise InputError(
            f"{root}: no recording has sound; add it to the crops with `{typed(make_crops)}` "
            "(sound=true is its default)"
        )
    if len(silent):
        print(f"{len(silent)} of {len(used)} recordings have no sound, such as {silent.recording.iloc[0]}")


def check_faces(used: pd.DataFrame, modalities: Sequence[str]) -> None:
    """Say how many recordings have no pictures where faces are read; raise where nothing else is."""
    faceless = used[~used.pictures]
    if "face" not in modalities or faceless.empty:
        return
    said = f"{len(faceless)} of {len(used)} recordings have no pictures, such as {faceless.recording.iloc[0]}"
    if list(modalities) == ["face"]:
        raise InputError(
            f"{said}, and this network reads the face alone: take model=audio, model=signal or model=fusion, "
            "or a manifest without them"
        )
    if len(faceless) == len(used):
        raise InputError(f"none of {len(used)} recordings has pictures: leave the face out of the network")
    print(said)


def having(table: pd.DataFrame, modality: str, signals: Mapping[str, Signals]) -> pd.DataFrame:
    """Those of a table's recordings that have a modality: a face, sound, or a file of a signal."""
    if modality == "face":
        return table[table.pictures].reset_index(drop=True)
    if modality not in OF_CROPS:
        present = table.recording.map(lambda name: bool(signals[modality].members[name].path))
        return table[present].reset_index(drop=True)
    return table[table.sound_s > 0].reset_index(drop=True)


def tell_empty_windows(
    name: str, signals: Signals, used: pd.DataFrame, steps: Sequence[int], clip_frames: int | None
) -> None:
    """Say how many windows hold no number of a signal, of the recordings that have a file of it.

    Args:
        name: Of the signal.
        signals: Its files.
        used: Recordings with crops.
        steps: Crops from one position to the next, of each of them.
        clip_frames: Positions a window; None for all.
    """
    empty = total = 0
    for recording, path, step in zip(used.recording, used.crops, steps, strict=True):
        member, crops = signals.members[recording], open_crops(path)
        if not member.path:
            continue
        positions = range(0, len(crops.frames), step)
        parts = windows(len(positions), clip_frames)
        total += len(parts)
        if not member.covers(crops):
            present = ~member.read(crops, positions).isnan().all(1).numpy()
            empty += sum(not present[list(part)].any() for part in parts)
    if empty:
        print(f"signal {name}: {empty} of {total} windows hold no number of it")
