"""`manifest.csv`, made from the recordings' zips and nothing else, so that it can always be rebuilt."""

import csv
import io
from pathlib import Path
from typing import Any

from preprocess.archive.recording_zip import read_row
from stan_boundary.errors import InputError
from stan_boundary.names import check_recording_name, csv_cell
from stan_boundary.writing import write_whole

NAME = "manifest.csv"
COLUMNS = (
    "recording,subject,session,task,partition,label,group,video,fps,n_source_frames,frame_stride,n_frames,"
    "n_moments,detection_rate,status,reason,sound_s,sound_rms,participant_s,interviewer_s,note"
).split(",")


def archives(output: Path) -> list[Path]:
    """Zips of recordings in a folder of crops, by name; see `misnamed` for the rest."""
    return [path for path in _zips(output) if not _wrong_name(path)]


def misnamed(output: Path) -> list[str]:
    """Why each zip in a folder of crops that cannot be a recording's is left out."""
    return [wrong for path in _zips(output) if (wrong := _wrong_name(path))]


def row_of(path: Path) -> dict[str, Any]:
    """The manifest row of a zip; one that cannot be used is a failed recording, and the row says why."""
    try:
        row = read_row(path)
        if row["recording"] != path.stem:
            raise InputError(f"{path}: says that it is recording {row['recording']}: give it that name")
    except InputError as error:
        return failed_row(path.stem, str(error))
    return row


def failed_row(recording: str, reason: str) -> dict[str, Any]:
    """The row of a recording of which nothing is known but why it cannot be used."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    row |= {"recording": recording, "label": None, "fps": None, "n_source_frames": 0, "frame_stride": 1}
    row |= {"n_frames": 0, "n_moments": None, "detection_rate": 0.0, "status": "failed", "reason": reason}
    return row | dict.fromkeys(("sound_s", "sound_rms", "participant_s", "interviewer_s"))


def write_manifest(output: Path) -> list[dict[str, Any]]:
    """Write `manifest.csv` beside the zips it describes.

    Text that a spreadsheet would take for a formula is quoted (`stan_boundary.names.csv_cell`).

    Returns:
        Its rows, sorted by recording; keys are among `COLUMNS`.

    Raises:
        OSError: The folder cannot be written.
    """
    rows = sorted((row_of(path) for path in archives(output)), key=lambda row: str(row["recording"]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    write_whole(output / NAME, text.getvalue().encode())
    return rows


def _zips(output: Path) -> list[Path]:
    return sorted(path for path in output.glob("*.zip") if not path.name.startswith("."))


def _wrong_name(path: Path) -> str:
    try:
        check_recording_name(path.stem, str(path.parent))
    except InputError as error:
        return str(error)
    return ""
