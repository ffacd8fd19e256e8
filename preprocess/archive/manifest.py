"""`manifest.csv`, made from the recordings' zips and nothing else, so that it can always be rebuilt."""

import csv
import io
from pathlib import Path

from preprocess.archive.recording_zip import read_row
from stan_boundary.writing import write_whole

NAME = "manifest.csv"
COLUMNS = (
    "recording,subject,session,task,partition,label,group,video,fps,n_source_frames,frame_stride,n_frames,"
    "detection_rate,status,reason,sound_s,sound_rms,note"
).split(",")


def archives(output: Path) -> list[Path]:
    """Zips of recordings in a folder of crops, by name."""
    return sorted(path for path in output.glob("*.zip") if not path.name.startswith("."))


def write_manifest(output: Path) -> list[dict[str, object]]:
    """Write `manifest.csv` beside the zips it describes.

    Returns:
        Its rows, sorted by recording; keys are among `COLUMNS`.

    Raises:
        OSError: The folder cannot be written.
        zipfile.BadZipFile, KeyError, ValueError: A zip there is none of this project's.
    """
    rows = sorted((read_row(path) for path in archives(output)), key=lambda row: str(row["recording"]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(output / NAME, text.getvalue().encode())
    return rows
