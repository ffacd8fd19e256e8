"""Whether a signal's rows and a film agree, and which of a file's clocks its rows are found by.

Programs write times in other units, or a frame's number over a constant rate, which on a film of variable
rate is no time. So where a file has both, its times are compared with the film's frame by frame; where it has
times alone, their range is.
"""

from dataclasses import dataclass

import numpy as np

from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops
from stan_lightning.data.signal_file import BRIDGED, SAME_S, Moments, Signal

SHARE = 0.05
"""By how much of a film's length its rows may begin late or end early or late."""
_SAME_FRAMES = 0.02  # a file numbers the film's own frames where their count differs by no more than this
_SAME_RATE = 0.01
_UNITS = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9, "minutes": 1 / 60}
_EPOCH_S = 1e8  # seconds since 1970 are more than this since 1973


@dataclass(frozen=True)
class Clock:
    """How a file's rows are found.

    Attributes:
        by_frame: By source frame, and not by time.
        first: Number that the file gives to the film's first frame, 0 or 1.
        off_s: By how much its times are off, in seconds; 0 where they agree or are not there.
    """

    by_frame: bool = False
    first: int = 0
    off_s: float = 0.0


BY_TIME = Clock()


def settle(signal: Signal, crops: Crops, made_here: bool = False) -> Clock:
    """Choose a file's clock.

    Args:
        signal: The file.
        crops: Of the film.
        made_here: The rows were made of these crops or their sound: they are where they are.

    Raises:
        InputError: Its rows and the film do not agree.
    """
    times = crops.times
    if crops.grid is not None and signal.times is None:
        raise InputError(
            f"{signal.path}: has no times, and its recording no pictures whose frames they could be; add a "
            "column time_s, seconds after the recording's start"
        )
    if times is None or made_here:
        timed = times is not None and signal.times is not None
        if not made_here:
            _overlap(signal, signal.clock(False), crops.frames.astype(float), "frames")
        return Clock(by_frame=not timed)
    if crops.grid is not None:
        assert signal.times is not None and times is not None
        _overlap(signal, signal.times, times, "s")
        _fits(signal, signal.times, times, float(times[-1]), "s")
        return Clock()
    n_frames = crops.n_source_frames
    first = _first(signal, n_frames)
    if signal.times is None:
        frames = signal.clock(False) - first
        _overlap(signal, frames, crops.frames.astype(float), "frames")
        _fits(signal, frames, crops.frames.astype(float), n_frames - 1.0, "frames")
        return Clock(True, first)
    if signal.frames is not None:
        own, apart = _frame_s(crops, times), np.inf
        counted = (
            signal.frames[0] == 1 and signal.frames[-1] == n_frames
        )  # from 1: from 0 there is no such frame
        for number in (1,) if counted else (0, 1):
            apart = min(apart, _apart(signal.times, signal.frames - number, times, crops.frames))
        if apart <= max(2 * SAME_S, own / 2):
            return Clock()
        if _numbers_the_film(signal.times, signal.frames - first, n_frames, _end_s(crops, times)):
            off_s = _apart(signal.times, signal.frames - first, times, crops.frames)
            return Clock(True, first, off_s if np.isfinite(off_s) else 0.0)
    _overlap(signal, signal.times, times, "s")
    _fits(signal, signal.times, times, _end_s(crops, times), "s")
    return Clock()


def _first(signal: Signal, n_frames: int) -> int:
    """Number of the film's first frame: OpenFace counts from 1, others from 0."""
    frames = signal.frames
    if frames is None or frames[0] == 0:
        return 0
    if frames[-1] >= n_frames or (frames[0] == 1 and (len(frames) == 1 or frames[1] == 2)):
        return 1
    if signal.times is None or len(frames) == 1:
        return 0
    rate = (frames[-1] - frames[0]) / (signal.times[-1] - signal.times[0])
    return int(np.clip(round(frames[0] - signal.times[0] * rate), 0, 1))


def _frame_s(crops: Crops, times: Moments) -> float:
    """Median length of a frame."""
    return float(np.median(np.diff(times) / np.diff(crops.frames))) if len(times) > 1 else 0.0


def _end_s(crops: Crops, times: Moments) -> float:
    """When the film's last frame is, infinity where nobody knows.

    Behind the last crop the film goes on at its mean rate, or at that of its crops where this is slower.
    """
    left = crops.n_source_frames - 1 - int(crops.frames[-1])
    if crops.row.get("status") == "partial":
        return np.inf  # read to where it breaks
    rates = []
    if len(times) > 1:
        rates.append((crops.frames[-1] - crops.frames[0]) / (times[-1] - times[0]))
    fps = crops.row.get("fps")
    if isinstance(fps, int | float) and fps > 0:
        rates.append(float(fps))
    if not rates:
        return np.inf
    return float(max(times[-1] + left / min(rates), (crops.n_source_frames - 1) / rates[-1]))


def _apart(times: Moments, frames: Moments, film_times: Moments, film_frames: Moments) -> float:
    """Largest difference of the times of frames that both have; infinite where they share none."""
    places = np.searchsorted(frames, film_frames).clip(max=len(frames) - 1)
    shared = frames[places] == film_frames
    return float(np.abs(times[places] - film_times)[shared].max()) if shared.any() else np.inf


def _numbers_the_film(times: Moments, frames: Moments, n_frames: int, end_s: float) -> bool:
    """Whether a file's frames are the film's own, not those of a copy at another rate."""
    if abs(frames[-1] - (n_frames - 1)) <= max(2, _SAME_FRAMES * n_frames):
        return True
    if len(frames) < 2 or not 0 < end_s < np.inf or frames[-1] >= n_frames:
        return False
    rate = (frames[-1] - frames[0]) / (times[-1] - times[0])
    return bool(abs(rate / ((n_frames - 1) / end_s) - 1) <= _SAME_RATE)


def _overlap(signal: Signal, clock: Moments, moments: Moments, unit: str) -> None:
    """Raise where no row of a file lies within its video."""
    if clock[-1] < moments[0] or clock[0] > moments[-1]:
        raise InputError(
            f"{signal.path}: its rows, {clock[0]:g} to {clock[-1]:g} {unit}, lie outside the video's crops, "
            f"{moments[0]:g} to {moments[-1]:g} {unit}{_meant(clock, moments[-1], unit)}; times are seconds "
            "after the video's first frame"
        )


def _fits(signal: Signal, clock: Moments, moments: Moments, end: float, unit: str) -> None:
    """Raise where rows begin late, or end early or late, by more than `SHARE` of the film."""
    if len(clock) < 2:
        return
    least = 2.0 if unit == "frames" else 0.05
    length = end if np.isfinite(end) else moments[-1]
    spare = max(SHARE * length, BRIDGED * float(np.median(np.diff(clock))), least)
    if clock[0] > moments[0] + spare:
        how, mend = "begin late", "where the measurement does, put a row of empty cells at the film's start"
    elif clock[0] < -spare:
        how, mend = "begin before it", "cut the rows that lie before the film"
    elif clock[-1] < moments[-1] - spare:
        how, mend = "end early", "where the measurement does, put a row of empty cells at the film's end"
    elif clock[-1] > end + spare:
        how, mend = "end late", "where the measurement goes on, cut the rows that lie behind the film"
    else:
        return
    clocks = "times are seconds after the video's first frame" if unit == "s" else "frames are the film's own"
    beside = ", or add a column `frame`" if signal.frames is None else ""
    raise InputError(
        f"{signal.path}: its rows, {clock[0]:g} to {clock[-1]:g} {unit}, do not fit the film, 0 to "
        f"{length:g} {unit} with crops from {moments[0]:g} to {moments[-1]:g}: they {how} by more than "
        f"{SHARE:.0%} of it{_meant(clock, length, unit)}; {clocks}: mend them{beside}; {mend}"
    )


def _meant(clock: Moments, end: float, unit: str) -> str:
    """Which unit the times seem to be in."""
    if unit != "s" or end <= 0:
        return ""
    if clock[0] > _EPOCH_S:
        scale = 10 ** (3 * round((np.log10(clock[0]) - 9) / 3))
        return (
            f" (they look like {'' if scale == 1 else 'fractions of '}seconds since 1970: subtract the first)"
        )
    span = clock[-1] - min(clock[0], 0.0)
    for name, many in _UNITS.items():
        if abs(span / many - end) <= 2 * SHARE * end:
            return f" (they look like {name})"
    return ""
