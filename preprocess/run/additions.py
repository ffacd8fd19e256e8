"""What may be added to crops that are there, in a pass of its own: the sound, and the behaviour signal."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from preprocess.archive.record import has_grid
from preprocess.behaviour.columns import ALL
from preprocess.behaviour.signal_file import prepare_signals, signal_of
from preprocess.corpora.recording import Recording
from preprocess.faces.model_file import find_mesh
from preprocess.run.clocks import n_frames
from preprocess.run.plan import Found, read_all
from preprocess.run.tasks import hear_recording, measure_recording, mute_recording
from stan_boundary.file_names import as_text

Task = Callable[[Recording, Path, Callable[[int], None]], dict[str, object]]


@dataclass(frozen=True)
class Wanting:
    """Recordings that have crops and lack something.

    Attributes:
        frames: By recording how many frames the work on it counts.
        notes: One line each.
    """

    recordings: tuple[Recording, ...]
    frames: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Addition:
    """Something beside the crops of each recording, which no picture depends on.

    Attributes:
        what: Its name.
        find: Which recordings of a corpus want it, by what lies in a folder of crops.
        task: Gives it to one recording, whole or not at all; its `status` and `reason` say what is wrong.
        tells: Whether that is news.
        done: What is said in the end of so many recordings.
    """

    what: str
    find: Callable[[Sequence[Recording], Path], Wanting]
    task: Task
    tells: bool
    done: str


def sound(wanted: bool) -> Addition:
    """The sound, which is added or, where it is not wanted, taken away."""
    return Addition(
        "sound",
        partial(_other_sound, wanted),
        hear_recording if wanted else mute_recording,
        wanted,
        f"sound {'added to' if wanted else 'taken from'} {{}} recordings, crops untouched",
    )


def behaviour(model_path: str | None) -> Addition:
    """The behaviour signal; `model_path` as `model_file.find_mesh` takes it."""
    return Addition(
        "behaviour",
        partial(_without_behaviour, model_path),
        partial(measure_recording, model_path=model_path),
        True,
        "behaviour measured of {} recordings, crops untouched",
    )


def _other_sound(wanted: bool, recordings: Sequence[Recording], output: Path) -> Wanting:
    """Those with sound where none is wanted, without it, or with that of another file."""
    there = read_all(output)
    other: list[Recording] = []
    gone: list[Recording] = []
    frames = {}
    for recording in recordings:
        found = there.get(recording.recording)
        source = recording.source
        if found is None or source is None or not _has_other_sound(found, recording, output, wanted):
            continue
        (other if not wanted or os.path.isfile(source) else gone).append(recording)
        frames[recording.recording] = n_frames(found.row)
    notes = f"{len(gone)} recordings have crops without sound, and their videos are gone (such as "
    return Wanting(tuple(other), frames, (f"{notes}{as_text(gone[0].called)})",) if gone else ())


def _has_other_sound(found: Found, recording: Recording, output: Path, wanted: bool) -> bool:
    if found.row["status"] == "failed":
        return False
    if not wanted or found.sound is None:
        return wanted != (found.sound is not None)
    if found.sound["source"] != recording.sound or found.sound.get("stream") != recording.audio_stream:
        return True
    source = recording.sound_path or recording.path
    return bool(found.sound["damage"] and source and source.is_file() and _newer(source, recording, output))


def _newer(file: Path, recording: Recording, output: Path) -> bool:
    """Whether a file came or was changed after the recording's zip was made."""
    made = (output / f"{recording.recording}.zip").stat().st_mtime
    return max(file.stat().st_mtime, file.stat().st_ctime) > made


def _without_behaviour(model_path: str | None, recordings: Sequence[Recording], output: Path) -> Wanting:
    """Those whose crops show faces and have no signal."""
    there = read_all(output)
    faces = [
        recording
        for recording in recordings
        if (found := there.get(recording.recording)) is not None
        and found.row["status"] != "failed"
        and not has_grid(found.row)
        and found.settings.get("align") != "none"  # whole pictures
    ]
    anew = prepare_signals(output, ALL, find_mesh(model_path)) if faces else False
    without = [one for one in faces if not signal_of(output).path(one.recording).is_file()]
    frames = {one.recording: _n_frames(there[one.recording]) for one in without}
    notes = ("behaviour is measured anew: the model or a definition is another",) if anew else ()
    return Wanting(tuple(without), frames, notes)


def _n_frames(found: Found | None) -> int:
    return int(str(found.row["n_frames"])) if found else 0
