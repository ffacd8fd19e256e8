"""Checkpoints that are whole or absent, whatever moment the machine vanishes at."""

import os
import zipfile
from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.io import TorchCheckpointIO

from stan_boundary.errors import InputError

FOLDER = "checkpoints"
LAST = "last.ckpt"
PREVIOUS = "last.previous.ckpt"


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes beside the checkpoint's place and renames; the one before `last` is kept."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` so that a kill leaves the old file or the new one under `path`."""
        place = Path(path)
        beside = place.with_name(place.name + ".part")
        super().save_checkpoint(checkpoint, beside, storage_options)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if place.name == LAST and place.exists():
            os.replace(place, place.with_name(PREVIOUS))
        os.replace(beside, place)

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint; what it says of its own folder is put right where the run was moved.

        Lightning forgets the best value so far where the folder has another name than it had, and
        would take the next epoch for the best one.
        """
        checkpoint: dict[str, Any] = super().load_checkpoint(path, *args, **kwargs)
        here = Path(path).resolve().parent
        for state in checkpoint.get("callbacks", {}).values():
            if "dirpath" in state:
                state.update(_moved(state, here))
        return checkpoint


def _moved(state: dict[str, Any], here: Path) -> dict[str, Any]:
    """The paths in a ModelCheckpoint's state, in the folder that they lie in now."""
    paths = ("best_model_path", "kth_best_model_path", "last_model_path")
    moved: dict[str, Any] = {name: _in(here, state[name]) for name in paths if name in state}
    best = {_in(here, path): value for path, value in state.get("best_k_models", {}).items()}
    return moved | {"dirpath": str(here), "best_k_models": best}


def _in(here: Path, path: str) -> str:
    return str(here / Path(path).name) if path else path


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
        with zipfile.ZipFile(path) as members:
            return members.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False
