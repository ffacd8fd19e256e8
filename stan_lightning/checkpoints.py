"""Checkpoints that are whole or absent, whatever moment the machine vanishes at."""

import os
import zipfile
from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.io import TorchCheckpointIO

from preprocess.errors import InputError

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


def newest(run: Path) -> tuple[Path, str]:
    """The checkpoint that a run goes on from.

    Returns:
        Its path, and a line that says so where it is not the last one, else "".

    Raises:
        InputError: Where there is none that can be read.
    """
    folder = run / "checkpoints"
    last, previous = folder / LAST, folder / PREVIOUS
    if _whole(last):
        return last, ""
    if _whole(previous):
        why = "is cut short" if last.exists() else "is not there"
        return previous, f"{last} {why}: going on from {previous}, one epoch earlier"
    raise InputError(
        f"nothing to resume: {folder} holds no readable {LAST}; start anew without resume, in another folder"
    )


def _whole(path: Path) -> bool:
    """A checkpoint is a zip whose directory stands at its end, so a cut one has none."""
    return path.is_file() and zipfile.is_zipfile(path)
