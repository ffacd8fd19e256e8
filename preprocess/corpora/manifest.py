"""Any other corpus: a CSV with one video a row.

Columns: `video` (path, absolute or beside the CSV), `subject`, and optionally `label`, `session`, `task`,
`partition` (train, dev or test), `group`, `sound` (a file with the video's sound: wav, mp3, flac, m4a,
ogg...), `video_stream` and `audio_stream` (which of the file's streams to take, as ffprobe counts). Commas,
semicolons or tabs separate; UTF-8 with or without a mark, or UTF-16 as spreadsheets save it.
"""

import codecs
import csv
import io
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from preprocess.corpora.corpus import PARTITION_NAMES, PARTITIONS, Corpus, recording_names, relative_to_root
from preprocess.corpora.labels import parse_label
from preprocess.corpora.recording import Recording
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text, find_file
from stan_boundary.names import check_recording_name
from stan_boundary.opening import read_regular

_MOST_BYTES = 64_000_000
COLUMNS = ("video", "label", "subject", "session", "task", "partition", "group", "sound")
STREAMS = ("video_stream", "audio_stream")


def read_manifest(
    root: str, score_range: Sequence[float] | None, shares: Sequence[float], seed: int
) -> Corpus:
    """Read a manifest CSV.

    Args:
        root: The CSV, or a folder that holds it as `manifest.csv`.
        score_range: Lowest and highest valid label, or None where labels are names of classes.
        shares: Parts of the subjects that train, dev and test get where there is no partition column.
        seed: Of that draw.

    Raises:
        InputError: Missing file or column, a video twice, a bad label or partition; one line.
    """
    path = Path(root)
    if path.is_dir():
        path = path / "manifest.csv"
    rows = _read_rows(path)
    if "partition" in rows[0]:
        notes = _empty_partitions(rows)
    else:
        notes = [_draw_partitions(rows, shares, seed)]
    if spare := sorted(set(rows[0]) - {*COLUMNS, *STREAMS, "line"}):
        notes.append(f"columns that mean nothing here are left out: {', '.join(spare)}")
    recordings = _recordings(path, rows, score_range)
    if unlabelled := sum(recording.label is None for recording in recordings):
        notes.append(f"{unlabelled} of {len(recordings)} recordings have no label")
    missing = [recording for recording in recordings if not os.path.isfile(recording.path)]
    if len(missing) == len(recordings):
        raise InputError(
            f"{path}: none of its {len(recordings)} videos is there (such as {missing[0].path}): "
            "paths are absolute or relative to the CSV's folder"
        )
    return Corpus(
        as_text(path.parent.resolve().name) or "manifest", path.parent, tuple(recordings), tuple(notes)
    )


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist: set corpus.root to a manifest CSV or its folder")
        data = read_regular(path, _MOST_BYTES)
        marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    first = 0
    if text[:4].lower() == "sep=":  # what Excel understands
        text, first = text.partition("\n")[2], 1
    head = text.split("\n", 1)[0]
    separator = next((one for one in ",;\t" if one in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [(reader.line_num + first, cells) for cells in reader]
    except csv.Error as error:
        raise InputError(
            f"{path} line {reader.line_num + first} is no CSV ({error}): save it as CSV in UTF-8"
        ) from None
    names = [name.strip().lower() for name in lines[0][1]] if lines else []
    for column in ("video", "subject"):
        if names.count(column) != 1:
            found = ", ".join(filter(None, names)) or "nothing"
            raise InputError(
                f"{path} needs one column {column!r} (found {found}): its first line names the columns, "
                "video, subject and, where there are any, label, session, task, partition, group, sound"
            )
    rows = []
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if not any(cell.strip() for cell in cells[len(names) :]):  # a separator at the end of rows alone
            cells = cells[: len(names)]
        if len(cells) != len(names):
            raise InputError(
                f"{path} line {number}: {len(cells)} cells under {len(names)} columns: quote cells "
                "that hold the separator"
            )
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}
        rows.append({**row, "line": str(number)})
    if not rows:
        raise InputError(f"{path} lists no videos: add one row a video below the header")
    return rows


def _recordings(
    path: Path, rows: list[dict[str, str]], score_range: Sequence[float] | None
) -> list[Recording]:
    videos: dict[str, str] = {}
    files = []
    for row in rows:
        where = f"{path} line {row['line']}"
        for column in ("video", "subject"):
            if not row[column]:
                raise InputError(f"{where}: {column} is empty: fill it in")
        file = find_file(Path(os.path.abspath(path.parent / row["video"])))
        video = relative_to_root(file, path.parent)
        if video in videos:
            raise InputError(
                f"{where}: {row['video']} stands in line {videos[video]} too: remove one of the lines"
            )
        videos[video] = row["line"]
        files.append(file)
    recordings = []
    for row, file, video, name in zip(rows, files, videos, recording_names(list(videos)), strict=True):
        where = f"{path} line {row['line']}"
        check_recording_name(name, where)
        recordings.append(
            Recording(
                recording=name,
                subject=row["subject"],
                session=row.get("session") or name,
                task=row.get("task", ""),
                partition=_partition(row.get("partition", ""), where),
                label=parse_label(row.get("label", ""), score_range, where),
                group=row.get("group", ""),
                video=video,
                path=file,
                **_sound(path, row.get("sound", "")),
                video_stream=_stream("video_stream", row, where),
                audio_stream=_stream("audio_stream", row, where),
            )
        )
    return sorted(recordings, key=lambda recording: recording.recording)


def _sound(path: Path, text: str) -> dict[str, Any]:
    """The file that `sound` names; where it is missing, its recording's row will say so."""
    if not text:
        return {}
    file = find_file(Path(os.path.abspath(path.parent / text)))
    return {"sound": relative_to_root(file, path.parent), "sound_path": file}


def _stream(name: str, row: dict[str, str], where: str) -> int | None:
    text = row.get(name, "").removesuffix(".0")  # as tables with empty cells in a column write numbers
    if text and not (text.isascii() and text.isdigit() and len(text) < 5):
        raise InputError(f"{where}: {name} {text!r}: write the stream's number in the file, 0 or more")
    return int(text) if text else None


def _partition(text: str, where: str) -> str:
    if text and text.lower() not in PARTITION_NAMES:
        raise InputError(f"{where}: partition {text!r}: write train, dev or test")
    return PARTITION_NAMES[text.lower()] if text else ""


def _empty_partitions(rows: list[dict[str, str]]) -> list[str]:
    found = {PARTITION_NAMES.get(row["partition"].lower(), "") for row in rows}
    notes = [f"partition {partition} is empty" for partition in PARTITIONS if partition not in found]
    if blank := sum(not row["partition"] for row in rows):
        notes.append(f"{blank} of {len(rows)} rows name no partition: no command will train or test on them")
    return notes


def _draw_partitions(rows: list[dict[str, str]], shares: Sequence[float], seed: int) -> str:
    """Deal subjects, not rows, to partitions, so that nobody stands in two; changes `rows`."""
    if len(shares) != len(PARTITIONS) or min(shares) < 0 or sum(shares) <= 0:
        raise InputError(
            f"corpus.shares={list(shares)}: give three parts, for train, dev and test, none negative"
        )
    subjects = sorted({row["subject"] for row in rows})
    random.Random(seed).shuffle(subjects)
    upto_train = round(len(subjects) * shares[0] / sum(shares))
    upto_dev = round(len(subjects) * (shares[0] + shares[1]) / sum(shares))
    place = {
        subject: PARTITIONS[(index >= upto_train) + (index >= upto_dev)]
        for index, subject in enumerate(subjects)
    }
    for row in rows:
        row["partition"] = place[row["subject"]]
    counts = ", ".join(f"{list(place.values()).count(partition)} {partition}" for partition in PARTITIONS)
    return f"no partition column: {len(subjects)} subjects were dealt by seed {seed} to {counts}"
