"""Whether a recording's crops can be read at all."""

from stan_boundary.errors import InputError
from stan_lightning.data.crops import open_crops
from stan_lightning.data.log_mel import RATE

_PIECE = 60 * RATE


def why_unreadable(crops: str, n_crops: int, every_crop: bool) -> str:
    """Why a recording cannot be read; empty where it can.

    Args:
        crops: Its zip or folder.
        n_crops: How many its manifest says there are.
        every_crop: Decode all crops and all sound; else one crop.
    """
    try:
        found = open_crops(crops)
        _ = found.times
        for position in range(n_crops) if every_crop else (0, n_crops - 1):
            found.image(position)
        if found.has_sound:
            length = found.sound_samples
            for start in range(0, length if every_crop else 0, _PIECE):
                found.sound(start, _PIECE)
    except InputError as error:
        return str(error)
    return ""
