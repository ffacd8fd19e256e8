"""Checkpoints that are whole or absent, whatever moment the machine vanishes at."""

import os
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.opening import open_zip
from stan_boundary.writing import private_folder, whole_file
from stan_lightning.network import checkpoint_file

FOLDER = "checkpoints"
LAST = "last.ckpt"
PREVIOUS = "last.previous.ckpt"
_KINDS: dict[str, type] = {
    "state_dict": dict,
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
}
_KINDS |= {"epoch": int, "global_step": int, "pytorch-lightning_version": str}
_VERSION = re.compile(r"[2-9]\.\d{1,3}[\w.+]{0,40}", re.ASCII)
_NAME = re.compile(r"[^/.][^/]*\.ckpt")


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes beside the checkpoint's place and renames; the one before `last` is kept."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` so that a kill leaves the old file or the new one under `path`."""
        place = Path(path)
        private_folder(place.parent)
        with whole_file(place) as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
            if place.name == LAST and place.exists():
                os.replace(place, place.with_name(PREVIOUS))

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint; what it says of its own folder is put right where the run was moved.

        Lightning forgets the best value so far where the folder has another name than it had, and
        would take the next epoch for the best one.
        """
        checkpoint: dict[str, Any] = checkpoint_file.load(path)
        here = Path(path).resolve().parent
        for name, kind in _KINDS.items():
            if not isinstance(checkpoint.get(name, kind()), kind):
                raise InputError(f"{path} is no checkpoint of a training run (its {name} cannot be)")
        if not _VERSION.fullmatch(checkpoint.get("pytorch-lightning_version", "2.0")):
            raise InputError(f"{path} names no version of Lightning that can be")
        callbacks = checkpoint.get("callbacks", {})
        for state in callbacks.values():
            if isinstance(state, dict) and "dirpath" in state:
                state.update(_moved(state, here, str(path)))
        return checkpoint


def _moved(state: dict[str, Any], here: Path, file: str) -> dict[str, Any]:
    """The paths in a ModelCheckpoint's state, in the folder that they lie in now."""
    paths = ("best_model_path", "kth_best_model_path", "last_model_path")
    moved: dict[str, Any] = {name: _in(here, state[name], file) for name in paths if name in state}
    known = state.get("best_k_models", {})
    best = {_in(here, path, file): value for path, value in known.items()} if isinstance(known, dict) else {}
    return moved | {"dirpath": str(here), "best_k_models": best}


def _in(here: Path, path: object, file: str) -> str:
    """The file of that name in this folder. Lightning removes such paths, folders with all they hold."""
    if path == "":
        return ""
    name = PurePosixPath(str(path).replace("\\", "/")).name
    if not isinstance(path, str) or not _NAME.fullmatch(name) or printable(name) != name:
        raise InputError(f"{file} calls one of its checkpoints {str(path)[:80]!r}: that is no name of one")
    return str(here / name)


def holds_run(run: Path) -> bool:
    """Whether a folder holds a run that can be gone on with, or was."""
    return any((run / FOLDER).glob("*.ckpt"))


def newest(run: Path) -> tuple[Path, str]:
    """The checkpoint that a run goes on from.

    A broken `last` is removed when there is another, which would else be overwritten by it.

    Returns:
        Its path, and a line that says so where it is not the last one, else "".

    Raises:
        InputError: Where there is none that can be read.
    """
    last, previous = run / FOLDER / LAST, run / FOLDER / PREVIOUS
    if _whole(last):
        return last, ""
    if _whole(previous):
        why = "is damaged or cut short" if last.exists() else "is not there"
        last.unlink(missing_ok=True)
        return previous, f"{last} {why}: going on from {previous}, one epoch earlier"
    raise InputError(
        f"nothing to resume: {last.parent} holds no readable {LAST}; start anew without resume, "
        "in another folder"
    )


def _whole(path: Path) -> bool:
    """A checkpoint is a zip with a checksum for each member."""
    try:
        with open_zip(path) as members:
            return members.testzip() is None
    except (InputError, OSError, zipfile.BadZipFile):
        return False
