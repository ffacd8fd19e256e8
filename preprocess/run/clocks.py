"""What a worker does with a recording without pictures: gives it a clock, and its sound.

Its moments are a regular grid, `frame_stride` thirtieths of a second apart (10 a second, as preprocessing
keeps frames by default), from its sound's first sample to its last. What nobody heard, such as signals alone,
has a grid without an end: it is as long as its signals.
"""

import math
from collections.abc import Callable
from pathlib import Path

from preprocess.archive.record import NOMINAL_FPS, grid_s, has_grid
from preprocess.archive.recording_zip import ArchiveWriter
from preprocess.archive.settings import Settings
from preprocess.corpora.recording import Recording
from preprocess.media.container import UnreadableVideoError
from preprocess.sound.alone import hear_alone
from preprocess.sound.hear import as_dict, with_sound


def clock_recording(
    recording: Recording,
    settings: Settings,
    output: Path,
    progress: Callable[[int], None],
    sound: bool = False,
) -> dict[str, object]:
    """Hear a recording without pictures, and write its zip; arguments and errors as `tasks.crop_recording`.

    Returns:
        The row of `manifest.csv`. A sound that cannot be read is no error: its row says `failed` and why.
    """
    row: dict[str, object] = {
        "recording": recording.recording,
        "subject": recording.subject,
        "session": recording.session,
        "task": recording.task,
        "partition": recording.partition,
        "label": recording.label,
        "group": recording.group,
        "video": "",
        "fps": None,
        "n_source_frames": 0,
        "frame_stride": settings.frame_stride,
        "n_frames": 0,
        "n_moments": 0,
        "detection_rate": None,
        "status": "ok",
        "reason": "",
        "sound_s": None,
        "sound_rms": None,
        **recording.spoken,
    }
    more: dict[str, object] = {}
    with ArchiveWriter(output / f"{recording.recording}.zip") as archive:
        try:
            if recording.sound_path is not None:
                samples, heard, measured, length_s = hear_alone(recording, recording.sound_path)
                row["n_moments"] = n_moments(length_s, settings.frame_stride)
                if sound:
                    row = with_sound(row, heard, measured)
                    more["sound"] = as_dict(heard)
                    if row["sound_s"]:
                        archive.add_sound(samples)
        except UnreadableVideoError as error:
            row |= {"status": "failed", "reason": f"{recording.sound}: {error}"}
        more |= archive.add_turns(recording.turns)
        archive.add_row(row, settings.as_dict(), source=recording.sound, **more)
    progress(n_frames(row))
    return row


def n_moments(length_s: float, frame_stride: int) -> int:
    """Moments from 0 on that lie within so many seconds, one at least."""
    return max(1, math.ceil(length_s * NOMINAL_FPS / frame_stride - 1e-6))


def n_frames(row: dict[str, object]) -> int:
    """What a recording counts for in the progress of a run: frames, or thirtieths of a second of its grid."""
    return round(grid_s(row) * NOMINAL_FPS) if has_grid(row) else int(str(row["n_source_frames"]))
