"""What a recording's zip may say of itself: its manifest row, its settings, its sound and its track, checked.

Zips of others are read too. What is not as this project writes it is an `InputError` that names the zip.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from stan_boundary.errors import InputError
from stan_boundary.names import check_recording_name, printable, shortened

LONGEST_S = 7 * 86_400.0
"""Times beyond a week are no recording's."""
MOST_FRAME = 10**9
NOMINAL_FPS = 30.0
"""Frames a second by which the moments of recordings without pictures are counted."""
STATUSES = ("ok", "partial", "failed")
_TEXTS = ("recording", "subject", "session", "task", "partition", "group", "video", "reason", "note")
_MOST_TEXT = 4_000  # characters
_MOST_TRACK_COLUMNS = 40
_NUMBERS = {
    "n_source_frames": (0, MOST_FRAME),
    "frame_stride": (1, 10**6),
    "n_frames": (0, 10**6),
    "detection_rate": (0.0, 1.0),
}
_NUMBERS_OR_NONE = {"fps": (1e-9, 1e6), "sound_s": (0.0, LONGEST_S), "sound_rms": (-1e3, 1e3)}
_NUMBERS_OR_NONE |= {"n_moments": (0, 10**7)}
_NUMBERS_OR_NONE |= dict.fromkeys(("participant_s", "interviewer_s"), (0.0, LONGEST_S))
_WHOLE = ("n_source_frames", "frame_stride", "n_frames", "n_moments")
FIELDS = frozenset((*_TEXTS, *_NUMBERS, *_NUMBERS_OR_NONE, "label", "status"))
_SOUND = frozenset(("source", "damage", "note"))
_SOUND_STATED = {"choice": str, "stream": int}
_FILM_STATED = {"video_stream": (0, 10**4), "fps": (1e-9, 1e6)}


def check_record(content: Any, where: str) -> dict[str, Any]:
    """All of `recording.json`, if it has a row and settings.

    Raises:
        InputError: It has not, or what it says of the sound cannot be used.
    """
    if not isinstance(content, dict) or not all(
        isinstance(content.get(k), dict) for k in ("row", "settings")
    ):
        raise InputError(f"{where}: has no row and settings as preprocessing writes them")
    sound = content.get("sound")
    if sound is not None and not _is_sound(sound):
        raise InputError(f"{where}: what it says of the sound is not as preprocessing writes it")
    choice = content.get("choice", {})
    if not isinstance(choice, dict) or not all(
        name in _FILM_STATED and _is_number(value, _FILM_STATED[name]) for name, value in choice.items()
    ):
        raise InputError(f"{where}: what it says of the film's choice is not as preprocessing writes it")
    for name in ("source", "turns"):
        if not isinstance(content.get(name, ""), str):
            raise InputError(f"{where}: {name} is no text")
    zero_s = content.get("zero_s")
    if zero_s is not None and not _is_number(zero_s, (-LONGEST_S, LONGEST_S)):
        raise InputError(f"{where}: zero_s is no time within a week")
    return content


def _is_sound(sound: Any) -> bool:
    """Whether this is `sound.hear.Heard` as it is stored."""
    if not isinstance(sound, dict) or not set(sound) >= _SOUND:
        return False
    kinds = dict.fromkeys(_SOUND, str) | _SOUND_STATED
    return all(name in kinds and type(value) is kinds[name] for name, value in sound.items())


def check_row(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A manifest row, if all of it is of the kind and size that preprocessing writes.

    Args:
        row: Of `recording.json`.
        where: Zip, for the message.

    Raises:
        InputError: A field is missing, is not one of `FIELDS`, or cannot be used.
    """
    check_recording_name(row.get("recording"), where)
    if extra := sorted(set(row) - FIELDS):
        raise InputError(f"{where}: {shortened(printable(extra[0]))} is no field of a recording")
    if lacking := sorted({"status", *_NUMBERS} - set(row)):
        raise InputError(f"{where}: has no {lacking[0]}")
    if row["status"] not in STATUSES:
        raise InputError(f"{where}: status is none of {', '.join(STATUSES)}")
    for name in _TEXTS:
        if not isinstance(value := row.get(name, ""), str) or len(value) > _MOST_TEXT:
            raise InputError(f"{where}: {name} is no text of up to {_MOST_TEXT} characters")
    label = row.get("label")
    if label is not None and not isinstance(label, str) and not _is_number(label, (-1e9, 1e9)):
        raise InputError(f"{where}: label is no score and no name of a class")
    for name, bounds in (_NUMBERS | _NUMBERS_OR_NONE).items():
        value = row.get(name)
        if value is None and (name in _NUMBERS_OR_NONE or (name == "detection_rate" and has_grid(row))):
            continue
        if not _is_number(value, bounds) or (name in _WHOLE and not isinstance(value, int)):
            said = shortened(printable(repr(value)), 40)
            raise InputError(f"{where}: {name} is {said}, no number of {bounds[0]:g} to {bounds[1]:g}")
    return dict(row)


def has_grid(row: Mapping[str, Any]) -> bool:
    """Whether a recording has no pictures, and a regular grid for a clock (`grid_s`)."""
    return row.get("n_moments") is not None


def grid_s(row: Mapping[str, Any]) -> float:
    """How long such a recording's clock runs; its moments lie `frame_stride` thirtieths of a second apart."""
    return int(row["n_moments"]) * int(row["frame_stride"]) / NOMINAL_FPS


def parse_track(data: bytes, where: str) -> list[dict[str, str]]:
    """Rows of `track.csv`, all values as text; each is a number or empty.

    Raises:
        InputError: A column or cell is missing, is no number, or its frames do not ascend.
    """
    try:
        reader = csv.DictReader(io.StringIO(data.decode(), newline=""))
        if len(reader.fieldnames or ()) > _MOST_TRACK_COLUMNS:
            raise ValueError(f"it has more than {_MOST_TRACK_COLUMNS} columns")
        rows = list(reader)
        last = -1
        for row in rows:
            frame, time_s = int(row["frame"]), float(row["time_s"])
            values = [float(cell) for cell in row.values() if cell]
            if not (
                last < frame <= MOST_FRAME and abs(time_s) <= LONGEST_S and all(map(math.isfinite, values))
            ):
                raise ValueError(f"frame {shortened(row['frame'], 20)} is out of order or out of bounds")
            if row["interpolated"] not in ("0", "1", ""):
                raise ValueError("interpolated is neither 0 nor 1")
            last = frame
    except KeyError as error:
        raise InputError(f"{where}: has no column {error}") from None
    except (ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{where}: cannot be read ({shortened(printable(error))})") from None
    return rows


def film_s(track: Sequence[Mapping[str, str]]) -> float:
    """When a track ends, in seconds: about how long its film is."""
    return max((float(row["time_s"]) for row in track), default=0.0)


def _is_number(value: object, bounds: tuple[float, float]) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and bounds[0] <= value <= bounds[1]  # type: ignore[operator] # NaN is in no bounds
