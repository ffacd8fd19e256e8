"""What the arguments of a datamodule can be, whoever gives them: a command line or a checkpoint of others."""

from collections.abc import Mapping
from math import inf
from typing import Any

from stan_boundary.errors import InputError
from stan_boundary.numbers import check_number
from stan_lightning.data.scale import scale_of
from stan_lightning.data.signal_listing import OF_CROPS

_SEED = (int, 0, 2**32 - 1)
_NUMBERS: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("fold", "n_folds", "split_seed", "seed", "crops_stride"), _SEED),
    "train_people": (int, 1, inf),
    "batch_size": (int, 1, inf),
    "eval_batch_size": (int, 1, inf),
    "clip_frames": (int, 1, 20_000),
    "frame_stride": (int, 1, 10_000),
    "image_size": (int, 1, 2_000),
    "sound_s": (float, 0, 3_600),
    "num_workers": (int, 0, 256),
}
_OPTIONAL = ("train_people", "crops_stride", "eval_batch_size", "clip_frames", "sound_s")
_MOST_PIXELS = 2**28
"""Of a clip: 3 GB as float32, eighty times the paper's."""
MOST_SCORE = 1e9


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check arguments of `CropDataModule`.

    Raises:
        InputError: A number is out of its range, a name is no name, or a path no path.
    """
    for name, (kind, low, high) in _NUMBERS.items():
        if settings.get(name) is not None or name not in _OPTIONAL:
            check_number(f"data.{name}", settings[name], kind, low, high)
    frames, size = settings["clip_frames"], settings["image_size"]
    if frames and frames * size**2 > _MOST_PIXELS:
        raise InputError(
            f"data.clip_frames={frames} of data.image_size={size} are more than memory can be asked for"
        )
    modalities, signals = settings["modalities"], settings["signals"] or {}
    for name in [*modalities, *signals]:
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"data reads what has no name of letters: {str(name)[:80]!r}")
    if frames is None and (clipped := [name for name in modalities if name in OF_CROPS]):
        raise InputError(
            f"data.clip_frames=null reads whole recordings, but {clipped[0]} is read in clips: give their "
            "frames, or take signals alone"
        )
    roots = settings["root"] if isinstance(settings["root"], (list, tuple)) else [settings["root"]]
    for path in [*roots, *(one for one in signals.values() if one is not None)]:
        if not isinstance(path, str):
            raise InputError(f"data.root and data.signals must be paths, and {str(path)[:80]!r} is none")
    ends = settings["score_range"]
    right = ends is None or (len(ends) == 2 and all(type(one) in (int, float) for one in ends))
    if not right or (ends is not None and not -MOST_SCORE < ends[0] < ends[1] < MOST_SCORE):
        raise InputError(f"data.score_range={str(ends)[:80]}: give the lowest and the highest score")
    if ends is not None:
        scale_of(settings.get("scale"), ends)
