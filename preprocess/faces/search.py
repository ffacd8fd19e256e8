"""Finding faces and telling them from what only looks like one at first sight.

A detection on the whole picture is coarse, and at its usual threshold lamps, bottle caps and lettering pass.
A second look tells: on an upright view that a true detection's own eyes define, a face is found again, with
a high score, and with its eyes where the view expects them. What is no face scores low there, and its "eyes"
wander from look to look. And the other model, trained on far faces, must see a face there, too: it does not
share the near-face model's mistakes.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from preprocess.faces.alignment import LEFT_EYE_PLACE, RIGHT_EYE_PLACE, Placement, cut, place_by_eyes
from preprocess.faces.detector import LEFT_EYE, RIGHT_EYE, Detector, Face, Picture, load_detector
from preprocess.faces.model_file import Models

VIEW_SIZE = 192  # pixels; the near-face network itself sees 128
# Side of the view in sides of the crop: a 192 px view of a 112 px crop at its own scale. Measured: closer
# views place the eyes of bearded and half-hidden faces less steadily, wider ones those of small faces.
VIEW_WIDENING = 192 / 112
WEAK_SCORE = 0.3
STRONG_SCORE = 0.7  # on their views, faces of 40 px and more were seen at 0.76 to 0.99, others below 0.62
UPRIGHT_SCORE = 0.85  # faces upside down were seen at up to 0.80, and at 0.88 and more once turned
SETTLED = 0.1  # eyes this near their places, in sides of the crop, need no further look
SAME_SIDES = 0.5  # two sightings so near each other, in sides of the crop, are one face
SEARCH_SIDE = 640  # larger pictures are searched at a whole fraction of their size
_LOOKS = 3
# Sides of the far-face model's views in sides of the crop. Measured: faces with crops of 79 px and more are
# seen on all three; lettering that the near-face model gives 0.7 to 0.9, on two of them in at most one frame
# of six.
_SECOND_WIDENINGS = (VIEW_WIDENING, 2.4, 4.0)


@dataclass(frozen=True)
class Sighting:
    """A face in a picture.

    Attributes:
        face: In pixels of the picture.
        strong: It is a face beyond doubt; a weak one counts only between strong ones of its track.
        placement: Where its crop lies.
    """

    face: Face
    strong: bool
    placement: Placement

    def near(self, other: "Sighting", sides: float) -> bool:
        """Whether two sightings are within so many sides of each other and within twice the size."""
        large = max(self.placement.side, other.placement.side)
        small = min(self.placement.side, other.placement.side)
        apart = abs(self.placement.centre - other.placement.centre)
        return large <= 2 * small and apart <= sides * large


class FaceFinder:
    """Looks at pictures with the near-face model first and the far-face model where that finds nothing."""

    def __init__(self, models: Models) -> None:
        """Load both models, once a process."""
        self._near = load_detector(models.short_range, WEAK_SCORE)
        self._far = load_detector(models.full_range, WEAK_SCORE)

    def look(self, picture: Picture, placement: Placement) -> Sighting | None:
        """The face about a placement known from before: one detection unless it has moved much.

        Args:
            picture: RGB, (H, W, 3).
            placement: Where its crop was in the frame before.
        """
        sighting = None
        for _ in range(_LOOKS):
            face = self._view(picture, placement)
            if face is None:
                return None
            stray = max(
                abs(placement.from_picture(face.points[RIGHT_EYE]) - RIGHT_EYE_PLACE),
                abs(placement.from_picture(face.points[LEFT_EYE]) - LEFT_EYE_PLACE),
            )
            placement = place_by_eyes(face.points)
            if placement.side < 1:
                return None
            # Beyond the picture's edge there are only repeated pixels, and no eye to be placed.
            strong = face.score >= STRONG_SCORE and stray <= SETTLED and _has_eyes(picture, face)
            sighting = Sighting(face, strong, placement)
            if stray <= SETTLED:
                break
        return sighting

    def search(self, picture: Picture, turned: bool, known: Sighting | None) -> list[Sighting]:
        """Strong sightings anywhere in the picture, each face once.

        Args:
            picture: RGB, (H, W, 3).
            turned: If there is none, search the picture turned by quarters, too (a wrong rotation tag).
            known: A strong sighting in it; what is found in its place needs no second look.
        """
        tries = [(self._near, 0), (self._far, 0)]
        if turned:
            tries += [(self._near, 1), (self._near, 3), (self._near, 2)]
        sightings: list[Sighting] = []
        for detector, quarters in tries:
            sightings = []
            for face in _find_turned(detector, picture, quarters):
                if known and Sighting(face, False, place_by_eyes(face.points)).near(known, SAME_SIDES):
                    continue
                sighting = self._verified(picture, face)
                if sighting and not any(sighting.near(other, SAME_SIDES) for other in sightings):
                    sightings.append(sighting)
            if sightings or known:
                break
        return [*sightings, known] if known else sightings

    def _verified(self, picture: Picture, face: Face) -> Sighting | None:
        placement = place_by_eyes(face.points)
        seen = self.look(picture, placement) if placement.side >= 1 else None
        if seen is None or (seen.strong and seen.face.score >= UPRIGHT_SCORE):
            return seen
        if not seen.strong and face.score < STRONG_SCORE:
            return None
        # Upside down, a face is found, too, with its mouth for a forehead: the better view tells.
        turned = self.look(picture, placement.half_turned())
        strong = [one for one in (seen, turned) if one and one.strong]
        if strong:
            return max(strong, key=lambda one: one.face.score)
        # A face of few pixels does not gain by being enlarged: there the whole picture's word counts.
        first = Sighting(face, True, placement)
        return first if first.near(seen, SAME_SIDES) and _has_eyes(picture, face) else None

    def seconded(self, picture: Picture, sighting: Sighting) -> bool:
        """Whether the far-face model sees a face in a sighting's place, too, on two of three views.

        Args:
            picture: RGB, (H, W, 3), in which it was sighted.
            sighting: What the near-face model saw.
        """
        return sum(self._far_sees(picture, sighting, by) for by in _SECOND_WIDENINGS) >= 2

    def _far_sees(self, picture: Picture, sighting: Sighting, widening: float) -> bool:
        view = sighting.placement.widened(widening)
        for face in self._far.find(cut(picture, view, VIEW_SIZE)):
            eyes = (face.points[RIGHT_EYE] + face.points[LEFT_EYE]) / 2 / VIEW_SIZE
            wanted = sighting.placement.to_picture((RIGHT_EYE_PLACE + LEFT_EYE_PLACE) / 2)
            if abs(view.to_picture(eyes) - wanted) <= SAME_SIDES * sighting.placement.side:
                return True
        return False

    def _view(self, picture: Picture, placement: Placement) -> Face | None:
        view = placement.widened(VIEW_WIDENING)
        faces = self._near.find(cut(picture, view, VIEW_SIZE))
        if not faces:
            return None
        scale = view.across / VIEW_SIZE
        wanted = view.from_picture(placement.to_picture((RIGHT_EYE_PLACE + LEFT_EYE_PLACE) / 2)) * VIEW_SIZE
        face = min(faces, key=lambda one: abs((one.points[RIGHT_EYE] + one.points[LEFT_EYE]) / 2 - wanted))
        x, y, width, height = face.box
        centre = view.origin + scale * complex(x + width / 2, y + height / 2)
        width, height = width * abs(scale), height * abs(scale)
        box = (centre.real - width / 2, centre.imag - height / 2, width, height)
        return Face(face.score, box, tuple(view.origin + scale * point for point in face.points))


def _has_eyes(picture: Picture, face: Face) -> bool:
    height, width = picture.shape[:2]
    eyes = (face.points[RIGHT_EYE], face.points[LEFT_EYE])
    return all(0 <= eye.real <= width and 0 <= eye.imag <= height for eye in eyes)


def _find_turned(detector: Detector, picture: Picture, quarters: int) -> list[Face]:
    """Detections on the picture turned anticlockwise by `quarters`, in pixels of the picture as it is."""
    height, width = picture.shape[:2]
    factor = max(max(height, width) // SEARCH_SIDE, 1)
    small = picture
    if factor > 1:
        reduced = cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
        small = np.asarray(reduced, np.uint8)
    stretch = (width / small.shape[1], height / small.shape[0])
    faces = []
    for face in detector.find(np.rot90(small, quarters)):
        x, y, wide, tall = face.box
        one, other = (
            _turned_back(corner, small, quarters, stretch)
            for corner in (complex(x, y), complex(x + wide, y + tall))
        )
        low = complex(min(one.real, other.real), min(one.imag, other.imag))
        box = (low.real, low.imag, abs(one.real - other.real), abs(one.imag - other.imag))
        points = tuple(_turned_back(point, small, quarters, stretch) for point in face.points)
        faces.append(Face(face.score, box, points))
    return faces


def _turned_back(point: complex, picture: Picture, quarters: int, stretch: tuple[float, float]) -> complex:
    height, width = picture.shape[:2]
    x, y = point.real, point.imag
    x, y = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[quarters]
    return complex(x * stretch[0], y * stretch[1])
