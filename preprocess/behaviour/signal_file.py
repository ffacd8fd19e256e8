"""The behaviour signal on disk: `signals/behaviour/<recording>.csv` beside the crops, and `signal.json`.

Each file is whole or absent. A signal holds for the crops that it was measured on: whoever makes crops anew
takes it away first (`discard_signal`).
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from preprocess.behaviour.mesh import LEAST_PRESENCE, VIEW_WIDENING
from stan_boundary.errors import InputError
from stan_boundary.opening import MOST_JSON_BYTES, read_json, read_regular
from stan_boundary.writing import private_folder, sync_folder, write_whole

FOLDER = Path("signals") / "behaviour"
DESCRIPTION = "signal.json"
_WHAT = (
    "What the face does, of each kept frame, by MediaPipe's face mesh on the crop and the eyes in track.csv; "
    "sides are the person's own"
)
_MAKER = "stan-lightning"
_DEFINITIONS = 1  # raised when a number's definition changes: then signals of before are measured anew


def signal_path(crops: Path, recording: str) -> Path:
    """Where a recording's signal lies, or will."""
    return crops / FOLDER / f"{recording}.csv"


def write_signal(
    path: Path, clock: str, moments: Sequence[str], values: Mapping[str, npt.NDArray[np.float64]]
) -> None:
    """Write a signal; the bytes are a function of the arguments.

    Args:
        path: See `signal_path`; its folder is made.
        clock: Name of the first column: `time_s`, or `frame` where no times are known.
        moments: Its cells, T of them.
        values: Columns, each (T,); NaN becomes an empty cell.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([clock, *values])
    cells = [[_cell(value) for value in column.tolist()] for column in values.values()]
    writer.writerows(zip(moments, *cells, strict=True))
    private_folder(path.parent, path.parents[len(FOLDER.parts)])
    write_whole(path, text.getvalue().encode())


def refuse_other_signal(crops: Path) -> None:
    """Refuse to write where a user keeps a signal of that name.

    Raises:
        InputError: It is there, and was not made by this program.
    """
    folder = crops / FOLDER
    if any(folder.glob("*.*")) and not _is_ours(folder):
        raise InputError(
            f"{folder} holds a signal that this program did not make: rename it, or behaviour=false"
        )


def discard_signal(crops: Path, recording: str) -> None:
    """Take a recording's signal away, before its crops are made anew; one that others made stays."""
    path = signal_path(crops, recording)
    if any(folder.is_symlink() for folder in path.parents[: len(FOLDER.parts)]):
        return  # what lies behind a link is not ours
    if path.is_file() and _is_ours(path.parent):
        path.unlink()
        sync_folder(path.parent)  # or a power failure could leave it beside other crops


def prepare_signals(crops: Path, columns: Mapping[str, str], model: Path) -> bool:
    """Write `signal.json`, and take signals away that were measured in another way.

    Args:
        crops: Folder of the crops.
        columns: Of the signals to come, with their units.
        model: The face mesh.

    Returns:
        Whether there were such signals.

    Raises:
        InputError: A signal of that name is there, and not made by this program.
    """
    refuse_other_signal(crops)
    folder = crops / FOLDER
    signals = sorted(folder.glob("*.csv"))
    wanted = {
        "what": _WHAT,
        "made_by": f"{_MAKER} {version(_MAKER)}",
        "resample": "linear",
        "columns": dict(columns),
        "definitions": _DEFINITIONS,
        "view_sides": VIEW_WIDENING,
        "least_presence": LEAST_PRESENCE,
        "model": model.name,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    if {**_described(folder), "made_by": ""} == {**wanted, "made_by": ""}:
        return False
    private_folder(folder, crops)
    for path in signals:
        path.unlink()
    write_whole(folder / DESCRIPTION, json.dumps(wanted, indent=1).encode())
    return bool(signals)


def _is_ours(folder: Path) -> bool:
    return str(_described(folder).get("made_by")).startswith(f"{_MAKER} ")


def _described(folder: Path) -> dict[str, object]:
    """What `signal.json` says; nothing where there is none, or none that can be read."""
    try:
        found = read_json(read_regular(folder / DESCRIPTION, MOST_JSON_BYTES), str(folder / DESCRIPTION))
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{round(value, 4) + 0.0:.4f}"  # no -0.0000
