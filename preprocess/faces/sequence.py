"""From what each frame shows to the sequence of crops: what counts, and what is bridged.

Frames of a track are held back until it is certain that they count; then they come out in order. What is
held is small and bounded, however long the video: a crop's JPEG for a sighting, a shrunk region about the
face for a frame without one, and that only for as long as the gap could still be bridged.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preprocess.faces.alignment import Region, cut, cut_region, place_by_eyes, take_region
from preprocess.faces.decode import Frame
from preprocess.faces.detector import Face, Picture
from preprocess.faces.track import Step

_REGION_SIDES = 3.0  # what is kept of a frame without a face, in sides of the crop before


@dataclass(frozen=True)
class Crop:
    """A finished crop.

    Attributes:
        number: Source frame.
        time_s: Its timestamp in seconds.
        face: In pixels of the picture, None where none was looked for; no score where interpolated.
        interpolated: The face was not seen here but between the frames around.
        jpeg: The crop, encoded.
    """

    number: int
    time_s: float
    face: Face | None
    interpolated: bool
    jpeg: bytes


@dataclass(frozen=True)
class _Gap:
    number: int
    time_s: float
    region: Region


@dataclass(frozen=True)
class _Seen:
    time_s: float
    face: Face


class Sequence:
    """Takes one step of the tracker after the other and gives the crops that are certain."""

    def __init__(self, crop_size: int, max_gap_s: float, encode: Callable[[Picture], bytes]) -> None:
        """Begin with nothing held; `encode` turns a crop, RGB (size, size, 3), into a JPEG."""
        self._size = crop_size
        self._max_gap_s = max_gap_s
        self._encode = encode
        self._track = -1
        self._held: list[Crop | _Gap] = []
        self._last: _Seen | None = None  # the track's last sighting, given out or held

    def add(self, frame: Frame, step: Step) -> Iterator[Crop]:
        """Take the next kept frame; gives the crops that it makes certain, in order."""
        if step.track != self._track:
            self._held.clear()
            self._track = step.track
            self._last = None
        if step.sighting is None:
            self._add_gap(frame)
            return
        face = step.sighting.face
        jpeg = self._encode(cut(frame.picture, step.sighting.placement, self._size))
        self._bridge(_Seen(frame.time_s, face))
        self._held.append(Crop(frame.number, frame.time_s, face, False, jpeg))
        if step.confirmed and step.sighting.strong:
            yield from self._release()

    def end(self, counts: bool) -> Iterator[Crop]:
        """The recording is over; `counts`: an unconfirmed track counts nevertheless."""
        if counts:
            yield from self._release()
        self._held.clear()

    def _add_gap(self, frame: Frame) -> None:
        if self._last is None:
            return
        if frame.time_s - self._last.time_s > self._max_gap_s:
            self._drop_gaps()  # the face would come back too late for them, too
            return
        around = place_by_eyes(self._last.face.points)
        shrunk_size = int(self._size * _REGION_SIDES)
        region = take_region(frame.picture, around.widened(_REGION_SIDES), shrunk_size)
        self._held.append(_Gap(frame.number, frame.time_s, region))

    def _bridge(self, now: _Seen) -> None:
        before, self._last = self._last, now
        if before is None or now.time_s - before.time_s > self._max_gap_s:
            self._drop_gaps()
        else:
            self._held = [
                self._interpolated(held, before, now) if isinstance(held, _Gap) else held
                for held in self._held
            ]

    def _interpolated(self, gap: _Gap, before: _Seen, after: _Seen) -> Crop:
        span_s = after.time_s - before.time_s
        share = (gap.time_s - before.time_s) / span_s if span_s > 0 else 0.5
        pairs = zip(before.face.points, after.face.points, strict=True)
        points = tuple(one + share * (other - one) for one, other in pairs)
        x, y, width, height = (
            one + share * (other - one) for one, other in zip(before.face.box, after.face.box, strict=True)
        )
        jpeg = self._encode(cut_region(gap.region, place_by_eyes(points), self._size))
        return Crop(gap.number, gap.time_s, Face(math.nan, (x, y, width, height), points), True, jpeg)

    def _drop_gaps(self) -> None:
        self._held = [held for held in self._held if not isinstance(held, _Gap)]

    def _release(self) -> Iterator[Crop]:
        ready, self._held = self._held, []
        yield from (crop for crop in ready if isinstance(crop, Crop))
