"""Whether what a network reads of a recording can be read at all."""

from collections.abc import Collection

from stan_boundary.errors import InputError
from stan_lightning.data.crops import open_crops
from stan_lightning.data.log_mel import RATE

FACELESS = "no pictures, and this network reads the face alone"
_PIECE = 60 * RATE


def why_unreadable(crops: str, n_crops: int, modalities: Collection[str], every_crop: bool) -> str:
    """Why a recording cannot be read; empty where it can.

    Args:
        crops: Its zip or folder.
        n_crops: How many its manifest says there are.
        modalities: What is read: damaged sound is no matter where only faces are, nor a picture where only
            sound or signals are.
        every_crop: Decode all crops and all sound; else the first and last crop and the start of the sound.
    """
    try:
        found = open_crops(crops)
        _ = found.times
        if found.grid is not None and list(modalities) == ["face"]:
            return FACELESS
        if "face" in modalities and found.grid is None:
            for position in range(n_crops) if every_crop else (0, n_crops - 1):
                found.image(position)
        if "audio" in modalities and found.has_sound:
            length = found.sound_samples
            for start in range(0, length if every_crop else 0, _PIECE):
                found.sound(start, _PIECE)
    except InputError as error:
        return str(error)
    return ""
