"""What a worker does with one recording: crop it, add the sound to its crops or take that away, measure it.

Each writes one file whole or not at all, and is a pure function of its inputs: the same video and settings
give the same bytes, whether the sound came at once or later.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from preprocess.archive.recording_zip import ROW, SOUND, TURNS, ArchiveWriter, read_record
from preprocess.archive.settings import Settings
from preprocess.archive.signal_folder import BEHAVIOUR, PROSODY, discard_signals
from preprocess.behaviour.measure import measure_zip
from preprocess.behaviour.mesh import load_mesh
from preprocess.corpora.recording import Recording
from preprocess.faces.crop import crop_film
from preprocess.faces.model_file import find_mesh
from preprocess.media.container import UnreadableVideoError
from preprocess.run.clocks import n_frames, n_moments
from preprocess.sound.alone import hear_alone
from preprocess.sound.hear import Heard, as_dict, hear, with_sound, without_sound
from stan_boundary.errors import InputError


def crop_recording(
    recording: Recording,
    settings: Settings,
    output: Path,
    progress: Callable[[int], None],
    sound: bool = False,
) -> dict[str, object]:
    """Decode, detect, align and, with `sound`, hear; signals measured on crops of before go first.

    Args:
        recording: The video and what is known of it.
        settings: How to sample and align it.
        output: Folder of the zip.
        progress: Told how many source frames were decoded since it was last called.
        sound: Whether the sound goes with the crops.

    Returns:
        The row of `manifest.csv`. A video that cannot be used is no error: its row says `failed` and why,
        and its zip holds that row and its turns alone. Nor is a sound that cannot be used: its row says
        `partial`.

    Raises:
        InputError: The detector's models cannot be had or loaded.
        OSError: The zip cannot be written.
    """
    row: dict[str, object] = {
        "recording": recording.recording,
        "subject": recording.subject,
        "session": recording.session,
        "task": recording.task,
        "partition": recording.partition,
        "label": recording.label,
        "group": recording.group,
        "video": recording.video,
        "fps": None,
        "n_source_frames": 0,
        "frame_stride": settings.frame_stride,
        "n_frames": 0,
        "detection_rate": 0.0,
        "status": "failed",
        "reason": "",
        "sound_s": None,
        "sound_rms": None,
        **recording.spoken,
    }
    more: dict[str, object] = {}
    discard_signals(output, recording.recording, BEHAVIOUR, PROSODY)
    with ArchiveWriter(output / f"{recording.recording}.zip") as archive:
        try:
            found, video = crop_film(recording, settings, archive, progress)
        except UnreadableVideoError as error:
            row["reason"] = str(error)
        else:
            row |= found
            if row["n_frames"]:
                more["zero_s"] = video.zero_s
                more |= {"film": video.stream} if len(video.survey.films) > 1 else {}
        more |= {"choice": recording.film_choice} if recording.film_choice else {}
        if sound and row["n_frames"]:
            samples, heard, measured = hear(recording, video.zero_s, video.stream, video.survey)
            row = with_sound(row, heard, measured)
            more["sound"] = as_dict(heard)
            if row["sound_s"]:
                archive.add_sound(samples)
        more |= archive.add_turns(recording.turns)
        archive.add_row(row, settings.as_dict(), **more)
    return row


def hear_recording(recording: Recording, output: Path, progress: Callable[[int], None]) -> dict[str, object]:
    """Add the sound to crops that are there, in place of another one; pictures and track stay as they are.

    Returns:
        The new row.

    Raises:
        InputError: Nothing can be had from a recording's sound that is its clock.
        OSError: The zip cannot be read or written.
    """
    path = output / f"{recording.recording}.zip"
    record = _muted(path)
    if recording.path is None:
        assert recording.sound_path is not None
        try:
            samples, heard, measured, length_s = hear_alone(recording, recording.sound_path)
        except UnreadableVideoError as error:
            raise InputError(str(error)) from None
        record["row"]["n_moments"] = n_moments(length_s, record["row"]["frame_stride"])
    else:
        samples, heard, measured = hear(recording, record.get("zero_s"), record.get("film"))
    row = with_sound(record.pop("row"), heard, measured)
    discard_signals(output, recording.recording, PROSODY)
    with ArchiveWriter(path) as archive:
        archive.add_all(path, but=(ROW, SOUND, TURNS))
        if row["sound_s"]:
            archive.add_sound(samples)
        turns = archive.add_turns(recording.turns)
        archive.add_row(row, record.pop("settings"), **record, sound=as_dict(heard), **turns)
    progress(n_frames(row))
    return row


def mute_recording(recording: Recording, output: Path, progress: Callable[[int], None]) -> dict[str, object]:
    """Take the sound from crops again; arguments, result and errors as for `hear_recording`."""
    path = output / f"{recording.recording}.zip"
    record = _muted(path)
    row: dict[str, object] = record.pop("row")
    discard_signals(output, recording.recording, PROSODY)
    with ArchiveWriter(path) as archive:
        archive.add_all(path, but=(ROW, SOUND, TURNS))
        archive.add_row(row, record.pop("settings"), **record, **archive.add_turns(recording.turns))
    progress(n_frames(row))
    return row


def measure_recording(
    recording: Recording, output: Path, progress: Callable[[int], None], model_path: str | None = None
) -> dict[str, object]:
    """Measure behaviour on crops that are there and write its signal; the zip stays as it is.

    Args:
        recording: Its video need not be there.
        output: Folder of the zip.
        progress: Told of each crop.
        model_path: As `model_file.find_mesh` takes it.

    Returns:
        `status` (ok, or partial where crops cannot be read) and `reason`.

    Raises:
        InputError: The model cannot be had or loaded.
        OSError: The zip cannot be read, or the signal not be written.
    """
    said = measure_zip(output, recording.recording, load_mesh(find_mesh(model_path)), progress)
    return {"status": "partial" if said else "ok", "reason": said}


def _muted(path: Path) -> dict[str, Any]:
    """A zip's record as if it had never been heard, without its turns."""
    record = read_record(path)
    record.pop("turns", None)
    if stored := record.pop("sound", None):
        record["row"] = without_sound(record["row"], Heard(**stored))
    return record
