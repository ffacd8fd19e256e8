"""Which recordings have which modality."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.tracks import OF_CROPS, Tracks


def check_sound(used: pd.DataFrame, root: str | Sequence[str], make_crops: str) -> None:
    """Say how many recordings have no sound where sound is read; none at all cannot be."""
    silent = used[~(used.sound_s > 0)]
    if len(silent) == len(used):
        raise InputError(
            f"{root}: no recording has sound; add it to the crops with `{make_crops}` (sound=true is its "
            "default)"
        )
    if len(silent):
        print(f"{len(silent)} of {len(used)} recordings have no sound, such as {silent.recording.iloc[0]}")


def having(table: pd.DataFrame, modality: str, tracks: Mapping[str, Tracks]) -> pd.DataFrame:
    """Those of a table's recordings that have a modality: all have a face, and some sound and each track."""
    if modality not in OF_CROPS:
        there = table.recording.map(lambda name: bool(tracks[modality].members[name].path))
        return table[there].reset_index(drop=True)
    return table[table.sound_s > 0].reset_index(drop=True) if modality == "voice" else table
