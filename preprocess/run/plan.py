"""What a run has to do, told from what an output folder holds already."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocess.archive.manifest import archives, misnamed
from preprocess.archive.record import check_row
from preprocess.archive.recording_zip import ROW, TURNS, ArchiveWriter, read_record
from preprocess.archive.settings import Settings, taken_settings
from preprocess.corpora.recording import Recording
from preprocess.corpora.turns import fingerprint
from stan_boundary.errors import InputError

FACTS = ("recording", "subject", "session", "task", "partition", "label", "group", "video")


@dataclass(frozen=True)
class Plan:
    """What to do with the recordings of a corpus.

    Attributes:
        todo: To be cropped.
        renewed: Cropped, but the corpus says something else of them than their zips (label, turns...).
        finished: Number of recordings that keep their crops, `renewed` among them.
        notes: One line each.
    """

    todo: tuple[Recording, ...]
    renewed: tuple[Recording, ...]
    finished: int
    notes: tuple[str, ...]


def make_plan(recordings: Sequence[Recording], settings: Settings, output: Path, overwrite: bool) -> Plan:
    """Compare a corpus with a folder of crops; writes nothing.

    A recording is finished when its zip was made with these settings from this video and the stream that is
    named. A failed one is tried again when its video is newer than its zip, or when the failure was not
    the video's (its worker died): such zips carry no settings.

    Raises:
        InputError: Crops of other settings are there and `overwrite` is off; names the settings.
    """
    there = read_all(output)
    todo, renewed, notes, turned = [], [], [], 0
    other = {}
    for recording in recordings:
        found = there.get(recording.recording)
        if found is None or overwrite or not found.settings:
            todo.append(recording)
        elif found.settings != settings.as_dict():
            other[recording.recording] = found.settings
        elif found.choice != recording.film_choice:
            todo.append(recording)
        elif recording.path is None and found.source != recording.sound:
            todo.append(recording)
        elif found.row["video"] != recording.video or _mended(found.row, recording, output):
            todo.append(recording)
        elif (other_turns := found.turns != fingerprint(recording.turns)) or any(
            found.row.get(key) != value for key, value in facts(recording).items()
        ):
            renewed.append(recording)
            turned += other_turns
    if turned:
        notes.append(
            f"turns of {turned} recordings are new or others than before: no video is decoded for them"
        )
    notes += [f"left out: {wrong}" for wrong in misnamed(output)]
    strangers = sorted(set(there) - {recording.recording for recording in recordings})
    for name in strangers:
        found = there[name]
        if found is not None and found.settings and found.settings != settings.as_dict():
            raise InputError(
                f"{output} holds {name}, which is not of this corpus and was made with other settings "
                f"({_difference(found.settings, settings)}): choose another output"
            )
    if other:
        first = next(iter(other))
        raise InputError(
            f"{len(other)} of {len(recordings)} recordings in {output} were made with other settings "
            f"({first}: {_difference(other[first], settings)}): overwrite=true redoes them, or choose another"
            " output"
        )
    if strangers:
        notes.append(
            f"{len(strangers)} recordings in {output} are not of this corpus and stay in its manifest "
            f"(such as {strangers[0]})"
        )
    return Plan(tuple(todo), tuple(renewed), len(recordings) - len(todo), tuple(notes))


def facts(recording: Recording) -> dict[str, object]:
    """What the corpus says of a recording, as its manifest row has it."""
    known = {key: getattr(recording, key) for key in FACTS}
    return known | recording.spoken


def renew(recording: Recording, output: Path) -> None:
    """Put what the corpus says now into a recording's zip; crops, track and sound stay byte for byte.

    Raises:
        InputError: The zip is damaged; it stays as it is.
        OSError: The folder cannot be written.
    """
    path = output / f"{recording.recording}.zip"
    record = read_record(path)
    row = {**record.pop("row"), **facts(recording)}
    record.pop("turns", None)
    with ArchiveWriter(path) as new:
        new.add_all(path, but=(ROW, TURNS))
        turns = new.add_turns(recording.turns)
        new.add_row(row, record.pop("settings"), **record, **turns)


@dataclass(frozen=True)
class Found:
    """What a recording's zip says of itself.

    Attributes:
        row: Its manifest row.
        settings: What its crops were made with; empty where making them failed and not by the video's fault.
        sound: As `sound.hear.Heard`; None where nobody has listened.
        choice: As `Recording.film_choice` was.
        source: The sound that a recording without pictures was made of.
        turns: As `turns.fingerprint` gives it.
    """

    row: dict[str, object]
    settings: dict[str, object]
    sound: dict[str, Any] | None
    choice: dict[str, object]
    source: str = ""
    turns: str = ""


def read_all(output: Path) -> dict[str, Found | None]:
    """What each zip in a folder of crops says, by recording; None where it cannot be used."""
    return {path.stem: _read(path) for path in archives(output)}


def _read(path: Path) -> Found | None:
    if not os.access(path, os.R_OK):  # nor may it be made anew, as it may be whole
        raise InputError(f"{path} cannot be read: mend its permissions")
    try:
        content = read_record(path)
        row = check_row(content["row"], str(path))
        if row["recording"] != path.stem:
            return None
        taken_settings(content["settings"], str(path))
    except InputError:
        return None
    more = (
        content.get("sound"),
        content.get("choice", {}),
        content.get("source", ""),
        content.get("turns", ""),
    )
    return Found(row, content["settings"], *more)


def _mended(row: Mapping[str, object], recording: Recording, output: Path) -> bool:
    # What a damaged sound is worth is its clock, too, where there are no pictures.
    redone = ("failed", "partial") if recording.path is None else ("failed",)
    if row["status"] not in redone or recording.source is None or not os.path.isfile(recording.source):
        return False
    made = (output / f"{recording.recording}.zip").stat().st_mtime
    return recording.source.stat().st_mtime > made


def _difference(found: Mapping[str, object], settings: Settings) -> str:
    wanted = settings.as_dict()
    return ", ".join(
        f"{key} {json.dumps(found.get(key))}, now {json.dumps(wanted.get(key))}"
        for key in sorted({*found, *wanted})
        if found.get(key) != wanted.get(key)
    )
