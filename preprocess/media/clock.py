"""When each picture of a film is shown, whatever the container's clock does.

Most files' stamps hold as they are. Where a clock restarts (recordings that were joined), stands still,
jumps, or gives decoding times, the pictures' order is known all the same; times are mended from it. What is
certain is a note, what is not a fault.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from preprocess.media.container import UnreadableVideoError
from preprocess.media.survey import NO_STAMP, StreamFacts, Survey

Times = npt.NDArray[np.floating]

JUMP_S = 10.0  # a longer step between two pictures is no slow frame rate
_USUAL_RATE = 25.0
_MOST_PARTS = 1000  # of one file
_LOOKED = 4096  # places looked through at first, then twice as many: many restarts take no more time
_MOST_TOLD = 10  # places that are named
_BACK_S = 0.1  # a clock that goes back by more, and by more than three pictures, starts anew
_SOUND_ENDS_S = 1.0  # before a picture's time: that time is not the sound's
_ROOM = (0.5, 1.5)  # a gap that holds so many times what stands still before it is its place


@dataclass(frozen=True)
class Clock:
    """A film's clock.

    Attributes:
        rate: Nominal frames a second.
        first_s: Time of the first picture in the file.
        end_s: When the last one ends.
        times_s: Of the packets in the file's order, or of the pictures in theirs (`in_turn`), in seconds;
            None where the packets' own stamps hold.
        in_turn: Times belong to the pictures in the order in which they are shown.
        joined: The clock starts anew within the file: what the container says of its length means nothing.
        shifts: By sound stream: from which packet on how many seconds are added to its stamps.
        notes: What was mended and is certain, or was assumed.
        faults: What was mended and is not certain, or cannot be mended.
    """

    rate: float
    first_s: float
    end_s: float
    times_s: Times | None = None
    in_turn: bool = False
    joined: bool = False
    shifts: Mapping[int, Sequence[tuple[int, float]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def time_s(self, number: int) -> float:
        """Time by number; beyond the last one it counts on."""
        assert self.times_s is not None
        beyond = number - len(self.times_s) + 1
        return float(self.times_s[-1]) + beyond / self.rate if beyond > 0 else float(self.times_s[number])


def film_clock(survey: Survey, film: StreamFacts, fps: float | None = None) -> Clock:
    """The clock of a film and of its sounds.

    Args:
        survey: Of the file.
        film: One of its streams.
        fps: Frames a second that the user states; it counts where the film carries no times.

    Raises:
        UnreadableVideoError: The film has no packet.
    """
    shown = np.frombuffer(film.unshown, np.uint8) == 0
    pts, dts = np.frombuffer(film.pts, np.int64), np.frombuffer(film.dts, np.int64)
    if not shown.any():
        raise UnreadableVideoError("its film has no packets")
    is_avi = survey.format_name == "avi"
    if survey.is_raw or not film.tick_s or bool((pts[shown] == NO_STAMP).all() and not is_avi):
        return _counted(int(shown.sum()), film, fps)
    has_pts = shown & (pts != NO_STAMP)
    rate = film.rate or _mean_rate(pts[has_pts] * film.tick_s)
    in_turn = _in_decoding_order(film, pts, dts, is_avi)
    stamps = np.where(pts == NO_STAMP, dts, pts) if not (in_turn and is_avi) else dts
    if (stamps[shown] == NO_STAMP).any():  # few stamps, from which the decoder counts on
        return _as_it_is(film, pts[has_pts], rate)
    times = stamps * film.tick_s
    order_s = np.where(dts == NO_STAMP, stamps, dts) * film.tick_s
    numbers = np.flatnonzero(shown)
    starts = _restarts(order_s[numbers], np.frombuffer(film.keys, np.uint8)[numbers], rate)
    ordered, sequence, offsets = _joined(times[numbers], starts, rate)
    sounds = {one.index: _sound_starts(one) for one in survey.sounds}
    ends_s = [_sound_end_s(one, sounds[one.index], offsets) for one in survey.sounds if len(one.pts)]
    mended, notes, faults = _mended(sequence, rate, max(ends_s, default=None))
    if len(starts) > 1:
        at = ", ".join(f"{sequence[start] - sequence[0]:.3f} s" for start in starts[1 : _MOST_TOLD + 1])
        at += f" and {len(starts) - 1 - _MOST_TOLD} times more" if len(starts) - 1 > _MOST_TOLD else ""
        notes = (f"{len(starts)} recordings joined: the clock starts anew at {at} and was led on", *notes)
    if not (in_turn or len(starts) > 1 or (mended != sequence).any()):
        clock = _as_it_is(film, pts[has_pts], rate)
        return Clock(rate, clock.first_s, clock.end_s, notes=notes, faults=faults)
    by_number = np.full(len(pts), np.nan)
    by_number[numbers[ordered]] = mended
    shifts = {index: _shifts(found, offsets) for index, found in sounds.items() if len(found) > 1}
    spacing_s = float(mended[-1] - mended[0]) / (len(mended) - 1) if len(mended) > 1 else 1 / rate
    last_s = film.lengths[int(numbers[ordered[-1]])] * film.tick_s or spacing_s
    return Clock(
        rate,
        float(mended[0]),
        float(mended[-1]) + last_s,
        mended if in_turn else by_number,
        in_turn,
        len(starts) > 1,
        shifts,
        notes,
        faults,
    )


def _counted(count: int, film: StreamFacts, fps: float | None) -> Clock:
    rate = fps or film.rate or _USUAL_RATE
    said = "as corpus.fps states" if fps else "was taken (corpus.fps states another)"
    note = f"the film carries no times: {rate:.6g} frames a second {said}"
    times = np.arange(count) / rate
    return Clock(rate, 0.0, count / rate, times, in_turn=True, notes=(note,))


def _as_it_is(film: StreamFacts, pts: npt.NDArray[np.int64], rate: float) -> Clock:
    """The clock of a film whose stamps hold; shape (N,) of its presentation stamps."""
    tick = film.tick_s
    last = int(pts.max())
    lengths = np.frombuffer(film.lengths, np.int64)[np.frombuffer(film.pts, np.int64) == last]
    first_s, last_s = int(pts.min()) * tick, last * tick
    spacing = (last - int(pts.min())) * tick / (len(pts) - 1) if len(pts) > 1 else 1 / rate
    return Clock(rate, first_s, last_s + (int(lengths.max()) * tick or spacing))


def _mean_rate(times: Times) -> float:
    """Mean rate of the coded pictures: browsers' recordings state the rate of their clock instead."""
    if len(times) < 2 or times.max() == times.min():
        return _USUAL_RATE
    return float((len(times) - 1) / (times.max() - times.min()))


def _in_decoding_order(
    film: StreamFacts, pts: npt.NDArray[np.int64], dts: npt.NDArray[np.int64], is_avi: bool
) -> bool:
    """Whether pictures may be shown in another order than their stamps, which are decoding times."""
    if not film.reorders or len(pts) < 3:
        return False
    if is_avi:  # which has no other stamps: what FFmpeg makes of them is a picture late
        return not bool((dts == NO_STAMP).any())
    if (pts == NO_STAMP).any():
        return False
    # Were they the pictures', they would go back wherever one is coded before another that is shown first.
    descents = int((np.diff(pts) < 0).sum())
    keys = np.frombuffer(film.keys, np.uint8)
    return descents == 0 or descents == len(_restarts(pts * film.tick_s, keys, film.rate or _USUAL_RATE)) - 1


def _restarts(times: Times, keys: npt.NDArray[np.uint8], rate: float) -> list[int]:
    """Where a clock starts anew, the first place among them; times in the file's order, shape (N,)."""
    back_s = max(_BACK_S, 3 / rate)
    starts = [0]
    while len(starts) < _MOST_PARTS:
        further = _next_restart(times[starts[-1] :], keys[starts[-1] :], back_s)
        if further is None:
            break
        starts.append(starts[-1] + further)
    return starts


def _next_restart(times: Times, keys: npt.NDArray[np.uint8], back_s: float) -> int | None:
    """The first place from which a clock stays behind what it had reached; None where it does nowhere."""
    looked = _LOOKED
    while True:
        part = times[: looked + 2]  # a restart is known by two more places
        is_back = part < np.maximum.accumulate(part) - back_s
        stays = is_back & np.r_[is_back[1:], True] & np.r_[is_back[2:], True, True][: len(part)]
        anew = np.flatnonzero(stays & (keys[: len(part)] != 0))
        is_whole = len(part) == len(times)
        if len(anew) and (is_whole or anew[0] < looked):
            return int(anew[0])
        if is_whole:
            return None
        looked *= 2


def _joined(
    times: Times, starts: Sequence[int], rate: float
) -> tuple[npt.NDArray[np.intp], Times, list[float]]:
    """Put the parts of a film one after the other.

    Returns:
        Places in the file's order by time, their times, and what was added to each part's.
    """
    order, sequence, offsets = [], [], []
    end_s: float | None = None
    for start, stop in zip(starts, [*starts[1:], len(times)], strict=True):
        places = start + np.argsort(times[start:stop], kind="stable")
        offset = 0.0 if end_s is None else end_s - float(times[places[0]])
        part = times[places] + offset if offset else times[places]
        steps = np.diff(part)
        step_s = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1 / rate
        end_s = float(part[-1]) + step_s
        order.append(places)
        sequence.append(part)
        offsets.append(offset)
    return np.concatenate(order), np.concatenate(sequence), offsets


def _mended(
    times: Times, rate: float, sound_end_s: float | None
) -> tuple[Times, tuple[str, ...], tuple[str, ...]]:
    """Times that rise from picture to picture, with notes and faults; shape (N,) in the pictures' order."""
    mended, faults, first_s = times, [], float(times[0])
    steps = np.diff(times)
    stands_at_end = len(steps) > 0 and steps[-1] <= 0
    for place in np.flatnonzero(steps > JUMP_S) + 1:
        ends_before = sound_end_s is not None and sound_end_s < times[place] - _SOUND_ENDS_S
        at = f"by {steps[place - 1]:.1f} s at {times[place - 1] - first_s:.3f} s"
        if not (ends_before or (sound_end_s is None and stands_at_end)):
            faults.append(f"the film's clock jumps {at}")
            continue
        mended = times.copy()
        if stands_at_end:
            mended[place:] = times[place - 1] + np.arange(1, len(times) - place + 1) / rate
        else:
            mended[place:] -= times[place] - times[place - 1] - 1 / rate
        way = "its pictures are counted on" if stands_at_end else "it was led on without that"
        faults.append(f"the film's clock is wrong: it jumps {at}, where no sound is; {way}")
        break
    if len(faults) > _MOST_TOLD:
        faults[_MOST_TOLD:] = [f"and in {len(faults) - _MOST_TOLD} places more"]
    spread, notes, more = _spread(mended, rate)
    return spread, notes, (*faults, *more)


def _spread(times: Times, rate: float) -> tuple[Times, tuple[str, ...], tuple[str, ...]]:
    """Give pictures of one time a time each, up to the next one's."""
    if len(times) < 2 or not (np.diff(times) <= 0).any():
        return times, (), ()
    spread = times.copy()
    starts = np.flatnonzero(np.r_[True, np.diff(times) > 0])
    certain: list[tuple[int, int]] = []
    doubtful: list[tuple[int, int]] = []
    for start, stop in zip(starts, np.r_[starts[1:], len(times)], strict=True):
        if stop - start < 2:
            continue
        room_s = float(times[stop] - times[start]) if stop < len(times) else np.inf
        share = room_s * rate / (stop - start)
        step_s = room_s / (stop - start) if share <= _ROOM[1] else 1 / rate
        spread[start:stop] = times[start] + np.arange(stop - start) * step_s
        (certain if _ROOM[0] <= share <= _ROOM[1] else doubtful).append((int(start), int(stop - start)))

    def said(found: list[tuple[int, int]], how: str) -> tuple[str, ...]:
        if not found:
            return ()
        count = sum(size for _, size in found)
        at_s = float(times[found[0][0]] - times[0])
        return (f"the film's clock stands still for {count} pictures, first at {at_s:.3f} s: {how}",)

    return spread, said(certain, "they fill the gap behind"), said(doubtful, "their times are counted on")


def _sound_starts(sound: StreamFacts) -> list[tuple[int, float, float]]:
    """Parts of a sound's clock: first packet, its time and the part's end in seconds."""
    pts, lengths = np.frombuffer(sound.pts, np.int64), np.frombuffer(sound.lengths, np.int64)
    numbers = np.flatnonzero(pts != NO_STAMP)
    if not len(numbers):
        return []
    times = pts[numbers] * sound.tick_s
    starts = _restarts(times, np.ones(len(times), np.uint8), 1 / _BACK_S)
    ends = times + lengths[numbers] * sound.tick_s
    return [
        (int(numbers[start]), float(times[start]), float(ends[start:stop].max()))
        for start, stop in zip(starts, [*starts[1:], len(times)], strict=True)
    ]


def _shifts(parts: Sequence[tuple[int, float, float]], offsets: Sequence[float]) -> list[tuple[int, float]]:
    """What is added from which packet on: what the film's part got, or what leads the sound on alone."""
    found: list[tuple[int, float]] = []
    end_s = 0.0
    for place, (packet, start_s, stop_s) in enumerate(parts):
        shift_s = offsets[place] if place < len(offsets) else end_s - start_s
        found.append((packet, shift_s))
        end_s = stop_s + shift_s
    return found


def _sound_end_s(
    sound: StreamFacts, parts: Sequence[tuple[int, float, float]], offsets: Sequence[float]
) -> float:
    shifts = _shifts(parts, offsets)
    return max((stop + shift for (_, _, stop), (_, shift) in zip(parts, shifts, strict=True)), default=0.0)
