"""Any other corpus: a CSV with one recording a row.

Columns: `subject`; `video` or `sound` (paths, absolute or beside the CSV; `sound` beside a video is a file
with its sound: wav, mp3, flac, m4a, ogg...), or neither: then `recording` names it as its signals are named.
Optionally `label`, `session`, `task`, `partition` (train, dev or test), `group`, `recording` (a name of one's
own), `video_stream` and `audio_stream` (which of the file's streams to take, as ffprobe counts), `turns` (a
file that says who speaks when) and `participant` (what the participant is called in it). Commas, semicolons
or tabs separate; UTF-8 with or without a mark, or UTF-16 as spreadsheets save it.
"""

import os
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from preprocess.corpora.corpus import PARTITION_NAMES, PARTITIONS, Corpus, recording_names, relative_to_root
from preprocess.corpora.csv_rows import read_rows
from preprocess.corpora.labels import parse_label
from preprocess.corpora.recording import Recording
from preprocess.corpora.turns import Turn, read_turns
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text, find_file
from stan_boundary.names import check_recording_name

COLUMNS = ("recording", "video", "label", "subject", "session", "task", "partition", "group", "sound")
SOURCES = ("video", "sound", "recording")
STREAMS = ("video_stream", "audio_stream")
SPEECH = ("turns", "participant")


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
        InputError: Missing file or column, a recording twice, a bad label or partition; one line.
    """
    path = Path(root)
    if path.is_dir():
        path = path / "manifest.csv"
    rows = _read_rows(path)
    if "partition" in rows[0]:
        notes = _empty_partitions(rows)
    else:
        notes = [_draw_partitions(rows, shares, seed)]
    if spare := sorted(set(rows[0]) - _known(rows[0])):
        notes.append(f"columns that mean nothing here are left out: {', '.join(spare)}")
    recordings = _recordings(path, rows, score_range)
    if unlabelled := sum(recording.label is None for recording in recordings):
        notes.append(f"{unlabelled} of {len(recordings)} recordings have no label")
    sources = [one.source for one in recordings if one.source is not None]
    missing = [path for path in sources if not os.path.isfile(path)]
    if missing and len(missing) == len(recordings):
        what = "videos" if all(one.path for one in recordings) else "files"
        raise InputError(
            f"{path}: none of its {len(recordings)} {what} is there (such as {missing[0]}): "
            "paths are absolute or relative to the CSV's folder"
        )
    return Corpus(
        as_text(path.parent.resolve().name) or "manifest", path.parent, tuple(recordings), tuple(notes)
    )


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise InputError(f"{path} does not exist: set corpus.root to a manifest CSV or its folder")
    names, rows = read_rows(path)
    found = ", ".join(filter(None, names)) or "nothing"
    if not set(names) & set(SOURCES):
        raise InputError(
            f"{path} needs one column 'video' or 'sound', or, for signals alone, 'recording' (found "
            f"{found}): its first line names the columns"
        )
    if "subject" not in names:
        raise InputError(
            f"{path} needs one column 'subject' (found {found}): its first line names the columns, video or "
            "sound, subject and, where there are any, label, session, task, partition, group, recording"
        )
    if twice := [name for name in (*COLUMNS, *STREAMS, *SPEECH) if names.count(name) > 1]:
        raise InputError(f"{path} needs one column {twice[0]!r} (found {found}): name the others otherwise")
    if not rows:
        raise InputError(f"{path} lists no recordings: add one row a recording below the header")
    return rows


def _known(columns: Iterable[str]) -> set[str]:
    """Columns that mean something; `participant` is often a subject's number where no turns are."""
    return {*COLUMNS, *STREAMS, "line", *(SPEECH if "turns" in columns else ())}


def _recordings(
    path: Path, rows: list[dict[str, str]], score_range: Sequence[float] | None
) -> list[Recording]:
    files = [{name: _file(path, row.get(name, "")) for name in ("video", "sound")} for row in rows]
    recordings = []
    for row, found, name in zip(rows, files, _names(path, rows, files), strict=True):
        where = f"{path} line {row['line']}"
        recordings.append(
            Recording(
                recording=check_recording_name(name, where),
                subject=row["subject"],
                session=row.get("session") or name,
                task=row.get("task", ""),
                partition=_partition(row.get("partition", ""), where),
                label=parse_label(row.get("label", ""), score_range, where),
                group=row.get("group", ""),
                video=_shown(path, found["video"]),
                path=found["video"],
                sound=_shown(path, found["sound"]),
                sound_path=found["sound"],
                video_stream=_stream("video_stream", row, where),
                audio_stream=_stream("audio_stream", row, where),
                turns=_turns(path, row),
            )
        )
    return sorted(recordings, key=lambda recording: recording.recording)


def _names(path: Path, rows: list[dict[str, str]], files: list[dict[str, Path | None]]) -> list[str]:
    """What each recording is called, after its row was checked."""
    first: dict[str, str] = {}
    sources = []
    for row, found in zip(rows, files, strict=True):
        where = f"{path} line {row['line']}"
        file = found["video"] or found["sound"]
        given = row.get("video") or row.get("sound") or row.get("recording")
        if not given:
            raise InputError(f"{where}: names no video, no sound and no recording: fill one of them in")
        if not row["subject"]:
            raise InputError(f"{where}: subject is empty: fill it in")
        source = _shown(path, file) or given
        if source in first:
            raise InputError(f"{where}: {given} stands in line {first[source]} too: remove one of the lines")
        first[source] = row["line"]
        sources.append(source)
    names = [row.get("recording") or name for row, name in zip(rows, recording_names(sources), strict=True)]
    lines: dict[str, str] = {}
    for row, name in zip(rows, names, strict=True):
        if (other := lines.setdefault(name, row["line"])) != row["line"]:
            raise InputError(
                f"{path} line {row['line']}: recording {name} stands in line {other} too: give each its "
                "own name"
            )
    return names


def _file(path: Path, text: str) -> Path | None:
    """The file that a cell names; where it is missing, its recording's row will say so."""
    return find_file(Path(os.path.abspath(path.parent / text))) if text else None


def _turns(path: Path, row: dict[str, str]) -> tuple[Turn, ...] | None:
    file = _file(path, row.get("turns", ""))
    return read_turns(file, row.get("participant", "")) if file else None


def _shown(path: Path, file: Path | None) -> str:
    return relative_to_root(file, path.parent) if file else ""


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
