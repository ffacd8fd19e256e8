"""How long a recording seems to be, for the progress bar alone."""

from collections.abc import Callable
from pathlib import Path

import av
from av.stream import Disposition

from preprocess.media.container import open_media

_BYTES_A_FRAME = 10_000  # of usual compressed video, where the container says nothing
_NOMINAL_FPS = 30  # by which sounds are counted


def estimate_frames(path: Path, report: Callable[[int], None]) -> int:
    """Source frames according to the container, or guessed from the file's size; 0 where it cannot be read.

    Of a sound without a film, thirtieths of a second.

    `report` is not called; it is what every task of an executor gets.
    """
    try:
        with open_media(path) as container:
            films = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
            if not films:
                return int((container.duration or 0) / av.time_base * _NOMINAL_FPS)
            stream = max(films, key=lambda film: (bool(film.disposition & Disposition.default), film.frames))
            if stream.frames:
                return stream.frames
            if container.duration and stream.average_rate:
                return int(container.duration / av.time_base * stream.average_rate)
            return path.stat().st_size // _BYTES_A_FRAME
    except (OSError, ValueError):
        return 0
