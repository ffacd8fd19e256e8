"""The list of recordings: our own `manifest.csv`, or one that names folders of images."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.file_names import find_file, safe_recording_name
from stan_lightning.data.crops import open_crops

COLUMNS = ("recording", "subject", "session", "task", "partition", "label", "group", "video")
PARTITIONS = ("train", "dev", "test")


def read_manifest(roots: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Read one or several sets of crops.

    Args:
        roots: Folders that hold `manifest.csv`, or manifest files.

    Returns:
        One row a recording in the order of the files, all columns of `COLUMNS` as strings (label too,
        empty where unknown), `status`, and: `crops` (path of its zip or folder, empty where it has
        none), `crops_root` (the folder of its set), `stride` (of its crops, source frames), `n_crops`,
        `fps` and `sound_s` (seconds of sound; both NaN where unknown).

    Raises:
        InputError: Where a manifest is missing, empty, lacks a column or lists a recording twice.
    """
    many = [roots] if isinstance(roots, str | Path) else list(roots)
    table = pd.concat([_read_one(Path(root)) for root in many], ignore_index=True)
    twice = table.recording[table.recording.duplicated()]
    if len(twice):
        raise InputError(
            f"recording {twice.iloc[0]} is listed twice in {_named(many)}; keep one row a recording"
        )
    return table


def _named(roots: Sequence[str | Path]) -> str:
    return ", ".join(str(root) for root in roots)


def _read_one(root: Path) -> pd.DataFrame:
    file = root / "manifest.csv" if root.is_dir() else root
    if not file.is_file():
        raise InputError(
            f"no crops at {root}: `make preprocess AVEC2014=<folder>` makes them from your videos, "
            "`make demo` shows the whole road without data"
        )
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a CSV table ({' '.join(str(error).split())})") from None
    missing = {"video", "subject"} - set(table.columns)
    if missing:
        raise InputError(
            f"{file}: has no column {' or '.join(sorted(missing))}; see the README's data contract"
        )
    if table.empty:
        raise InputError(f"{file}: lists no recording; run preprocessing on a corpus that has some")
    table["crops_root"] = str(file.parent)
    return _zips(table, file) if "status" in table else _folders(table, file)


def _zips(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Rows of a manifest that preprocessing wrote."""
    table["crops"] = [
        "" if status == "failed" else str(file.parent / f"{recording}.zip")
        for recording, status in zip(table.recording, table.status, strict=True)
    ]
    for path in table.crops:
        if path and not Path(path).is_file():
            raise InputError(f"{path}: not there, but {file} lists it; run preprocessing again")
    table["stride"] = pd.to_numeric(table.frame_stride)
    table["n_crops"] = pd.to_numeric(table.n_frames)
    table["fps"] = pd.to_numeric(table.fps)
    table["sound_s"] = pd.to_numeric(table["sound_s"]) if "sound_s" in table else float("nan")
    return table


def _folders(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Rows that name folders of images, absolute or beside the manifest."""
    table["crops"] = [str(find_file(file.parent / video)) for video in table.video]
    for path in table.crops:
        if not os.path.isdir(path):
            raise InputError(f"{path}: no such folder of crops, but {file} lists it")
    opened = [open_crops(path) for path in table.crops]
    table["stride"] = [crops.stride() for crops in opened]
    table["n_crops"] = [len(crops.frames) for crops in opened]
    table["fps"] = table["sound_s"] = float("nan")
    table["status"] = "ok"
    for column in COLUMNS:
        if column not in table:
            table[column] = ""
    unnamed = table.recording == ""
    names = table.video.map(lambda video: Path(video).name)
    paths = table.video.str.strip("/").str.replace("/", "__", regex=False)
    found = names.where(~names.duplicated(keep=False), paths).map(safe_recording_name)
    table.loc[unnamed, "recording"] = found
    table.loc[table.session == "", "session"] = table.recording
    return table
