"""One zip a recording: crops, track and manifest row, written whole or not at all.

The bytes are a function of the members alone: members are stored, not deflated (JPEG does not shrink),
in the order in which they come, under one fixed timestamp. Unzipping gives a folder of numbered JPEGs.
"""

import contextlib
import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from preprocess.archive import flac
from preprocess.archive.record import check_record, check_row, parse_track
from preprocess.corpora.turns import Turn, as_csv, fingerprint
from stan_boundary.file_names import as_text
from stan_boundary.opening import MOST_JSON_BYTES, open_zip, read_json, read_member
from stan_boundary.writing import PART_SUFFIX, private_folder, whole_file

FRAME_NAME = "{:06d}.jpg"
TRACK = "track.csv"
SOUND = "sound.flac"
TURNS = "turns.csv"
ROW = "recording.json"
TRACK_COLUMNS = (
    "frame,time_s,score,box_x,box_y,box_width,box_height,right_eye_x,right_eye_y,left_eye_x,left_eye_y,"
    "nose_x,nose_y,mouth_x,mouth_y,right_ear_x,right_ear_y,left_ear_x,left_ear_y,interpolated"
).split(",")
_MOST_LINE_BYTES = 400
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


class ArchiveWriter:
    """Streams members into a hidden part file that becomes `path` only when all is on disk.

    Use as a context manager: a clean exit syncs and renames, an exception removes the part file. A
    killed process leaves a part file behind, which `discard_parts` removes.
    """

    def __init__(self, path: Path) -> None:
        """Open the part file beside `path`.

        Raises:
            InputError: The folder is a link.
            OSError: The folder cannot be made or written.
        """
        private_folder(path.parent)
        self._folder = path.parent
        self._place = contextlib.ExitStack()
        self._zip = zipfile.ZipFile(self._place.enter_context(whole_file(path)), "w", zipfile.ZIP_STORED)
        self._place.push(self._close)

    def __enter__(self) -> "ArchiveWriter":
        """Hand over the open writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the archive in its place, or leave nothing."""
        self._place.__exit__(kind, error, trace)

    def _close(self, kind: type[BaseException] | None, *_: object) -> None:
        # An unclosed ZipFile would try again, and complain, when it is collected.
        with contextlib.suppress(*([] if kind is None else [OSError])):
            self._zip.close()

    def add(self, name: str, data: bytes) -> None:
        """Append one member.

        Raises:
            OSError: The disk is full or gone.
        """
        self._zip.writestr(_member(name), data)

    def add_frame(self, frame: int, jpeg: bytes) -> None:
        """Append the crop of source frame number `frame`."""
        self.add(FRAME_NAME.format(frame), jpeg)

    def add_track(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Append `track.csv`; each row maps `TRACK_COLUMNS` to values, empty where unknown."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, TRACK_COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.add(TRACK, text.getvalue().encode())

    def add_sound(self, samples: flac.Samples) -> None:
        """Append `sound.flac`: int16 at `flac.RATE`, shape (N,), the first at 0 on the track's clock."""
        # An hour's worth would weigh in memory. Beside the zip: a TMPDIR of a few MB is common in containers.
        with tempfile.TemporaryFile(dir=self._folder, prefix=".", suffix=PART_SUFFIX) as file:
            flac.write(samples, file)
            info = _member(SOUND)
            info.file_size = file.seek(0, io.SEEK_END)
            file.seek(0)
            with self._zip.open(info, "w") as member:
                shutil.copyfileobj(file, member)

    def add_turns(self, turns: Sequence[Turn] | None) -> dict[str, str]:
        """Append `turns.csv`, where anybody knows the turns; gives what `add_row` keeps of them."""
        if turns is None:
            return {}
        self.add(TURNS, as_csv(turns))
        return {"turns": fingerprint(turns)}

    def add_row(self, row: Mapping[str, object], settings: Mapping[str, object], **more: object) -> None:
        """Append `recording.json`: the manifest row, the settings that the crops were made with, and more."""
        content = {"row": dict(row), "settings": dict(settings), **more}
        self.add(ROW, as_text(json.dumps(content, ensure_ascii=False, indent=1)).encode())

    def add_all(self, path: Path, but: Container[str]) -> None:
        """Append the members of another recording's zip, byte for byte.

        Raises:
            InputError: `path` is no zip of this module, or damaged.
        """
        with open_zip(path) as other:
            for info in other.infolist():
                if info.filename not in but:
                    self.add(info.filename, read_member(other, info.filename, info.file_size))


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3  # Unix, whatever the platform, so that the bytes are the same
    info.external_attr = 0o644 << 16
    return info


def read_record(path: Path) -> dict[str, Any]:
    """All of a zip's `recording.json`: `row`, `settings` and what else was added with them.

    Raises:
        InputError: `path` is no zip of this module, or damaged.
    """
    with open_zip(path) as archive:
        return record_of(archive, path)


def record_of(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """As `read_record`, of an opened zip."""
    where = f"{path}: {ROW}"
    return check_record(read_json(read_member(archive, ROW, MOST_JSON_BYTES), where), where)


def read_row(path: Path) -> dict[str, object]:
    """The manifest row stored in a recording's zip.

    Raises:
        InputError: `path` is no zip of this module, or its row cannot be used.
    """
    return check_row(read_record(path)["row"], f"{path}: {ROW}")


def read_settings(path: Path) -> dict[str, object]:
    """The settings that a recording's crops were made with, as `Settings.as_dict` gives them.

    They are as they stand there: see `settings.taken_settings`.

    Raises:
        InputError: `path` is no zip of this module.
    """
    return dict(read_record(path)["settings"])


def read_track(path: Path) -> list[dict[str, str]]:
    """Rows of `track.csv`, one a kept frame, all values as text; empty for a failed recording.

    Raises:
        InputError: `path` is no zip of this module, or its track cannot be used.
    """
    with open_zip(path) as archive:
        return track_of(archive, path)


def track_of(archive: zipfile.ZipFile, path: Path) -> list[dict[str, str]]:
    """As `read_track`, of an opened zip."""
    if TRACK not in archive.NameToInfo:
        return []
    most = 10_000 + _MOST_LINE_BYTES * len(archive.infolist())
    return parse_track(read_member(archive, TRACK, most), f"{path}: {TRACK}")
