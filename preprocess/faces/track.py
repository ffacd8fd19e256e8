"""Which face is the subject's: one track through a recording.

The rules, in the order of their weight:

1. Continuity. While the face is seen where it was a frame ago, it is the subject, whoever else is there.
2. Size. Where there is no track (at the start, after a cut, after a longer absence) the largest face begins
   one; between faces within a tenth of each other in size the one nearer to the picture's middle. A face of
   less than half the subject's last size is taken for a bystander until it has stayed for `BYSTANDER_S`.
3. Challenge. Every `SEARCH_S` the whole picture is searched; a face of at least 1.5 times the track's size
   that is there twice in a row takes over (the track began with a bystander).
4. Consistency. A track counts only once it was seen beyond doubt (see `search`) on `CONFIRM_FRAMES` kept
   frames, or on all that there were of it when the recording ended; doubtful sightings count between two
   certain ones, never at a track's end. On those first frames the far-face model must see it, too: where it
   does not, the track ends at once.
"""

import math
from dataclasses import dataclass

import cv2

from preprocess.faces.detector import Picture
from preprocess.faces.search import FaceFinder, Sighting

SEARCH_S = 3.0
TURNED_SEARCH_S = 0.5
CONFIRM_FRAMES = 3
BYSTANDER_S = 3.0
BYSTANDER_SIZE = 0.5
CHALLENGER_SIZE = 1.5
MIN_HOLD_S = 1.0  # a track is held at least so long while its face is not seen, even with no gap to bridge
CUT_GREY_LEVELS = 30.0  # mean change of a coarse picture from frame to frame that makes it another scene
_REACH_SIDES = 1.0  # how far a face may be from where it was last seen
_DOUBT_SIDES = 0.5


@dataclass(frozen=True)
class Step:
    """What one kept frame says of the subject.

    Attributes:
        track: Number of the track; a new one begins with each change of scene or face.
        sighting: The subject's face, or None where it is not seen.
        confirmed: The track counts; before that its frames are to be held back.
    """

    track: int
    sighting: Sighting | None
    confirmed: bool


class Tracker:
    """Follows the subject from kept frame to kept frame."""

    def __init__(self, finder: FaceFinder, hold_s: float) -> None:
        """Begin without a track.

        Args:
            finder: Where sightings come from.
            hold_s: Longest absence after which a face in the same place is still the same track.
        """
        self._finder = finder
        self._hold_s = max(hold_s, MIN_HOLD_S)
        self._track = 0
        self._last: Sighting | None = None  # where the track stands, None without one
        self._begun_s = self._strong_s = self._searched_s = self._turned_s = -math.inf
        self._n_strong = self._n_steps = 0
        self._challenger: Sighting | None = None
        self._subject_side = 0.0
        self._thumbnail: Picture | None = None

    def follow(self, picture: Picture, time_s: float) -> Step:
        """Take the next kept frame, RGB (H, W, 3), at its time in seconds."""
        before, self._thumbnail = self._thumbnail, _thumbnail(picture)
        sighting = self._finder.look(picture, self._last.placement) if self._last else None
        if sighting and self._last and not sighting.near(self._last, _REACH_SIDES):
            sighting = None
        certain = sighting is not None and sighting.strong
        if not certain or time_s - self._searched_s >= SEARCH_S or self._is_bystander():
            is_cut = not certain and before is not None and _differ(before, self._thumbnail)
            sighting = self._search(picture, time_s, sighting, is_cut)
        self._n_steps += 1
        if sighting and sighting.strong and self._n_strong < CONFIRM_FRAMES:
            if not self._finder.seconded(picture, sighting):
                sighting = self._last = None
        if sighting:
            self._note(sighting, time_s)
        elif self._last and time_s - self._strong_s > self._hold_s:
            self._last = None
        return Step(self._track, sighting, self._is_confirmed(time_s))

    @property
    def counts_at_end(self) -> bool:
        """Whether a track that the recording's end leaves unconfirmed counts all the same."""
        return 0 < self._n_steps <= 2 * self._n_strong and not self._is_bystander()

    def _search(
        self, picture: Picture, time_s: float, seen: Sighting | None, is_cut: bool
    ) -> Sighting | None:
        """The subject after a look at the whole picture; `seen` is what the track itself shows."""
        turned = self._last is None and time_s - self._turned_s >= TURNED_SEARCH_S
        if turned:
            self._turned_s = time_s
        self._searched_s = time_s
        found = self._finder.search(picture, turned, seen if seen and seen.strong else None)
        if is_cut:
            self._last = None
        if self._last is not None:
            here = [one for one in found if one.near(self._last, _REACH_SIDES)]
            if not (seen and seen.strong):
                seen = max(here, key=_side, default=seen)
            challenger = self._challenging(found)
            if challenger:
                self._begin(time_s)
                return challenger
            if (seen and seen.strong) or time_s - self._strong_s <= self._hold_s:
                return seen
        if not found:
            return None
        self._begin(time_s)
        return _largest(found, picture)

    def _challenging(self, found: list[Sighting]) -> Sighting | None:
        track = self._last
        if track is None:
            return None
        others = [one for one in found if not one.near(track, _DOUBT_SIDES)]
        others = [one for one in others if _side(one) >= CHALLENGER_SIZE * _side(track)]
        before, self._challenger = self._challenger, max(others, key=_side, default=None)
        if self._challenger is None:
            return None
        again = before is not None and self._challenger.near(before, _REACH_SIDES)
        return self._challenger if again or self._is_bystander() else None

    def _begin(self, time_s: float) -> None:
        self._track += 1
        self._begun_s = time_s
        self._n_strong = self._n_steps = 0
        self._challenger = None

    def _note(self, sighting: Sighting, time_s: float) -> None:
        self._last = sighting
        if sighting.strong:
            self._n_strong += 1
            self._strong_s = time_s
            if self._is_confirmed(time_s):
                self._subject_side = sighting.placement.side

    def _is_bystander(self) -> bool:
        small = self._last is not None and self._last.placement.side < BYSTANDER_SIZE * self._subject_side
        return small and self._n_strong > 0

    def _is_confirmed(self, time_s: float) -> bool:
        if self._n_strong < CONFIRM_FRAMES:
            return False
        return not self._is_bystander() or time_s - self._begun_s >= BYSTANDER_S


def _thumbnail(picture: Picture) -> Picture:
    rows, columns = (max(length // 24, 1) for length in picture.shape[:2])
    return picture[::rows, ::columns].copy()


def _differ(one: Picture, other: Picture) -> bool:
    return one.shape != other.shape or float(cv2.absdiff(one, other).mean()) > CUT_GREY_LEVELS


def _side(sighting: Sighting) -> float:
    return sighting.placement.side


def _largest(found: list[Sighting], picture: Picture) -> Sighting:
    least = 0.9 * max(_side(one) for one in found)
    middle = complex(picture.shape[1], picture.shape[0]) / 2
    alike = [one for one in found if _side(one) >= least]
    return min(alike, key=lambda one: abs(one.placement.centre - middle))
