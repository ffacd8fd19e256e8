"""A sound that no film goes with: it has its own clock, which begins where the sound does."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from preprocess.archive.flac import Samples
from preprocess.corpora.recording import Recording
from preprocess.media.container import MOST_SPAN_S, UnreadableVideoError, reason
from preprocess.media.streams import sounds
from preprocess.media.survey import NO_STAMP, StreamFacts, survey
from preprocess.sound.decode import read_sound
from preprocess.sound.hear import Heard, told

_STREAMED = 0xFFFF_0000  # what programs that do not know a wav's length yet write, or more


def hear_alone(recording: Recording, path: Path) -> tuple[Samples, Heard, dict[str, object], float]:
    """Read a recording's sound from its first sample to its last.

    Args:
        recording: Without a video.
        path: The file.

    Returns:
        Samples, what is known of them, `sound_s` and `sound_rms` for the row, and its length in seconds.

    Raises:
        UnreadableVideoError: Nothing can be had from the file.
    """
    try:
        found = survey(path)
    except UnreadableVideoError:
        raise
    except (OSError, ValueError) as error:
        raise UnreadableVideoError(f"cannot be opened: {reason(error)}") from error
    if not found.sounds:
        raise UnreadableVideoError("no sound track")
    stream = sounds(found, recording.audio_stream)[0]
    length_s = _length_s(stream)
    if not length_s > 0:
        raise UnreadableVideoError("its sound has no length")
    if length_s > MOST_SPAN_S:
        raise UnreadableVideoError(f"sound of {length_s / 3600:.1f} h: give it in parts of up to 6 h")
    sound = read_sound(path, None, length_s, 0.0, recording.audio_stream, found)
    if missing := _missing_bytes(path):
        damage = f"the file is cut off: {missing:,} bytes that its header tells of are not there"
        sound = replace(sound, damage="; ".join(filter(None, [sound.damage, damage])))
    samples, heard, measured = told(recording, sound)
    return samples, heard, measured, length_s


def _length_s(stream: StreamFacts) -> float:
    """From the first stamp to the end of the last packet; by the packets' lengths where no stamps are."""
    stamps, lengths = np.frombuffer(stream.pts, np.int64), np.frombuffer(stream.lengths, np.int64)
    known = stamps != NO_STAMP
    if not known.any():
        return float(lengths.sum() * stream.tick_s)
    ends = stamps[known] + lengths[known]
    return float((ends.max() - stamps[known].min()) * stream.tick_s)


def _missing_bytes(path: Path) -> int:
    """How much of a wav's samples its header promises and the file does not hold: FFmpeg does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0
        while len(chunk := file.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return max(0, file.tell() + length - size) if length < _STREAMED else 0
            file.seek(length + length % 2, 1)
    return 0
