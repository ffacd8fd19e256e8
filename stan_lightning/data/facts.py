"""What a network takes from the data, and what the data takes from a network: how clips are to come to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.log_mel import BANDS, HOP, RATE

NOMINAL_FPS = 30.0  # of the videos whose frames `frame_stride` counts


def facts(
    training: pd.DataFrame,
    classes: Sequence[str] | None,
    columns: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """What the data decides, as plain data for the checkpoint.

    Args:
        training: Recordings of the training partition.
        classes: Their names; None where labels are scores.
        columns: Of each signal.
        settings: Arguments of the datamodule.

    Returns:
        `score_range`, `classes`, `training_mean` (label of the training recordings in points, None where
        unknown), `columns`, `spans` (first and last moment of what is read of faces and voices, in seconds of
        the clip: all about one middle; none of whole recordings), and `moment_s`, seconds from one moment of
        a signal to the next.
    """
    known = classes is None and training.label.notna().any()
    mean = float(training.label.mean()) if known else None
    frames, stride = settings["clip_frames"], settings["frame_stride"]
    spans = {}
    if frames is not None:
        clip_s = frames * stride / NOMINAL_FPS
        lengths = {"face": clip_s, "audio": settings["sound_s"] or clip_s}
        spans = {name: [(clip_s - one) / 2, (clip_s + one) / 2] for name, one in lengths.items()}
    return {
        "score_range": settings["score_range"],
        "classes": classes,
        "training_mean": mean,
        "columns": {name: list(one) for name, one in columns.items()},
        "spans": spans,
        "moment_s": stride / NOMINAL_FPS,
    }


def clip_shape(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How long and large a clip is: `frames`, `size` in pixels, `sound` as moments and bands of its log-mel.

    Args:
        settings: Arguments of the datamodule; of whole recordings 300 frames stand for any number.
    """
    frames = settings["clip_frames"]
    seconds = settings["sound_s"] or (frames or 0) * settings["frame_stride"] / NOMINAL_FPS
    moments = round(seconds * RATE) // HOP
    return {"frames": frames or 300, "size": settings["image_size"], "sound": (moments, BANDS)}


def formats(parts: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """How clips of faces come to a network.

    Args:
        parts: Its encoders by modality, each with `input` (`stan_lightning.network.encoder.Encoder`).
        settings: Arguments of the datamodule.

    Returns:
        `mean`, `deviation` and `layout`; nothing where it reads no faces.

    Raises:
        InputError: It asks for what is not read, or for pictures or clips of another size.
    """
    asked, read = list(parts), list(settings["modalities"])
    if lacking := sorted(set(asked) - set(read)):
        raise InputError(
            f"data.modalities={read}, but the network asks for {', '.join(asked)}: nobody reads "
            f"{lacking[0]}; leave data.modalities as it is"
        )
    found = dict(parts["face"].input) if "face" in parts else {}
    for name, key in (("size", "image_size"), ("frames", "clip_frames")):
        wanted = found.pop(name, None)
        if wanted not in (None, settings[key]):
            raise InputError(
                f"data.{key}={settings[key]}, but the network's encoder of faces reads {wanted}: set "
                f"data.{key}={wanted}"
            )
    return found
