"""Whatever is handed in for prediction as a table of recordings with crops.

Raw videos go through `python -m preprocess` in a process of its own: MediaPipe's signal handlers and
Lightning's do not get on in one.
"""

import csv
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from preprocess.archive.quality import measure
from preprocess.archive.recording_zip import read_row, read_settings
from preprocess.corpora.corpus import VIDEO_SUFFIXES
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text, find_file, safe_recording_name
from stan_lightning.data.crops import open_crops
from stan_lightning.data.manifest import COLUMNS, read_manifest

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
MADE_OF_VIDEOS = ("behaviour",)
"""Tracks that preprocessing leaves beside the crops."""
CROPPED = (0, 3)
"""Exit codes of preprocessing that leave crops: all read, or some recorded as failed."""


def recordings(given: Path, crops: Path, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Find the recordings in a file or folder, and crop those that are videos.

    Args:
        given: A video, a folder of videos, a zip of crops or a folder of them, a folder of images, or a
            folder (or CSV) with a manifest.
        crops: Folder for the crops of videos.
        settings: Overrides of preprocessing's configuration for them.

    Returns:
        Columns as `stan_lightning.data.manifest.read_manifest`, and `reason`, `detection_rate`.
        A recording that cannot be used has no `crops` and a `reason`.

    Raises:
        InputError: Where there is nothing to predict.
    """
    given = find_file(given)
    if not os.path.exists(given):
        raise InputError(f"no file or folder at {given}: give a video, a folder of videos, or crops")
    files = sorted(given.iterdir()) if given.is_dir() else [given]
    videos = _videos(given)
    if given.suffix == ".csv" or (not videos and (given / "manifest.csv").is_file()):
        table = read_manifest(given)
        return table.assign(**{name: table.get(name, "") for name in ("reason", "detection_rate")})
    if videos:
        return _crop(videos, crops, settings)
    archives = [file for file in files if file.suffix == ".zip"]
    if archives:
        return pd.DataFrame([_archive(file) for file in archives])
    if any(file.suffix.lower() in IMAGE_SUFFIXES for file in files):
        return pd.DataFrame([_folder(given)])
    raise InputError(f"{given} holds no video and no crops: give a video, a folder of videos, or crops")


def crop_settings(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """How to crop a video for a network: as the crops that it was trained on, where they are still there.

    Args:
        data: Arguments of the datamodule in training.
        changes: Settings that the user names; None leaves them as they are.

    Returns:
        Overrides of preprocessing's configuration; what is not there stays at its default.
    """
    known: dict[str, Any] = {"frame_stride": data["frame_stride"]}
    modalities = data.get("modalities", ["face"])
    known |= {"sound": "voice" in modalities, "behaviour": "behaviour" in modalities}
    roots = [data["root"]] if isinstance(data["root"], str) else data["root"]
    archives = sorted(Path(roots[0]).glob("*.zip"))
    if archives:
        known |= read_settings(archives[0])
    known |= {name: value for name, value in changes.items() if value is not None}
    if "model_path" in known:
        known["detector.model_path"] = known.pop("model_path")
    return {name: value for name, value in known.items() if value is not None}


def refuse_unmade(given: Path, tracks: Sequence[str], folders: Mapping[str, Any]) -> None:
    """A raw video has no track beside it but those that preprocessing makes."""
    unmade = [name for name in tracks if name not in MADE_OF_VIDEOS and not folders.get(name)]
    if unmade and _videos(find_file(given)):
        raise InputError(
            f"{given}: this network reads the track {unmade[0]}, which nothing here makes of a video: "
            f"measure it and give tracks.{unmade[0]}=<folder>, whose file is called as the video is"
        )


def quality(crops: str) -> tuple[list[tuple[str, str]], bytes]:
    """What is known of a recording's crops: named facts, and a JPEG of eight of them side by side."""
    try:
        found = measure(Path(crops))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):  # crops of others are often plain folders
        return [("crops", "not made by this project: nothing is known of their quality")], b""
    row = found.row
    facts = [("faces found", f"{float(str(row['detection_rate'])):.0%} of the kept frames")]
    facts.append(
        ("kept", f"{row['n_frames']} of {row['n_source_frames']} frames, every {row['frame_stride']}")
    )
    facts.append(("interpolated", f"{found.n_interpolated} frames"))
    longest = f", the longest {found.longest_gap_s:.1f} s" if found.n_gaps else ""
    facts.append(("gaps without a face", f"{found.n_gaps}{longest}"))
    facts += [("sharpness", f"{found.sharpness:.0f}"), ("brightness", f"{found.brightness:.0f} of 255")]
    return facts, found.strip


def _videos(given: Path) -> list[Path]:
    """The videos in what is handed in, in order."""
    if given.is_file() and given.suffix not in (".zip", ".csv"):
        return [given]  # whatever it is called: preprocessing says what it is
    files = sorted(given.iterdir()) if given.is_dir() else []
    return [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]


def _crop(videos: Sequence[Path], crops: Path, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Run preprocessing on the videos; what it could not read is in the table, with the reason."""
    crops.mkdir(parents=True, exist_ok=True)
    listing = crops / "videos.csv"
    with listing.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["video", "subject", "partition"])
        writer.writerows([as_text(video.resolve()), as_text(video.name), "test"] for video in videos)
    overrides = {"corpus.root": listing, "output": crops, "overwrite": True, "summary": False}
    overrides |= settings
    command = [sys.executable, "-m", "preprocess", "corpus=manifest"]
    command += [f"{name}={_quoted(value)}" for name, value in overrides.items()]
    code = subprocess.run(command, check=False).returncode
    if code not in CROPPED:
        raise InputError(
            f"{videos[0]}: preprocessing could not go on (exit code {code}), see what it said above"
        )
    table = read_manifest(crops)
    wanted = {as_text(video.resolve()) for video in videos}
    ours = [as_text((crops / video).resolve()) in wanted for video in table["video"]]
    return table[ours].reset_index(drop=True)


def _quoted(value: Any) -> str:
    """A value as Hydra's grammar takes it, whatever characters a path holds."""
    if not isinstance(value, str | Path):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _row(**known: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    return empty | {"fps": float("nan"), "status": "ok", "reason": "", "detection_rate": ""} | known


def _folder(folder: Path) -> dict[str, Any]:
    found = open_crops(str(folder))
    name = safe_recording_name(folder.resolve().name)
    home = str(folder.resolve().parent)
    return _row(
        recording=name, crops=str(folder), crops_root=home, stride=found.stride(), n_crops=len(found.frames)
    )


def _archive(file: Path) -> dict[str, Any]:
    """A zip of crops with its own row; one of a failed recording has no crops."""
    kept = (
        "recording",
        "subject",
        "session",
        "task",
        "partition",
        "group",
        "video",
        "fps",
        "reason",
        "detection_rate",
    )
    try:
        stored = read_row(file)
        known = {name: stored[name] for name in kept if stored.get(name) is not None}
        found = {name: stored[name] for name in ("status", "frame_stride", "n_frames")}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} is no zip of crops as preprocessing writes them ({error})") from None
    failed = found["status"] == "failed"
    return (
        _row()
        | known
        | {
            "status": found["status"],
            "crops": "" if failed else str(file),
            "crops_root": str(file.parent),
            "stride": found["frame_stride"],
            "n_crops": found["n_frames"],
        }
    )
