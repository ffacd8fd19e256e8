"""The list of recordings: our own `manifest.csv`, or one that names folders of images."""

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.file_names import find_file, safe_recording_name
from stan_boundary.listing import MOST_BYTES, check_listing
from stan_boundary.names import check_recording_name, csv_text, printable, shortened
from stan_boundary.opening import MOST_MEMBERS, read_regular
from stan_lightning.data.crops import open_crops

COLUMNS = ("recording", "subject", "session", "task", "partition", "label", "group", "video")
PARTITIONS = ("train", "dev", "test")
_OF_ZIPS = ("recording", "status", "frame_stride", "n_frames", "fps")
_WHOLE = ("frame_stride", "n_frames", "n_moments")
_MOST_CELL = 4_000
_LONGEST_S = 7 * 86_400


def read_manifest(roots: str | Path | Sequence[str | Path], lenient: bool = False) -> pd.DataFrame:
    """Read one or several sets of crops.

    Args:
        roots: Folders that hold `manifest.csv`, or manifest files.
        lenient: A recording whose row or crops cannot be used has status `unreadable`, a `reason` and no
            `crops`; else it is an error.

    Returns:
        One row a recording in the order of the files, all columns of `COLUMNS` as strings (label too,
        empty where unknown), `status`, and: `crops` (path of its zip or folder, empty where it has
        none), `crops_root` (the folder of its set), `stride` (of its crops, source frames), `n_crops`
        (of one without pictures its moments; 0 where its signals alone tell), `pictures` (whether it has
        any), `fps` and `sound_s` (seconds of sound; both NaN where unknown).

    Raises:
        InputError: Where a manifest is missing, empty, lacks a column, lists a recording twice or under a
            name that cannot be a file's.
    """
    many = [roots] if isinstance(roots, str | Path) else list(roots)
    table = pd.concat([_read_one(Path(root), lenient) for root in many], ignore_index=True)
    twice = table.recording[table.recording.duplicated()]
    if len(twice):
        raise InputError(
            f"recording {twice.iloc[0]} is listed twice in {_named(many)}; keep one row a recording"
        )
    return table


def _named(roots: Sequence[str | Path]) -> str:
    return ", ".join(str(root) for root in roots)


def _read_one(root: Path, lenient: bool) -> pd.DataFrame:
    file = root / "manifest.csv" if root.is_dir() else root
    if not file.exists():
        raise InputError(
            f"no crops at {root}: `make preprocess AVEC2014=<folder>` makes them from your videos, "
            "`make demo` shows the whole road without data"
        )
    table = _table(file)
    if "status" in table:  # ours, in which formulas are quoted
        table = table.map(csv_text)
    missing = {"video", "subject"} - set(table.columns)
    if "status" in table:
        missing |= set(_OF_ZIPS) - set(table.columns)
    if missing:
        raise InputError(f"{file}: has no column {' or '.join(sorted(missing))}; see docs/data.md")
    if table.empty:
        raise InputError(f"{file}: lists no recording; run preprocessing on a corpus that has some")
    for column in COLUMNS:
        if column not in table:
            table[column] = ""
    table["crops_root"] = str(file.parent)
    return _zips(table, file, lenient) if "status" in table else _folders(table, file, lenient)


def _table(file: Path) -> pd.DataFrame:
    """A manifest's cells as text."""
    data = read_regular(file, MOST_BYTES)
    check_listing(data, str(file))
    try:
        table = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        said = shortened(printable(" ".join(str(error).split())), 200)
        raise InputError(f"{file}: not a CSV table ({said})") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{file}: its rows have more cells than its header; name each column")
    for name in table:
        if len(long := table.index[table[name].str.len() > _MOST_CELL]):
            raise InputError(
                f"{file}: row {int(long[0]) + 2}: {shortened(printable(name))} has more than {_MOST_CELL} "
                "characters; shorten it"
            )
    return table


def _checked_names(table: pd.DataFrame, file: Path) -> None:
    for row, name in enumerate(table.recording, start=2):
        check_recording_name(name, f"{file}: row {row}")


def _zips(table: pd.DataFrame, file: Path, lenient: bool) -> pd.DataFrame:
    """Rows of a manifest that preprocessing wrote."""
    _checked_names(table, file)
    kept = [name for name in (*_OF_ZIPS[2:], "n_moments", "sound_s") if name in table]
    rows: list[Mapping[str, Any]] = table[kept].to_dict("records")  # type: ignore[assignment] # text
    found = []
    for number, (recording, status, row) in enumerate(
        zip(table.recording, table.status, rows, strict=True), start=2
    ):
        path = file.parent / f"{recording}.zip"
        why = "" if status == "failed" else _unusable(row)
        if not why and status != "failed" and not path.is_file():
            why = f"{path}: not there, but {file} lists it; run preprocessing again"
        elif why:
            why = f"{file}: row {number}: {recording}: {why}"
        if why and not lenient:
            raise InputError(why)
        found.append((why, "" if why or status == "failed" else str(path)))
    table["crops"] = [crops for _, crops in found]
    _fail(table, [why for why, _ in found])
    for name, column in (("stride", "frame_stride"), ("n_crops", "n_frames"), ("fps", "fps")):
        table[name] = pd.to_numeric(table[column], errors="coerce")
    table["sound_s"] = (
        pd.to_numeric(table["sound_s"], errors="coerce") if "sound_s" in table else float("nan")
    )
    moments = pd.to_numeric(table["n_moments"], errors="coerce") if "n_moments" in table else math.nan
    table["pictures"] = pd.Series(moments, table.index).isna()
    table["n_crops"] = table["n_crops"].where(table["pictures"], moments)
    return table


def _unusable(row: Mapping[str, Any]) -> str:
    """What is wrong with the numbers of a row of ours; empty where nothing is."""
    bounds = {"frame_stride": (1, 10**6), "n_frames": (1, MOST_MEMBERS), "fps": (1e-3, 1e4)}
    bounds["n_moments"] = (0, 10**7)
    if row.get("n_moments", ""):
        bounds["n_frames"] = (0, 0)
    for name, text in row.items():
        low, high = bounds.get(name, (0, _LONGEST_S))
        if text == "" and name in ("fps", "sound_s", "n_moments"):
            continue
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high or (name in _WHOLE and number != int(number)):
            said = shortened(printable(text), 40)
            return f"{name} is {said!r}, no number in {low:g}..{high:g}; run preprocessing again"
    return ""


def _fail(table: pd.DataFrame, reasons: Sequence[str]) -> None:
    """Mark rows that have a reason as unreadable."""
    failed = pd.Series([bool(why) for why in reasons], index=table.index, dtype=bool)
    if failed.any():
        said = table["reason"] if "reason" in table else pd.Series("", index=table.index)
        table["reason"] = said.where(~failed, pd.Series(reasons, index=table.index))
        table["status"] = table["status"].where(~failed, "unreadable")
        table["crops"] = table["crops"].where(~failed, "")


def _folders(table: pd.DataFrame, file: Path, lenient: bool) -> pd.DataFrame:
    """Rows that name folders of images, absolute or beside the manifest."""
    unnamed = table.recording == ""
    names = table.video.map(lambda video: Path(video).name)
    paths = table.video.str.strip("/").str.replace("/", "__", regex=False)
    found = names.where(~names.duplicated(keep=False), paths).map(safe_recording_name)
    table.loc[unnamed, "recording"] = found
    table.loc[table.session == "", "session"] = table.recording
    _checked_names(table, file)
    folders = [file.parent / video for video in table.video]
    table["crops"] = [str(path if "\0" in str(path) else find_file(path)) for path in folders]
    table["status"] = "ok"
    strides, counts, reasons = [], [], []
    for number, path in enumerate(table.crops, start=2):
        why, stride, count = "", math.nan, math.nan
        try:
            if "\0" in path or not os.path.isdir(path):
                raise InputError(
                    f"{printable(path)}: no such folder of crops, but {file} lists it (row {number})"
                )
            crops = open_crops(path)
            stride, count = crops.stride(), len(crops.frames)
        except InputError as error:
            if not lenient:
                raise
            why = str(error)
        reasons.append(why)
        strides.append(stride)
        counts.append(count)
    table["stride"], table["n_crops"], table["pictures"] = strides, counts, True
    table["fps"] = table["sound_s"] = float("nan")
    _fail(table, reasons)
    return table
