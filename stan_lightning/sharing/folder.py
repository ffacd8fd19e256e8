"""From a checkpoint to a model folder, and back."""

import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

from stan_boundary.errors import InputError
from stan_boundary.writing import private_folder
from stan_lightning.evaluation.trained import RECORD, Trained, from_content
from stan_lightning.network.model_folder import CARD, FILES, read_config, read_state, write_model

SCALE = "score_range"
PLAIN = ("network", "objective")
"""Of the module's settings what describes the network; how it was optimised is the run's own."""
READING = ("clip_frames", "frame_stride", "image_size", "modalities", "sound_s", "synthetic")
"""Of the data's settings what decides how a clip is read."""
SECTIONS = (
    "format",
    *PLAIN,
    "facts",
    "reading",
    "crops",
    "record",
    "calibration",
    "versions",
    "weights_sha256",
)
_UNKNOWN: Mapping[str, Any] = {
    "root": "",
    "make_crops": "a video given to predict",
    "crops_stride": None,
    "drop_last": False,
    "augment": None,
    "sampler": None,
}
"""Of the data's settings what nobody learns from a model folder."""


def described(trained: Trained, crops: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, Any]:
    """A network as ``config.json`` tells of it: no name, no label, no path.

    Args:
        trained: Of a run.
        crops: Settings of preprocessing that its crops were made with.
        versions: Of packages.
    """
    module = trained.module.hparams
    labels = [label for _, _, label in trained.sessions.sessions]
    calibration: dict[str, Any] = {
        "training_sessions": len(labels),
        "training_subjects": len(trained.sessions.subjects),
    }
    if labels and trained.classes is not None:
        calibration["training_classes"] = {
            name: labels.count(float(number)) for number, name in enumerate(trained.classes)
        }
    elif labels:
        calibration |= {"training_median": float(median(labels)), "training_mean": float(mean(labels))}
    if trained.conformal is not None:
        calibration["conformal"] = trained.conformal.record()
    return {
        **{name: module[name] for name in PLAIN},
        "facts": {name: value for name, value in module["data"].items() if name != SCALE},
        "reading": {name: trained.data[name] for name in READING},
        "crops": dict(crops),
        "record": dict(trained.record),
        "calibration": calibration,
        "versions": dict(versions),
    }


def write(trained: Trained, config: Mapping[str, Any], card: str, output: Path) -> Path:
    """Write a model folder beside its place, for what else it is to hold and for the scan.

    Returns:
        The folder, which `finish` brings to its place and `discard` takes away.

    Raises:
        InputError: `output` holds other files than a model folder does.
    """
    if output.exists():
        strange = (
            sorted(one.name for one in output.iterdir() if one.name not in FILES) if output.is_dir() else [""]
        )
        if strange:
            raise InputError(f"{output / strange[0]} is no file of a model folder: give an output of its own")
    output.parent.mkdir(parents=True, exist_ok=True)
    part = private_folder(output.parent / f".{secrets.token_hex(8)}.part")
    try:
        write_model(part, config, trained.module.state_dict())
        (part / CARD).write_text(card, encoding="utf-8")
    except BaseException:
        discard(part)
        raise
    return part


def finish(part: Path, output: Path) -> list[Path]:
    """Bring a folder's files to their place; returns their paths."""
    output.mkdir(exist_ok=True)
    found = []
    for name in FILES:
        if (part / name).is_file():
            found.append((part / name).replace(output / name))
        else:
            (output / name).unlink(missing_ok=True)
    part.rmdir()
    return found


def discard(part: Path) -> None:
    """Take away what `write` left."""
    shutil.rmtree(part, ignore_errors=True)


def open_model(folder: Path, trust: Collection[str] = ()) -> Trained:
    """Read a model folder; nothing in it is executed.

    Args:
        folder: As `write` and `finish` leave it.
        trust: Packages of the user's own whose classes it may name besides.

    Raises:
        InputError: It is missing, damaged, changed, or names what is not allowed.
    """
    config = read_config(folder)
    strange = sorted(set(config) ^ set(SECTIONS))
    if strange:
        what = "lacks" if strange[0] in SECTIONS else "holds"
        raise InputError(f"{folder}: its config {what} {strange[0][:80]}, unlike a model folder's")
    for name in SECTIONS[1:-1]:
        if not isinstance(config[name], dict):
            raise InputError(f"{folder}: {name} of its config is no mapping")
    lacking = [name for name in (*READING, *RECORD) if name not in {**config["reading"], **config["record"]}]
    if lacking:
        raise InputError(f"{folder}: its config lacks {lacking[0]}")
    content = {
        "state_dict": read_state(folder, config),
        "hyper_parameters": {
            **{name: config[name] for name in PLAIN},
            "data": {**config["facts"], SCALE: config["record"][SCALE]},
            "optimizer": {"_target_": "torch.optim.Adam"},
            "seed": 0,
        },
        "datamodule_hyper_parameters": {**_UNKNOWN, **config["record"], **config["reading"], "signals": {}},
        "training": {
            **config["record"],
            "sessions": [],
            "conformal": config["calibration"].get("conformal"),
        },
    }
    return from_content(content, str(folder), trust, config["crops"])
