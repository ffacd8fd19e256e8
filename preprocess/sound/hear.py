"""Which file a recording's sound comes from, and what it came to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from preprocess.archive.flac import Samples
from preprocess.corpora.recording import Recording
from preprocess.media.clock import film_clock
from preprocess.media.container import reason, wild_span
from preprocess.media.streams import films
from preprocess.media.survey import Survey, survey
from preprocess.sound.decode import Sound, read_sound

_LATEST_ZERO_S = 60.0
PREFIX = "sound: "


@dataclass(frozen=True)
class Heard:
    """What stands of a recording's sound beside its row, so that it can be taken away again.

    Attributes:
        source: Path of the file, as `Recording.sound`; empty where it is the video itself.
        damage: What is missing or broken, in words; empty where nothing is.
        note: What else a user should know, such as `no sound track`.
        choice: Which stream or channel was taken, where there are several to choose from.
        stream: Index of the stream that the user named; None where nobody did.
    """

    source: str
    damage: str
    note: str
    choice: str = ""
    stream: int | None = None


def hear(
    recording: Recording, zero_s: float | None, film: int | None = None, known: Survey | None = None
) -> tuple[Samples, Heard, dict[str, object]]:
    """Read a recording's sound on the clock of its track.

    Args:
        recording: With its video there; of one without a video see `alone.hear_alone`.
        zero_s: Time of the film's first frame in the file, which the track calls 0; None for a track of
            before this was so, whose clock is the file's own.
        film: Index of the stream that was cropped; None: the one that was to be expected.
        known: Survey of the video, where it was made before.

    Returns:
        Samples as long as the film, what is known of them, and `sound_s` and `sound_rms` for the row.
    """
    assert recording.path is not None
    try:
        found = known or survey(recording.path)
        facts = films(found, recording.video_stream if film is None else film)[0]
        clock = film_clock(found, facts, recording.fps)
    except (OSError, ValueError) as error:
        return told(recording, _nothing(f"the film cannot be read again: {reason(error)}"))
    if wild := wild_span(len(facts.pts), clock.end_s - clock.first_s):
        return told(recording, _nothing(wild))
    start_s = clock.first_s if zero_s is None else 0.0  # of the film, on the track's clock
    if abs(start_s) > _LATEST_ZERO_S:
        return told(recording, _nothing(f"the crops' clock starts at {start_s:.0f} s: make them again"))
    length_s = clock.end_s - (zero_s or 0.0)
    wanted = recording.audio_stream
    if recording.sound_path is None:
        sound = read_sound(recording.path, zero_s or 0.0, length_s, 0.0, wanted, found, clock)
        return told(recording, sound)
    return told(recording, read_sound(recording.sound_path, None, length_s, start_s, wanted))


def with_sound(row: Mapping[str, Any], heard: Heard, measured: Mapping[str, object]) -> dict[str, object]:
    """A manifest row with what was heard; damage makes an `ok` recording `partial`."""
    found = {**row, **measured}
    if heard.damage:
        said = PREFIX + heard.damage
        found["reason"] = f"{row['reason']}; {said}" if row["reason"] else said
        found["status"] = "partial" if row["status"] == "ok" else row["status"]
    if heard.choice:
        said = PREFIX + heard.choice
        found["note"] = f"{row['note']}; {said}" if row.get("note") else said
    return found


def without_sound(row: Mapping[str, Any], heard: Heard) -> dict[str, object]:
    """The row as it was before `with_sound`."""
    found = {**row, "sound_s": None, "sound_rms": None}
    said = PREFIX + heard.damage
    if heard.damage and str(row["reason"]).endswith(said):
        found["reason"] = str(row["reason"]).removesuffix(said).removesuffix("; ")
        if row["status"] == "partial" and not found["reason"]:
            found["status"] = "ok"
    if heard.choice:
        note = str(row.get("note", "")).removesuffix(PREFIX + heard.choice).removesuffix("; ")
        found = {key: value for key, value in found.items() if key != "note"}
        found |= {"note": note} if note else {}
    return found


def as_dict(heard: Heard) -> dict[str, object]:
    """As it is stored in `recording.json`; a choice only where there was one."""
    always = ("source", "damage", "note")
    return {key: value for key, value in asdict(heard).items() if key in always or value not in ("", None)}


def _nothing(damage: str) -> Sound:
    return Sound(np.zeros(0, np.int16), 0.0, None, damage, "")


def told(recording: Recording, sound: Sound) -> tuple[Samples, Heard, dict[str, object]]:
    """Samples, what is known of them, and `sound_s` and `sound_rms` for the row."""
    damage = f"{recording.sound or 'the video'}: {sound.damage}" if sound.damage else ""
    rms = None if sound.rms is None else round(sound.rms, 2)
    measured: dict[str, object] = {"sound_s": round(sound.seconds, 3), "sound_rms": rms}
    heard = Heard(recording.sound, damage, sound.note, sound.choice, recording.audio_stream)
    return sound.samples, heard, measured
