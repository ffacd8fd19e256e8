"""Whatever is handed in for prediction as a table of recordings with crops, or with sound alone.

Raw videos and sounds go through `python -m preprocess` in a process of its own: MediaPipe's signal handlers
and Lightning's do not get on in one.
"""

import csv
import io
import os
import subprocess
import sys
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from preprocess.archive.quality import measure
from preprocess.archive.recording_zip import read_row, read_settings
from preprocess.archive.settings import taken_settings
from preprocess.corpora.corpus import SOUND_SUFFIXES, VIDEO_SUFFIXES
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text, find_file, safe_recording_name
from stan_boundary.names import printable
from stan_boundary.opening import check_regular
from stan_boundary.typed import in_quotes
from stan_boundary.writing import private_folder, write_whole
from stan_lightning.data.crops import open_crops
from stan_lightning.data.manifest import COLUMNS, read_manifest

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
MADE_OF_VIDEOS = ("behaviour",)
"""Signals that preprocessing leaves beside the crops."""
CROPPED = (0, 3)
"""Exit codes of preprocessing that leave crops: all read, or some recorded as failed."""


def recordings(given: Path, crops: Path, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Find the recordings in a file or folder, and crop or hear those that are videos and sounds.

    Args:
        given: A video or a sound, a folder of them, a zip of crops or a folder of them, a folder of images,
            or a folder (or CSV) with a manifest. Of a folder with videos and zips, both are taken.
        crops: Folder for the crops of videos.
        settings: Overrides of preprocessing's configuration for them.

    Returns:
        Columns as `stan_lightning.data.manifest.read_manifest`, and `reason`, `detection_rate` and
        `received` (whether the crops came from elsewhere).
        A recording that cannot be used has no `crops` and a `reason`.

    Raises:
        InputError: Where there is nothing to predict.
    """
    given = find_file(given)
    if not os.path.exists(given):
        raise InputError(f"no file or folder at {given}: give a video, a folder of videos, or crops")
    films, archives = videos(given), _with_suffix(given, (".zip",))
    if given.suffix == ".csv" or (not films and (given / "manifest.csv").exists()):
        table = read_manifest(given, lenient=True)
        rates = pd.to_numeric(table.get("detection_rate", pd.Series("", table.index)), errors="coerce")
        known = rates.between(0, 1)
        return table.assign(
            reason=table.get("reason", ""),
            detection_rate=rates.astype(object).where(known, ""),
            received=True,
        )
    if films or archives:
        tables = [_crop(films, crops, settings)] if films else []
        if archives:
            tables.append(pd.DataFrame([_archive(file) for file in archives]))
        return _named_once(pd.concat(tables, ignore_index=True))
    if _with_suffix(given, IMAGE_SUFFIXES):
        return pd.DataFrame([_folder(given)])
    raise InputError(
        f"{given} holds no video, no sound and no crops: give a video, a folder of videos, or crops"
    )


def crop_settings(
    data: Mapping[str, Any], changes: Mapping[str, Any], recorded: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """How to crop a video for a network: as the crops that it was trained on, where they are still there.

    Args:
        data: Arguments of the datamodule in training.
        changes: Settings that the user names; None leaves them as they are.
        recorded: Settings of those crops; None: they are looked up in the crops.

    Returns:
        Overrides of preprocessing's configuration; what is not there stays at its default.

    Raises:
        InputError: Those crops hold other settings than preprocessing writes.
    """
    known = taken_settings({"frame_stride": data["frame_stride"]}, "the checkpoint")
    modalities = data.get("modalities", ["face"])
    known |= {"sound": "audio" in modalities, "behaviour": "behaviour" in modalities}
    if recorded is None:
        recorded = recorded_settings(data["root"])
    known |= taken_settings(recorded, "the model folder's crops")
    known |= {name: value for name, value in changes.items() if value is not None}
    if "model_path" in known:
        known["detector.model_path"] = known.pop("model_path")
    return {name: value for name, value in known.items() if value is not None}


def recorded_settings(root: str | Sequence[str]) -> dict[str, Any]:
    """The settings that crops were made with; nothing where there are none, or they are others' folders.

    Raises:
        InputError: Those crops hold other settings than preprocessing writes.
    """
    roots = [root] if isinstance(root, str) else root
    archives = _with_suffix(Path(str(roots[0])), (".zip",))
    return taken_settings(read_settings(archives[0]), str(archives[0])) if archives else {}


def refuse_unmade(given: Path, signals: Sequence[str], folders: Mapping[str, Any]) -> None:
    """A raw video has no signal beside it but those that preprocessing makes."""
    unmade = [name for name in signals if name not in MADE_OF_VIDEOS and not folders.get(name)]
    if unmade and videos(find_file(given)):
        raise InputError(
            f"{given}: this network reads the signal {unmade[0]}, which nothing here makes of a video: "
            f"measure it and give signals.{unmade[0]}=<folder>, whose file is called as the video is"
        )


def quality(crops: str) -> tuple[list[tuple[str, str]], bytes]:
    """What is known of a recording's crops: named facts, and a JPEG of eight of them side by side."""
    try:
        found = measure(Path(crops))
    except InputError:  # crops of others are often plain folders
        return [("crops", "not made by this project: nothing is known of their quality")], b""
    row = found.row
    if row.get("n_moments") is not None:
        return [("pictures", "none")], b""
    facts = [("faces found", f"{float(str(row['detection_rate'])):.0%} of the kept frames")]
    facts.append(
        ("kept", f"{row['n_frames']} of {row['n_source_frames']} frames, every {row['frame_stride']}")
    )
    facts.append(("interpolated", f"{found.n_interpolated} frames"))
    longest = f", the longest {found.longest_gap_s:.1f} s" if found.n_gaps else ""
    facts.append(("gaps without a face", f"{found.n_gaps}{longest}"))
    facts += [("sharpness", f"{found.sharpness:.0f}"), ("brightness", f"{found.brightness:.0f} of 255")]
    return facts, found.strip


def videos(given: Path) -> list[Path]:
    """The videos, and sounds without one, in what is handed in, in order."""
    if not given.is_dir() and given.suffix not in (".zip", ".csv"):
        return [given]  # whatever it is called: preprocessing says what it is
    return _with_suffix(given, VIDEO_SUFFIXES | SOUND_SUFFIXES) if given.is_dir() else []


def _with_suffix(given: Path, suffixes: Collection[str]) -> list[Path]:
    """Files of a folder, or the file itself, by name."""
    try:
        files = sorted(given.iterdir()) if given.is_dir() else [given]
    except (OSError, ValueError) as error:
        raise InputError(f"{given}: cannot be read: {error}") from None
    return [file for file in files if file.suffix.lower() in suffixes]


def _crop(films: Sequence[Path], crops: Path, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Run preprocessing on the videos; what it could not read is in the table, with the reason."""
    private_folder(crops.parent)
    private_folder(crops, crops.parent)
    usable, refused = _sorted_out(films)
    if not usable:
        return pd.DataFrame(refused)
    listing = crops / "videos.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["video", "sound", "subject", "partition"])
    for film in usable:
        file, heard = as_text(film.resolve()), film.suffix.lower() in SOUND_SUFFIXES
        writer.writerow(["" if heard else file, file if heard else "", as_text(film.name), "test"])
    write_whole(listing, text.getvalue().encode())
    overrides = {"corpus.root": listing, "output": crops, "overwrite": True, "summary": False}
    overrides |= settings
    command = [sys.executable, "-m", "preprocess", "corpus=manifest"]
    command += [f"{name}={_quoted(value)}" for name, value in overrides.items()]
    code = subprocess.run(command, check=False).returncode
    if code not in CROPPED:
        raise InputError(
            f"{films[0]}: preprocessing could not go on (exit code {code}), see what it said above"
        )
    table = read_manifest(crops)
    wanted = {as_text(film.resolve()) for film in usable}
    names = {as_text(film.name) for film in usable}
    ours = [
        as_text((crops / video).resolve()) in wanted if video else subject in names
        for video, subject in zip(table["video"], table["subject"], strict=True)
    ]
    table = table[ours].assign(received=False)
    return pd.concat([table, pd.DataFrame(refused)], ignore_index=True)


def _sorted_out(films: Sequence[Path]) -> tuple[list[Path], list[dict[str, Any]]]:
    """The videos that can be cropped, and rows of the others."""
    usable: dict[str, Path] = {}
    refused = []
    for film in films:
        try:
            check_regular(film)
            if (other := usable.setdefault(_folded(str(film.resolve())), film)) != film:
                raise InputError(f"{film}: {other.name} differs from it in case alone: rename one")
        except InputError as error:
            refused.append(_failed(film.name, str(error)))
    return list(usable.values()), refused


def _failed(name: str, reason: str) -> dict[str, Any]:
    """The row of what cannot be used, called by its file."""
    return _row(recording=printable(as_text(name)), status="failed", reason=reason, crops="")


def _named_once(table: pd.DataFrame) -> pd.DataFrame:
    """Files are called by recordings: of two with one name the second is refused, by another name."""
    taken: set[str] = set()
    for place, row in table.iterrows():
        name, number = str(row["recording"]), 1
        while _folded(name) in taken:
            number += 1
            name = f"{row['recording']} ({number})"
        if number > 1:
            reason = (
                str(row["reason"]) or f"another recording in this folder is called {row['recording']} too"
            )
            table.loc[place, ["recording", "reason", "status", "crops"]] = [name, reason, "failed", ""]
        taken.add(_folded(name))
    return table


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", as_text(name)).casefold()


def _quoted(value: Any) -> str:
    """A value as Hydra's grammar takes it, whatever characters a path holds."""
    if not isinstance(value, str | Path):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return in_quotes(str(value))


def _row(**known: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    empty |= {
        "fps": float("nan"),
        "sound_s": float("nan"),
        "status": "ok",
        "reason": "",
        "detection_rate": "",
    }
    empty |= {"crops": "", "crops_root": "", "stride": 1, "n_crops": 0, "pictures": True, "received": True}
    return empty | known


def _folder(folder: Path) -> dict[str, Any]:
    found = open_crops(str(folder))
    name = safe_recording_name(folder.resolve().name)
    home = str(folder.resolve().parent)
    return _row(
        recording=name, crops=str(folder), crops_root=home, stride=found.stride(), n_crops=len(found.frames)
    )


def _archive(file: Path) -> dict[str, Any]:
    """A zip of crops with its own row; one of a failed recording has no crops."""
    try:
        stored = read_row(file)
        taken_settings(read_settings(file), f"{file}: recording.json")
    except InputError as error:
        return _failed(file.name, f"no zip of crops as preprocessing writes them ({error})")
    names = (*COLUMNS, "fps", "reason", "detection_rate", "status")
    known = {name: stored[name] for name in names if stored.get(name) is not None}
    return _row(
        **known,
        crops="" if stored["status"] == "failed" else str(file),
        crops_root=str(file.parent),
        stride=stored["frame_stride"],
        n_crops=stored["n_frames"] if stored.get("n_moments") is None else stored["n_moments"],
        pictures=stored.get("n_moments") is None,
    )
