"""Crops that are there, by their manifest: our own zips, or folders of images that others left.

The names of recordings are those that training gives them (`stan_lightning.data.manifest`).
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from preprocess.archive.manifest import NAME
from preprocess.archive.recording_zip import read_settings
from stan_boundary.errors import InputError
from stan_boundary.file_names import find_file, safe_recording_name

_IMAGE = re.compile(r"(\d+)\.(jpe?g|png|bmp)$", re.IGNORECASE)


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


def read_listing(given: Path) -> tuple[Path, list[Listed], bool]:
    """Read a manifest of crops.

    Args:
        given: The CSV, or the folder that holds it as `manifest.csv`.

    Returns:
        The manifest's folder, its recordings with crops that show faces, and whether they are zips of ours.

    Raises:
        InputError: There is no manifest or no crops where it says, or one image is there twice.
    """
    file = given / NAME if given.is_dir() else given
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened, skipinitialspace=True))
    except FileNotFoundError:
        raise InputError(f"no crops at {given}: give a manifest CSV, or a folder with {NAME}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: not a CSV table ({error})") from None
    ours = bool(rows) and {"status", "n_frames", "recording"} <= set(rows[0])
    if rows and not ours and "video" not in rows[0]:
        raise InputError(f"{file}: has no column video, which names the folders of images")
    listed = _zips(file.parent, rows) if ours else _folders(file.parent, rows)
    if not listed:
        raise InputError(f"{file}: lists no crops that show faces")
    return file.parent, listed, ours


def _zips(root: Path, rows: list[dict[str, str]]) -> list[Listed]:
    found = []
    for row in rows:
        path = root / f"{row['recording']}.zip"
        if row["status"] == "failed":
            continue
        if not path.is_file():
            raise InputError(f"{path}: not there, but the manifest lists it; run preprocessing again")
        if read_settings(path)["align"] != "none":  # whole pictures
            found.append(Listed(row["recording"], (), int(row["n_frames"])))
    return found


def _folders(root: Path, rows: list[dict[str, str]]) -> list[Listed]:
    names = Counter(Path(row["video"]).name for row in rows)
    found = []
    for row in rows:
        video = row["video"]
        name = Path(video).name if names[Path(video).name] == 1 else video.strip("/").replace("/", "__")
        images = _images(find_file(root / video))
        found.append(Listed(row.get("recording") or safe_recording_name(name), images, len(images)))
    twice = [name for name, count in Counter(one.recording for one in found).items() if count > 1]
    if twice:
        raise InputError(f"recording {twice[0]} is listed twice in {root}; keep one row a recording")
    return found


def _images(folder: Path) -> tuple[tuple[int, Path], ...]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of crops, but the manifest lists it")
    images = sorted((int(match[1]), path) for path in folder.iterdir() if (match := _IMAGE.search(path.name)))
    if not images:
        raise InputError(f"{folder}: no numbered images in it")
    twice = [number for number, count in Counter(number for number, _ in images).items() if count > 1]
    if twice:
        raise InputError(f"{folder}: frame {twice[0]} is there twice; keep one image a frame")
    return tuple(images)
