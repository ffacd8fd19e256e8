"""Crops that are there, by their manifest: our own zips, or folders of images that others left.

The names of recordings are those that training gives them (`stan_lightning.data.manifest`).
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from preprocess.archive.manifest import NAME
from preprocess.archive.record import has_grid
from preprocess.archive.recording_zip import read_row, read_settings, read_track
from stan_boundary.errors import InputError
from stan_boundary.file_names import find_file, safe_recording_name
from stan_boundary.listing import MOST_BYTES, check_listing
from stan_boundary.names import check_recording_name, csv_text
from stan_boundary.opening import read_regular

_MOST_DIGITS = 18
_IMAGE = re.compile(r"(?<!\d)(\d+)\.(jpe?g|png|bmp)$", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Listed:
    """One recording's crops.

    Attributes:
        recording: Its name.
        images: Source frame and file of each image, ascending; empty where it is a zip of ours.
        n_crops: How many there are.
    """

    recording: str
    images: tuple[tuple[int, Path], ...]
    n_crops: int


@dataclass(frozen=True)
class Listing:
    """What a manifest of crops lists.

    Attributes:
        root: The manifest's folder.
        listed: Its recordings with crops that show faces.
        ours: Whether they are zips of ours.
        failed: Why each recording that cannot be read cannot.
    """

    root: Path
    listed: list[Listed]
    ours: bool
    failed: list[str]


def read_listing(given: Path) -> Listing:
    """Read a manifest of crops.

    Args:
        given: The CSV, or the folder that holds it as `manifest.csv`.

    Raises:
        InputError: There is no manifest, a name in it cannot be a file's or is there twice, or none of its
            crops can be read.
    """
    file = given / NAME if given.is_dir() else given
    try:
        if not file.exists():
            raise InputError(f"no crops at {given}: give a manifest CSV, or a folder with {NAME}")
        data = read_regular(file, MOST_BYTES)
        check_listing(data, str(file))
        text = data.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: not a CSV table ({error})") from None
    ours = bool(rows) and {"status", "n_frames", "recording"} <= set(rows[0])
    if rows and not ours and "video" not in rows[0]:
        raise InputError(f"{file}: has no column video, which names the folders of images")
    names = _names(file, rows, ours)
    find = _zip if ours else _folder
    listed, failed = [], []
    for name, row in zip(names, rows, strict=True):
        try:
            if (one := find(file.parent, name, row)) is not None:
                listed.append(one)
        except InputError as error:
            failed.append(str(error))
    if not listed:
        raise InputError(failed[0] if failed else f"{file}: lists no crops that show faces")
    return Listing(file.parent, listed, ours, failed)


def _names(file: Path, rows: list[dict[str, str]], ours: bool) -> list[str]:
    """Names of the recordings: files are called by them."""
    counts = Counter() if ours else Counter(Path(row["video"]).name for row in rows)
    names = []
    for number, row in enumerate(rows, start=2):
        video = row.get("video", "")
        name = Path(video).name if counts[Path(video).name] == 1 else video.strip("/").replace("/", "__")
        name = csv_text(row["recording"]) if ours else row.get("recording") or safe_recording_name(name)
        names.append(check_recording_name(name, f"{file} row {number}"))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"recording {twice[0]} is listed twice in {file.parent}; keep one row a recording")
    return names


def _zip(root: Path, name: str, row: dict[str, str]) -> Listed | None:
    """A zip of ours; None where its recording failed or it shows no faces."""
    path = root / f"{name}.zip"
    if row["status"] == "failed":
        return None
    if not path.exists():
        raise InputError(f"{path}: not there, but the manifest lists it; run preprocessing again")
    if read_settings(path).get("align") == "none" or has_grid(read_row(path)):  # whole pictures, or none
        return None
    return Listed(name, (), len(read_track(path)))


def _folder(root: Path, name: str, row: dict[str, str]) -> Listed:
    images = _images(find_file(root / row["video"]))
    return Listed(name, images, len(images))


def _images(folder: Path) -> tuple[tuple[int, Path], ...]:
    try:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of crops, but the manifest lists it")
        found = [(match[1], path) for path in folder.iterdir() if (match := _IMAGE.search(path.name))]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None
    if not found:
        raise InputError(f"{folder}: no numbered images in it")
    if long := [path for digits, path in found if len(digits) > _MOST_DIGITS]:
        raise InputError(f"{long[0]}: is no frame's number; rename it")
    images = sorted((int(digits), path) for digits, path in found)
    twice = [number for number, count in Counter(number for number, _ in images).items() if count > 1]
    if twice:
        raise InputError(f"{folder}: frame {twice[0]} is there twice; keep one image a frame")
    return tuple(images)
